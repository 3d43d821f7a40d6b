"""The real server killed in mid-conversation, again and again: ``script/bench --kill``.

As part of the tests it is killed a few times; CHANNEL_KILLS says how often.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from scenario_chat import read
from scenario_logs import said_in_logs
from scenario_servers import Servers, current_model, servers_in
from socketio.exceptions import SocketIOError
from window import READY, SETTINGS, Window, new_id

KILLS = int(os.environ.get("CHANNEL_KILLS", "5"))
# Of one conversation; the next kill goes on with another one.
KILLS_IN_ONE = 5
TEXTS = (
    "hello",
    "does massage help sciatica?",
    "can I book 60 minutes with Natalie, I am Priya, 416-555-0173",
    "thursday after 4",
    "the second one",
    "what does it cost",
    "yes",
)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Servers]:
    found = servers_in(tmp_path, current_model())
    found.rasa.environment.update(SETTINGS)
    found.rasa.url = found.rasa_url + READY
    found.start()
    yield found
    found.stop()
    assert not said_in_logs(found)


def test_killed_in_mid_conversation(pair: Servers) -> None:
    """Every message is answered once and shown once, whenever the server dies."""
    sent: dict[str, str] = {}
    for kill in range(KILLS):
        if kill % KILLS_IN_ONE == 0:
            window = Window(pair.rasa_url, f"198.51.100.{kill % 250}").open()
            sent = {}
        unsure = {}
        for number, text in enumerate(TEXTS[kill % 3 : kill % 3 + 3]):
            message_id = new_id()
            unsure[message_id] = text
            if number < kill % 4:
                assert window.call("message", {"id": message_id, "text": text})["ok"]
            else:
                window.client.emit("message", {"id": message_id, "text": text})
        if kill % 4 == 3:
            window.answers(next(iter(unsure)))
        pair.rasa.stop(signal.SIGKILL)
        with suppress(SocketIOError):
            window.close()
        pair.rasa.start()
        pair.rasa.wait()
        window.open({"token": window.token, "last_seq": window.last_seq})
        for message_id, text in unsure.items():
            assert window.call("message", {"id": message_id, "text": text})["ok"]
        sent |= unsure
        for message_id in sent:
            assert window.answers(message_id)
        check(pair, window, sent)


def check(pair: Servers, window: Window, sent: dict[str, str]) -> None:
    everything = window.call("history", {"limit": 50})["messages"]
    numbers = [message["seq"] for message in everything]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    shown = [message["seq"] for message in window.seen]
    assert shown == sorted(set(shown)), "shown twice or out of order"
    said = [message["seq"] for message in everything if message["from"] != "patient"]
    theirs = [message["seq"] for message in window.seen if message["from"] != "patient"]
    assert [seq for seq in theirs if seq >= numbers[0]] == said, "an answer was not shown"
    query = "SELECT conversation FROM website_messages WHERE id = ?"
    (row,) = read(pair.tracker_database, query, next(iter(sent)))
    events = read(
        pair.tracker_database,
        "SELECT data FROM events WHERE sender_id = ? AND type_name = 'user'",
        row["conversation"],
    )
    handled = Counter(json.loads(event["data"])["message_id"] for event in events)
    assert set(handled.values()) == {1}, "handled twice"
    assert len(handled) == len(sent), "not handled"
