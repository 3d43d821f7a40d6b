"""What was said in messaging apps and did not reach the patient.

Needs ``clinic.setup.ready()``. The Rasa server notes it down and takes back what arrives after all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from clinic.conversations.models import Session
from clinic.outbox.models import LateMessage, State
from clinic.outbox.queue import wording


@dataclass(frozen=True)
class Late:
    """A row, why it is there in words, and the newest session of the conversation, if any."""

    message: LateMessage
    why: str
    session: int | None


def unsettled() -> QuerySet[LateMessage]:
    """What nobody has seen to: late, and what needs someone."""
    return LateMessage.objects.filter(settled_at=None)


def stuck() -> QuerySet[LateMessage]:
    """What needs someone."""
    return unsettled().filter(state=State.STUCK)


def in_words(rows: Iterable[LateMessage]) -> list[Late]:
    """Rows as they are listed."""
    listed = list(rows)
    theirs = Session.objects.filter(conversation_id__in=[row.conversation_id for row in listed])
    # Of each conversation the newest is left.
    newest = dict(theirs.order_by("number").values_list("conversation_id", "pk"))
    why = wording()["late"]
    return [Late(row, why[row.reason], newest.get(row.conversation_id)) for row in listed]


def count() -> int:
    """How many need someone."""
    return stuck().count()


def settle(number: int, now: datetime) -> bool:
    """Someone has seen to it; False when it was gone already."""
    return bool(stuck().filter(pk=number).update(settled_at=now))


def reopen(number: int) -> bool:
    """Undo of :func:`settle`; False when it is open again already, or gone."""
    settled = LateMessage.objects.filter(pk=number).exclude(settled_at=None)
    return bool(settled.update(settled_at=None))


def tidy(before: datetime) -> None:
    """Delete what someone has seen to before an aware moment."""
    LateMessage.objects.filter(settled_at__lte=before).delete()


def forget(conversation_id: str) -> int:
    """Delete what was noted of one conversation; the number of rows."""
    return LateMessage.objects.filter(conversation_id=conversation_id).delete()[0]
