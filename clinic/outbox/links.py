"""Who was sent to the clinic's own booking program, with ``way: link``."""

from __future__ import annotations

from datetime import datetime

from clinic.booking.handoff.link import Link
from clinic.booking.models import AppointmentRequest
from clinic.conversations.models import Session
from clinic.outbox.models import LinkGiven
from clinic.text import required


def record(
    conversation_id: str, link: Link, request: AppointmentRequest | None = None
) -> LinkGiven:
    """Note that a patient was given a link. Raises ``clinic.text.BadInput``."""
    return LinkGiven.objects.create(
        conversation_id=required("conversation_id", conversation_id, 255),
        request=request,
        program=link.program,
        address=link.plain,
    )


def forget(conversation_id: str) -> int:
    """Delete what was noted of one conversation; the number of rows."""
    return LinkGiven.objects.filter(conversation_id=conversation_id).delete()[0]


def purge(before: datetime) -> int:
    """Delete what was noted before an aware moment; the number of rows.

    What belongs to a conversation held as part of a client's health record stays.
    """
    held = Session.objects.filter(hold=True).values("conversation_id")
    return LinkGiven.objects.filter(at__lt=before).exclude(conversation_id__in=held).delete()[0]
