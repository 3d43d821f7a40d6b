"""Times for an appointment: what a patient means, what is free, and how it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import yaml

from assistant.project import DATA
from clinic import clock, facts, setup
from clinic.booking.handoff import interface
from clinic.booking.handoff.patience import Deadline
from clinic.booking.when import Understanding, say, understand
from clinic.mentions import without_names
from clinic.opening import Interval, OpeningHours

OFFERED = 3
# What a wish left to the assistant is taken for.
ASAP = "as soon as possible"
# A stretch this short is a clock time ("at 3"), unless the patient gave both ends.
POINT = timedelta(hours=1)
MINUTES_OF_A_DAY = 24 * 60
# Opening hours in OpenStreetMap's notation.
ALWAYS = "24/7"


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """What patients say about times and lengths, from data/booking_words.yml."""
    loaded: dict[str, Any] = yaml.safe_load(
        (DATA / "booking_words.yml").read_text(encoding="utf-8")
    )
    return loaded


def first_match(name: str, text: str) -> re.Match[str] | None:
    """Where the first of a list of patterns stands in the text that stands there at all."""
    found = (re.search(pattern, text, re.IGNORECASE) for pattern in words()[name])
    return next(filter(None, found), None)


@dataclass(frozen=True)
class Offer:
    """A free time. ``start`` is aware, in UTC."""

    start: datetime
    minutes: int
    therapist: str

    def as_dict(self) -> dict[str, Any]:
        """The offer as a slot keeps it."""
        return {
            "start": self.start.isoformat(),
            "minutes": self.minutes,
            "therapist": self.therapist,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Offer:
        """Reads what ``as_dict`` wrote."""
        start = datetime.fromisoformat(stored["start"])
        return cls(start, int(stored["minutes"]), stored["therapist"])

    @property
    def local_start(self) -> datetime:
        """The start on the clinic's clock."""
        return self.start.astimezone(facts.current().zone)

    def on_button(self) -> str:
        """Short: "Thu Nov 26, 4 pm"."""
        local = self.local_start
        weekday, date = say.day_words(local.date()).split(", ", 1)
        return f"{weekday[:3]} {date[:3]} {local.day}, {say.clock_words(local)}"

    def read_back(self) -> str:
        """In full, with the zone: "Thursday, November 26, 4 pm to 5 pm (EST)"."""
        local = self.local_start
        end = (self.start + timedelta(minutes=self.minutes)).astimezone(local.tzinfo)
        times = f"{say.clock_words(local)} to {say.clock_words(end)}"
        return f"{say.day_words(local.date())}, {times} ({local.tzname()})"


def understood(text: str) -> Understanding:
    """What a patient's words mean as a time, by the clinic's clock and hours."""
    clinic = facts.current()
    return understand(
        without_names(text),
        clock.now(),
        _hours(clinic),
        horizon_days=clinic.booking.horizon.days,
        notice=clinic.booking.notice,
    )


def understood_at_any_hour(text: str) -> list[Interval]:
    """When a patient's words would be, if the clinic never closed."""
    clinic = facts.current()
    always = OpeningHours(ALWAYS, clinic.time_zone, clinic.province)
    horizon = clinic.booking.horizon.days
    return understand(without_names(text), clock.now(), always, horizon_days=horizon).windows


def said(windows: Sequence[Interval]) -> str:
    """Windows read back: "Monday, November 23, between 1 pm and 5 pm"."""
    clinic = facts.current()
    local = [(start.astimezone(clinic.zone), end.astimezone(clinic.zone)) for start, end in windows]
    return say.windows(local, {}, _hours(clinic))


def local(moment: datetime) -> datetime:
    """The moment on the clinic's clock."""
    return moment.astimezone(facts.current().zone)


def local_day(moment: datetime) -> date:
    """The day on the clinic's calendar."""
    return local(moment).date()


def at(day: date, minute: int) -> datetime:
    """The moment, in UTC, when the clinic's clock shows this minute (0 to 1440) of the day."""
    return _hours(facts.current()).moment(day, minute)


def opening(day: date) -> list[Interval]:
    """When the clinic is open on a day, in UTC."""
    return [(at(day, start), at(day, end)) for start, end in _hours(facts.current()).on(day)]


def minutes_of_day(window: Interval) -> tuple[int, int]:
    """From which minute of its day to which (up to 1440) a window lasts, by the clinic's clock."""
    start, end = map(local, window)
    last = end.hour * 60 + end.minute
    return start.hour * 60 + start.minute, last or MINUTES_OF_A_DAY


def is_whole_day(window: Interval) -> bool:
    """The window is all of the opening time of its day, or what is left of today."""
    start, end = window
    day = local_day(start)
    today = day == local_day(clock.now())
    return any(end == closes and (start == opens or today) for opens, closes in opening(day))


