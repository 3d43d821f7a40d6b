"""Which opening times a text means: understood, to be asked about, past, or no time in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Literal

from clinic.booking.when import say
from clinic.booking.when.almanac import add, span
from clinic.booking.when.clauses import Choice, DayReading
from clinic.booking.when.items import DAY, POINT, Stretch
from clinic.booking.when.patterns import Now
from clinic.booking.when.request import Request, requests
from clinic.booking.when.text import canonical, may_say_when
from clinic.hours import Span
from clinic.opening import Interval, OpeningHours

Status = Literal["understood", "ambiguous", "past", "none"]

#: With no day and no time beside it, the next times there are.
_SOON = re.compile(
    r"\b(?:asap|soon(?:er|est)?|earliest|first|1st|next|now|right away|quick\w*|immediate\w*"
    r"|urgent\w*)\b"
)
#: The most windows given.
MOST = 10
#: The most readings asked about, and the most alternatives offered.
FEW = 3


@dataclass(frozen=True)
class Reading:
    """One way an ambiguous text may be meant: its windows and how they are read back."""

    windows: list[Interval]
    say: str


@dataclass(frozen=True)
class Understanding:
    """What was understood of a text about when.

    ``windows`` are the first ten stretches of opening time that are meant, aware datetimes in the
    clinic's zone, in order and apart from each other. A clock time ("at 3") is a window that
    starts then and lasts an hour, or less where the clinic closes. Only an "understood" text has
    windows, and it may have none: ``reason`` then says why ("closed", "outside_hours",
    "beyond_horizon", "too_soon", "no_such_date"), and ``alternatives`` are the nearest times there
    are. An "ambiguous" text has ``readings`` to ask about; the reason is "readings", "mismatch",
    "no_such_date" or "unclear". ``say`` is the sentence or phrase for the patient. Whether a text
    with windows, or with one reading, names a day, and a time of the day, is in ``names_day`` and
    ``names_time``: who named one of them only may have said the other before. ``soonest`` is "as
    soon as possible", with neither.
    """

    status: Status
    windows: list[Interval]
    say: str
    reason: str = ""
    readings: list[Reading] = field(default_factory=list)
    alternatives: list[Interval] = field(default_factory=list)
    names_day: bool = False
    names_time: bool = False
    soonest: bool = False


@dataclass(frozen=True)
class _Meant:
    """A stretch of local time on one day, before it is clipped to now and the horizon."""

    day: date
    stretch: Stretch


@dataclass(frozen=True)
class _Outcome:
    """What one reading of the whole text comes to."""

    windows: tuple[Interval, ...]
    meant: tuple[_Meant, ...]
    asks: frozenset[str]
    cost: int
    choices: tuple[Choice, ...]
    #: No day is named and nothing is left out.
    every_day: bool


def understand(
    text: str,
    now: datetime,
    hours: OpeningHours,
    horizon_days: int = 90,
    notice: timedelta = timedelta(hours=2),
) -> Understanding:
    """What ``text`` means at the aware moment ``now`` for a clinic with these opening hours.

    ``horizon_days`` is the number of days ahead that can be asked for, the last one included;
    nothing starts sooner than ``notice`` from now. Raises ValueError when ``now`` has no zone;
    any text is taken.
    """
    if now.tzinfo is None:
        raise ValueError("understand() needs the current time with a time zone.")
    if not may_say_when(text):
        return Understanding("none", [], say.none())
    desk = _Desk(now, hours, horizon_days, notice)
    row = canonical(text)
    readings = [request for request in requests(row, desk.clock) if not request.empty]
    if not readings:
        return Understanding("none", [], say.none())
    request = readings[0]
    if request.context:
        return Understanding("none", [], say.context(), reason="context")
    if request.unclear:
        return Understanding("ambiguous", [], say.unclear(), reason="unclear")
    if request.past:
        return Understanding(
            "past", [], say.past(), reason="past", alternatives=desk.soonest()[:FEW]
        )
    outcomes = [outcome for request in readings for outcome in desk.outcomes(request)]
    found = _decide(outcomes, desk)
    anything = not (found.names_day or found.names_time or any(r.left_out for r in readings))
    if found.windows and anything:
        # ten days in a row say less than this
        soonest = _SOON.search(row) is not None
        return replace(found, say=say.any_time(soonest=soonest), soonest=soonest)
    if found.windows and (request.doubtful or desk.skips_a_closed_day(request)):
        reading = Reading(found.windows, found.say)
        sentence = say.ask([found.say], "unclear")
        return replace(
            found,
            status="ambiguous",
            windows=[],
            say=sentence,
            reason="unclear",
            readings=[reading],
        )
    return found


def _decide(outcomes: list[_Outcome], desk: _Desk) -> Understanding:
    possible = _distinct(outcome for outcome in outcomes if outcome.windows)
    asks = frozenset().union(*(outcome.asks for outcome in outcomes))
    if not asks and len(possible) > 1:
        # An hour inside the opening hours is likelier than one outside them.
        least = min(outcome.cost for outcome in possible)
        possible = [outcome for outcome in possible if outcome.cost == least]
    if len(possible) > 1 or (possible and asks):
        shown = [
            Reading(
                list(o.windows[:MOST]),
                say.windows(o.windows[:MOST], _shapes(o), desk.hours, short=True),
            )
            for o in sorted(possible, key=lambda o: o.windows[0])[:FEW]
        ]
        reason = min(asks) if asks else "readings"
        sentence = say.ask([reading.say for reading in shown], reason)
        return Understanding("ambiguous", [], sentence, reason=reason, readings=shown)
    if possible:
        one = possible[0]
        found = list(one.windows[:MOST])
        every_day = one.every_day and len({start.date() for start, _ in found}) > FEW
        read_back = say.any_day if every_day else say.windows
        return Understanding(
            "understood",
            found,
            read_back(found, _shapes(one), desk.hours),
            names_day=any(choice.days is not None for choice in one.choices),
            names_time=any(choice.times is not None for choice in one.choices),
        )
    return _nothing_open(outcomes, desk)


def _distinct(outcomes: Iterable[_Outcome]) -> list[_Outcome]:
    found: dict[tuple[Interval, ...], _Outcome] = {}
    for outcome in outcomes:
        known = found.get(outcome.windows)
        if known is None or outcome.cost < known.cost:
            found[outcome.windows] = outcome
    return list(found.values())


def _shapes(outcome: _Outcome) -> dict[tuple[date, int], str]:
    """How the stretches were said, by local day and starting minute."""
    return {(m.day, m.stretch.start): m.stretch.shape for m in outcome.meant}


def _nothing_open(outcomes: list[_Outcome], desk: _Desk) -> Understanding:
    if all(
        any(c.days is not None and not any(r.dates for r in c.days) for c in outcome.choices)
        for outcome in outcomes
    ):
        # Days that have nothing in common: "December 3 next week".
        return Understanding("ambiguous", [], say.unclear(), reason="unclear")
    least = min(outcomes, key=lambda outcome: (desk.rank(outcome), outcome.cost))
    reason, day = desk.why_not(least)
    others = desk.alternatives(least, reason, day)
    if all(choice.days is None for choice in least.choices):
        day = None
    asks = frozenset().union(*(outcome.asks for outcome in outcomes))
    if "no_such_date" in asks and reason != "past":
        sentence = say.nothing("no_such_date", day, desk, others)
        return Understanding("understood", [], sentence, reason=reason, alternatives=others)
    shut = reason == "past" and day == desk.today and desk.lasts(least)
    sentence = say.nothing("closed_today" if shut else reason, day, desk, others)
    status: Status = "past" if reason == "past" else "understood"
    return Understanding(status, [], sentence, reason=reason, alternatives=others)


class _Desk:
    """The clinic's day: its clock, its hours, how far and how soon it books."""

    def __init__(
        self, now: datetime, hours: OpeningHours, horizon_days: int, notice: timedelta
    ) -> None:
        self.hours = hours
        self.now = now.astimezone(UTC)
        self.clock = Now(now.astimezone(hours.zone))
        self.today = self.clock.today
        self.last = add(self.today, max(horizon_days, 0))
        self.earliest = self.now + max(notice, timedelta())
        self.horizon = span(self.today, self.last)

    def outcomes(self, request: Request) -> list[_Outcome]:
        """What each combination of the clauses' readings comes to."""
        wanted = [c.choices(self.clock, left_out=False) for c in request.wanted] or [
            [Choice(None, None)]
        ]
        if len(wanted) > 1:
            wanted = [self._not_over(choices) for choices in wanted]
        left_out = [c.choices(self.clock, left_out=True) for c in request.left_out]
        found = []
        for number, chosen in enumerate(product(*wanted, *left_out)):
            if number == 64:
                break
            found.append(self._outcome(chosen[: len(wanted)], chosen[len(wanted) :]))
        return found

    def _not_over(self, choices: list[Choice]) -> list[Choice]:
        """Without today where it is over and another day can be meant: "Tuesday or Wednesday" on a
        Wednesday evening."""
        today = {self.today}
        kept = [
            choice
            for choice in choices
            if choice.days is None
            or not all(reading.dates <= today for reading in choice.days)
            or self._outcome((choice,), ()).windows
        ]
        return kept or choices

    def _outcome(self, wanted: tuple[Choice, ...], left_out: tuple[Choice, ...]) -> _Outcome:
        meant: list[_Meant] = []
        refused = False
        for day in sorted(self._days(wanted)):
            stretches = [s for choice in wanted for s in self._on(choice, day)]
            refused |= bool(stretches)
            away = [s for choice in left_out for s in self._on(choice, day, open_only=False)]
            meant.extend(_Meant(day, s) for s in _without(_joined(stretches), away))
        if refused and not meant and any(choice.days is not None for choice in wanted):
            # "Is Monday the 30th? I can't do the 30th": the day is named to be left out
            return self._outcome((Choice(None, None),), left_out)
        windows: list[Interval] = []
        kept: list[_Meant] = []
        for one in meant:
            window = self._clip(one)
            if window is not None:
                windows.append(window)
                kept.append(one)
            if len(windows) == MOST + 1:
                break
        asks = frozenset(
            day.ask for choice in (*wanted, *left_out) for day in choice.days or () if day.ask
        )
        cost = sum(self._cost(choice) for choice in (*wanted, *left_out))
        every_day = not left_out and all(choice.days is None for choice in wanted)
        return _Outcome(tuple(windows), tuple(kept), asks, cost, wanted, every_day)

    def _days(self, wanted: tuple[Choice, ...]) -> frozenset[date]:
        days: frozenset[date] = frozenset()
        for choice in wanted:
            if choice.days is None:
                return self.horizon
            for reading in choice.days:
                days |= self._settled(reading)
        return days & self.horizon

    def _settled(self, reading: DayReading) -> frozenset[date]:
        """The days of a reading; a soft one moves to the next open day."""
        if not reading.soft:
            return reading.dates
        moved = set()
        for day in reading.dates:
            following = [add(day, n) for n in range(7)]
            moved.add(next((d for d in following if self.hours.on(d)), day))
        return frozenset(moved)

    def _on(self, choice: Choice, day: date, *, open_only: bool = True) -> list[Stretch]:
        if choice.days is not None and not any(
            day in self._settled(reading) for reading in choice.days
        ):
            return []
        spans = self.hours.on(day)
        stretches: list[Stretch] = []
        for term in choice.times or ((),):
            found = [Stretch(0, DAY, "any")]
            for times in term:
                found = [m for a in found for b in times.on(spans) if (m := a.meet(b))]
            stretches.extend(found)
        return _open(stretches, spans) if open_only else stretches

    def _cost(self, choice: Choice) -> int:
        """How much of this reading is unlikely: hours outside the opening hours, days too far."""
        # Of "9/12 or 10/12" each is read as the date that can be booked.
        cost = sum(not reading.dates & self.horizon for reading in choice.days or ())
        for times in choice.guessed:
            for minute, side in times.anchors:
                cost += not any(
                    span_.start <= minute < span_.end
                    if side == "start"
                    else span_.start < minute <= span_.end
                    for day in self._some_days(choice)
                    for span_ in self.hours.on(day)
                )
        return cost

    def _some_days(self, choice: Choice) -> list[date]:
        """Open days to judge an hour by: those meant, or the coming week where they are closed."""
        days = {d for r in choice.days or () for d in self._settled(r) if d >= self.today}
        opened = [day for day in sorted(days)[:14] if self.hours.on(day)]
        return opened or [add(self.today, n) for n in range(7)]

    def _clip(self, one: _Meant) -> Interval | None:
        """The window in the clinic's zone; None where it is too soon or over."""
        start = self.hours.moment(one.day, one.stretch.start)
        end = self.hours.moment(one.day, one.stretch.end)
        if one.stretch.shape == "at":
            if start < self.earliest:
                return None
            # An hour on the clock, also on the night when the clocks change.
            end = min(end, start + timedelta(minutes=POINT))
        start = max(start, self.earliest)
        if start >= end:
            return None
        return start.astimezone(self.hours.zone), end.astimezone(self.hours.zone)

    def skips_a_closed_day(self, request: Request) -> bool:
        """Whether "next Friday" would be the one Friday of the two that is no holiday."""
        days = [
            piece.days
            for clause in request.wanted
            for term in clause.days
            for piece in term
            if "next" in piece.text.split() and len(piece.days) > 1
        ]
        return any(
            not self.hours.on(day)
            for readings in days
            for reading in readings
            for day in reading.dates
            if reading.kind == "date"
        )

    def soonest(self) -> list[Interval]:
        """The next opening times."""
        return list(self._outcome((Choice(None, None),), ()).windows)

    # Why there is nothing, and what there is instead

    def rank(self, outcome: _Outcome) -> int:
        """Likelier readings first: days within the horizon, then later, then past ones."""
        days = [d for c in outcome.choices for r in c.days or () for d in r.dates]
        if not days or any(self.today <= day <= self.last for day in days):
            return 0
        return 1 if any(day > self.last for day in days) else 2

    def why_not(self, outcome: _Outcome) -> tuple[str, date | None]:
        """The reason why a reading has no window, and the day it is about."""
        days = sorted(d for c in outcome.choices for r in c.days or () for d in self._settled(r))
        coming = [day for day in days if day >= self.today]
        limited = any(choice.days is not None for choice in outcome.choices)
        if limited and not coming:
            return "past", days[-1] if days else None
        inside = [day for day in coming if day <= self.last]
        if limited and not inside:
            return "beyond_horizon", coming[0]
        if not limited:
            inside = sorted(self.horizon)
        opened = [day for day in inside if self.hours.on(day)]
        if not opened:
            return "closed", inside[0]
        fitting = [
            (day, stretch)
            for day in opened
            for choice in outcome.choices
            for stretch in self._on(choice, day)
        ]
        if not fitting:
            said = [
                (day, stretch)
                for day in opened[:1]
                for choice in outcome.choices
                for stretch in self._on(choice, day, open_only=False)
            ]
            if opened[0] == self.today and said and self._over(said):
                return "past", self.today
            return "outside_hours", opened[0]
        if self._over(fitting):
            return "past", fitting[0][0]
        return "too_soon", fitting[0][0]

    def lasts(self, outcome: _Outcome) -> bool:
        """Whether what is meant of today is not over yet, though the clinic has closed."""
        stretches = [
            (self.today, stretch)
            for choice in outcome.choices
            for stretch in self._on(choice, self.today, open_only=False)
        ]
        return not self._over(stretches)

    def _over(self, stretches: list[tuple[date, Stretch]]) -> bool:
        def ended(day: date, stretch: Stretch) -> bool:
            minute = stretch.start if stretch.shape == "at" else stretch.end
            return self.hours.moment(day, minute) <= self.now

        return all(ended(day, stretch) for day, stretch in stretches)

    def alternatives(self, outcome: _Outcome, reason: str, day: date | None) -> list[Interval]:
        """The nearest times there are instead, at most three, in order."""
        if reason == "past" or day is None:
            return self.soonest()[:FEW]
        if reason in ("outside_hours", "too_soon"):
            near = self._outcome((Choice((DayReading(frozenset([day])),), None),), ())
            if near.windows:
                return list(near.windows[:FEW])
        times = [Choice(None, choice.times, choice.guessed) for choice in outcome.choices]
        nearest = sorted(self.horizon, key=lambda other: (abs((other - day).days), other))
        for choices in (times, [Choice(None, None)]):
            found: list[Interval] = []
            for other in nearest:
                only = tuple(
                    Choice((DayReading(frozenset([other])),), c.times, c.guessed) for c in choices
                )
                found.extend(self._outcome(only, ()).windows[:1])
                if len(found) == FEW:
                    break
            if found:
                return sorted(found)
        return []


