"""Conversations that are looked at again: few statements, and nothing that is asked is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from fabricated import Events, ServerEvents, question

from clinic import clock
from clinic.conversations import erasing, projection, rechecks
from clinic.conversations.feedback import save_feedback
from clinic.conversations.models import Message, Recheck, Session
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite, Store, open_store
from clinic.privacy.deletion import delete_conversation
from clinic.questions import collecting
from clinic.questions.models import Question

LONG_AGO = time.time() - 10_000
MANY = 3000


@pytest.fixture
def rasas_folder(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is erased from is the test's own."""
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)


def read_all(tail: Tail) -> Tail:
    while tail.step():
        pass
    return tail


def statements_of(work: Callable[[], Any]) -> list[str]:
    """The statements of the clinic's database, and after which it is locked for others."""
    made: list[str] = []

    def noting(execute: Any, statement: str, *more: Any) -> Any:
        made.append(statement)
        return execute(statement, *more)

    with connection.execute_wrapper(noting):
        work()
    return made


def test_after_a_night_of_erasing_only_what_is_left_is_erased_and_that_now_and_then(
    database: Any, rasas_folder: None, events: Events, store: Sqlite, monkeypatch: Any
) -> None:
    """For an hour there are thousands; the assistant and the desk are not to feel it."""
    events.write("stays", question())
    events.write("back-7", question(at=LONG_AGO))
    tail = read_all(Tail(store))
    until = clock.now() + rechecks.ERASED_WITHIN
    Recheck.objects.bulk_create(
        Recheck(conversation_id=f"back-{number}", until=until, erase_events=True)
        for number in range(MANY)
    )
    erased: list[str] = []
    locked: list[bool] = []

    def erase(conversation: str) -> bool:
        erased.append(conversation)
        return erasing.erase_idle(conversation)

    def left_of(conversations: Any) -> set[str]:
        locked.append(connection.in_atomic_block)
        return Sqlite.left_of(store, conversations)

    monkeypatch.setattr(rechecks, "erase_idle", erase)
    monkeypatch.setattr(store, "left_of", left_of)
    made = statements_of(tail.step)
    assert erased == ["back-7"]
    assert not Session.objects.filter(conversation_id="back-7").exists()
    assert not any(locked), "nobody waits while Rasa's database is asked"
    assert len(made) < 80, f"{len(made)} statements for {MANY} conversations"
    # The numbers after those that were erased are read once more.
    read_all(tail)
    looked = len(locked)
    # Half a second later.
    made = statements_of(tail.step)
    assert len(made) < 5, made
    assert (len(erased), len(locked)) == (1, looked)
    # A few seconds later one has come back with an answer that was under way.
    monkeypatch.setattr(projection, "LOOKED_AT_EVERY", 0.0)
    tail._next_rechecks = 0.0
    events.write("back-9", question(at=LONG_AGO))
    tail.step()
    assert erased == ["back-7", "back-9"]
    assert Recheck.objects.count() == MANY


def test_what_is_asked_for_anew_is_looked_at_at_once(
    database: Any, events: Events, store: Sqlite
) -> None:
    events.write("c", question())
    tail = read_all(Tail(store))
    rechecks.read_again("c", until=clock.now() + timedelta(hours=1))
    tail.step()
    rate("c", "down")
    tail.step()
    assert thumb("c") == "down"
    assert Recheck.objects.exists(), "it goes on being looked at"


def test_an_erasing_by_staff_stays_one_when_the_patient_deletes_too(database: Any) -> None:
    delete_conversation("c", "natalie", erase_events=True)
    delete_conversation("c")
    assert Recheck.objects.get().erase_events


@pytest.fixture
def server(postgresql: str) -> Iterator[ServerEvents]:
    """Rasa's table in the clinic's database."""
    opened = ServerEvents(postgresql)
    yield opened
    opened.close()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Before the next conversations are read or after it, another connection does something."""

    def hook(*, before: Callable[[], Any] | None = None, after: Any = None) -> None:
        project = projection._project
        left = [(before, after)]

        def projecting(store: Store, since: Any, *more: Any, **options: Any) -> set[str]:
            first, then = left.pop() if since and left else (None, None)
            if first:
                elsewhere(first)
            there = project(store, since, *more, **options)
            if then:
                elsewhere(then)
            return there

        monkeypatch.setattr(projection, "_project", projecting)
        monkeypatch.setattr(projection, "LOOKED_AT_EVERY", 0.0)

    return hook


def elsewhere(deed: Callable[[], Any]) -> None:
    """On a connection of its own, to its end."""

    def work() -> None:
        deed()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def rate(conversation: str, value: str) -> None:
    save_feedback(
        conversation_id=conversation,
        answer="utter_faq/cost",
        value=value,
        message_reference="",
    )


def thumb(conversation: str) -> str:
    return Message.objects.get(
        session__conversation_id=conversation, response="utter_faq/cost"
    ).feedback


def test_a_thumb_that_comes_while_another_is_read_is_not_lost(
    server: ServerEvents, reading: Callable[..., None]
) -> None:
    server.write("c", question())
    tail = read_all(Tail(open_store()))
    rate("c", "up")
    reading(after=lambda: rate("c", "down"))
    tail.step()
    assert thumb("c") == "up"
    tail.step()
    assert thumb("c") == "down"
    assert not Recheck.objects.exists()


def test_a_deletion_that_comes_while_a_thumb_is_read_is_carried_out(
    server: ServerEvents, reading: Callable[..., None]
) -> None:
    """A receipt was given: the events have to go."""
    server.write("stays", question())
    server.write("c", question(at=LONG_AGO))
    tail = read_all(Tail(open_store()))
    rate("c", "up")
    reading(before=lambda: delete_conversation("c", erase_events=True))
    tail.step()
    tail.step()
    assert open_store().with_events(["c", "stays"]) == {"stays"}
    projection.rebuild(open_store())
    assert not Session.objects.filter(conversation_id="c").exists()


@pytest.fixture
def rated_down(any_database: str, request: pytest.FixtureRequest, tmp_path: Any) -> Tail:
    """A question whose answer got a thumb down, read and not collected yet."""
    if any_database == "sqlite":
        events: Any = Events(tmp_path / "conversations.sqlite3")
        tail = Tail(Sqlite(events.file))
    else:
        events = request.getfixturevalue("server")
        tail = Tail(open_store())
    events.write("c", question())
    tail.step()
    rate("c", "down")
    tail.step()
    return tail


def test_a_thumb_that_is_taken_back_while_it_is_collected_is_not_lost(
    rated_down: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_rated_down = collecting._is_rated_down
    left = [lambda: (rate("c", "up"), rated_down.step())]

    def judging(event_id: int) -> bool:
        judged = is_rated_down(event_id)
        if left:
            left.pop()()
        return judged

    monkeypatch.setattr(collecting, "_is_rated_down", judging)
    collecting.collect()
    collecting.collect()
    assert thumb("c") == "up"
    assert not Question.objects.exists()