def step() -> timedelta:
    """How far apart appointments may start."""
    return facts.current().booking.step


def _hours(clinic: facts.Facts) -> OpeningHours:
    return OpeningHours(clinic.opening_hours, clinic.time_zone, clinic.province)


def stored(windows: Iterable[Interval]) -> list[list[str]]:
    """Windows as a slot keeps them: pairs of ISO 8601 texts in UTC."""
    return [
        [start.astimezone(UTC).isoformat(), end.astimezone(UTC).isoformat()]
        for start, end in windows
    ]


def loaded(windows: Sequence[Sequence[str]]) -> list[Interval]:
    """Reads what ``stored`` wrote."""
    return [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in windows]


def point(text: str, windows: Sequence[Interval]) -> datetime | None:
    """The one clock time that is meant ("friday at 10"), or None for a stretch or several."""
    if len(windows) != 1 or re.search(words()["stretch"], text, re.IGNORECASE):
        return None
    start, end = windows[0]
    return start if end - start <= POINT else None


class Found(NamedTuple):
    """Free times. Not ``certain``: the connected calendar could not be read, some may be taken."""

    offers: list[Offer]
    certain: bool


def patience() -> Deadline:
    """How long the connected calendar is waited for, in one search for times: 5 seconds."""
    return Deadline(interface.LIMIT)


async def free(
    conversation: str,
    minutes: int,
    therapist: str | None,
    windows: Sequence[Interval],
    moving: str | None = None,
    deadline: Deadline | None = None,
) -> Found:
    """Free times that start inside the windows, earliest first.

    ``moving`` is the reference of a request whose own time counts as free. Two searches for one
    answer share a ``deadline``.
    """
    deadline = deadline or patience()
    return await setup.call(
        _free, conversation, minutes, therapist, list(windows), moving, deadline
    )


def _free(
    conversation: str,
    minutes: int,
    therapist: str | None,
    windows: list[Interval],
    moving: str | None,
    deadline: Deadline,
) -> Found:
    from clinic.booking.calendar import free_times

    request = _request(moving)
    calendar = _ConnectedCalendar(request, deadline)
    found: dict[datetime, Offer] = {}
    length = timedelta(minutes=minutes)
    busy = calendar.busy_in([(start, end + length) for start, end in windows])
    for start, end in windows:
        slots = free_times(
            minutes,
            therapist,
            start,
            end + length,
            clock.now(),
            busy=busy,
            conversation_id=conversation,
            moving=request,
        )
        for slot in slots:
            if start <= slot.start_utc < end:
                found.setdefault(slot.start_utc, Offer(slot.start_utc, minutes, slot.therapist))
    return Found([found[start] for start in sorted(found)], calendar.certain)


async def nearest(
    conversation: str,
    minutes: int,
    therapist: str | None,
    around: datetime,
    moving: str | None = None,
    deadline: Deadline | None = None,
) -> Found:
    """The free times nearest to a moment. ``moving`` and ``deadline`` as in :func:`free`."""
    deadline = deadline or patience()
    return await setup.call(_nearest, conversation, minutes, therapist, around, moving, deadline)


def _nearest(
    conversation: str,
    minutes: int,
    therapist: str | None,
    around: datetime,
    moving: str | None,
    deadline: Deadline,
) -> Found:
    from clinic.booking.calendar import nearest as nearest_slots

    request = _request(moving)
    calendar = _ConnectedCalendar(request, deadline)
    slots = nearest_slots(
        minutes,
        therapist,
        around,
        clock.now(),
        count=OFFERED,
        busy=calendar.busy,
        conversation_id=conversation,
        moving=request,
    )
    offers = [Offer(slot.start_utc, minutes, slot.therapist) for slot in slots]
    return Found(offers, calendar.certain)


class _ConnectedCalendar:
    """Busy times of the clinic's own calendar, and whether all of them could be read.

    The appointment that is being moved stands there too, and is not in its own way.
    """

    def __init__(self, moving: Any, deadline: Deadline) -> None:
        self.certain = True
        self._moving = moving
        self._deadline = deadline

    def busy(self, start: datetime, end: datetime) -> dict[str, list[Interval]]:
        """As :meth:`busy_in`, of one stretch."""
        return self.busy_in([(start, end)])

    def busy_in(self, windows: list[Interval]) -> dict[str, list[Interval]]:
        """By therapist; nothing when it cannot be read, which makes the answer uncertain."""
        from clinic.booking import handoff

        found = handoff.busy_in(windows, deadline=self._deadline)
        if found is None:
            self.certain = False
            return {}
        return handoff.but_for(self._moving, found)


async def taken_elsewhere(offer: Offer, moving: str | None = None) -> bool:
    """Whether the connected calendar has something at this time by now: read anew.

    A calendar that cannot be read says no; a person looks before anything is confirmed.
    """
    return await setup.call(_taken_elsewhere, offer, moving)


