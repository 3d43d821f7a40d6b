"""A server killed again and again between webhook and answer: ``script/bench --kill``.

As part of the tests it is killed a few times; CHANNEL_KILLS says how often.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from apps import PROVIDERS
from providers.provider import Provider
from scenario_chat import read
from scenario_servers import Server
from test_apps import handled, settled, started

KILLS = int(os.environ.get("CHANNEL_KILLS", "5"))
POINTS = ("in the webhook", "after the 200", "in the call", "after the call", "after the note")
STORE = "conversations.sqlite3"


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    made = PROVIDERS[request.param]()
    yield made
    made.close()
    assert not made.broken, made.broken


def kill_at(
    point: str,
    provider: Provider,
    server: Server,
    words: str,
    folder: Path,
    doubts: dict[str, int],
) -> None:
    """A patient writes, and the server dies at a point on the way to the answer.

    What nobody can know whether it was taken comes into ``doubts``, see :func:`unnoted`.
    """
    request, dead = provider.text("700", words), threading.Event()

    def die() -> None:
        provider.before_answer = None
        server.stop(signal.SIGKILL)
        dead.set()

    def start() -> None:
        # What the dead server had sent has been read by now.
        provider.wait(lambda: not provider.connected, "the end of its connections")
        doubts.update(unnoted(provider, folder))
        server.start()

    if point == "in the call":
        provider.before_answer = die
    if point == "in the webhook":
        call = threading.Thread(target=lambda: provider.insist(request))
        call.start()
        die()
        start()
        call.join()
        server.wait()
        return
    before = len(provider.seen("700"))
    with suppress(httpx.TransportError):
        provider.deliver(request)
    if point == "in the call":
        assert dead.wait(60)
    else:
        if point != "after the 200":
            provider.until("700", before + 1)
        if point == "after the note":
            settled(folder)
        die()
    start()
    server.wait()
    provider.insist(request)


def unnoted(provider: Provider, folder: Path) -> dict[str, int]:
    """What a patient has read and no note says so: how often they have read it.

    Of these calls nobody can know whether they were taken, and they are made once more.
    """
    query = (
        "SELECT m.body FROM website_messages m JOIN app_senders s USING (conversation)"
        " WHERE m.seq > s.sent AND m.sender != 'patient'"
    )
    waits = [json.loads(row["body"])["text"] for row in read(folder / STORE, query)]
    said = Counter(each.text.splitlines()[0] for each in provider.seen("700"))
    return {text: said[text] for text in waits if said[text]}


def test_killed_between_webhook_and_answer(
    provider: Provider, echo: Callable[..., Server], tmp_path: Path
) -> None:
    """Every message is handled once; each call is made once, and once more for each doubt of it."""
    server = started(provider, echo, CLINIC_CHAT_MESSAGES_PER_MINUTE="1000")
    provider.say("700", "hello", count=2)
    settled(tmp_path)
    doubts: dict[str, int] = {}
    wanted = {}
    for kill in range(KILLS):
        point = POINTS[kill % len(POINTS)]
        words = f"message {kill}"
        wanted[f"you said {words}"] = point
        kill_at(point, provider, server, words, tmp_path, doubts)
    provider.wait(
        lambda: wanted.keys() <= {each.text.splitlines()[0] for each in provider.seen("700")},
        "all answers",
    )
    settled(tmp_path)
    said = Counter(each.text.splitlines()[0] for each in provider.seen("700"))
    assert {text: said[text] for text in wanted} == {
        text: doubts.get(text, 0) + 1 for text in wanted
    }
    assert handled(tmp_path) == {"hello": 1, **{f"message {n}": 1 for n in range(KILLS)}}
    twice = sum(said[text] > 1 for text in wanted)
    print(f"figure: {provider.name}: killed {KILLS} times, each handled once, {twice} read twice")
