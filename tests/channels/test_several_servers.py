"""Two servers with one database and a Redis between them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from providers.telegram import Telegram
from redis_server import Redis
from scenario_servers import Server, wait_until
from test_killed import address, handled, in_order
from window import Window

Echo = Callable[..., Server]


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    running = Redis()
    yield running
    running.stop()


def test_two_windows_at_two_servers(echo: Echo, redis: Redis, tmp_path: Path) -> None:
    """They show one conversation, its typing and its order; deleting reaches both."""
    one, two = (echo(CLINIC_REDIS_URL=redis.url) for _ in range(2))
    here = Window(address(one)).open()
    asked = here.send("hello")
    here.answers(asked)
    there = Window(address(two)).open({"token": here.token, "last_seq": 0})
    sent = [window.send(f"message {number}") for number in range(4) for window in (here, there)]
    for message_id in sent:
        assert here.answers(message_id)[0]["text"] == there.answers(message_id)[0]["text"]
    assert ("typing", {"on": True}) in there.events
    assert ("typing", {"on": True}) in here.events
    in_order(here)
    in_order(there)
    assert set(handled(tmp_path).values()) == {1, 2}
    assert here.call("delete", {})["ok"]
    there.until(lambda: ("deleted", {}) in there.events, "deleted")
    there.until(lambda: len(there.sessions) == 2, "another session")
    here.until(lambda: len(here.sessions) == 2, "another session")
    assert there.token == here.token
    # The other server still knows it as the old conversation: it is told so and comes back.
    ack = there.call("message", {"id": sent[0], "text": "hello"})
    assert ack["error"]["code"] == "not_found"
    there.reopen(0)
    assert there.ask("hello again")[0]["seq"] == 2
    for window in (here, there):
        window.close()


def test_a_server_that_dies_leaves_the_updates_of_apps(
    echo: Echo, redis: Redis, tmp_path: Path
) -> None:
    """Those that it has acknowledged and could not take yet."""
    telegram = Telegram()
    settings = {**telegram.settings(), "CLINIC_REDIS_URL": redis.url}
    one, two = (echo(**settings) for _ in range(2))
    telegram.server = address(one)
    window = Window(address(two)).open()
    window.ask("hello")
    link = window.call("link", {"app": "telegram"})
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    wait_until((tmp_path / "holding").exists, "it is being answered")
    # The link has to wait for that answer.
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    one.stop(signal.SIGKILL)
    (tmp_path / "go").touch()
    shown = telegram.until("700", 3)
    assert shown[1].text.startswith("you said hold on")
    assert "from the website" in shown[2].text
    window.close()
    telegram.close()
    assert not telegram.broken
    assert two.runs()


def test_a_server_that_dies_leaves_its_messages_to_the_other(
    echo: Echo, redis: Redis, tmp_path: Path
) -> None:
    one, two = (echo(CLINIC_REDIS_URL=redis.url) for _ in range(2))
    here = Window(address(one)).open()
    sent = here.send("hold on")
    here.until(lambda: ("typing", {"on": True}) in here.events, "typing")
    one.stop(signal.SIGKILL)
    (tmp_path / "go").touch()
    there = Window(address(two)).open({"token": here.token, "last_seq": 0})
    (answer,) = there.answers(sent)
    assert answer["text"] == "you said hold on"
    assert handled(tmp_path) == {"hold on": 1}
    there.close()
