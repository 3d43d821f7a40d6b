"""Days and times that belong together, and all the ways of reading them.

"Monday or Wednesday after 4" is one clause with two days and a time, "Monday after 4 or Wednesday"
are two. Which reading of a clause can be meant is decided by the opening hours, in
:mod:`clinic.booking.when.understanding`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import islice, product

from clinic.booking.when.almanac import add
from clinic.booking.when.grammar import later_readings
from clinic.booking.when.items import ITEMS, JOINS, Days, Piece, Times
from clinic.booking.when.patterns import Now

_RELATIVE = ("today", "tomorrow", "day after tomorrow", "the day after tomorrow")
#: More readings than this are not told apart but asked about.
MOST_READINGS = 48


@dataclass(frozen=True)
class DayReading:
    """Days that may be meant; ``ask`` names what does not fit together."""

    dates: frozenset[date]
    soft: bool = False
    ask: str = ""


@dataclass(frozen=True)
class Choice:
    """One reading of a clause: its days (None: any day) and its times (None: any time)."""

    days: tuple[DayReading, ...] | None
    times: tuple[tuple[Times, ...], ...] | None
    #: Whether an hour was settled that was said without am or pm.
    guessed: tuple[Times, ...] = ()


@dataclass
class Clause:
    """Days and times that belong together: terms are alternatives, each an intersection."""

    days: list[list[Piece]] = field(default_factory=list)
    times: list[list[Piece]] = field(default_factory=list)
    first: str = ""
    last: str = ""
    #: Times that do not go together.
    unclear: bool = False

    def choices(self, now: Now, *, left_out: bool) -> list[Choice]:
        """All readings, at most ``MOST_READINGS``."""
        day_terms = [_day_readings(term, now, left_out=left_out) for term in self.days]
        time_terms = [_time_readings(term) for term in self.times]
        guessed = [term for term in self.times if any(len(p.times) > 1 for p in term)]
        found = []
        for days in product(*day_terms):
            for times in product(*time_terms):
                guesses = tuple(
                    chosen
                    for term, readings in zip(self.times, times, strict=True)
                    if term in guessed
                    for piece, chosen in zip(term, readings, strict=True)
                    if len(piece.times) > 1
                )
                found.append(
                    Choice(days if self.days else None, times if self.times else None, guesses)
                )
                if len(found) == MOST_READINGS:
                    return found
        return found


def stream_of(found: list[Piece], before: str) -> list[tuple[Piece, str]]:
    """The days and times among the pieces, each with the word that joins it to the last one."""
    stream: list[tuple[Piece, str]] = []
    join = before
    for piece in found:
        if piece.kind in ITEMS:
            stream.append((piece, join))
            join = ""
        elif piece.kind in ("OR", "AND"):
            join = JOINS[piece.kind] if not join or join == "comma" else join
    return stream


def clauses_of(stream: list[tuple[Piece, str]]) -> list[Clause]:
    """The clauses of a stream, in order."""
    clauses: list[Clause] = []
    for at, (piece, join) in enumerate(stream):
        following = stream[at + 1] if at + 1 < len(stream) else None
        clause = clauses[-1] if clauses else None
        if clause is None or _begins(clause, piece, join, following):
            clause = Clause(first=piece.kind)
            clauses.append(clause)
            join = ""
        if piece.kind == "D":
            _add_day(clause, piece, join)
        else:
            _add_time(clause, piece, join)
        clause.last = piece.kind
    return clauses


def _begins(clause: Clause, piece: Piece, join: str, following: tuple[Piece, str] | None) -> bool:
    """Whether a piece begins a clause of its own."""
    if piece.kind == "D":
        if clause.last == "D":
            # "3 on Monday or Tuesday at 4"
            own_time = following is not None and following[0].kind == "T" and following[1] == ""
            return bool(own_time and join in ("or", "and", "comma") and clause.times)
        if clause.first == "D":
            return bool(join) or not _meets_days(clause, piece)
        return join in ("or", "and") if not clause.days else bool(join)
    own_day = following is not None and following[0].kind == "D" and following[1] == ""
    if clause.last == "T":
        return bool(own_day and clause.days and join)
    if not clause.times:
        return join == "or" or bool(own_day and join)
    # Time, day, and a time again: "8:30 on Saturday for me and 9:30 for him" is one day.
    if following is None and all(s.shape == "at" for t in piece.times for s in t.stretches):
        return False
    return join in ("or", "and") or bool(own_day and join)


def _meets_days(clause: Clause, piece: Piece) -> bool:
    kinds = {term[-1].days[0].kind for term in clause.days}
    weekly = {"weekday", "weekdays"}
    return not (piece.days[0].kind in weekly and kinds <= weekly)


def _add_day(clause: Clause, piece: Piece, join: str) -> None:
    if not clause.days:
        clause.days.append([piece])
        return
    last = clause.days[-1]
    weekly = ("weekday", "weekdays")
    kind, other = piece.days[0].kind, last[-1].days[0].kind
    if join in ("or", "and") or (kind in weekly and other in weekly):
        carried = [p for p in last if p.days[0].kind in ("period", "open")]
        if kind in weekly and carried and last[0] in carried and len(last) > 1:
            clause.days.append([*carried, piece])
        else:
            clause.days.append([piece])
        return
    listed = join == "comma" or not {piece.text, last[-1].text} & set(_RELATIVE)
    if kind == other == "date" and listed and not _share(piece, last[-1]):
        clause.days.append([piece])
        return
    if {kind, other} == {"date", "weekday"} and join == "comma" and not _share(piece, last[-1]):
        relative = piece if kind == "date" else last[-1]
        if relative.text in _RELATIVE:
            clause.days.append([piece])
            return
    if kind in ("period", "open") and len(clause.days) > 1:
        # "Monday or Tuesday next week": back to the last day that has its week.
        for term in reversed(clause.days):
            if any(p.days[0].kind in ("period", "open") for p in term):
                break
            term.append(piece)
        return
    if kind == other == "period" and not _share(piece, last[-1]):
        clause.days.append([piece])
        return
    last.append(piece)


def _share(one: Piece, two: Piece) -> bool:
    return any(a.dates & b.dates for a in one.days for b in two.days)


def _add_time(clause: Clause, piece: Piece, join: str) -> None:
    if not clause.times:
        clause.times.append([piece])
        return
    last = clause.times[-1]
    # "At 5 in the morning" says so; of "mornings, Tuesday after 1" the 1 is not at night.
    read = list if clause.last == "T" else _likely
    meets = any(
        a.meet(b) is not None
        for reading in read(piece.times)
        for other in read(last[-1].times)
        for a in reading.stretches
        for b in other.stretches
    ) or any(reading.edge for reading in (*piece.times, *last[-1].times))
    shapes = {s.shape for p in (piece, last[-1]) for r in p.times for s in r.stretches}
    named = all(reading.anchors for p in (piece, last[-1]) for reading in p.times)
    if not join and not meets and named:
        # "12-14 at 2", "for 2 of us, Monday 5 pm": one of them is no time of day.
        clause.unclear = True
    apart = join == "and" and not shapes >= {"after", "before"}
    if join == "or" or apart or not meets:
        clause.times.append([piece])
    else:
        last.append(piece)


def _likely(times: tuple[Times, ...]) -> list[Times]:
    """The readings of a time; "1" without am or pm is not the one at night."""
    return [t for t in times if all(minute >= 360 for minute, _ in t.anchors)] or list(times)


def _time_readings(term: list[Piece]) -> list[tuple[Times, ...]]:
    return list(islice(product(*(piece.times for piece in term)), MOST_READINGS))


def _day_readings(term: list[Piece], now: Now, *, left_out: bool) -> list[DayReading]:
    found: list[DayReading] = []
    readings = [(piece.left_out,) if left_out and piece.left_out else piece.days for piece in term]
    for chosen in islice(product(*readings), MOST_READINGS):
        found.extend(_met(term, chosen, now, left_out=left_out))
    # A reading without any day gives way to one with days.
    real = [reading for reading in found if reading.dates]
    if not real and len(term) > 1:
        # "December 3 next week": days that have nothing in common.
        return _mismatch(term, now) or [DayReading(frozenset(), ask="unclear")]
    return list(dict.fromkeys(real or found))


def _met(
    term: list[Piece], chosen: tuple[Days, ...], now: Now, *, left_out: bool
) -> list[DayReading]:
    dates = frozenset.intersection(*(days.dates for days in chosen))
    soft = any(days.soft for days in chosen)
    near = [day for days in chosen for day in days.near]
    if near:
        return [DayReading(frozenset([day]), ask="no_such_date") for day in near]
    kinds = {days.kind for days in chosen}
    if left_out or "weekday" not in kinds or kinds & {"date", "period"}:
        return [DayReading(dates, soft)]
    coming = sorted(day for day in dates if day >= now.today)
    if not coming:
        return [DayReading(frozenset(), soft)]
    if coming[0] == now.today and len(coming) > 1:
        # Said on that very weekday: today, or in a week.
        return [DayReading(frozenset([day]), soft) for day in coming[:2]]
    return [DayReading(frozenset(coming[:1]), soft)]


def _mismatch(term: list[Piece], now: Now) -> list[DayReading]:
    """ "Tuesday the 3rd" where the 3rd is a Thursday: the days that may have been meant."""
    dated = [p for p in term if any(d.kind == "date" for d in p.days)]
    weekly = [p for p in term if p.days[0].kind in ("weekday", "weekdays")]
    if not dated or not weekly:
        return []
    piece = dated[0]
    number = min(weekly[0].days[0].dates).weekday()
    found: list[date] = []
    if piece.number:
        later = [min(d.dates) for d in later_readings(piece, now)]
        if later[0].weekday() == number:
            return [DayReading(frozenset(later[:1]))]
        found.extend(day for day in later[1:4] if day.weekday() == number)
    for days in piece.days:
        for day in days.dates:
            if day < now.today and not piece.number:
                continue
            around = [add(day, shift) for shift in range(-3, 4)]
            found.append(day)
            found.extend(d for d in around if d.weekday() == number and d >= now.today)
    return [DayReading(frozenset([day]), ask="mismatch") for day in sorted(set(found))]
