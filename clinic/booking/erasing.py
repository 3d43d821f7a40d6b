"""Emptying what booking keeps of one conversation. Called by :mod:`clinic.privacy.deletion`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from clinic.booking import holds
from clinic.booking.models import AppointmentRequest, Status, WaitingEntry
from clinic.booking.requests import change_status


def erase_conversation(conversation_id: str, who: str, now: datetime) -> int:
    """Empty the requests of a conversation, delete its holds and waiting; the number of requests.

    A request keeps its reference, its states and the time it is about, so that the clinic can
    still tell what became of it; one that was still open becomes ``cancelled`` and its time free.
    """
    with transaction.atomic():
        requests = AppointmentRequest.objects.select_for_update().filter(
            conversation_id=conversation_id
        )
        emptied = 0
        for request in requests:
            _empty(request, who, now)
            emptied += 1
        WaitingEntry.objects.filter(conversation_id=conversation_id).delete()
        holds.release(conversation_id, now)
    return emptied


def _empty(request: AppointmentRequest, who: str, now: datetime) -> None:
    request.conversation_id = ""
    request.patient_name = ""
    request.patient_contact_kind = ""
    request.patient_contact = ""
    request.patient_contact_typed = ""
    request.new_or_returning = ""
    request.for_whom = ""
    request.preferred_time = ""
    request.note = ""
    request.service = None
    request.consent_version = ""
    request.consent_at = None
    # The key could name the conversation.
    request.idempotency_key = f"erased:{request.reference}"
    request.erased_at = now
    request.save()
    # Afterwards, so that whoever is told of the change finds nothing personal any more.
    if request.status in (Status.REQUESTED, Status.CHANGED):
        change_status(request, Status.CANCELLED, who, now)
