"""The waiting list: who wants to be told when a time frees up, and whom to tell of which.

Needs ``clinic.setup.ready()``. Sending the message is for the outbox; here is who gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from django.db import transaction
from django.db.models import Q

from clinic import facts
from clinic.booking import details
from clinic.booking.calendar import LONGEST, Busy, Slot, free_times
from clinic.booking.models import AppointmentRequest, WaitingEntry, WaitingOffer
from clinic.contacts import Contact
from clinic.facts import Facts
from clinic.storing import store_once
from clinic.text import BadInput, required

#: How many people are told of one time. The first to ask gets it.
MOST_TOLD = 3
#: How long these have before others are told of it.
PATIENCE = timedelta(hours=2)
#: How many windows one entry can have.
MOST_WINDOWS = 50


def join_waiting_list(
    *,
    conversation_id: str,
    patient_name: str,
    patient_contact: str | Contact,
    minutes: int,
    windows: Sequence[tuple[datetime, datetime]],
    idempotency_key: str,
    now: datetime,
    service: str | None = None,
    therapist: str | None = None,
    note: str | None = None,
    new_or_returning: str | None = None,
    for_whom: str | None = None,
    consent_version: str | None = None,
    consent_at: datetime | None = None,
    clinic: Facts | None = None,
) -> WaitingEntry:
    """Remember what a patient would take if it became free; stored once for each key.

    ``windows`` are aware (start, end); the appointment of ``minutes`` must fit inside one, and the
    entry counts until the last is over. ``therapist`` is a name of clinic.yml, None for anyone. The
    rest is as for :func:`clinic.booking.requests.create_request`. Raises ``clinic.text.BadInput``
    naming the field; database errors pass through.
    """
    names = [person.name for person in (clinic or facts.current()).therapists]
    if therapist is not None and therapist not in names:
        raise BadInput(f"therapist is not known. Allowed: {', '.join(names)}, or None for anyone.")
    if not 1 <= minutes <= LONGEST:
        raise BadInput(f"minutes is {minutes}. Allowed: 1 to {LONGEST}.")
    if any(start.tzinfo is None or end.tzinfo is None for start, end in windows):
        raise BadInput("windows has a moment without a time zone. Allowed: aware datetimes.")
    length = timedelta(minutes=minutes)
    kept = [(a.astimezone(UTC), b.astimezone(UTC)) for a, b in windows if b - max(a, now) >= length]
    if not 1 <= len(kept) <= MOST_WINDOWS:
        raise BadInput(
            f"windows has {len(kept)} that the appointment fits in. Allowed: 1 to {MOST_WINDOWS}."
        )
    entry, _ = store_once(
        WaitingEntry,
        required("idempotency_key", idempotency_key, 255),
        {
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
            "minutes": minutes,
            "therapist": therapist or "",
            "windows": [[start.isoformat(), end.isoformat()] for start, end in kept],
            "until": max(end for _, end in kept),
            "created_at": now,
        },
    )
    return entry


def windows_of(entry: WaitingEntry) -> list[tuple[datetime, datetime]]:
    """The stretches of time an entry waits for, in UTC."""
    return [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in entry.windows]


def offers_for(
    freed: Slot,
    now: datetime,
    *,
    joined_since: datetime | None = None,
    joined_before: datetime | None = None,
    clinic: Facts | None = None,
) -> list[WaitingOffer]:
    """Note whom to tell that a therapist's time became free, those who wait longest first.

    ``freed`` is the stretch that nobody has any more. Someone is told of the first time that
    touches it, that the appointment fits in and that is free. At most three are told of one
    stretch, and nobody twice of the same time. ``joined_since`` leaves out who waited before,
    ``joined_before`` who does only since then.
    """
    waiting = WaitingEntry.objects.filter(
        state=WaitingEntry.State.WAITING,
        therapist__in=("", freed.therapist),
        until__gt=max(now, freed.start_utc),
    )
    if joined_since is not None:
        waiting = waiting.filter(created_at__gte=joined_since)
    if joined_before is not None:
        waiting = waiting.filter(created_at__lt=joined_before)
    clinic = clinic or facts.current()
    offers: list[WaitingOffer] = []
    if freed.therapist not in clinic.working_times:
        return offers

    @cache
    def possible(minutes: int) -> list[Slot]:
        # Looked up once for each length and not for each who waits: a time is freed within a
        # transaction that others wait for.
        return _touching(freed, minutes, now, clinic)

    for entry in waiting.order_by("created_at", "pk"):
        slot = _first_that_fits(entry, possible(entry.minutes))
        if slot is None:
            continue
        offer = _offer(entry, slot, now)
        if offer is not None:
            offers.append(offer)
        if len(offers) == MOST_TOLD:
            break
    return offers


def pass_on(
    now: datetime,
    busy_between: Callable[[datetime, datetime], Mapping[str, Busy] | None],
    *,
    clinic: Facts | None = None,
) -> list[WaitingOffer]:
    """Note that others are to be told of a time which those who were told of it have not taken.

    They have two hours; then the next three who waited when it became free are told.
    ``busy_between`` as in :func:`look_around`.
    """
    clinic = clinic or facts.current()
    told = WaitingOffer.objects.filter(state=WaitingOffer.State.TOLD, starts_at__gt=now)
    times = {(o.therapist, o.starts_at, o.ends_at): o for o in told.order_by("-created_at", "-pk")}
    offers: list[WaitingOffer] = []
    for first in times.values():
        of_it = WaitingOffer.objects.filter(
            therapist=first.therapist, starts_at__lt=first.ends_at, ends_at__gt=first.starts_at
        )
        undecided = Q(state=WaitingOffer.State.TO_TELL) | Q(told_at__gt=now - PATIENCE)
        if of_it.filter(undecided).exists():
            continue
        busy = busy_between(first.starts_at, first.ends_at)
        if busy is None:
            break
        if _still_free(first, now, busy, clinic):
            free_at = first.ends_at + clinic.booking.buffer
            freed = Slot(first.therapist, first.starts_at, free_at)
            offers += offers_for(freed, now, joined_before=first.created_at, clinic=clinic)
    return offers


def look_around(
    now: datetime,
    busy_between: Callable[[datetime, datetime], Mapping[str, Busy] | None],
    *,
    clinic: Facts | None = None,
) -> list[WaitingOffer]:
    """Note times that became free where only a connected calendar knows of it.

    An appointment deleted there frees a time without anything happening here, so everybody's
    windows are looked through. Who knows of a time that is still free is told of no further one.
    ``busy_between`` gives each therapist's busy times, or None when the calendar cannot be read,
    which ends the look.
    """
    clinic = clinic or facts.current()
    offers: list[WaitingOffer] = []
    entries = WaitingEntry.objects.filter(state=WaitingEntry.State.WAITING, until__gt=now)
    for entry in entries.order_by("created_at", "pk"):
        windows = [(max(start, now), end) for start, end in windows_of(entry) if end > now]
        begin, end = min(a for a, _ in windows), max(b for _, b in windows)
        busy = busy_between(begin, end)
        if busy is None:
            break
        known = entry.offers.exclude(state=WaitingOffer.State.GONE)
        if any(still_open(offer, now, busy, clinic) for offer in known):
            continue
        offer = _first_untold(entry, windows, busy, now, clinic)
        if offer is not None:
            offers.append(offer)
    return offers


def _first_untold(
    entry: WaitingEntry,
    windows: Sequence[tuple[datetime, datetime]],
    busy: Mapping[str, Busy],
    now: datetime,
    clinic: Facts,
) -> WaitingOffer | None:
    """Offer an entry its first free time that few others were told of."""
    wanted = entry.therapist or None
    if wanted is not None and wanted not in clinic.working_times:
        return None
    for start, end in windows:
        for slot in free_times(entry.minutes, wanted, start, end, now, busy=busy, clinic=clinic):
            others = WaitingOffer.objects.filter(
                therapist=slot.therapist, starts_at__lt=slot.end_utc, ends_at__gt=slot.start_utc
            ).exclude(state=WaitingOffer.State.GONE)
            if others.count() < MOST_TOLD:
                return _offer(entry, slot, now)
    return None


def to_tell(
    now: datetime, *, busy: Busy = (), clinic: Facts | None = None
) -> list[tuple[WaitingOffer, WaitingEntry]]:
    """What is still to be told and still true, oldest first.

    A time that was taken meanwhile, or whose patient no longer waits, becomes ``gone``. ``busy`` is
    as in :func:`.free_times`.
    """
    found = []
    pending = WaitingOffer.objects.filter(state=WaitingOffer.State.TO_TELL)
    for offer in pending.select_related("entry"):
        if still_open(offer, now, busy, clinic):
            found.append((offer, offer.entry))
        else:
            forget_offer(offer)
    return found


def still_open(
    offer: WaitingOffer,
    now: datetime,
    busy: Busy | Mapping[str, Busy] = (),
    clinic: Facts | None = None,
) -> bool:
    """Whether the patient still waits and the time is still free."""
    return offer.entry.state == WaitingEntry.State.WAITING and _still_free(offer, now, busy, clinic)


def forget_offer(offer: WaitingOffer) -> bool:
    """Note that there is nothing to tell any more; False when it was told or settled before."""
    return _settle(offer, WaitingOffer.State.GONE)


def mark_told(offer: WaitingOffer, now: datetime) -> bool:
    """Note that the patient was told; False when someone else has settled it before."""
    return _settle(offer, WaitingOffer.State.TOLD, now)


def leave_waiting_list(conversation_id: str) -> int:
    """The patient no longer waits for anything; the number of entries ended."""
    return int(
        WaitingEntry.objects.filter(
            conversation_id=required("conversation_id", conversation_id, 255),
            state=WaitingEntry.State.WAITING,
        ).update(state=WaitingEntry.State.LEFT)
    )


def take_off(entry: WaitingEntry) -> bool:
    """Somebody at the clinic ends a patient's waiting; False when it has ended before."""
    waits = WaitingEntry.objects.filter(pk=entry.pk, state=WaitingEntry.State.WAITING)
    return bool(waits.update(state=WaitingEntry.State.LEFT))


