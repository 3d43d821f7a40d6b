"""Erasing a conversation in Rasa's database, where nobody is talking in it.

Rasa counts a conversation's rows to know what to add. Rows that vanish while a message is being
answered come back with the answer, so only a conversation that is idle is erased, as a whole, and
:mod:`clinic.conversations.projection` looks again afterwards. What the website keeps of it (the
tables of ``assistant.channels.mailbox``) goes in the same transaction, and so do the addresses of
messaging apps (``assistant.channels.apps.senders``); its row stays, marked as deleted, so that an
old token does not bring it back. Whoever asked for no more messages stays known as that, by the
hash of the address alone.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction

from clinic import clock
from clinic.conversations.store import as_stored

#: Seconds without an event after which nobody is talking.
IDLE = 300
_WAIT = 5.0

T = TypeVar("T")
#: Runs a statement and gives what it finds.
Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


def is_idle(conversation_id: str) -> bool:
    """Whether nobody is talking in a conversation, also when there is none."""
    return in_rasas_database(lambda run: idle_in(run, conversation_id)) is not False


def erase_idle(conversation_id: str) -> bool:
    """Erase a conversation's events and what the website keeps of it; False when it is not idle.

    Errors of the database pass through.
    """

    def erase(run: Run) -> bool:
        if not idle_in(run, conversation_id):
            return False
        if has_table(run, "events"):
            run("DELETE FROM events WHERE sender_id = %s", [conversation_id])
        if has_table(run, "website_messages"):
            run("DELETE FROM website_messages WHERE conversation = %s", [conversation_id])
            run(
                "UPDATE website_conversations SET state = 'deleted', active_at = %s WHERE id = %s",
                [as_stored(clock.now()), conversation_id],
            )
            _forget_senders(run, conversation_id)
        return True

    return in_rasas_database(erase) is not False


def _forget_senders(run: Run, conversation_id: str) -> None:
    """As ``leave`` in ``assistant.channels.apps.senders``, without last words."""
    if not has_table(run, "app_senders"):
        return
    run("DELETE FROM app_links WHERE conversation = %s", [conversation_id])
    if has_table(run, "app_taken"):
        run("DELETE FROM app_taken WHERE conversation = %s", [conversation_id])
    both = [conversation_id, conversation_id]
    run("DELETE FROM app_errands WHERE conversation = %s OR about = %s", both)
    run("DELETE FROM app_earlier WHERE conversation = %s OR later = %s", both)
    opted_out = "SELECT name FROM app_senders WHERE conversation = %s AND state = 'optedout'"
    for (name,) in run(opted_out, [conversation_id]):
        # A conversation of its own for each, as for somebody new.
        run(
            "UPDATE app_senders SET conversation = %s, address = '', phone = '', noticed = %s,"
            " sent = 0, calls = 0, attempts = 0, reason = '', failing_since = NULL,"
            " due_at = NULL WHERE name = %s",
            [secrets.token_urlsafe(32), False, name],
        )
    run("DELETE FROM app_senders WHERE conversation = %s", [conversation_id])


def idle_in(run: Run, conversation_id: str) -> bool:
    """Whether nobody is talking in a conversation, within a transaction of Rasa's database."""
    if has_table(run, "events"):
        [(last,)] = run("SELECT max(timestamp) FROM events WHERE sender_id = %s", [conversation_id])
        # Rasa's clock, which CLINIC_NOW does not stop.
        if last is not None and last > time.time() - IDLE:
            return False
    waits = "SELECT 1 FROM website_messages WHERE conversation = %s AND state = 'pending'"
    return not (has_table(run, "website_messages") and run(waits, [conversation_id]))


def has_table(run: Run, table: str) -> bool:
    """Whether there is a table: before anybody has talked to the assistant there is none."""
    if connection.vendor == "postgresql":
        return run("SELECT to_regclass(%s)", [table])[0][0] is not None
    return bool(run("SELECT 1 FROM sqlite_master WHERE name = %s", [table]))


def in_rasas_database(work: Callable[[Run], T]) -> T | None:
    """Do ``work`` in one transaction of Rasa's database; None before there is one.

    What ``work`` raises takes back what it did.
    """
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:

            def on_server(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

            return work(on_server)
    file = Path(settings.VAR) / "conversations.sqlite3"
    if not file.exists():
        return None
    with closing(sqlite3.connect(file, timeout=_WAIT, isolation_level=None)) as opened:
        # What is deleted is overwritten, also in the log that SQLite writes ahead.
        opened.execute("PRAGMA secure_delete=ON")

        def in_file(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
            return opened.execute(statement.replace("%s", "?"), values).fetchall()

        opened.execute("BEGIN IMMEDIATE")
        try:
            done = work(in_file)
            opened.execute("COMMIT")
        except BaseException:
            opened.execute("ROLLBACK")
            raise
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return done
