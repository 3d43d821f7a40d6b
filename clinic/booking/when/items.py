"""The building blocks of what is meant: sets of days, stretches of a day, and pieces of a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from clinic.hours import Span

#: The kinds of pieces that are a day or a time, and the words that change the next one.
ITEMS = ("D", "T")
OPERATORS = ("NOT_BEFORE", "FROM", "AFTER", "NOT_AFTER", "BEFORE", "UNTIL", "AROUND", "SINCE")
#: How pieces are joined.
JOINS = {
    "OR": "or",
    "AND": "and",
    "COMMA": "comma",
    "STOP": "comma",
    "BUT": "but",
    "BECAUSE": "comma",
}
#: What a part of a sentence ends with.
ENDS = ("COMMA", "STOP", "BUT", "BECAUSE")
#: A point in time ("at 3") is read as the hour that starts there.
POINT = 60
DAY = 1440


#: How far a part of the day reaches when a clock time is said with it: "5 in the afternoon".
_LOOSE = {
    "morning": (0, 721),
    "early morning": (0, 600),
    "afternoon": (720, 19 * 60),
    "late afternoon": (15 * 60, 19 * 60),
    "early afternoon": (720, 15 * 60),
    "evening": (16 * 60, DAY),
    "early evening": (16 * 60, 20 * 60),
    "night": (17 * 60, DAY),
    "lunchtime": (11 * 60, 15 * 60),
}


@dataclass(frozen=True)
class Days:
    """One reading of a day: the calendar days that may be meant.

    ``kind`` is "date" (one certain day), "weekday" (the next one), "weekdays" (every one),
    "period" (a stretch of days) or "open" (from or until a day). ``soft``: where the clinic is
    closed, the next open day is meant as well ("in two weeks"). ``near``: the real days next to a
    date that does not exist.
    """

    dates: frozenset[date]
    kind: Literal["date", "weekday", "weekdays", "period", "open"]
    soft: bool = False
    near: tuple[date, ...] = ()


@dataclass(frozen=True)
class Stretch:
    """A stretch of a day in minutes after midnight. ``shape`` is how it was said.

    "at" is a point: an appointment is to start at ``start``.
    """

    start: int
    end: int
    shape: str

    def meet(self, other: Stretch) -> Stretch | None:
        """What both mean, None when nothing."""
        if self.shape == "at" or other.shape == "at":
            point, rest = (self, other) if self.shape == "at" else (other, self)
            if rest.shape == "at":
                return point if rest.start == point.start else None
            low, high = _LOOSE.get(rest.shape, (rest.start, rest.end))
            return point if low <= point.start < high else None
        for exact, named in ((self, other), (other, self)):
            if exact.shape == "between" and named.shape in _LOOSE:
                # "In the afternoon between 4 and 6": the clock times say it better.
                low, high = _LOOSE[named.shape]
                return exact if low <= exact.start < high else None
        start, end = max(self.start, other.start), min(self.end, other.end)
        if start >= end:
            return None
        # The narrower one gave the words.
        inner = self if self.end - self.start <= other.end - other.start else other
        same = inner.start == start and inner.end == end
        return Stretch(start, end, inner.shape if same else "between")


@dataclass(frozen=True)
class Times:
    """One reading of a time of day. ``edge`` counts from the clinic's opening or closing instead.

    ``anchors`` are the clock times that were named, each "start" or "end" of a stretch; they tell
    a likely reading of an hour without am or pm from an unlikely one.
    """

    stretches: tuple[Stretch, ...] = ()
    anchors: tuple[tuple[int, Literal["start", "end"]], ...] = ()
    edge: Literal["", "first", "last", "last_hour"] = ""

    def on(self, spans: tuple[Span, ...]) -> tuple[Stretch, ...]:
        """The stretches on a day with these opening times."""
        if not self.edge:
            return self.stretches
        if not spans:
            return ()
        opens, closes = spans[0].start, spans[-1].end
        if self.edge == "first":
            return (Stretch(opens, min(opens + 60, closes), "first"),)
        length = 60 if self.edge == "last_hour" else 120
        return (Stretch(max(closes - length, opens), closes, "last"),)


@dataclass(eq=False)
class Piece:
    """A piece of the text: a day ("D") or a time ("T") with its readings, or a joining word."""

    kind: str
    text: str = ""
    days: tuple[Days, ...] = ()
    times: tuple[Times, ...] = ()
    number: int = 0
    #: Something about the readings that must be asked whatever else is known.
    ask: str = ""
    past: bool = False
    marks: set[str] = field(default_factory=set)
    #: "Any morning", "mornings": what "but" leaves something out of.
    wide: bool = False
    #: What is meant instead where the piece is left out: "not at the weekend".
    left_out: Days | None = None
    #: For "the week after": the unit and how many of them after the day said before.
    follows: tuple[str, int] | None = None


def part(start: int, end: int, shape: str) -> Times:
    """A named part of the day."""
    return Times((Stretch(start, end, shape),))


def point(minute: int) -> Times:
    """A clock time."""
    return Times((Stretch(minute, minute + POINT, "at"),), ((minute, "start"),))
