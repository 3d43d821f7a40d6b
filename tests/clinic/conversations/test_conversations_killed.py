"""Reading along is killed: before each of its statements, and as the system kills a process."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from fabricated import INSERT, Events, ServerEvents, many, question

from assistant.project import ROOT
from clinic import clock, facts
from clinic.conversations import counting, listing, projection
from clinic.conversations.feedback import save_feedback
from clinic.conversations.listing import Filters
from clinic.conversations.models import Message, Note, Session
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite, Store, open_store
from clinic.privacy.deletion import delete_conversation


class Killed(BaseException):
    """In the place of the process's end."""


@pytest.fixture
def rasa(
    any_database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Any, Store]]:
    """Rasa's table, and the clinic's reader of it."""
    if any_database == "sqlite":
        events = Events(tmp_path / "conversations.sqlite3")
        store: Store = Sqlite(events.file)
        yield events, store
        store.close()
    else:
        server = ServerEvents(request.getfixturevalue("postgresql"))
        yield server, open_store()
        server.close()


def at_each_statement(
    before: Callable[[], None], work: Callable[[], Any], after: Callable[[], None]
) -> int:
    """Does something that is killed before its first statement, its second and so on.

    ``before`` and ``after`` are called each time. How many statements it was killed before.
    """
    number = 0
    while True:
        before()
        left = number

        def killing(execute: Any, *statement: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return execute(*statement)

        try:
            with connection.execute_wrapper(killing):
                work()
        except Killed:
            after()
            number += 1
        else:
            return number


def read_all(store: Store) -> None:
    """By a reader that was started anew."""
    tail = Tail(store)
    while tail.step():
        pass


def is_whole(store: Store) -> None:
    """What staff read is what was said, and is found and counted."""
    assert projection.reconcile(store).equal
    today = clock.now().astimezone(facts.current().zone).date()
    counted = counting.of_days(today - timedelta(days=2), today)
    assert sum(each["sessions"]["all"] for each in counted.values()) == Session.objects.count()
    assert listing.count(Filters(text="cost")) == Session.objects.count()


def test_before_any_statement_of_reading(rasa: tuple[Any, Store]) -> None:
    events, store = rasa
    events.write("first", question(at=time.time() - 60))
    read_all(store)
    rounds = 0

    def before() -> None:
        """A conversation goes on, and a new one has got a thumb."""
        nonlocal rounds
        rounds += 1
        for conversation in ("first", f"rated-{rounds}"):
            events.write(conversation, question(at=time.time() - 60))
        rate_down(f"rated-{rounds}")

    def after() -> None:
        read_all(store)
        is_whole(store)
        rated = Message.objects.get(
            session__conversation_id=f"rated-{rounds}", response="utter_faq/cost"
        )
        assert rated.feedback == "down"

    assert at_each_statement(before, lambda: read_all(store), after) > 20


def rate_down(conversation: str) -> None:
    save_feedback(
        conversation_id=conversation,
        answer="utter_faq/cost",
        value="down",
        message_reference="",
    )


def test_before_any_statement_of_a_deletion(rasa: tuple[Any, Store]) -> None:
    """It is all there or all gone, and a second try ends it."""
    events, store = rasa
    events.write("stays", question(at=time.time() - 60))
    for number in range(40):
        events.write(f"goes-{number}", question(at=time.time() - 60))
    read_all(store)
    is_whole(store)
    going = iter(range(40))
    now: list[str] = []

    def before() -> None:
        now[:] = [f"goes-{next(going)}"]

    def after() -> None:
        there = Session.objects.filter(conversation_id=now[0]).count()
        assert Message.objects.filter(session__conversation_id=now[0]).exists() == bool(there)
        delete_conversation(now[0])
        events.erase(now[0])
        read_all(store)
        is_whole(store)

    assert at_each_statement(before, lambda: delete_conversation(now[0]), after) > 5


def test_before_any_statement_of_a_rebuild(rasa: tuple[Any, Store]) -> None:
    """What people added stays, and reading along goes on from where it was."""
    events, store = rasa
    for number in range(60):
        events.write(f"c{number}", question(at=time.time() - 60))
    read_all(store)
    kept = Session.objects.get(conversation_id="c7")
    Note.objects.create(session=kept, text="Called back.", by="natalie")
    Session.objects.filter(pk=kept.pk).update(reviewed_at=clock.now(), reviewed_by="natalie")

    def before() -> None:
        """Something is to be changed, and something made again."""
        Session.objects.filter(conversation_id="c9").update(outcome="abandoned")
        Session.objects.filter(conversation_id="c11").delete()

    def after() -> None:
        events.write("c3", question(at=time.time() - 60))
        read_all(store)
        projection.rebuild(store)
        is_whole(store)
        assert Note.objects.get().session_id == Session.objects.get(conversation_id="c7").pk
        assert Session.objects.get(conversation_id="c7").reviewed_by == "natalie"

    assert at_each_statement(before, lambda: projection.rebuild(store), after) > 8


def test_a_rebuild_that_the_system_kills(database: Path, tmp_path: Path) -> None:
    """Somewhere in the middle of it, three times."""
    events = Events(tmp_path / "conversations.sqlite3")
    with events.connection as opened:
        opened.executemany(INSERT, ((who, *event) for who, event in many(400)))
    store = Sqlite(events.file)
    chance = random.Random(4)  # noqa: S311
    killed = 0
    for _ in range(3):
        Session.objects.all().delete()
        process = subprocess.Popen(
            [sys.executable, "-m", "clinic", "projection", "rebuild"],
            cwd=ROOT,
            env={**os.environ, "CLINIC_VAR": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        enough = chance.randrange(1, 200)
        ends = time.monotonic() + 120
        while process.poll() is None and sessions_in(database) < enough:
            assert time.monotonic() < ends
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        read_all(store)
        projection.rebuild(store)
        assert projection.reconcile(store).equal
        assert Session.objects.count() == 400
    store.close()
    assert killed


def sessions_in(file: Path) -> int:
    """Looked at from outside, as often as one likes."""
    with closing(sqlite3.connect(file, timeout=30)) as opened:
        [[count]] = opened.execute("SELECT count(*) FROM conversations_session")
        return int(count)