def put_back(entry: WaitingEntry) -> bool:
    """Whoever was taken off waits again; False when there is nothing to take back."""
    left = WaitingEntry.objects.filter(pk=entry.pk, state=WaitingEntry.State.LEFT)
    return bool(left.update(state=WaitingEntry.State.WAITING))


def served(request: AppointmentRequest) -> int:
    """End the waiting of a conversation that now has a time it waited for; the number ended."""
    if request.starts_at is None or not request.conversation_id:
        return 0
    ended = 0
    with transaction.atomic():
        for entry in WaitingEntry.objects.select_for_update().filter(
            conversation_id=request.conversation_id, state=WaitingEntry.State.WAITING
        ):
            if any(a <= request.starts_at and request.ends_at <= b for a, b in windows_of(entry)):
                entry.state = WaitingEntry.State.BOOKED
                entry.save(update_fields=["state"])
                ended += 1
    return ended


def expire(now: datetime) -> int:
    """End entries and offers whose time is over; the number of entries ended."""
    WaitingOffer.objects.filter(state=WaitingOffer.State.TO_TELL, starts_at__lte=now).update(
        state=WaitingOffer.State.GONE
    )
    return int(
        WaitingEntry.objects.filter(state=WaitingEntry.State.WAITING, until__lte=now).update(
            state=WaitingEntry.State.EXPIRED
        )
    )


