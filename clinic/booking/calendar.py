"""Which times are free: opening hours less what is held, booked, too soon or too far ahead.

Needs ``clinic.setup.ready()``. All arithmetic is in whole minutes of UTC, so days on which the
clocks change and appointments over midnight need no special care; only the grid of start times
looks at the clinic's own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from clinic import facts
from clinic.booking.models import AppointmentRequest, Hold
from clinic.facts import Facts
from clinic.text import BadInput

#: Minutes of one bucket of the slot lock. Times are taken in whole buckets.
BUCKET = 5
#: The longest appointment, in minutes; the same as in clinic.yml.
LONGEST = 480

#: Busy times of a connected calendar as (start, end), aware: of everyone, or by therapist.
Busy = Sequence[tuple[datetime, datetime]]
_Stretch = tuple[int, int]


class Slot(NamedTuple):
    """An appointment of one therapist. Both moments are aware, in UTC."""

    therapist: str
    start_utc: datetime
    end_utc: datetime


def free_times(
    service_minutes: int,
    therapist: str | None,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    busy: Busy | Mapping[str, Busy] = (),
    conversation_id: str | None = None,
    moving: AppointmentRequest | None = None,
    clinic: Facts | None = None,
) -> list[Slot]:
    """Times that can be offered, earliest first, each wholly between ``start`` and ``end``.

    ``therapist`` is a name of clinic.yml, None for anyone: a time two people have free is then
    there twice, in the order of clinic.yml. All moments are aware. Busy times of a connected
    calendar count like appointments: the buffer is kept after them and before them. What
    ``conversation_id`` holds itself and the time of the request ``moving`` do not count as taken.
    To search by start, add the minutes to ``end``. Raises ``clinic.text.BadInput`` for a therapist
    that clinic.yml does not name, a length out of bounds or a moment without a zone.
    """
    clinic = clinic or facts.current()
    _check(service_minutes, start, end, now)
    names = _names(therapist, clinic)
    first, last = _window(start, end, now, clinic)
    if last - first < service_minutes:
        return []
    buffer = _minutes(clinic.booking.buffer)
    taken: dict[str, list[_Stretch]] = {name: [] for name in names}
    for hold in _kept(names, first, last + buffer, now, conversation_id, moving):
        taken[hold[0]].append((_floor(_down(hold[1])), _ceil(_up(hold[2]))))
    for name in names:
        theirs = busy.get(name, ()) if isinstance(busy, Mapping) else busy
        _check(service_minutes, *(moment for pair in theirs for moment in pair))
        taken[name] += [(_floor(_down(a)), _ceil(_up(b) + buffer)) for a, b in theirs if a < b]
    found = [
        Slot(name, _moment(minute), _moment(minute + service_minutes))
        for name in names
        for minute in _starts(name, service_minutes, first, last, taken[name], clinic)
    ]
    # The sort keeps the order of clinic.yml among equal starts.
    return sorted(found, key=lambda slot: slot.start_utc)


def nearest(
    service_minutes: int,
    therapist: str | None,
    around: datetime,
    now: datetime,
    *,
    count: int = 3,
    busy: Callable[[datetime, datetime], Mapping[str, Busy]] = lambda start, end: {},
    conversation_id: str | None = None,
    moving: AppointmentRequest | None = None,
    clinic: Facts | None = None,
) -> list[Slot]:
    """The ``count`` free times that start nearest to ``around``, earliest first.

    Each start once, with the first therapist of clinic.yml who is free then. Fewer when the clinic
    has no more within its horizon. ``busy`` gives the busy times between two moments, so that no
    more of a connected calendar is read than is looked at. Otherwise as :func:`free_times`.
    """
    clinic = clinic or facts.current()
    whole = (now, now + clinic.booking.horizon + timedelta(days=2))
    reaches = [timedelta(days=days) for days in (1, 7, 35)]
    length = timedelta(minutes=service_minutes)
    for start, end in [*((max(around - r, now), around + r + length) for r in reaches), whole]:
        found = free_times(
            service_minutes,
            therapist,
            start,
            end,
            now,
            busy=busy(start, end),
            conversation_id=conversation_id,
            moving=moving,
            clinic=clinic,
        )
        by_start: dict[datetime, Slot] = {}
        for slot in found:
            by_start.setdefault(slot.start_utc, slot)
        if len(by_start) >= count:
            break
    closest = sorted(by_start.values(), key=lambda slot: abs(slot.start_utc - around))[:count]
    return sorted(closest, key=lambda slot: slot.start_utc)


def bookable(
    therapist: str, start: datetime, minutes: int, now: datetime, clinic: Facts | None = None
) -> bool:
    """Whether patients may ask for this time at all, taken or not.

    The therapist works and the clinic is open throughout, and the start is neither too soon nor
    too far ahead. Raises as :func:`free_times`.
    """
    clinic = clinic or facts.current()
    end = start + timedelta(minutes=minutes)
    _check(minutes, start, end, now)
    _names(therapist, clinic)
    wanted = _down(start), _up(end)
    first, last = _window(start, end, now, clinic)
    return any(
        opens <= wanted[0] and wanted[1] <= closes
        for opens, closes in _open(therapist, first, last, clinic)
    )


def blocked(start: datetime, end: datetime) -> range:
    """The numbers of the buckets that an aware stretch of time touches."""
    return range(_down(start) // BUCKET, _ceil(_up(end)) // BUCKET)


def _check(minutes: int, *moments: datetime) -> None:
    if not 1 <= minutes <= LONGEST:
        raise BadInput(f"minutes is {minutes}. Allowed: 1 to {LONGEST}.")
    if any(moment.tzinfo is None for moment in moments):
        raise BadInput("a moment has no time zone. Allowed: aware datetimes.")


def _names(therapist: str | None, clinic: Facts) -> list[str]:
    names = [person.name for person in clinic.therapists]
    if therapist is None:
        return names
    if therapist not in names:
        raise BadInput(f"therapist is not known. Allowed: {', '.join(names)}, or None for anyone.")
    return [therapist]


def _window(start: datetime, end: datetime, now: datetime, clinic: Facts) -> _Stretch:
    """``start`` and ``end``, not sooner than the notice and not later than the last day."""
    last_day = now.astimezone(clinic.zone).date() + clinic.booking.horizon
    return (
        _up(max(start, now + clinic.booking.notice)),
        _down(min(end, clinic.times.moment(last_day, 1440))),
    )


def _kept(
    names: list[str],
    first: int,
    last: int,
    now: datetime,
    conversation_id: str | None,
    moving: AppointmentRequest | None,
) -> Iterable[tuple[str, datetime, datetime]]:
    """Therapist, start and end with buffer of everything held or taken."""
    kept = Hold.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now),
        therapist__in=names,
        # The first of these is what the index can use.
        starts_at__gt=_moment(first) - timedelta(days=1),
        starts_at__lt=_moment(last + BUCKET),
        free_at__gt=_moment(first - BUCKET),
    )
    if conversation_id:
        kept = kept.exclude(request__isnull=True, conversation_id=conversation_id)
    if moving is not None:
        kept = kept.exclude(request=moving)
    return kept.values_list("therapist", "starts_at", "free_at")


def _open(name: str, first: int, last: int, clinic: Facts) -> Iterator[_Stretch]:
    """When the clinic is open and this person works."""
    begin, end = _moment(first), _moment(last)
    opened = [(_up(a), _down(b)) for a, b in clinic.times.stretches(begin, end)]
    own = clinic.working_times[name]
    if own is None:
        yield from opened
        return
    works = [(_up(a), _down(b)) for a, b in own.stretches(begin, end)]
    at = 0
    for opens, closes in opened:
        while at < len(works) and works[at][1] <= opens:
            at += 1
        for begins, ends in works[at:]:
            if begins >= closes:
                break
            yield max(opens, begins), min(closes, ends)


def _starts(
    name: str, minutes: int, first: int, last: int, taken: list[_Stretch], clinic: Facts
) -> Iterator[int]:
    step = _minutes(clinic.booking.step)
    blocks = sorted(taken)
    at, past = 0, 0
    for opens, closes in _open(name, first, last, clinic):
        # The grid is one of the clinic's clock: the zone can be half an hour off.
        offset = _minutes(_moment(opens).astimezone(clinic.zone).utcoffset() or timedelta()) % step
        minute = opens + -(opens + offset) % step
        while minute + minutes <= closes:
            # Nothing that ends before this start can be in the way of a later one.
            while at < len(blocks) and blocks[at][0] <= minute:
                past = max(past, blocks[at][1])
                at += 1
            if past > minute:
                minute = past + -(past + offset) % step
                continue
            kept_until = _ceil(minute + minutes + _minutes(clinic.booking.buffer))
            if at < len(blocks) and blocks[at][0] < kept_until:
                minute += step
                continue
            yield minute
            minute += step


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def _down(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _up(moment: datetime) -> int:
    return int(-(-moment.timestamp() // 60))


def _floor(minute: int) -> int:
    return minute - minute % BUCKET


def _ceil(minute: int) -> int:
    return minute + -minute % BUCKET


def _moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
