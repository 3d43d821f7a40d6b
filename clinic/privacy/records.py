"""What is held as part of a client's health record, and is kept whoever asks.

Needs ``clinic.setup.ready()``. The privacy officer sets the hold on a conversation's page.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Session
from clinic.privacy.models import DeletionRequest


class Held(Exception):
    """The conversation is part of a client's health record, which is not changed."""


def refuse_held(conversation_id: str) -> None:
    """Raises :class:`Held`. Call it in the transaction that changes or deletes something."""
    # Locked, so that nobody sets the hold between this look and the deletion.
    rows = Session.objects.select_for_update().filter(conversation_id=conversation_id)
    if any(rows.values_list("hold", flat=True)):
        raise Held


def note_request(conversation_id: str, now: datetime) -> None:
    """A patient wants a held conversation deleted: the privacy officer is told, at the desk."""
    first = Session.objects.filter(conversation_id=conversation_id).order_by("number").first()
    with transaction.atomic():
        DeletionRequest.objects.update_or_create(
            conversation_id=conversation_id,
            defaults={"at": now, "settled_at": None, "settled_by": ""},
        )
        about = f"conversation {first.pk}" if first else ""
        log.note("patient", Action.DELETION_ASKED, about)


def open_requests() -> QuerySet[DeletionRequest]:
    """What patients wanted deleted and the privacy officer has not dealt with."""
    return DeletionRequest.objects.filter(settled_at=None)


def settle(number: int, who: str, now: datetime) -> bool:
    """The patient has had an answer; False when that was noted before, or it is gone."""
    with transaction.atomic():
        done = open_requests().filter(pk=number).update(settled_at=now, settled_by=who)
        if done:
            log.note(who, Action.CHANGE, f"deletion request {number}", detail="settled")
    return bool(done)


def reopen(number: int, who: str) -> bool:
    """Undo of :func:`settle`."""
    with transaction.atomic():
        rows = DeletionRequest.objects.filter(pk=number).exclude(settled_at=None)
        done = rows.update(settled_at=None, settled_by="")
        if done:
            log.note(who, Action.UNDO, f"deletion request {number}", detail="settled")
    return bool(done)