def _offer(entry: WaitingEntry, slot: Slot, now: datetime) -> WaitingOffer | None:
    """Note that someone is to be told of a time; None when that was done before."""
    offer, created = WaitingOffer.objects.get_or_create(
        entry=entry,
        therapist=slot.therapist,
        starts_at=slot.start_utc,
        defaults={"ends_at": slot.end_utc, "created_at": now},
    )
    # Gone before it was told, and free once more: it is news again.
    again = WaitingOffer.objects.filter(pk=offer.pk, state=WaitingOffer.State.GONE)
    if created or again.update(state=WaitingOffer.State.TO_TELL):
        offer.state = WaitingOffer.State.TO_TELL
        return offer
    return None


def _touching(freed: Slot, minutes: int, now: datetime, clinic: Facts) -> list[Slot]:
    """The free times of this length that were impossible before, earliest first.

    They are those that touch the stretch, their buffer included.
    """
    length, buffer = timedelta(minutes=minutes), clinic.booking.buffer
    first, last = freed.start_utc - length - buffer, freed.end_utc + length
    return [
        slot
        for slot in free_times(minutes, freed.therapist, first, last, now, clinic=clinic)
        if slot.start_utc < freed.end_utc and freed.start_utc < slot.end_utc + buffer
    ]


def _first_that_fits(entry: WaitingEntry, possible: Sequence[Slot]) -> Slot | None:
    for start, end in windows_of(entry):
        for slot in possible:
            if start <= slot.start_utc and slot.end_utc <= end:
                return slot
    return None


def _still_free(
    offer: WaitingOffer,
    now: datetime,
    busy: Busy | Mapping[str, Busy],
    clinic: Facts | None,
) -> bool:
    clinic = clinic or facts.current()
    if offer.therapist not in clinic.working_times:
        return False
    minutes = int((offer.ends_at - offer.starts_at).total_seconds() // 60)
    return bool(
        free_times(
            minutes, offer.therapist, offer.starts_at, offer.ends_at, now, busy=busy, clinic=clinic
        )
    )


def _settle(offer: WaitingOffer, state: str, told_at: datetime | None = None) -> bool:
    """Move an offer on, unless someone else has done so since it was read."""
    return bool(
        WaitingOffer.objects.filter(pk=offer.pk, state=WaitingOffer.State.TO_TELL).update(
            state=state, told_at=told_at
        )
    )
