"""Storing appointment requests and moving them from state to state.

Needs ``clinic.setup.ready()``. Nothing here writes patients' words to a log. Every change of state
is stored together with its history, the times it takes or frees, and whatever listens to
:data:`clinic.booking.signals.status_changed`: all of it or nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction

from clinic import clock
from clinic.booking import details, holds, waiting
from clinic.booking.calendar import Slot
from clinic.booking.models import AppointmentRequest, Hold, Status, StatusChange
from clinic.booking.signals import status_changed
from clinic.contacts import Contact
from clinic.storing import store_once
from clinic.text import BadInput, optional, required

PATIENT = "patient"
ASSISTANT = "assistant"

#: The reason of a change by which a patient has said that a proposed time does not suit.
REFUSED = "refused"

#: Which state may follow which. Confirmed and changed requests can still move; the others are over.
#: A request whose proposed time does not suit waits for another as in the beginning
#: (:func:`refuse_proposal`).
NEXT: dict[str, frozenset[str]] = {
    Status.HELD: frozenset({Status.REQUESTED, Status.CANCELLED, Status.EXPIRED}),
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


class TimeGone(Exception):
    """The time is not to be had any more. Nothing was stored."""


class ProposalOver(Exception):
    """The proposal has been changed, withdrawn or answered, or its time has come.

    Nothing was stored.
    """


def create_request(
    *,
    conversation_id: str,
    patient_name: str,
    patient_contact: str | Contact,
    preferred_time: str,
    idempotency_key: str,
    note: str | None = None,
    service: str | None = None,
    minutes: int | None = None,
    therapist: str | None = None,
    hold: Hold | None = None,
    new_or_returning: str | None = None,
    for_whom: str | None = None,
    consent_version: str | None = None,
    consent_at: datetime | None = None,
    now: datetime | None = None,
) -> AppointmentRequest:
    """Store what a patient asked for, once, and give it a reference.

    ``patient_contact`` is a contact already read, or text to read one from. The same
    ``idempotency_key`` in the same conversation gives the request stored first, unchanged; make it
    anew for each appointment that is asked for, and put nothing personal in it.

    With ``hold`` the request is about that time, which nobody else can have from then on; length
    and therapist are the hold's. When the hold is over and the time is someone else's by now,
    :class:`TimeGone` is raised. Without, the time is for the clinic to find, and ``minutes`` and
    ``therapist`` are what the patient wishes. ``consent_version`` names the wording agreed to at
    ``consent_at``. ``now`` is the clock's by default. Raises :class:`BadInput` naming the field;
    database errors pass through.
    """
    now = now or clock.now()
    conversation_id = required("conversation_id", conversation_id, 255)
    idempotency_key = required("idempotency_key", idempotency_key, 255)
    values: dict[str, object] = {
        **details.columns(
            conversation_id=conversation_id,
            patient_name=patient_name,
            patient_contact=patient_contact,
            service=service,
            note=note,
            new_or_returning=new_or_returning,
            for_whom=for_whom,
            consent_version=consent_version,
            consent_at=consent_at,
        ),
        "preferred_time": required("preferred_time", preferred_time, 1000),
        "minutes": minutes,
        "therapist": optional("therapist", therapist, 200) or "",
        "created_at": now,
    }
    if hold is not None:
        values |= _time_of(Slot(hold.therapist, hold.starts_at, hold.ends_at))
    with transaction.atomic():
        request, created = store_once(AppointmentRequest, idempotency_key, values)
        if created:
            if hold is not None:
                if hold.request_id is None and hold.conversation_id != conversation_id:
                    raise BadInput("hold is another conversation's. Allowed: one of its own.")
                if not holds.take(hold, request, now):
                    raise TimeGone
                _remember(request, Status.HELD, PATIENT, hold.held_at)
            _tell(_remember(request, Status.REQUESTED, PATIENT, now))
            waiting.served(request)
    return request


def change_status(
    request: AppointmentRequest,
    status: str,
    who: str,
    now: datetime | None = None,
    *,
    reason: str = "",
) -> AppointmentRequest:
    """Move a request to another state and note who did it.

    ``reason`` is what the patient is told: a key of ``reasons`` in ``handoff/wording.yml``, or
    empty. A request that is over frees its time. Gives the request as it now is. Raises
    :class:`BadInput` when that state cannot follow.
    """
    who = required("who", who, 150)
    now = now or clock.now()
    possible = [value for value in Status.values if value != Status.HELD]
    if status not in possible:
        raise BadInput(f"status is not known. Allowed: {', '.join(possible)}.")
    with transaction.atomic():
        current = _locked(request, status)
        current.status = status
        current.save(update_fields=["status"])
        if not NEXT[status]:
            holds.give_back(current, now)
        _tell(_remember(current, status, who, now, reason))
    return current


def cancel_request(
    request: AppointmentRequest, who: str = PATIENT, now: datetime | None = None
) -> AppointmentRequest:
    """Cancel a request and free its time. Raises :class:`BadInput` when it is over already."""
    return change_status(request, Status.CANCELLED, who, now)


def reschedule_request(
    request: AppointmentRequest,
    to: Slot | Hold,
    *,
    who: str = PATIENT,
    preferred_time: str | None = None,
    now: datetime | None = None,
) -> AppointmentRequest | None:
    """Give a request another time, at once or not at all; it becomes ``changed``.

    ``to`` is a time held with ``holds.hold(..., moving=request)``, in whatever conversation, or a
    slot someone at the clinic has chosen. The old time is free from then on. None when the new one
    is someone else's: the request then keeps the old. ``preferred_time`` replaces the patient's
    words. Raises :class:`BadInput` when the request is over.
    """
    who = required("who", who, 150)
    now = now or clock.now()
    with transaction.atomic():
        current = _locked(request, Status.CHANGED)
        if isinstance(to, Hold):
            slot = Slot(to.therapist, to.starts_at, to.ends_at)
            done = holds.take(to, current, now)
        else:
            slot = to
            done = holds.keep(current, to, now)
        if not done:
            return None
        for name, value in _time_of(slot).items():
            setattr(current, name, value)
        if preferred_time is not None:
            current.preferred_time = required("preferred_time", preferred_time, 1000)
        current.status = Status.CHANGED
        current.save()
        _tell(_remember(current, Status.CHANGED, who, now))
        waiting.served(current)
    return current


def is_proposal(change: StatusChange) -> bool:
    """Whether someone at the clinic offers this time instead of the one asked for."""
    by_clinic = change.who not in (PATIENT, ASSISTANT)
    return bool(by_clinic and change.status == Status.CHANGED and change.starts_at is not None)


def standing_proposal(request: AppointmentRequest) -> StatusChange | None:
    """The change by which the clinic proposes a time that nobody has answered, or None."""
    last = request.status_changes.last()
    return last if last is not None and is_proposal(last) else None


def accept_proposal(
    request: AppointmentRequest, proposal: int, now: datetime | None = None
) -> AppointmentRequest:
    """The patient takes the time that the clinic proposes, which confirms it.

    ``proposal`` is the key of the change by which it was proposed. Once more changes nothing.
    Raises :class:`ProposalOver`.
    """
    now = now or clock.now()
    with transaction.atomic():
        current, done = _proposed(request, proposal, Status.CONFIRMED, now)
        if not done:
            current.status = Status.CONFIRMED
            current.save(update_fields=["status"])
            _tell(_remember(current, Status.CONFIRMED, PATIENT, now))
    return current


def refuse_proposal(
    request: AppointmentRequest, proposal: int, now: datetime | None = None
) -> AppointmentRequest:
    """The time that the clinic proposes does not suit the patient: it is free again.

    The request waits for another time, without one. ``proposal`` as in :func:`accept_proposal`;
    once more changes nothing. Raises :class:`ProposalOver`.
    """
    now = now or clock.now()
    with transaction.atomic():
        current, done = _proposed(request, proposal, Status.REQUESTED, now)
        if not done:
            # The change is about the time refused, so that what stands elsewhere is taken back.
            change = _remember(current, Status.REQUESTED, PATIENT, now, REFUSED)
            current.status = Status.REQUESTED
            current.starts_at = current.ends_at = None
            current.save(update_fields=["status", "starts_at", "ends_at"])
            holds.give_back(current, now)
            _tell(change)
    return current


def expire(now: datetime) -> int:
    """Expire requests the clinic has not answered before their time; the number expired.

    One without a time waits for the clinic to find one, however long that takes.
    """
    overdue = AppointmentRequest.objects.filter(
        status__in=(Status.REQUESTED, Status.CHANGED), starts_at__lte=now
    )
    expired = 0
    for request in overdue.order_by("pk"):
        try:
            change_status(request, Status.EXPIRED, ASSISTANT, now)
        except BadInput:
            # Someone at the clinic has decided in this very moment.
            continue
        expired += 1
    return expired


def _locked(request: AppointmentRequest, status: str) -> AppointmentRequest:
    # Locked, so that two people at the desk cannot decide differently.
    current = AppointmentRequest.objects.select_for_update().get(pk=request.pk)
    allowed = NEXT[current.status]
    if status not in allowed:
        raise BadInput(
            f"status cannot go from {current.status} to {status}. "
            f"Allowed: {', '.join(sorted(allowed)) or 'nothing, the request is over'}."
        )
    return current


def _proposed(
    request: AppointmentRequest, proposal: int, answer: str, now: datetime
) -> tuple[AppointmentRequest, bool]:
    """The request, locked, and whether the patient has given this answer before."""
    current = AppointmentRequest.objects.select_for_update().get(pk=request.pk)
    stands = standing_proposal(current)
    if stands is not None and stands.pk == proposal and stands.starts_at > now:
        return current, False
    last, *before = list(current.status_changes.order_by("-pk")[:2])
    answered = [change.pk for change in before if is_proposal(change)] == [proposal]
    if answered and last.status == answer and last.who == PATIENT:
        return current, True
    raise ProposalOver


def _remember(
    request: AppointmentRequest, status: str, who: str, at: datetime, reason: str = ""
) -> StatusChange:
    return StatusChange.objects.create(
        request=request,
        status=status,
        who=who,
        reason=reason,
        at=at,
        therapist=request.therapist,
        starts_at=request.starts_at,
        ends_at=request.ends_at,
    )


def _tell(change: StatusChange) -> None:
    status_changed.send(sender=AppointmentRequest, change=change)


def _time_of(slot: Slot) -> dict[str, object]:
    start, end = slot.start_utc.astimezone(UTC), slot.end_utc.astimezone(UTC)
    return {
        "therapist": slot.therapist,
        "starts_at": start,
        "ends_at": end,
        "minutes": (end - start) // timedelta(minutes=1),
    }
