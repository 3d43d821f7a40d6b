"""A server that dies: nothing acknowledged is lost, nothing is shown or handled twice."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgres import Cluster
from scenario_chat import read
from scenario_servers import Server
from socketio.exceptions import SocketIOError
from window import READY, Window, new_id

from assistant.channels import mailbox
from assistant.channels.bubbles import Bubble
from assistant.tracker_store import ClinicTrackerStore

Echo = Callable[..., Server]


def address(server: Server) -> str:
    return server.url.removesuffix(READY)


def restart(server: Server) -> None:
    """Kills a server and starts it again at the same address."""
    if server.runs():
        server.stop(signal.SIGKILL)
    server.start()
    server.wait()


def handled(folder: Path) -> Counter[str]:
    """How often each message stands in the tracker."""
    rows = read(folder / "conversations.sqlite3", "SELECT data FROM events WHERE type_name='user'")
    return Counter(json.loads(row["data"])["text"] for row in rows)


def in_order(window: Window) -> None:
    """What the window shows: every number once, in order."""
    numbers = [message["seq"] for message in window.seen]
    assert numbers == sorted(set(numbers)), numbers


def test_a_message_whose_acceptance_seems_to_have_failed_is_answered(
    echo: Echo, tmp_path: Path
) -> None:
    """The database has it, and its answer to the server was lost."""
    window = Window(address(echo())).open()
    (tmp_path / "lost").touch()
    message = {"id": new_id(), "text": "hello"}
    assert window.call("message", message)["error"]["code"] == "server_busy"
    # What a window does: it sends again what was not taken.
    assert window.call("message", message)["repeated"] is True
    (answer,) = window.answers(message["id"])
    assert answer["text"] == "you said hello"
    assert not (tmp_path / "lost").exists()
    assert handled(tmp_path) == {"hello": 1}


@pytest.mark.parametrize("words", ["die before", "die after"])
def test_a_server_that_dies_over_a_message(echo: Echo, tmp_path: Path, words: str) -> None:
    """Whether the turn was in the tracker already or not, it is answered once."""
    server = echo()
    window = Window(address(server)).open()
    sent = window.send(f"please {words}")
    window.until(lambda: not window.client.connected, "the end of the connection")
    server.process.wait(20)
    restart(server)
    window.reopen()
    (answer,) = window.answers(sent)
    assert answer["text"] == f"you said please {words}"
    # A later turn is not mixed up with it.
    assert window.ask("and then")[0]["text"] == "you said and then"
    assert handled(tmp_path) == {f"please {words}": 1, "and then": 1}
    in_order(window)


def test_what_was_accepted_is_answered_after_the_start(echo: Echo, tmp_path: Path) -> None:
    """Also when the patient has left, and for messages that were not begun."""
    server = echo()
    window = Window(address(server)).open()
    first, second = window.send("hold on"), window.send("second")
    window.until(lambda: ("typing", {"on": True}) in window.events, "typing")
    server.stop(signal.SIGKILL)
    window.close()
    (tmp_path / "go").touch()
    restart(server)
    window.open({"token": window.token, "last_seq": 2})
    assert [window.answers(each)[0]["text"] for each in (first, second)] == [
        "you said hold on",
        "you said second",
    ]
    assert handled(tmp_path) == {"hold on": 1, "second": 1}


def test_on_postgresql(echo: Echo) -> None:
    """The same with the other database."""
    cluster = Cluster()
    try:
        cluster.run("CREATE DATABASE chat")
        server = echo(CLINIC_DATABASE_URL=cluster.url("chat"))
        window = Window(address(server)).open()
        sent = window.send("please die after")
        window.until(lambda: not window.client.connected, "the end of the connection")
        server.process.wait(20)
        restart(server)
        window.reopen()
        assert [answer["seq"] for answer in window.answers(sent)] == [2]
        assert window.ask("and then")[0]["seq"] == 4
        assert window.call("delete", {})["ok"]
        window.until(lambda: ("deleted", {}) in window.events, "deleted")
        window.close()
        server.stop()
    finally:
        cluster.stop()


def test_what_another_server_began_to_write_before_is_shown(echo: Echo) -> None:
    """Its row has a lower number than what is there when it is committed."""
    cluster = Cluster()
    try:
        cluster.run("CREATE DATABASE chat")
        url = cluster.url("chat")
        one, two = (echo(CLINIC_DATABASE_URL=url) for _ in range(2))
        slow = Window(address(two)).open()
        (before,) = slow.ask("hello")
        quick = Window(address(one)).open()
        quick.ask("hello")
        mirror = Window(address(two)).open({"token": quick.token, "last_seq": 0})
        mirror.until(lambda: mirror.last_seq == 2, "what was said there")
        store = ClinicTrackerStore(dialect="postgresql", host=url)
        body = {"id": new_id(), "at": "", "from": "assistant", "text": "from another server"}
        with store.engine.begin() as connection:
            found = mailbox.find_anywhere(connection, before["id"])
            assert found is not None
            mailbox.post(connection, found.conversation, [Bubble("", body)], datetime.now(UTC))
            # Somebody writes in the meantime, and the server takes notice of that.
            quick.ask("hello again")
            mirror.until(lambda: mirror.last_seq == 4, "what was said there")
        slow.until(lambda: slow.seen[-1]["text"] == body["text"], "the message")
        store.engine.dispose()
        for window in (slow, quick, mirror):
            window.close()
        one.stop()
        two.stop()
    finally:
        cluster.stop()


def test_killed_again_and_again(echo: Echo, tmp_path: Path) -> None:
    """At other moments each time: before the acknowledgement, after it, after the answer."""
    server = echo()
    window = Window(address(server)).open()
    acknowledged: list[str] = []
    for kill in range(5):
        batch = {new_id(): f"message {kill} {number}" for number in range(4)}
        for number, (message_id, text) in enumerate(batch.items()):
            message = {"id": message_id, "text": text}
            if number < kill % 4:
                assert window.call("message", message)["ok"]
            else:
                window.client.emit("message", message)
        if kill == 4:
            window.answers(next(iter(batch)))
        restart(server)
        with suppress(SocketIOError):
            window.close()
        window.open({"token": window.token, "last_seq": window.last_seq})
        # What a window does: it sends again what was not acknowledged.
        for message_id, text in batch.items():
            assert window.call("message", {"id": message_id, "text": text})["ok"]
        acknowledged += batch
    for message_id in acknowledged:
        assert len(window.answers(message_id)) == 1
    in_order(window)
    assert set(handled(tmp_path).values()) == {1}
    assert len(handled(tmp_path)) == len(acknowledged)


def test_a_message_over_which_the_server_always_dies(echo: Echo, tmp_path: Path) -> None:
    """It is given up with words, and the next one is answered."""
    server = echo()
    window = Window(address(server)).open()
    sent = window.send("please die before")
    for _ in range(6):
        server.process.wait(60)
        for file in tmp_path.glob("died-*"):
            file.unlink()
        server.start()
    server.wait()
    window.reopen()
    (answer,) = window.answers(sent)
    assert answer["kind"] == "error"
    assert window.ask("hello")[0]["text"] == "you said hello"


def test_a_conversation_is_gone_on_with_until_it_is_deleted(echo: Echo) -> None:
    server = echo(CLINIC_NOW="2026-11-23T09:30:00-05:00")
    window = Window(address(server)).open()
    window.ask("hello")
    server.stop()
    server.environment["CLINIC_NOW"] = "2027-02-20T09:30:00-05:00"  # 89 days later
    server.start()
    server.wait()
    window.reopen()
    assert window.sessions[-1]["resumed"]


def test_an_answer_that_fails_is_an_answer(echo: Echo) -> None:
    window = Window(address(echo())).open()
    (answer,) = window.ask("please fail")
    assert answer["kind"] == "error"


def test_an_orderly_end_loses_nothing(echo: Echo, tmp_path: Path) -> None:
    server = echo()
    window = Window(address(server)).open()
    sent = window.send("hello")
    server.stop()
    server.start()
    server.wait()
    with suppress(SocketIOError):
        window.close()
    window.open({"token": window.token, "last_seq": 1})
    assert window.answers(sent)[0]["text"] == "you said hello"
    assert handled(tmp_path) == {"hello": 1}


def test_a_server_that_is_stopped_leaves_nothing_unfinished(echo: Echo) -> None:
    server = echo()
    windows = [
        Window(server.url.removesuffix(READY), f"198.51.100.{place}").open(transport=transport)
        for place, transport in enumerate(("websocket", "polling"))
    ]
    assert windows[0].ask("hello")
    server.stop(signal.SIGTERM)
    for window in windows:
        window.close()
    assert "pending" not in server.tail()
    assert "ERROR" not in server.tail()
