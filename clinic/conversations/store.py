"""Rasa's database of conversations, read by the clinic.

Without settings of the environment it is a SQLite file in the folder of ``CLINIC_VAR``, otherwise
the clinic's own database (``CLINIC_DATABASE_URL``); ``assistant.endpoints`` tells Rasa the same.
Rasa is the only one who writes events. They are read by their number; beside them the tables of
``assistant.channels`` are looked into.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db import connection

from clinic.conversations.reading import Row

T = TypeVar("T")

#: What the channels keep of conversations, by table.
_KEPT_BESIDE = {
    "website_messages": "SELECT DISTINCT conversation FROM website_messages"
    " WHERE conversation IN ({})",
    "website_conversations": "SELECT id FROM website_conversations"
    " WHERE id IN ({}) AND state <> 'deleted'",
    "app_senders": "SELECT conversation FROM app_senders WHERE conversation IN ({})",
}

_WAIT = 5.0  # seconds for a busy database
_AT_ONCE = 500


@dataclass(frozen=True)
class Stop:
    """In which app a patient last asked for no more messages, when, and when for them again."""

    app: str
    at: datetime
    resumed_at: datetime | None


class StoreMissing(Exception):
    """Nobody has talked to the assistant yet: there is no database, or no table."""


class Store(Protocol):
    """Reads Rasa's events. Every method raises StoreMissing while there are none to read."""

    def newest(self) -> int:
        """The highest number, 0 without events."""

    def numbers(self, after: int, limit: int) -> list[tuple[int, str]]:
        """(number, conversation) of the events after a number, in order."""

    def numbered(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        """(number, conversation) of those of these events that are there."""

    def conversations(self, after: str, limit: int) -> list[str]:
        """The conversations after one, in the order of their ids."""

    def last_active(self, after: str, limit: int) -> list[tuple[str, float]]:
        """(conversation, seconds since 1970 of its last event), as ``conversations``."""

    def left_in_mailbox(self, older_than: datetime) -> list[str]:
        """The website's conversations with nothing said since a moment that are not deleted."""

    def is_read(self, conversation: str, message_id: str) -> bool:
        """Whether a message was shown in a window of the website, or has reached an app."""

    def held_by(self, names: Sequence[str]) -> list[str]:
        """The conversations in messaging apps of senders with these keyed hashes."""

    def stops(self, conversations: Sequence[str]) -> list[Stop]:
        """Where the patients of these conversations asked for no more messages, and when."""

    def tied(self, conversations: Sequence[str]) -> list[str]:
        """The conversations that a patient left for one of these, or went on with after one."""

    def events(self, since: Mapping[str, int]) -> dict[str, list[Row]]:
        """The events of conversations, each from a number on; none for one that is gone."""

    def with_events(self, conversations: Sequence[str]) -> set[str]:
        """Those of these conversations that have events."""

    def left_of(self, conversations: Sequence[str]) -> set[str]:
        """Those of these conversations of which the assistant and its channels keep something."""

    def close(self) -> None:
        """Let go of the database."""


def open_store() -> Store:
    """The database that Rasa writes to. Nothing is opened before it is asked."""
    if connection.vendor == "postgresql":
        return _Postgresql()
    return Sqlite(Path(settings.VAR) / "conversations.sqlite3")


class _Sql(ABC):
    """The statements, which are the same for both databases."""

    @abstractmethod
    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        """What a statement finds. Raises StoreMissing."""

    def newest(self) -> int:
        return self._rows("SELECT coalesce(max(id), 0) FROM events", ())[0][0]

    def numbers(self, after: int, limit: int) -> list[tuple[int, str]]:
        return self._rows(
            "SELECT id, sender_id FROM events WHERE id > %s ORDER BY id LIMIT %s", (after, limit)
        )

    def numbered(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for some in portions(numbers):
            marks = ", ".join(["%s"] * len(some))
            found += self._rows(f"SELECT id, sender_id FROM events WHERE id IN ({marks})", some)  # noqa: S608
        return found

    def conversations(self, after: str, limit: int) -> list[str]:
        rows = self._rows(
            "SELECT sender_id FROM events WHERE sender_id > %s "
            "GROUP BY sender_id ORDER BY sender_id LIMIT %s",
            (after, limit),
        )
        return [sender for (sender,) in rows]

    def last_active(self, after: str, limit: int) -> list[tuple[str, float]]:
        conversations = self.conversations(after, limit)
        marks = ", ".join(["%s"] * len(conversations))
        return self._rows(
            "SELECT sender_id, max(timestamp) FROM events "  # noqa: S608
            f"WHERE sender_id IN ({marks or 'NULL'}) GROUP BY sender_id ORDER BY sender_id",
            conversations,
        )

    def left_in_mailbox(self, older_than: datetime) -> list[str]:
        try:
            rows = self._rows(
                "SELECT id FROM website_conversations WHERE active_at < %s AND state <> 'deleted'",
                (as_stored(older_than),),
            )
        except StoreMissing:
            return []
        return [conversation for (conversation,) in rows]

    def is_read(self, conversation: str, message_id: str) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM website_messages JOIN website_conversations "
                "ON website_conversations.id = conversation "
                "WHERE conversation = %s AND website_messages.id = %s "
                "AND (received >= seq OR reached)",
                (conversation, message_id),
            )
        )

    def held_by(self, names: Sequence[str]) -> list[str]:
        marks = ", ".join(["%s"] * len(names))
        # Whoever opted out and was erased has no address any more.
        return self._in_apps(
            "SELECT conversation FROM app_senders WHERE address <> ''"  # noqa: S608
            f" AND (name IN ({marks}) OR phone IN ({marks}))",
            (*names, *names),
        )

    def tied(self, conversations: Sequence[str]) -> list[str]:
        found: list[str] = []
        for some in portions(conversations):
            marks = ", ".join(["%s"] * len(some))
            for here, there in (("conversation", "later"), ("later", "conversation")):
                found += self._in_apps(
                    f"SELECT {there} FROM app_earlier WHERE {here} IN ({marks})",  # noqa: S608
                    some,
                )
        return found

    def stops(self, conversations: Sequence[str]) -> list[Stop]:
        found: list[Stop] = []
        for some in portions(conversations):
            marks = ", ".join(["%s"] * len(some))
            rows = self._rows_beside(
                "app_senders",
                "SELECT app, opted_out_at, resumed_at FROM app_senders "  # noqa: S608
                f"WHERE opted_out_at IS NOT NULL AND conversation IN ({marks}) ORDER BY app",
                some,
            )
            found += [Stop(app, _moment(at), again and _moment(again)) for app, at, again in rows]
        return found

    def _in_apps(self, statement: str, values: Sequence[Any]) -> list[str]:
        """Conversations; none while there is no table of messaging apps."""
        rows = self._rows_beside("app_senders", statement, values)
        return [conversation for (conversation,) in rows]

    def _rows_beside(self, table: str, statement: str, values: Sequence[Any]) -> list[Any]:
        """What is found in a table of the channels; nothing while there is no such ``table``."""
        try:
            return self._rows(statement, values)
        except StoreMissing:
            return []

    def with_events(self, conversations: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for some in portions(conversations):
            marks = ", ".join(["%s"] * len(some))
            rows = self._rows(
                f"SELECT DISTINCT sender_id FROM events WHERE sender_id IN ({marks})",  # noqa: S608
                some,
            )
            found.update(conversation for (conversation,) in rows)
        return found

    def left_of(self, conversations: Sequence[str]) -> set[str]:
        found = self.with_events(conversations)
        for some in portions(conversations):
            marks = ", ".join(["%s"] * len(some))
            for table, statement in _KEPT_BESIDE.items():
                rows = self._rows_beside(table, statement.format(marks), some)
                found.update(conversation for (conversation,) in rows)
        return found

    def events(self, since: Mapping[str, int]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {conversation: [] for conversation in since}
        for some in portions(list(since)):
            marks = ", ".join(["%s"] * len(some))
            least = min(since[conversation] for conversation in some)
            rows = self._rows(
                "SELECT sender_id, id, type_name, timestamp, data FROM events "  # noqa: S608
                f"WHERE sender_id IN ({marks}) AND id >= %s ORDER BY id",
                (*some, least),
            )
            for sender, *row in rows:
                if row[0] >= since[sender]:
                    found[sender].append(Row(*row))
        return found


class Sqlite(_Sql):
    """Events in a SQLite file, opened for reading only."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        try:
            return self._open().execute(statement.replace("%s", "?"), values).fetchall()
        except sqlite3.OperationalError as error:
            # The Rasa server makes tables, and columns that an earlier version had not.
            if "no such table" in str(error) or "no such column" in str(error):
                raise StoreMissing from None
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            self.close()
            raise StoreMissing from None
        identity = (found.st_dev, found.st_ino)
        if self._connection is None or identity != self._identity:
            # Another file has its place when a backup was put back.
            self.close()
            self._connection = sqlite3.connect(
                f"{self._file.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT
            )
            self._identity = identity
        return self._connection


class _Postgresql(_Sql):
    """Events in the clinic's own PostgreSQL database."""

    def left_in_mailbox(self, older_than: datetime) -> list[str]:
        if not _exists("website_conversations"):
            return []
        return super().left_in_mailbox(older_than)

    def is_read(self, conversation: str, message_id: str) -> bool:
        if not _exists("website_messages"):
            return False
        return super().is_read(conversation, message_id)

    def _rows_beside(self, table: str, statement: str, values: Sequence[Any]) -> list[Any]:
        return super()._rows_beside(table, statement, values) if _exists(table) else []

    def close(self) -> None:
        """The connection is Django's."""

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        if not _exists("events"):
            raise StoreMissing
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


def _exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        return cursor.fetchone() != (None,)


def _moment(stored: datetime | str) -> datetime:
    """A moment as SQLAlchemy keeps it: SQLite has text without a zone, which is UTC."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_stored(moment: datetime) -> str:
    """A moment as the website's tables have it: UTC, without saying so."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def portions(whole: Sequence[T]) -> Iterable[Sequence[T]]:
    """The whole in parts, none too long for one statement."""
    return (whole[begin : begin + _AT_ONCE] for begin in range(0, len(whole), _AT_ONCE))
