"""Conversations in SQL, with erasing.

Rasa's SQL tracker store counts a conversation's rows to know what to append, so rows must
not vanish under a running conversation. A patient's wish to have the chat deleted therefore
takes effect when the turn in which it was granted is saved: nothing of it is written, and
everything older is removed.

When the database cannot be used, Rasa answers as if the conversation were new and loses the
turn. Here a turn that could not be written stays in memory until it can be, so that an alarm
raised while the disk was full is still open afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import event  # type: ignore[import-untyped]
from sqlalchemy.exc import SQLAlchemyError  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

ERASE_SLOT = "erase_chat"
# A turn reads and writes several times, one after the other, and everybody waits meanwhile.
SQLITE_WAIT = 1000  # milliseconds


class ClinicTrackerStore(SQLTrackerStore):
    """Rasa's SQL tracker store; erases a conversation whose slot ``erase_chat`` is set."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Opens the database. Arguments are those of endpoints.yml."""
        super().__init__(*args, **kwargs)
        # the text of an error would hold what the patient wrote, and errors are logged
        self.engine.hide_parameters = True
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
        self._unwritten: dict[str, DialogueStateTracker] = {}
        self._unerased: set[str] = set()
        self._unread: set[str] = set()
        # What else is deleted with a conversation, in the same transaction.
        self.erase_with: Callable[[Any, str], None] | None = None

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
            await super().save(tracker)
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

    def erase(self, conversation_id: str) -> None:
        """Removes all events of a conversation, and what else there is of it."""
        with self.session_scope() as session:
            if self.erase_with:
                self.erase_with(session.connection(), conversation_id)
            session.query(self.SQLEvent).filter_by(sender_id=conversation_id).delete()
            session.commit()


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_WAIT}")
    # SQLite would only mark deleted rows as free and keep their text in the file
    connection.execute("PRAGMA secure_delete=ON")
