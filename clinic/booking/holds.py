"""The slot lock: a time is kept for one conversation, then for one request, and for nobody else.

Needs ``clinic.setup.ready()``. The lock is the unique constraint on ``Bucket``: one row for every
five minutes of a therapist, buffer included, written in one transaction. Nothing here remembers
anything between calls, so a restart or a killed process loses no hold and leaves no half of one.
docs/decisions/0005-slot-lock.md says why it is built this way.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet

from clinic import facts
from clinic.booking.calendar import BUCKET, Slot, blocked, bookable
from clinic.booking.models import AppointmentRequest, Bucket, Hold
from clinic.booking.waiting import offers_for
from clinic.facts import Facts
from clinic.text import BadInput, required

#: How long a time is kept while the patient answers.
LENGTH = timedelta(minutes=10)
#: How many times one conversation can hold at once, so that nobody keeps a whole day from others.
MOST = 3

#: Seconds to wait for a busy database before giving up; a patient never waits a second for this.
_PATIENCE = 0.8
#: Seconds after which who waits looks whether the time is gone meanwhile.
_LOOK_AGAIN = 0.05
_BUCKET = timedelta(minutes=BUCKET)


def hold(
    therapist: str,
    start: datetime,
    minutes: int,
    conversation_id: str,
    now: datetime,
    *,
    draft: str = "1",
    moving: AppointmentRequest | None = None,
    clinic: Facts | None = None,
) -> Hold | None:
    """Keep a time for ten minutes, or None when it cannot be had (:func:`.nearest` has others).

    None: held or booked by someone else, or not :func:`.bookable`. ``draft`` tells apart the
    appointments one conversation asks for; each has at most one hold, so a further one releases
    the first, which stays if the new time cannot be had. ``moving`` is a request about to get
    this time instead of its own, which may overlap. Raises ``clinic.text.BadInput``; a database
    that is not to be had within 0.8 seconds is an OperationalError.
    """
    clinic = clinic or facts.current()
    conversation_id = required("conversation_id", conversation_id, 255)
    draft = required("draft", draft, 50)
    if not bookable(therapist, start, minutes, now, clinic):
        return None
    start = start.astimezone(UTC)
    end = start + timedelta(minutes=minutes)
    wanted = Hold(
        therapist=therapist,
        starts_at=start,
        ends_at=end,
        free_at=end + clinic.booking.buffer,
        conversation_id=conversation_id,
        draft=draft,
        held_at=now,
        expires_at=now + LENGTH,
    )
    deadline = time.monotonic() + _PATIENCE
    # On PostgreSQL, who is late waits for the winner's bucket and wakes up when it is stored. On
    # SQLite all wait for the one writer, whatever it writes, so it is better to look meanwhile.
    longest = _LOOK_AGAIN if connection.vendor == "sqlite" else _PATIENCE
    conflicts = 0
    while True:
        # Asked without a lock, so that most who are late need none and wait for nobody.
        if _someone_else_has(wanted, _nearby(wanted), now, moving):
            return None
        try:
            left = max(deadline - time.monotonic(), 0.01)
            with locked(patience=min(longest, left)):
                return wanted if _store(wanted, now, moving) else None
        except IntegrityError:
            # Someone was first, which the next look shows. Or it was another press of the same
            # button: then this one replaces what that one holds.
            conflicts += 1
            if conflicts == 3:
                return None
        except OperationalError as error:
            waited = connection.in_atomic_block or time.monotonic() > deadline
            if waited or "database is locked" not in str(error):
                raise


def held(conversation_id: str, now: datetime, *, draft: str = "1") -> Hold | None:
    """What a conversation holds at the moment, None when nothing or no longer."""
    return Hold.objects.filter(
        request=None, conversation_id=conversation_id, draft=draft, expires_at__gt=now
    ).first()


def release(conversation_id: str, now: datetime, *, draft: str | None = None) -> int:
    """Give back what a conversation holds; the number of times given back.

    ``draft`` limits it to one appointment. What a request has taken stays taken.
    """
    theirs = Hold.objects.filter(request=None, conversation_id=conversation_id)
    if draft is not None:
        theirs = theirs.filter(draft=draft)
    with transaction.atomic():
        return len(_free(theirs, now))


def expire(now: datetime) -> int:
    """Delete holds that are over and the locks of past appointments; the number of both.

    A hold that is over is in nobody's way; this keeps the tables short, and tells those who wait.
    """
    with transaction.atomic():
        over = _free(Hold.objects.filter(request=None, expires_at__lte=now), now)
        past = _delete(Hold.objects.filter(request__isnull=False, free_at__lte=now - LENGTH))
    return len(over) + len(past)


def take(hold: Hold, request: AppointmentRequest, now: datetime) -> bool:
    """Turn a hold into the time of a request, for good, replacing the time it had.

    Also when the hold is over, as long as the time is still to be had; False when it is not, and
    then nothing has changed. The caller stores the time in the request.
    """
    wanted = Hold(
        therapist=hold.therapist,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        free_at=hold.free_at,
        held_at=hold.held_at,
    )
    return _keep(request, wanted, now, hold.pk)


def keep(
    request: AppointmentRequest, slot: Slot, now: datetime, clinic: Facts | None = None
) -> bool:
    """Take a time for a request without a hold, replacing the time it had; as :func:`take`.

    Someone at the clinic may choose a time outside the opening hours, so only other appointments
    are in the way.
    """
    end = slot.end_utc.astimezone(UTC)
    wanted = Hold(
        therapist=slot.therapist,
        starts_at=slot.start_utc.astimezone(UTC),
        ends_at=end,
        free_at=end + (clinic or facts.current()).booking.buffer,
        held_at=now,
    )
    return _keep(request, wanted, now, None)


def give_back(request: AppointmentRequest, now: datetime) -> None:
    """Free the time a request has taken, and note whom on the waiting list to tell."""
    with transaction.atomic():
        _free(Hold.objects.filter(request=request), now)


@contextmanager
def locked(*therapists: str, patience: float = _PATIENCE) -> Iterator[None]:
    """A transaction that waits at most ``patience`` seconds, then it raises OperationalError.

    With therapists named, those who name the same come one after the other. Being right does not
    need that, it is the constraint's work; but two requests that swap their therapists would
    otherwise wait for each other.
    """
    milliseconds = int(patience * 1000)
    # Within a longer transaction, how long to wait is for whoever began it to say.
    outermost = not connection.in_atomic_block
    before = None
    if outermost and connection.vendor == "sqlite":
        before = _busy_timeout()
        _execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                if outermost:
                    _execute(f"SET LOCAL lock_timeout = {milliseconds}")
                _postgresql_locks(therapists)
            yield
    finally:
        if before is not None:
            _execute(f"PRAGMA busy_timeout = {before}")


def _busy_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return int(cursor.fetchone()[0])


def _postgresql_locks(therapists: Iterable[str]) -> None:
    # Always in the same order, for the same reason.
    for name in sorted(set(therapists)):
        digest = hashlib.sha256(f"clinic.booking {name}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        _execute(f"SELECT pg_advisory_xact_lock({key})")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _numbers(hold: Hold) -> range:
    return blocked(hold.starts_at, hold.free_at)


def _nearby(hold: Hold) -> list[Hold]:
    """In one query: what may be in the way of ``hold``, and what its conversation holds."""
    return list(
        Hold.objects.filter(
            Q(
                therapist=hold.therapist,
                starts_at__gt=hold.starts_at - timedelta(days=1),
                starts_at__lt=hold.free_at + _BUCKET,
                free_at__gt=hold.starts_at - _BUCKET,
            )
            | Q(request=None, conversation_id=hold.conversation_id)
        )
    )


def _overlaps(one: Hold, other: Hold) -> bool:
    """Whether both need one bucket."""
    mine, theirs = _numbers(one), _numbers(other)
    return one.therapist == other.therapist and (
        mine.start < theirs.stop and theirs.start < mine.stop
    )


def _someone_else_has(
    hold: Hold, nearby: list[Hold], now: datetime, moving: AppointmentRequest | None
) -> bool:
    return any(
        _overlaps(other, hold)
        and not _is_over(other, now)
        and not _same_draft(other, hold)
        and (moving is None or other.request_id != moving.pk)
        for other in nearby
    )


def _is_over(hold: Hold, now: datetime) -> bool:
    return hold.expires_at is not None and hold.expires_at <= now


def _same_draft(one: Hold, other: Hold) -> bool:
    return (
        one.request_id is None
        and one.conversation_id == other.conversation_id
        and one.draft == other.draft
    )


def _store(hold: Hold, now: datetime, moving: AppointmentRequest | None) -> bool:
    """Write a hold and its buckets, replacing the draft's former one; False when it is too late."""
    nearby = _nearby(hold)
    if _someone_else_has(hold, nearby, now, moving):
        return False
    theirs = [
        other
        for other in nearby
        if other.request_id is None and other.conversation_id == hold.conversation_id
    ]
    if sum(not _is_over(other, now) and not _same_draft(other, hold) for other in theirs) >= MOST:
        raise BadInput(f"draft is one too many. Allowed: {MOST} held at once.")
    over = [other for other in nearby if _is_over(other, now) and _overlaps(other, hold)]
    before = [other for other in theirs if other not in over and _same_draft(other, hold)]
    deleted = _delete(Hold.objects.filter(request=None), [*over, *before])
    freed = [other for other in deleted if other in before]
    hold.pk = None
    hold.save(force_insert=True)
    besides = Bucket.objects.filter(hold__request=moving, therapist=hold.therapist)
    _fill(hold, set(besides.values_list("number", flat=True)) if moving else set())
    _tell(freed, now)
    return True


