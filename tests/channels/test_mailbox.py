"""The mailbox: nothing lost, nothing twice, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres import Cluster

from assistant.channels import mailbox
from assistant.channels.bubbles import Bubble
from assistant.channels.mailbox import Mailbox
from assistant.tracker_store import ClinicTrackerStore

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CHAT = "chat-1"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster()
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    if request.param == "sqlite":
        store = ClinicTrackerStore(dialect="sqlite", db=str(tmp_path / "conversations.sqlite3"))
    else:
        cluster = request.getfixturevalue("cluster")
        name = f"mailbox_{abs(hash(request.node.nodeid))}"
        cluster.run(f"CREATE DATABASE {name}")
        store = ClinicTrackerStore(dialect="postgresql", host=cluster.url(name))
    Mailbox(store.engine).create_tables()
    yield store.engine
    store.engine.dispose()


def do(engine: Any, operation: Any, *arguments: Any) -> Any:
    with engine.begin() as connection:
        return operation(connection, *arguments)


def said(engine: Any, message_id: str, text: str = "hello", chat: str = CHAT) -> mailbox.Accepted:
    body = {"id": message_id, "at": "", "from": "patient", "text": text}
    return do(engine, mailbox.accept, chat, body, None, NOW, "en")


def bubble(text: str, *buttons: str) -> Bubble:
    body = {
        "id": f"id of {text}",
        "from": "assistant",
        "text": text,
        "buttons": [{"title": f"Title of {payload}", "payload": payload} for payload in buttons],
    }
    return Bubble("utter_greet", body)


def texts(messages: list[mailbox.Stored]) -> list[tuple[int, str]]:
    return [(message.seq, message.body["text"]) for message in messages]


def test_both_sides_are_numbered_in_one_row(engine: Any) -> None:
    asked = said(engine, "m1")
    assert not asked.repeated
    assert asked.message.body["seq"] == 1
    do(engine, mailbox.finish, asked.message, [bubble("hi"), bubble("how are you")], NOW)
    said(engine, "m2", "fine")
    everything = do(engine, mailbox.after, CHAT, 0)
    assert texts(everything) == [(1, "hello"), (2, "hi"), (3, "how are you"), (4, "fine")]
    assert texts(do(engine, mailbox.after, CHAT, 2)) == [(3, "how are you"), (4, "fine")]
    assert texts(do(engine, mailbox.before, CHAT, 4, 2)) == [(2, "hi"), (3, "how are you")]
    assert texts(do(engine, mailbox.before, CHAT, None, 1)) == [(4, "fine")]


def test_a_repeat_is_stored_once_and_told_its_number(engine: Any) -> None:
    said(engine, "m1")
    again = said(engine, "m1", "other words")
    assert again.repeated
    assert again.message.seq == 1
    assert texts(do(engine, mailbox.after, CHAT, 0)) == [(1, "hello")]
    assert not said(engine, "m1", chat="chat-2").repeated


def test_what_is_not_answered_waits(engine: Any) -> None:
    first = said(engine, "m1").message
    said(engine, "m2")
    said(engine, "m1", chat="chat-2")
    assert do(engine, mailbox.waiting) == [CHAT, "chat-2"]
    assert [message.id for message in do(engine, mailbox.pending, CHAT)] == ["m1", "m2"]
    do(engine, mailbox.finish, first, [bubble("hi")], NOW)
    assert [message.id for message in do(engine, mailbox.pending, CHAT)] == ["m2"]


def test_a_message_is_answered_once(engine: Any) -> None:
    asked = said(engine, "m1").message
    assert len(do(engine, mailbox.finish, asked, [bubble("hi")], NOW)) == 1
    assert do(engine, mailbox.finish, asked, [bubble("hi again")], NOW) == []
    assert texts(do(engine, mailbox.after, CHAT, 0)) == [(1, "hello"), (2, "hi")]


def test_a_thumb_is_remembered_until_it_is_taken_back(engine: Any) -> None:
    asked = said(engine, "m1").message
    (answer,) = do(engine, mailbox.finish, asked, [bubble("hi")], NOW)
    for value, kept in (("up", "up"), ("down", "down"), ("none", None)):
        do(engine, mailbox.rate, answer, value)
        (shown,) = do(engine, mailbox.after, CHAT, asked.seq)
        assert shown.body.get("rated") == kept
        assert shown.body["text"] == "hi"


def test_only_buttons_that_were_shown(engine: Any) -> None:
    asked = said(engine, "m1").message
    do(engine, mailbox.finish, asked, [bubble("hi", "/book_appointment")], NOW)
    press = {"id": "m2", "at": "", "from": "patient", "text": "a title of one's own"}
    pressed = do(engine, mailbox.accept, CHAT, press, "/book_appointment", NOW, "en").message
    assert pressed.input == "/book_appointment"
    assert pressed.body["text"] == "Title of /book_appointment"
    with pytest.raises(mailbox.UnknownButton):
        do(engine, mailbox.accept, CHAT, press | {"id": "m3"}, "/restart", NOW, "en")
    with pytest.raises(mailbox.UnknownButton):
        do(engine, mailbox.accept, "chat-2", press | {"id": "m3"}, "/book_appointment", NOW, "en")
    assert do(engine, mailbox.after, "chat-2", 0) == []


def test_what_is_deleted_does_not_come_back(engine: Any) -> None:
    asked = said(engine, "m1").message
    do(engine, mailbox.forget, CHAT, NOW)
    assert do(engine, mailbox.after, CHAT, 0) == []
    for attempt in (
        lambda: said(engine, "m2"),
        lambda: do(engine, mailbox.finish, asked, [bubble("hi")], NOW),
        lambda: do(engine, mailbox.standing, CHAT),
        lambda: do(engine, mailbox.post, CHAT, [bubble("hi")], NOW),
    ):
        with pytest.raises(mailbox.Gone):
            attempt()
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count(mailbox.messages.c.id))).scalar() == 0


def test_nothing_is_left_of_what_was_not_said_on_the_website(engine: Any) -> None:
    do(engine, mailbox.forget, "from elsewhere", NOW)
    with engine.connect() as connection:
        assert connection.execute(sa.select(mailbox.conversations)).all() == []


def test_a_closed_conversation_takes_answers_and_no_messages(engine: Any) -> None:
    asked = said(engine, "m1").message
    do(engine, mailbox.close, CHAT, mailbox.CLOSED, NOW)
    with pytest.raises(mailbox.Gone):
        said(engine, "m2")
    assert len(do(engine, mailbox.finish, asked, [bubble("hi")], NOW)) == 1


def test_what_has_been_kept_long_enough(engine: Any) -> None:
    said(engine, "m1")
    said(engine, "m1", chat="chat-2")
    do(engine, mailbox.forget, "chat-2", NOW)
    do(engine, mailbox.forget_deleted, NOW)
    with pytest.raises(mailbox.Gone):
        do(engine, mailbox.standing, "chat-2")
    do(engine, mailbox.forget_deleted, NOW + timedelta(seconds=1))
    assert do(engine, mailbox.standing, "chat-2") == mailbox.Standing(0, 0)
    assert do(engine, mailbox.standing, CHAT).last_seq == 1


def test_received_only_grows_and_never_past_the_end(engine: Any) -> None:
    asked = said(engine, "m1").message
    do(engine, mailbox.finish, asked, [bubble("hi")], NOW)
    for seq, expected in ((1, 1), (2, 2), (1, 2), (99, 2)):
        do(engine, mailbox.receive, CHAT, seq)
        assert do(engine, mailbox.standing, CHAT) == mailbox.Standing(2, expected)


def test_another_process_sees_what_is_new(engine: Any) -> None:
    said(engine, "m1")
    number, _ = do(engine, mailbox.changed, 0)
    assert do(engine, mailbox.changed, number) == (number, {})
    said(engine, "m1", chat="chat-2")
    said(engine, "m2", chat="chat-2")
    assert do(engine, mailbox.changed, number)[1]["chat-2"] == 2


def test_a_number_is_not_given_out_again(engine: Any) -> None:
    """Else what is said after a deletion would look to another server like what it knows."""
    said(engine, "m1")
    said(engine, "m1", chat="chat-2")
    number, _ = do(engine, mailbox.changed, 0)
    do(engine, mailbox.forget, "chat-2", NOW)
    said(engine, "m1", chat="chat-3")
    assert do(engine, mailbox.changed, number)[1]["chat-3"] == 1


def test_after_the_newest_was_deleted_what_is_new_is_still_found(engine: Any) -> None:
    said(engine, "m1")
    said(engine, "m1", chat="chat-2")
    number, _ = do(engine, mailbox.changed, 0)
    do(engine, mailbox.forget, "chat-2", NOW)
    latest, changed = do(engine, mailbox.changed, number)
    assert latest < number
    assert changed == {CHAT: 1}


def test_tries_are_counted(engine: Any) -> None:
    asked = said(engine, "m1").message
    assert [do(engine, mailbox.count_try, asked) for _ in range(3)] == [1, 2, 3]


def test_many_at_once_in_one_chat(engine: Any) -> None:
    """Servers that write to the same conversation give out no number twice."""
    said(engine, "first")

    def send(number: int) -> int:
        while True:
            # SQLite may keep one waiting for too long: the chat window sends it again.
            with contextlib.suppress(sa.exc.OperationalError):
                return said(engine, f"m{number}").message.seq

    with ThreadPoolExecutor(4) as servers:
        numbers = list(servers.map(send, range(20)))
    assert sorted(numbers) == list(range(2, 22))


def test_one_operation_that_fails_takes_no_other_along(engine: Any) -> None:
    body = {"id": "m1", "at": "", "from": "patient", "text": "hello"}

    async def talk() -> list[Any]:
        box = Mailbox(engine)
        results = await asyncio.gather(
            *(
                box.write(
                    *(mailbox.accept, f"chat-{n}", body, "/nothing" if n == 3 else None),
                    *(NOW, "en"),
                )
                for n in range(6)
            ),
            return_exceptions=True,
        )
        await box.close()
        return results

    results = asyncio.run(talk())
    assert isinstance(results.pop(3), mailbox.UnknownButton)
    assert all(isinstance(result, mailbox.Accepted) for result in results), results
    assert sorted(do(engine, mailbox.waiting)) == [f"chat-{n}" for n in (0, 1, 2, 4, 5)]


def test_a_database_of_an_earlier_version_is_completed(engine: Any) -> None:
    """What was said then is there, in the language that was the only one."""
    said(engine, "m1")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE website_conversations DROP COLUMN locale")
    for _ in range(2):
        Mailbox(engine).create_tables()
    assert do(engine, mailbox.standing, CHAT).locale == "en"
    do(engine, mailbox.speak, CHAT, "fr")
    assert do(engine, mailbox.standing, CHAT) == mailbox.Standing(1, 0, "fr")


def test_what_nobody_asked_for_is_posted_once(engine: Any) -> None:
    said(engine, "m1")
    (posted,) = do(engine, mailbox.post_once, CHAT, [bubble("hello")], NOW)
    assert posted.seq == 2
    assert do(engine, mailbox.post_once, CHAT, [bubble("hello")], NOW) == []
    assert texts(do(engine, mailbox.after, CHAT, 1)) == [(2, "hello")]


@pytest.mark.parametrize("state", [mailbox.CLOSED, mailbox.DELETED])
def test_nothing_is_posted_where_nobody_reads_any_more(engine: Any, state: str) -> None:
    said(engine, "m1")
    do(engine, mailbox.close, CHAT, state, NOW)
    with pytest.raises(mailbox.Gone):
        do(engine, mailbox.post_once, CHAT, [bubble("hello")], NOW)
