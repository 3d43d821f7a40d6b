"""A server killed again and again between webhook and answer: ``script/bench --kill``.

As part of the tests it is killed a few times; CHANNEL_KILLS says how often.
"""

from __future__ import annotations

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
from scenario_servers import Server
from test_apps import handled, settled, started

KILLS = int(os.environ.get("CHANNEL_KILLS", "5"))
# Kills during a call, whose fate nobody can know.
DOUBTFUL = ("in the call", "after the call")
POINTS = ("in the webhook", "after the 200", *DOUBTFUL, "after the note")


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    made = PROVIDERS[request.param]()
    yield made
    made.close()
    assert not made.broken, made.broken


def kill_at(point: str, provider: Provider, server: Server, words: str, folder: Path) -> None:
    """A patient writes, and the server dies at a point on the way to the answer."""
    request, dead = provider.text("700", words), threading.Event()

    def die() -> None:
        provider.before_answer = None
        server.stop(signal.SIGKILL)
        dead.set()

    if point == "in the call":
        provider.before_answer = die
    if point == "in the webhook":
        call = threading.Thread(target=lambda: provider.insist(request))
        call.start()
        die()
        server.start()
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
    server.start()
    server.wait()
    provider.insist(request)


def test_killed_between_webhook_and_answer(
    provider: Provider, echo: Callable[..., Server], tmp_path: Path
) -> None:
    """Every message is handled once and answered once, but for the call under way."""
    server = started(provider, echo, CLINIC_CHAT_MESSAGES_PER_MINUTE="1000")
    provider.say("700", "hello", count=2)
    settled(tmp_path)
    doubtful = 0
    wanted = {}
    for kill in range(KILLS):
        point = POINTS[kill % len(POINTS)]
        doubtful += point in DOUBTFUL
        words = f"message {kill}"
        wanted[f"you said {words}"] = point
        kill_at(point, provider, server, words, tmp_path)
    provider.wait(
        lambda: wanted.keys() <= {each.text.splitlines()[0] for each in provider.seen("700")},
        "all answers",
    )
    settled(tmp_path)
    said = Counter(each.text.splitlines()[0] for each in provider.seen("700"))
    twice = [point for text, point in wanted.items() if said[text] > 1]
    # Killed after the 200 it may have been in a call as well.
    assert set(twice) <= {*DOUBTFUL, "after the 200", "in the webhook"}, twice
    # Each death repeats the one call under way, which may be a repeated one already.
    assert sum(said[text] - 1 for text in wanted) <= KILLS
    assert handled(tmp_path) == {"hello": 1, **{f"message {n}": 1 for n in range(KILLS)}}
    print(f"figure: killed {KILLS} times, {doubtful} of them in a call: {len(twice)} read twice")