def _fill(hold: Hold, there: set[int]) -> None:
    """Write the buckets of a hold, but for those that are there already."""
    # In the order of time: two who want some of the same cannot each have what the other needs.
    Bucket.objects.bulk_create(
        Bucket(hold=hold, therapist=hold.therapist, number=number)
        for number in _numbers(hold)
        if number not in there
    )


def _delete(holds: QuerySet[Hold], these: list[Hold] | None = None) -> list[Hold]:
    """Delete those of ``holds`` (that are among ``these``) and their buckets; what was deleted."""
    if these is not None:
        if not these:
            return []
        holds = holds.filter(pk__in=[hold.pk for hold in these])
    # Locked first: one that a request is taking at this moment is left out once it is taken.
    found = list(holds.select_for_update().order_by("pk"))
    keys = [hold.pk for hold in found]
    Bucket.objects.filter(hold__in=keys).delete()
    Hold.objects.filter(pk__in=keys).delete()
    return found


def _free(holds: QuerySet[Hold], now: datetime) -> list[Hold]:
    """Delete holds before their time and note whom on the waiting list to tell."""
    freed = _delete(holds)
    _tell(freed, now)
    return freed


def _tell(freed: Iterable[Hold], now: datetime) -> None:
    for hold in freed:
        # A time that was only held was there to be seen by those who waited before.
        since = hold.held_at if hold.expires_at else None
        offers_for(Slot(hold.therapist, hold.starts_at, hold.free_at), now, joined_since=since)


def _keep(request: AppointmentRequest, wanted: Hold, now: datetime, key: int | None) -> bool:
    before = Hold.objects.filter(request=request)
    try:
        with locked(wanted.therapist, *before.values_list("therapist", flat=True)):
            mine = Hold.objects.select_for_update().filter(pk=key).first()
            if mine is not None and mine.request_id is not None:
                # Pressed twice: done already. Taken by another request: not to be had.
                return bool(mine.request_id == request.pk)
            old = _delete(before)
            if mine is None:
                mine = wanted
                over = [
                    other
                    for other in _nearby(mine)
                    if _is_over(other, now) and _overlaps(other, mine)
                ]
                _delete(Hold.objects.filter(request=None), over)
            mine.request = request
            mine.expires_at = None
            mine.conversation_id = mine.draft = ""
            mine.save()
            _fill(mine, set(mine.buckets.values_list("number", flat=True)))
            _tell(old, now)
    except IntegrityError:
        return False
    return True
