"""Whoever has a whole network of addresses is one visitor to every limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scenario_servers import Servers
from window import Window, new_id


@pytest.fixture
def windows(servers: Servers) -> Iterator[Callable[[str], Window]]:
    """Makes connected chat windows at an address."""
    opened: list[Window] = []

    def make(address: str) -> Window:
        opened.append(Window(servers.rasa_url, address).open())
        return opened[-1]

    yield make
    for window in opened:
        window.close()
        servers.typed.extend(window.typed)


def test_another_address_of_the_network_is_no_new_try_at_a_reference(
    windows: Callable[[str], Window],
) -> None:
    answers = []
    for number in range(1, 8):
        # The last is a neighbour, who has not tried anything yet.
        window = windows(f"2001:db8:1:{2 if number < 7 else 3}::{number}")
        window.ask("please cancel my appointment")
        window.ask(f"QWX37{'234679C'[number - 1]}")
        (answer,) = window.ask(f"604-555-013{number}")
        answers.append("wait a little" in answer["text"])
    assert answers == [False] * 5 + [True, False]


def test_another_address_of_the_network_is_no_way_around_the_limit_of_messages(
    windows: Callable[[str], Window],
) -> None:
    acks = []
    for number in range(5):
        window = windows(f"2001:db8:1:4::{number}")
        acks += [window.call("message", {"id": new_id(), "text": "hello"}) for _ in range(20)]
    refused = [ack["error"]["code"] for ack in acks if not ack["ok"]]
    assert set(refused) == {"too_fast"}