def _taken_elsewhere(offer: Offer, moving: str | None) -> bool:
    from clinic.booking import handoff

    end = offer.start + timedelta(minutes=offer.minutes)
    found = handoff.busy(offer.start, end, fresh=True)
    if found is None:
        return False
    return bool(handoff.but_for(_request(moving), found).get(offer.therapist))


async def instead(
    conversation: str,
    minutes: int,
    therapist: str | None,
    windows: Sequence[Interval],
    moving: str | None = None,
) -> Found:
    """A few free times in place of one that cannot be had: inside the windows, else the nearest.

    ``moving`` as in :func:`free`.
    """
    deadline = patience()
    found = await free(conversation, minutes, therapist, windows, moving, deadline)
    if not found.offers and found.certain:
        around = windows[0][0]
        return await nearest(conversation, minutes, therapist, around, moving, deadline)
    return found._replace(offers=choice(found.offers))


def choice(offers: Sequence[Offer], *, latest: bool = False) -> list[Offer]:
    """The few to show: the first of each of several days, or some hours apart on one day.

    ``latest`` shows the last ones instead, earliest first as well.
    """
    if latest:
        return _last_ones(offers)
    days = [list(group) for _, group in groupby(offers, key=lambda offer: offer.local_start.date())]
    if len(days) >= OFFERED:
        return [day[0] for day in days[:OFFERED]]
    apart: list[Offer] = []
    for offer in offers:
        if not apart or offer.start - apart[-1].start >= timedelta(minutes=offer.minutes):
            apart.append(offer)
    return apart[:OFFERED]


def clearly_later(windows: Sequence[Interval], offers: Sequence[Offer]) -> list[Interval]:
    """The wish for "later", an hour after what was shown before where something is free then.

    The windows begin one step after the last time shown.
    """
    first = windows[0][0]
    begins = first - step() + POINT
    whole_day = any(first == opens for opens, _ in opening(local_day(first)))
    if whole_day or all(offer.start < begins for offer in offers):
        return list(windows)
    return [(max(start, begins), end) for start, end in windows if end > begins]


def _last_ones(offers: Sequence[Offer]) -> list[Offer]:
    days = [list(group) for _, group in groupby(offers, key=lambda offer: offer.local_start.date())]
    if len(days) > 1:
        return [day[-1] for day in days[:OFFERED]]
    apart: list[Offer] = []
    for offer in reversed(offers):
        if not apart or apart[-1].start - offer.start >= timedelta(minutes=offer.minutes):
            apart.append(offer)
    return apart[:OFFERED][::-1]


async def keep(conversation: str, offer: Offer, moving: str | None = None) -> bool:
    """Holds a time for ten minutes; False when somebody else was quicker."""
    return await setup.call(_keep, conversation, offer, moving)


def _keep(conversation: str, offer: Offer, moving: str | None) -> bool:
    return _hold(conversation, offer, _request(moving)) is not None


def _request(reference: str | None) -> Any:
    from clinic.booking.models import AppointmentRequest

    return AppointmentRequest.objects.get(reference=reference) if reference else None


async def is_kept(conversation: str, offer: Offer) -> bool:
    """The conversation still holds this time."""
    return await setup.call(_is_kept, conversation, offer)


def _is_kept(conversation: str, offer: Offer) -> bool:
    from clinic.booking.holds import held

    return _is_of(held(conversation, clock.now()), offer)


def _is_of(kept: Any, offer: Offer) -> bool:
    """Whether a hold, which may be None, is for this time and no other."""
    end = offer.start + timedelta(minutes=offer.minutes)
    asked = (offer.therapist, offer.start, end)
    return kept is not None and (kept.therapist, kept.starts_at, kept.ends_at) == asked


def hold_of(conversation: str, offer: Offer, moving: Any = None) -> Any:
    """The hold of just this time, None when somebody else has it. For the clinic's threads.

    The conversation may hold another time, when the answer that told of it was lost: that one is
    given back. Kept too long ago, a time is had all the same when nobody else has taken it.
    ``moving`` is the request that gets it.
    """
    from clinic.booking.holds import held

    kept = held(conversation, clock.now())
    return kept if _is_of(kept, offer) else _hold(conversation, offer, moving)


def _hold(conversation: str, offer: Offer, moving: Any) -> Any:
    from clinic.booking.holds import hold

    if offer.therapist not in facts.current().working_times:
        # has left the clinic since the time was shown
        return None
    return hold(
        offer.therapist, offer.start, offer.minutes, conversation, clock.now(), moving=moving
    )


async def let_go(conversation: str) -> None:
    """Gives back what the conversation holds."""
    await setup.call(_let_go, conversation)


def _let_go(conversation: str) -> None:
    from clinic.booking.holds import release

    release(conversation, clock.now())
