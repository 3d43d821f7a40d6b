"""Storing appointment requests and moving them from state to state.

Needs ``clinic.setup.ready()``. Nothing here writes patients' words to a log.
"""

from __future__ import annotations

from django.db import transaction

from clinic.booking.models import AppointmentRequest, Status, StatusChange
from clinic.contacts import Contact, contact_of
from clinic.storing import store_once
from clinic.text import BadInput, optional, required

PATIENT = "patient"

#: Which state may follow which. Confirmed and changed requests can still move; the others are over.
NEXT: dict[str, frozenset[str]] = {
    Status.REQUESTED: frozenset(
        {Status.CONFIRMED, Status.DECLINED, Status.CHANGED, Status.CANCELLED, Status.EXPIRED}
    ),
    Status.CHANGED: frozenset(
        {Status.CONFIRMED, Status.DECLINED, Status.CHANGED, Status.CANCELLED, Status.EXPIRED}
    ),
    Status.CONFIRMED: frozenset({Status.CHANGED, Status.CANCELLED}),
    Status.DECLINED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
}


def create_request(
    *,
    conversation_id: str,
    patient_name: str,
    patient_contact: str | Contact,
    preferred_time: str,
    idempotency_key: str,
    note: str | None = None,
    service: str | None = None,
) -> AppointmentRequest:
    """Store what a patient asked for, once, and give it a reference.

    ``patient_contact`` is a contact already read, or text to read one from. The same
    ``idempotency_key`` in the same conversation gives the request stored first, unchanged; make it
    anew for each time the patient presses Send, and put nothing personal in it. Raises
    :class:`BadInput` naming the field; database errors pass through.
    """
    conversation_id = required("conversation_id", conversation_id, 255)
    idempotency_key = required("idempotency_key", idempotency_key, 255)
    contact = contact_of(patient_contact)
    values = {
        "conversation_id": conversation_id,
        "patient_name": required("patient_name", patient_name, 200),
        "patient_contact_kind": contact.kind,
        "patient_contact": contact.value,
        "patient_contact_typed": required("patient_contact", contact.typed, 500),
        "preferred_time": required("preferred_time", preferred_time, 1000),
        "note": optional("note", note, 4000) or "",
        "service": optional("service", service, 200),
    }
    with transaction.atomic():
        request, created = store_once(AppointmentRequest, idempotency_key, values)
        if created:
            StatusChange.objects.create(request=request, status=request.status, who=PATIENT)
    return request


def change_status(request: AppointmentRequest, status: str, who: str) -> AppointmentRequest:
    """Move a request to another state and note who did it.

    Gives the request as it now is. Raises :class:`BadInput` when that state cannot follow.
    """
    who = required("who", who, 150)
    if status not in Status.values:
        raise BadInput(f"status is not known. Allowed: {', '.join(Status.values)}.")
    with transaction.atomic():
        # Locked, so that two people at the desk cannot decide differently.
        current = AppointmentRequest.objects.select_for_update().get(pk=request.pk)
        allowed = NEXT[current.status]
        if status not in allowed:
            raise BadInput(
                f"status cannot go from {current.status} to {status}. "
                f"Allowed: {', '.join(sorted(allowed)) or 'nothing, the request is over'}."
            )
        current.status = status
        current.save(update_fields=["status"])
        StatusChange.objects.create(request=current, status=status, who=who)
    return current
