"""Guessing at references is slowed down, also when each guess is made in another chat."""

from __future__ import annotations

import re

from scenario_chat import read
from scenario_servers import Servers
from window import Window


def test_wrong_pairs_from_one_network_address(servers: Servers) -> None:
    """The sixth chat is asked to wait, whatever it tries; the address itself is kept nowhere."""
    answers = []
    for number in range(1, 7):
        window = Window(servers.rasa_url).open()
        window.ask("please cancel my appointment")
        window.ask(f"QWX37{'234679'[number - 1]}")
        (answer,) = window.ask(f"604-555-013{number}")
        answers.append(answer["text"])
        assert not any("address" in message for message in window.seen)
        window.close()
    assert all("could not find an appointment" in text for text in answers[:5])
    assert "wait a little" in answers[5]
    rows = read(servers.tracker_database, "SELECT data FROM events WHERE type_name = 'user'")
    said = [row["data"] for row in rows]
    assert any(re.search(r'"address": "[0-9a-f]{64}"', data) for data in said)
    assert not any("127.0.0.1" in data for data in said)
