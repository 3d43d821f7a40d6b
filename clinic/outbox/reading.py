"""A request of the database as the plain data a way out takes."""

from __future__ import annotations

import uuid

from clinic.booking.handoff.interface import Appointment, Event, Part
from clinic.booking.models import (
    AppointmentRequest,
    ContactKind,
    Status,
    StatusChange,
    WaitingOffer,
)
from clinic.booking.requests import ASSISTANT, PATIENT, REFUSED, is_proposal
from clinic.outbox.models import Item, State

#: Who may make a change of state that is not someone at the clinic.
NOT_CLINIC = frozenset({PATIENT, ASSISTANT})

_NAMESPACE = uuid.UUID("5d5c2c9a-3a0f-4f0e-9a53-0b4f6f9e2f11")


def uid_of(request: AppointmentRequest) -> str:
    """What the appointment is called in every calendar, always."""
    return str(uuid.uuid5(_NAMESPACE, f"{request.pk}:{request.reference}"))


def sequence_of(change: StatusChange) -> int:
    """How many changes there were before this one, not counting that the time was held."""
    earlier = StatusChange.objects.filter(request_id=change.request_id, pk__lt=change.pk)
    return earlier.exclude(status=Status.HELD).count()


def last_in_system(item: Item) -> Item | None:
    """The delivery that last brought this request into the other system, before ``item``."""
    return (
        Item.objects.filter(
            request_id=item.request_id,
            part=Part.SYSTEM,
            sequence__lt=item.sequence,
            external_id__gt="",
        )
        .order_by("-sequence")
        .first()
    )


def appointment_now(request: AppointmentRequest) -> Appointment:
    """The appointment as it stands after the last change."""
    change = StatusChange.objects.filter(request=request).latest("pk")
    return appointment_of(change, sequence_of(change))


def appointment_of(change: StatusChange, sequence: int, last: Item | None = None) -> Appointment:
    """The appointment as it stood after ``change``, whose number :func:`sequence_of` gives.

    ``last`` is what :func:`last_in_system` found.
    """
    request = change.request
    by_mail = request.patient_contact_kind == ContactKind.EMAIL
    refused = change.reason == REFUSED
    return Appointment(
        reference=request.reference,
        uid=uid_of(request),
        sequence=sequence,
        status=Event.CANCELLED if refused else Event(change.status),
        changed_at=change.at,
        requested_at=request.created_at,
        patient_name=request.patient_name,
        starts_at=change.starts_at,
        ends_at=change.ends_at,
        service=request.service,
        minutes=request.minutes,
        therapist=change.therapist or None,
        patient_email=(request.patient_contact or None) if by_mail else None,
        patient_phone=(request.patient_contact or None) if not by_mail else None,
        note=request.note,
        reason="" if refused else change.reason,
        proposal=f"{request.reference}-{change.pk}" if is_proposal(change) else "",
        refused=refused,
        external_id=last.external_id if last else "",
        external_sequence=last.sequence if last and last.state == State.SENT else None,
    )


def appointment_offered(offer: WaitingOffer) -> Appointment:
    """The appointment that someone on the waiting list could have, as plain data."""
    entry = offer.entry
    by_mail = entry.patient_contact_kind == ContactKind.EMAIL
    return Appointment(
        reference=entry.reference,
        uid=str(uuid.uuid5(_NAMESPACE, f"offer {offer.pk}:{entry.reference}")),
        sequence=0,
        status=Event.REQUESTED,
        changed_at=offer.created_at,
        requested_at=entry.created_at,
        patient_name=entry.patient_name,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        service=entry.service,
        minutes=entry.minutes,
        therapist=offer.therapist,
        patient_email=entry.patient_contact if by_mail else None,
        patient_phone=None if by_mail else entry.patient_contact,
    )
