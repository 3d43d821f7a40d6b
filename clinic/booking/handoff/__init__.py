"""How an appointment request leaves the clinic's own database, and what is known outside of it.

For the conversation and the staff desk; needs ``clinic.setup.ready()``. Nothing here waits for
another computer longer than five seconds, and nothing but :func:`busy` waits at all.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta, tzinfo
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clinic.booking.handoff.link import Link
    from clinic.booking.handoff.patience import Deadline
    from clinic.booking.models import AppointmentRequest
    from clinic.facts import Facts
    from clinic.outbox.queue import RequestState

# clinic.facts reads a part of this package and needs no Django, so what does is imported late.

logger = logging.getLogger(__name__)

_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="handoff-busy")

#: Seconds for which a calendar that could not be read is not asked again, so that not every
#: patient waits for it.
LEFT_ALONE = 30.0
_down_until: dict[str, float] = {}

#: Seconds for which what the calendar said is used again.
KEPT = 60.0

Stretch = tuple[datetime, datetime]


class _Key(NamedTuple):
    """One therapist's times in one stretch, at one place in the other system."""

    therapist: str
    place: tuple[str, str]
    block: Stretch


_known: dict[_Key, tuple[list[Stretch], float]] = {}
_monotonic = monotonic

#: The ways out that know of times of their own.
CONNECTED = ("caldav", "cliniko")


def after_request(request: AppointmentRequest) -> None:
    """Note down what the request's last change of state has to bring where.

    Called inside the transaction of that change, both are stored or neither. The outbox listens to
    ``clinic.booking.signals.status_changed`` and does this by itself; a second time changes
    nothing. Returns at once: the worker delivers.
    """
    from clinic.outbox import queue

    change = request.status_changes.order_by("-id").first()
    if change is not None:
        queue.enqueue(change)


def busy(
    start: datetime, end: datetime, clinic: Facts | None = None, *, fresh: bool = False
) -> dict[str, list[Stretch]] | None:
    """Each therapist's busy times between two aware moments, as the connected calendar knows them.

    To be handed to ``clinic.booking.calendar.free_times(busy=...)``. None when it could not be read
    within five seconds, or could not a moment ago: then only the clinic's own database is known,
    and a person must confirm. What was read is used again for a minute, unless it must be
    ``fresh``, as before something is written.
    """
    return busy_in([(start, end)], clinic, fresh=fresh)


def busy_in(
    windows: Sequence[Stretch],
    clinic: Facts | None = None,
    *,
    fresh: bool = False,
    deadline: Deadline | None = None,
) -> dict[str, list[Stretch]] | None:
    """As :func:`busy`, of several stretches, all asked for at once.

    Who asks several times for one answer gives them one ``deadline``.
    """
    from clinic import facts

    clinic = clinic or facts.current()
    names = [person.name for person in clinic.therapists]
    way = clinic.booking.system.way
    windows = [(start, end) for start, end in windows if start < end]
    if way not in CONNECTED or not windows:
        return {name: [] for name in names}
    if _monotonic() < _down_until.get(way, 0.0):
        return None
    weeks = {week: None for window in windows for week in _weeks(*window, clinic.zone)}
    blocks = windows if fresh else list(weeks)
    try:
        found = _read(clinic, names, blocks, fresh, deadline)
    except Exception as problem:
        # Whatever is wrong there, the patient's turn goes on.
        logger.warning("the connected calendar could not be read: %s", type(problem).__name__)
        _down_until[way] = _monotonic() + LEFT_ALONE
        return None
    return {
        name: [
            (max(a, start), min(b, end))
            for start, end in windows
            for a, b in stretches
            if max(a, start) < min(b, end)
        ]
        for name, stretches in found.items()
    }


def but_for(
    moving: AppointmentRequest | None, busy: dict[str, list[Stretch]]
) -> dict[str, list[Stretch]]:
    """Busy times without the appointment that is about to get another time."""
    from clinic.booking.handoff.caldav import without

    if moving is None or moving.starts_at is None or moving.ends_at is None:
        return busy
    own = (moving.starts_at, moving.ends_at)
    theirs = busy.get(moving.therapist, [])
    return busy | {moving.therapist: [rest for taken in theirs for rest in without(taken, own)]}


