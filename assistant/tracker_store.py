"""Conversations in SQL, with erasing.

Rasa's SQL tracker store counts a conversation's rows to know what to append, so rows must
not vanish under a running conversation. A patient's wish to have the chat deleted therefore
takes effect when the turn in which it was granted is saved: nothing of it is written, and
everything older is removed.
"""

from __future__ import annotations

from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import event  # type: ignore[import-untyped]

ERASE_SLOT = "erase_chat"


class ClinicTrackerStore(SQLTrackerStore):
    """Rasa's SQL tracker store; erases a conversation whose slot ``erase_chat`` is set."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Opens the database. Arguments are those of endpoints.yml."""
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _overwrite_what_is_deleted)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Saves new events, or erases the conversation."""
        if tracker.get_slot(ERASE_SLOT):
            self.erase(tracker.sender_id)
        else:
            await super().save(tracker)

    def erase(self, conversation_id: str) -> None:
        """Removes all events of a conversation."""
        with self.session_scope() as session:
            session.query(self.SQLEvent).filter_by(sender_id=conversation_id).delete()
            session.commit()


def _overwrite_what_is_deleted(connection: Any, _: Any) -> None:
    """SQLite would only mark deleted rows as free and keep their text in the file."""
    connection.execute("PRAGMA secure_delete=ON")
