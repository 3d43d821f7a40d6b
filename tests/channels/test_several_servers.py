"""Two servers with one database and a Redis between them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from providers.telegram import Telegram
from redis import Redis as Client
from redis_server import Redis
from scenario_servers import Server, wait_until
from test_killed import address, handled, in_order
from window import Window

from assistant.channels import moves

Echo = Callable[..., Server]


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    running = Redis()
    yield running
    running.stop()


def moved_on(window: Window, sessions: int) -> None:
    """Waits until the window has been told of so many sessions."""
    window.until(lambda: len(window.sessions) == sessions, "another session")


def test_two_windows_at_two_servers(echo: Echo, redis: Redis, tmp_path: Path) -> None:
    """They show one conversation, its typing and its order, and the one that follows it."""
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
    for count, ending in enumerate(("restart", "delete"), 2):
        assert here.call(ending, {})["ok"]
        for window in (here, there):
            moved_on(window, count)
            assert (("deleted", {}) in window.events) == (ending == "delete")
        labels = {window.sessions[-1]["conversation"] for window in (here, there)}
        assert len(labels) == 1
        # What is said in one is seen in the other without being asked for.
        (answer,) = here.ask(f"afresh {count}")
        assert there.answers(answer["in_reply_to"]) == [answer]
        (answer,) = there.ask(f"from there {count}")
        assert here.answers(answer["in_reply_to"]) == [answer]
        assert answer["seq"] == 4
    for window in (here, there):
        window.close()


def listen(redis: Redis, count: int) -> bool:
    """Whether so many servers hear of moves."""
    with Client.from_url(redis.url) as client:
        return dict(client.pubsub_numsub(moves.CHANNEL)) == {moves.CHANNEL.encode(): count}


def test_what_follows_is_shown_also_after_redis_was_away(echo: Echo, redis: Redis) -> None:
    one, two = (echo(CLINIC_REDIS_URL=redis.url) for _ in range(2))
    here = Window(address(one)).open()
    here.ask("hello")
    there = Window(address(two)).open({"token": here.token, "last_seq": here.last_seq})
    redis.kill()
    redis.start()
    wait_until(lambda: listen(redis, 2), "both servers listen again")
    assert here.call("restart", {})["ok"]
    moved_on(there, 2)
    (answer,) = here.ask("afresh")
    assert there.answers(answer["in_reply_to"]) == [answer]
    for window in (here, there):
        window.close()


def about_to_go_on(servers: list[Server], telegram: Telegram) -> tuple[Window, dict[str, Any]]:
    """A window at the second server with a link into Telegram, which writes to the first."""
    one, two = servers
    telegram.server = address(one)
    window = Window(address(two)).open()
    window.ask("hello")
    return window, window.call("link", {"app": "telegram"})


def test_what_is_deleted_in_an_app_is_so_in_the_windows_of_every_server(
    echo: Echo, redis: Redis
) -> None:
    telegram = Telegram()
    settings = {**telegram.settings(), "CLINIC_REDIS_URL": redis.url}
    servers = [echo(**settings) for _ in range(2)]
    window, link = about_to_go_on(servers, telegram)
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    telegram.until("700", 1)
    assert telegram.deliver(telegram.text("700", "erase")) == 200
    window.until(lambda: ("deleted", {}) in window.events, "deleted")
    moved_on(window, 2)
    window.close()
    telegram.close()
    assert not telegram.broken


def test_a_server_that_dies_leaves_the_updates_of_apps(
    echo: Echo, redis: Redis, tmp_path: Path
) -> None:
    """Those that it has acknowledged and could not take yet."""
    telegram = Telegram()
    settings = {**telegram.settings(), "CLINIC_REDIS_URL": redis.url}
    servers = [echo(**settings) for _ in range(2)]
    window, link = about_to_go_on(servers, telegram)
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    wait_until((tmp_path / "holding").exists, "it is being answered")
    # The link has to wait for that answer.
    assert telegram.deliver(telegram.follow("700", link["url"])) == 200
    servers[0].stop(signal.SIGKILL)
    (tmp_path / "go").touch()
    shown = telegram.until("700", 3)
    assert shown[1].text.startswith("you said hold on")
    assert "from the website" in shown[2].text
    window.close()
    telegram.close()
    assert not telegram.broken
    assert servers[1].runs()


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