def _open(stretches: list[Stretch], spans: tuple[Span, ...]) -> list[Stretch]:
    """The stretches clipped to the opening times of their day."""
    found = []
    for stretch in stretches:
        for opens, closes in spans:
            if stretch.shape == "at":
                if opens <= stretch.start < closes:
                    found.append(Stretch(stretch.start, min(stretch.end, closes), "at"))
            elif max(stretch.start, opens) < min(stretch.end, closes):
                found.append(
                    Stretch(max(stretch.start, opens), min(stretch.end, closes), stretch.shape)
                )
    return found


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """In order and apart: overlapping stretches joined, points kept as points."""
    wide: list[Stretch] = []
    for stretch in sorted(
        (s for s in stretches if s.shape != "at"), key=lambda s: (s.start, s.end)
    ):
        if wide and stretch.start <= wide[-1].end:
            joined = max(wide[-1].end, stretch.end)
            if joined > wide[-1].end:
                wide[-1] = Stretch(wide[-1].start, joined, "between")
        else:
            wide.append(stretch)
    points = sorted(
        {s.start: s for s in stretches if s.shape == "at"}.values(), key=lambda s: s.start
    )
    points = [p for p in points if not any(w.start <= p.start < w.end for w in wide)]
    found = sorted([*wide, *points], key=lambda s: s.start)
    for at, stretch in enumerate(found[:-1]):
        if stretch.end > found[at + 1].start:
            found[at] = Stretch(stretch.start, found[at + 1].start, stretch.shape)
    return found


def _without(stretches: list[Stretch], away: list[Stretch]) -> list[Stretch]:
    """The stretches minus those left out."""
    for gone in away:
        rest: list[Stretch] = []
        for stretch in stretches:
            if gone.end <= stretch.start or gone.start >= stretch.end:
                rest.append(stretch)
            elif stretch.shape == "at":
                if gone.start > stretch.start:
                    rest.append(Stretch(stretch.start, gone.start, "at"))
            else:
                if gone.start > stretch.start:
                    rest.append(Stretch(stretch.start, gone.start, "between"))
                if gone.end < stretch.end:
                    rest.append(Stretch(gone.end, stretch.end, "between"))
        stretches = rest
    return stretches