def _weeks(start: datetime, end: datetime, zone: tzinfo) -> list[Stretch]:
    """The whole weeks on the clinic's clock that two moments touch.

    Whole ones, so that the next question about the same days finds them known.
    """
    day = start.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    weeks = []
    while (begin := datetime.combine(monday, time.min, zone)) < end:
        monday += timedelta(days=7)
        # A second less, so that it is seven days and not eight to whoever counts in days.
        weeks.append((begin, datetime.combine(monday, time.min, zone) - timedelta(seconds=1)))
    return weeks


def _read(
    clinic: Facts,
    names: list[str],
    blocks: list[Stretch],
    fresh: bool,
    deadline: Deadline | None,
) -> dict[str, list[Stretch]]:
    """What stands in these blocks, by therapist; raises whatever is wrong there."""
    system = clinic.booking.system
    # The place is part of the key, so that another calendar in clinic.yml is another one here.
    keys = [
        _Key(name, (system.way, system.therapists.get(name, "")), block)
        for block in blocks
        for name in names
    ]
    known = {} if fresh else _remembered()
    asked = _ask(clinic, [key for key in keys if key not in known], deadline)
    if fresh:
        _forget([key for key in keys if asked[key]])
    else:
        until = _monotonic() + KEPT
        _known.update({key: (stretches, until) for key, stretches in asked.items()})
    found: dict[str, list[Stretch]] = {name: [] for name in names}
    for key in keys:
        found[key.therapist] += asked[key] if key in asked else known[key]
    return found


def _forget(keys: list[_Key]) -> None:
    """What is remembered of these therapists' days: something stands there by now."""
    for known in list(_known):
        if any(
            (known.therapist, known.place) == (key.therapist, key.place)
            and known.block[0] < key.block[1]
            and key.block[0] < known.block[1]
            for key in keys
        ):
            _known.pop(known, None)


def _remembered() -> dict[_Key, list[Stretch]]:
    """What was read a moment ago; what is older is forgotten."""
    now = _monotonic()
    for key, (_, until) in list(_known.items()):
        if until <= now:
            _known.pop(key, None)
    return {key: stretches for key, (stretches, _) in list(_known.items())}


def _ask(clinic: Facts, keys: list[_Key], deadline: Deadline | None) -> dict[_Key, list[Stretch]]:
    """The other side's answers, asked for at once and waited for five seconds together."""
    from clinic.booking.handoff.interface import LIMIT
    from clinic.booking.handoff.patience import Deadline
    from clinic.booking.handoff.ways import way_out

    if not keys:
        return {}
    way, deadline = way_out(clinic), deadline or Deadline(LIMIT)
    asked = {key: _pool.submit(way.offer_busy, *key.block, key.therapist) for key in keys}
    try:
        return {key: future.result(deadline.left()) for key, future in asked.items()}
    finally:
        for future in asked.values():
            future.cancel()


def hand_over(
    conversation_id: str,
    *,
    service: str | None = None,
    minutes: int | None = None,
    therapist: str | None = None,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    request: AppointmentRequest | None = None,
) -> Link:
    """Where to send this patient, with ``way: link``; that it was done is recorded.

    Raises ValueError when clinic.yml says another way.
    """
    from clinic import facts
    from clinic.booking.handoff.link import link_for
    from clinic.outbox import links

    link = link_for(
        facts.current(),
        service=service,
        minutes=minutes,
        therapist=therapist,
        name=name,
        email=email,
        phone=phone,
    )
    links.record(conversation_id, link, request)
    return link


def delivery_state(request: AppointmentRequest) -> RequestState | None:
    """Whether a request's last change has reached where it belongs; None when it has nowhere to."""
    from clinic.outbox import queue

    return queue.state_of(request)
