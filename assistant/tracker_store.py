"""Conversations in SQL, with erasing.

Rasa's SQL tracker store counts a conversation's rows to know what to append, so rows must
not vanish under a running conversation. A patient's wish to have the chat deleted therefore
takes effect when the turn in which it was granted is saved: nothing of it is written, and
everything older is removed.

When the database cannot be used, Rasa answers as if the conversation were new and loses the
turn. Here a turn that could not be written stays in memory until it can be, so that an alarm
raised while the disk was full is still open afterwards.

SQLite writes ahead into a log: a reader never waits for a writer, and a turn is written without
waiting for the disk. When the computer itself loses power the last turns can be gone; when only
the server is killed nothing is.
"""

from __future__ import annotations

import itertools
import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import (  # type: ignore[import-untyped]
    bindparam,
    create_engine,
    event,
    func,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError  # type: ignore[import-untyped]
from sqlalchemy.pool import QueuePool  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

ERASE_SLOT = "erase_chat"
# A turn reads and writes several times, one after the other, and everybody waits meanwhile.
SQLITE_WAIT = 1000  # milliseconds


class ClinicTrackerStore(SQLTrackerStore):
    """Rasa's SQL tracker store; erases a conversation whose slot ``erase_chat`` is set."""

    engine: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Opens the database. Arguments are those of endpoints.yml."""
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            self.engine.dispose()
            self.engine = kept_open(self.engine.url)
            self.sessionmaker.configure(bind=self.engine)
            self.engine.connect().close()
        # the text of an error would hold what the patient wrote, and errors are logged
        self.engine.hide_parameters = True
        self._table = self.SQLEvent.__table__
        self._of_all, self._of_session, self._count = _queries(self._table)
        self._unwritten: dict[str, DialogueStateTracker] = {}
        self._unerased: set[str] = set()
        self._unread: set[str] = set()
        # What else is deleted with a conversation, in the same transaction.
        self.erase_with: Callable[[Any, str], None] | None = None
        self._log_holds_erased = False

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Returns a conversation as it is stored, or as it is remembered when it is ahead."""
        if sender_id in self._unerased:
            return None
        if sender_id in self._unwritten:
            events = list(self._unwritten[sender_id].events)
            return DialogueStateTracker.from_events(sender_id, events, self.domain.slots)
        try:
            tracker = await super().retrieve(sender_id)
        except SQLAlchemyError:
            self._unread.add(sender_id)
            raise
        self._unread.discard(sender_id)
        return tracker

    async def _retrieve(
        self, sender_id: str, fetch_events_from_all_sessions: bool
    ) -> DialogueStateTracker | None:
        """As Rasa does, but reads only the column it uses."""
        query = self._of_all if fetch_events_from_all_sessions else self._of_session
        with self.engine.connect() as connection:
            events = [json.loads(data) for (data,) in connection.execute(query, {"id": sender_id})]
        if not (self.domain and events):
            return None
        return DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)

    async def _write(self, tracker: DialogueStateTracker) -> None:
        """As Rasa does, but counts rows without reading them, and writes all new ones at once."""
        await self.stream_events(tracker)
        with self.engine.begin() as connection:
            stored = connection.execute(self._count, {"id": tracker.sender_id}).scalar_one()
            new = itertools.islice(tracker.events, stored, None)
            rows = [_row(tracker.sender_id, one) for one in new]
            if rows:
                connection.execute(self._table.insert(), rows)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Saves new events, or erases the conversation; what fails is done later."""
        if tracker.get_slot(ERASE_SLOT):
            self._unwritten.pop(tracker.sender_id, None)
            self._unerased.add(tracker.sender_id)
        try:
            self._erase_what_is_due()
            if tracker.get_slot(ERASE_SLOT):
                return
            if tracker.sender_id in self._unread:
                # begun without what was said before: it does not fit what is stored
                return
            await self._write(tracker)
        except SQLAlchemyError as error:
            logger.error("A conversation could not be saved: %s", type(error).__name__)
            if not tracker.get_slot(ERASE_SLOT):
                self._unwritten[tracker.sender_id] = tracker
        else:
            self._unwritten.pop(tracker.sender_id, None)

    def _erase_what_is_due(self) -> None:
        for conversation_id in list(self._unerased):
            self.erase(conversation_id)
            self._unerased.discard(conversation_id)
        if self._log_holds_erased:
            self._empty_log()

    def erase(self, conversation_id: str) -> None:
        """Removes all events of a conversation, and what else there is of it."""
        with self.session_scope() as session:
            if self.erase_with:
                self.erase_with(session.connection(), conversation_id)
            session.query(self.SQLEvent).filter_by(sender_id=conversation_id).delete()
            session.commit()
        if self.engine.dialect.name == "sqlite":
            self._empty_log()

    def _empty_log(self) -> None:
        """Moves what SQLite wrote ahead into the file, so that no erased text stays in the log.

        While somebody reads an older state this is not possible, and tried again later.
        """
        with self.engine.connect() as connection:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        self._log_holds_erased = bool(busy)


def _queries(table: Any) -> tuple[Any, Any, Any]:
    """A conversation's events, those since its last session began, and how many these are.

    Written once: composing them for each turn takes longer than running them.
    """
    of_all = select(table.c.data).where(table.c.sender_id == bindparam("id"))
    begin = (
        select(func.max(table.c.timestamp))
        .where(
            table.c.sender_id == bindparam("id"),
            table.c.type_name == SessionStarted.type_name,
        )
        .scalar_subquery()
    )
    of_session = of_all.where(or_(begin.is_(None), table.c.timestamp >= begin))
    count = of_session.with_only_columns(func.count())
    return of_all.order_by(table.c.id), of_session.order_by(table.c.id), count


def _row(sender_id: str, one: Event) -> dict[str, Any]:
    """The columns that Rasa fills for an event."""
    data = one.as_dict()
    return {
        "sender_id": sender_id,
        "type_name": one.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def kept_open(url: Any) -> Any:
    """An engine for SQLite whose connections stay open.

    Rasa's opens and closes the file for each of a turn's three looks at it.
    """
    engine = create_engine(
        url,
        poolclass=QueuePool,
        max_overflow=-1,
        connect_args={"check_same_thread": False},
        # the text of an error would hold what the patient wrote, and errors are logged
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_WAIT}")
    # SQLite would only mark deleted rows as free and keep their text in the file
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    # The file remembers this. While somebody writes to a new one, it is left to a later connection.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode=WAL")
