"""What was said in messaging apps and did not reach the patient.

Needs ``clinic.setup.ready()``. The Rasa server notes it down and takes back what arrives after all.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinic.conversations.models import Session
from clinic.outbox.models import LateMessage, State
from clinic.outbox.queue import wording


@dataclass(frozen=True)
class Late:
    """A row, why it is there in words, and the newest session of the conversation, if any."""

    message: LateMessage
    why: str
    session: int | None


def listed() -> list[Late]:
    """All rows, those that need someone first."""
    rows = sorted(LateMessage.objects.all(), key=lambda row: row.state != State.STUCK)
    return [Late(row, wording()["late"][row.reason], _session(row)) for row in rows]


def count() -> int:
    """How many need someone."""
    return LateMessage.objects.filter(state=State.STUCK).count()


def settle(number: int) -> bool:
    """Someone has seen to it; False when it was gone already."""
    return bool(LateMessage.objects.filter(pk=number, state=State.STUCK).delete()[0])


def forget(conversation_id: str) -> int:
    """Delete what was noted of one conversation; the number of rows."""
    return LateMessage.objects.filter(conversation_id=conversation_id).delete()[0]


def _session(row: LateMessage) -> int | None:
    sessions = Session.objects.filter(conversation_id=row.conversation_id).order_by("-number")
    return sessions.values_list("pk", flat=True).first()
