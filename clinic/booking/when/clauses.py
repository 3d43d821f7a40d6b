"""The pieces of a text joined into clauses: which days, at which times, and what is left out.

"Monday or Wednesday after 4, but not the 7th" is one clause with two days and a time, and one that
is left out. Every clause keeps all its readings; which of them can be meant is decided by the
opening hours in :mod:`clinic.booking.when.understanding`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product

from clinic.booking.when.almanac import add, monday, month_days, on_or_after, span
from clinic.booking.when.days import every
from clinic.booking.when.grammar import day_number, hour, later_readings, pieces
from clinic.booking.when.items import DAY, Days, Piece, Stretch, Times, part
from clinic.booking.when.patterns import Now
from clinic.booking.when.text import WEEKDAYS

_ITEMS = ("D", "T")
_OPERATORS = ("NOT_BEFORE", "FROM", "AFTER", "NOT_AFTER", "BEFORE", "UNTIL", "AROUND", "SINCE")
_RELATIVE = ("today", "tomorrow", "day after tomorrow", "the day after tomorrow")
_JOINS = {"OR": "or", "AND": "and", "COMMA": "comma", "STOP": "comma", "BUT": "but"}
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


@dataclass
class Request:
    """Everything a text says about when: clauses wanted, clauses left out."""

    wanted: list[Clause] = field(default_factory=list)
    left_out: list[Clause] = field(default_factory=list)
    anything: bool = False
    past: bool = False
    unclear: bool = False
    #: It refers to something said or booked before.
    context: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing in the text is a time."""
        return not (
            self.wanted
            or self.left_out
            or self.anything
            or self.past
            or self.unclear
            or self.context
        )


def requests(row: str, now: Now) -> list[Request]:
    """The ways of reading a canonical text; nearly always one."""
    found = []
    for variant in _numbers(pieces(row, now), now):
        found.append(_request(variant, now))
        if (other := _request(variant, now, exception_takes_time=False)) is not None:
            found.append(other)
    return [request for request in found if request is not None]


#: Words around a number that is all there is of an answer.
_CHATTER = {
    "yes", "yeah", "yep", "ok", "okay", "hi", "hello", "hey", "well", "hmm", "um", "uh", "thanks", "thank",
    "sure", "then", "guess", "think", "i", "i'd", "i'll", "say", "see", "do", "take", "go", "have", "got",
    "?", "you", "i'm", "that's", "we", "us", "try", "let's", "could", "can",
}  # fmt: skip
#: Words that ask for another time for an appointment there is.
_MOVES = {
    "move", "reschedule", "change", "switch", "shift", "push", "swap", "postpone", "rebook", "moved",
    "changed", "moving", "changing", "rescheduling", "delay",
}  # fmt: skip


# Bare numbers


def _numbers(found: list[Piece], now: Now) -> list[list[Piece]]:
    """Bare numbers read as hours or days of the month, or dropped."""
    _loose_words(found)
    alone = (
        all(
            p.kind
            in ("N", "FILL", "OR", "COMMA", "STOP", "GOOD", "ISH", "ANY", "AROUND", "DASH", "WORD")
            and (p.kind != "WORD" or p.text in _CHATTER)
            for p in found
        )
        and len(found) <= 8
    )
    variants = [found]
    # From the right, so that "3 or 4 on Tuesday" finds its Tuesday.
    for at in range(len(found) - 1, -1, -1):
        if found[at].kind != "N":
            continue
        options = _number(found, at, now, alone=alone)
        variants = [
            [*variant[:at], option, *variant[at + 1 :]]
            for variant in variants
            for option in options
        ][:4]
        found = variants[0]
    # And once more from the left for "at 3 or 4".
    for at, piece in enumerate(found):
        if piece.kind == "WORD" and piece.number and _joined_time(found, at) and piece.number <= 12:
            for variant in variants:
                variant[at] = Piece("T", piece.text, times=hour(piece.number))
    return variants


def _loose_words(found: list[Piece]) -> None:
    """ "am", "early" and "late" are times only beside a day or a time."""
    for at, piece in enumerate(found):
        if piece.kind != "T" or not piece.marks:
            continue
        before, after = _neighbour(found, at, -1), _neighbour(found, at, 1)
        if "am" in piece.marks:
            near = before is not None and before.kind in ("D", "T", "OR", "N", "AND")
        else:
            beside = [p for p in (before, after) if p is not None and p.kind in _ITEMS]
            near = bool(beside) or (len(found) <= 2 and piece.text in ("early", "late"))
            if any(p.days and p.days[0].kind in ("period", "open") for p in beside):
                # "Late" of a stretch of days is not late in the day.
                piece.kind = "UNCLEAR"
        if not near:
            piece.kind = "WORD"


def _neighbour(
    found: list[Piece], at: int, step: int, skip: tuple[str, ...] = ("FILL", "ISH")
) -> Piece | None:
    at += step
    while 0 <= at < len(found) and found[at].kind in skip:
        at += step
    return found[at] if 0 <= at < len(found) else None


def _joined_time(found: list[Piece], at: int) -> bool:
    joins = ("FILL", "ISH", "OR", "AND", "COMMA", "DASH", "AROUND")
    before = found[at - 1] if at else None
    if before is None or before.kind not in ("OR", "AND", "COMMA", "DASH"):
        return False
    other = _neighbour(found, at, -1, joins)
    return other is not None and other.kind == "T" and other.times[0].anchors != ()


def _number(found: list[Piece], at: int, now: Now, *, alone: bool) -> list[Piece]:
    piece = found[at]
    number = piece.number
    before = found[at - 1] if at else None
    led = before is not None and (
        before.kind in (*_OPERATORS, "BETWEEN") or before.text in ("at", "for", "like", "@", "to")
    )
    skip = ("FILL", "ISH", "COMMA", "DASH", "AROUND")
    left, right = _neighbour(found, at, -1, skip), _neighbour(found, at, 1, skip)
    near = [p for p in (left, right) if p is not None and p.kind in _ITEMS]
    days = day_number(number, now)
    as_day = Piece("D", piece.text, days=days[:1], number=number)
    as_time = Piece("T", piece.text, times=hour(number)) if number <= 24 else None
    weekday = next(
        (
            p
            for p in (left, right)
            if p is not None and p.kind == "D" and p.days[0].kind == "weekday"
        ),
        None,
    )
    dated = _neighbour(found, at, -1, ("FILL", "OR", "AND", "COMMA"))
    if before is not None and before.kind in ("OR", "AND", "COMMA", "FILL") and dated is not None:
        if dated.kind == "D" and dated.number and not led:
            return [as_day]
    if number > 12:
        if led and before is not None and before.text in ("at", "@") and as_time:
            return [as_time]
        if weekday is not None and not led:
            return [as_day]
        if before is not None and before.text in ("on", "the") and before.kind == "FILL":
            return [as_day]
        if (led or alone) and as_time and number < 24:
            return [as_time, as_day]
        return [as_day] if led or alone else [Piece("WORD", piece.text)]
    assert as_time is not None
    if not led and weekday is not None and weekday is left and before is weekday:
        same = [
            d for d in days[:2] if min(d.dates).weekday() == min(weekday.days[0].dates).weekday()
        ]
        if same:
            return [as_time, as_day]
    following = _neighbour(found, at, 1)
    joined = following is not None and following.kind in ("OR", "DASH", "AND")
    after_join = _neighbour(found, at, 1, ("FILL", "ISH", "OR", "DASH", "AND", "AROUND"))
    if joined and after_join is not None and after_join.kind == "T" and after_join.times[0].anchors:
        return [as_time]
    if led or near or alone or _joined_time(found, at):
        return [as_time]
    # Kept as a word that a time to its left may still claim.
    return [Piece("WORD", piece.text, number=number)]


# Ranges, and what the words around a day or a time make of it


def _request(found: list[Piece], now: Now, *, exception_takes_time: bool = True) -> Request | None:
    """The request in the pieces.

    "Weekdays except Friday after 5" leaves out Fridays after 5, or wants the other weekdays after
    5: ``exception_takes_time`` False gives the second reading, None where it is no other.
    """
    result = Request()
    found = _drop_words(_following(_moved(found), now), result)
    found = _ranges(found, now)
    found = _history(_operators(found, now), result)
    result.unclear = result.unclear or any(piece.kind == "UNCLEAR" for piece in found)
    groups = _groups(found)
    _polarity(groups, result)
    if not exception_takes_time and not _free_time_of_exception(groups):
        return None
    wanted: list[tuple[Piece, str]] = []
    for at, group in enumerate(groups):
        wanted.extend(_stream([p for p in group.pieces if p not in group.negative], group.before))
        kept = (*group.negative, *(p for p in group.pieces if p.kind in ("OR", "AND")))
        clauses = _clauses(_stream([p for p in group.pieces if p in kept], ""))
        for clause in clauses:
            if clause.first == "T" and clause.days and not _elsewhere(groups, at):
                # "Not in the morning on Tuesday" is about Tuesday.
                result.wanted.append(Clause(days=clause.days, first="D", last="D"))
        result.left_out.extend(clauses)
    result.wanted.extend(_clauses(wanted))
    if result.wanted or result.left_out or result.anything:
        result.past = False
    return result


def _free_time_of_exception(groups: list[_Group]) -> bool:
    """Takes a time at the end out of an exception; whether there was one to take."""
    timed = [p for g in groups for p in g.items if p.kind == "T" and p not in g.negative]
    group = groups[-1] if groups else None
    if timed or group is None or group.by != "EXCEPT" or not _elsewhere(groups, -1):
        return False
    kinds = [p.kind for p in group.negative]
    if kinds[-1:] != ["T"] or "D" not in kinds:
        return False
    group.negative = [p for p in group.negative if p.kind == "D"]
    return True


def _drop_words(found: list[Piece], result: Request) -> list[Piece]:
    kept: list[Piece] = []
    for at, piece in enumerate(found):
        if piece.kind == "ANY" and re.match(r"any ?time", piece.text):
            beside = (_neighbour(found, at, -1), _neighbour(found, at, 1))
            if any(p is not None and p.kind == "D" for p in beside):
                # "Any time Saturday" keeps another time off the Saturday.
                piece = Piece("T", piece.text, times=(part(0, DAY, "any"),))
        if piece.kind == "CONTEXT":
            result.context = True
        elif piece.kind == "UNCLEAR" or (
            # "I leave on the 10th" says when not, and not when.
            piece.kind == "TRIP" and any(p.kind == "D" for p in found)
        ):
            result.unclear = True
        elif piece.kind == "ANY":
            result.anything = True
        if piece.kind not in ("FILL", "ISH", "ONLY"):
            kept.append(piece)
    return kept


def _moved(found: list[Piece]) -> list[Piece]:
    """Of "move Tuesday to Thursday" only the Thursday is wanted."""
    if not any(piece.kind == "WORD" and piece.text in _MOVES for piece in found):
        return found
    for at in range(len(found) - 1, 0, -1):
        after = _neighbour(found, at, 1)
        if found[at].kind == "DASH" and found[at].text == "to" and after and after.kind in _ITEMS:
            return [p for p in found[:at] if p.kind not in (*_ITEMS, *_OPERATORS)] + found[at + 1 :]
    return [Piece("UNCLEAR", p.text) if p.kind == "T" and " to " in p.text else p for p in found]


def _following(found: list[Piece], now: Now) -> list[Piece]:
    """ "The week after" what was said before; alone it is not clear what it follows."""
    result: list[Piece] = []
    for piece in found:
        if piece.follows is None:
            result.append(piece)
            continue
        unit, number = piece.follows
        if unit in ("before", "after"):
            known = next((p for p in reversed(result) if p.kind == "D" and p.days), None)
            if known is None:
                result.append(Piece("UNCLEAR", piece.text))
            else:
                result.remove(known)
                result.append(_apply(unit.upper(), replace(known, text=piece.text), now))
            continue
        before = next((p for p in reversed(result) if p.kind == "D" and p.days), None)
        days = before and [_days_after(unit, number, reading, now) for reading in before.days]
        if before is not None and days and all(days):
            result.append(replace(piece, days=tuple(d for d in days if d), follows=None))
        else:
            result.append(Piece("UNCLEAR", piece.text))
    return result


def _days_after(unit: str, number: int, days: Days, now: Now) -> Days | None:
    if not days.dates:
        return None
    start = next_day(days, now)
    assert start is not None
    last = start if days.kind in ("weekday", "weekdays") else max(days.dates)
    if unit in WEEKDAYS:
        return Days(frozenset([on_or_after(add(last, 1), WEEKDAYS.index(unit))]), "date")
    if unit == "day":
        return Days(frozenset([add(last, number)]), "date")
    if unit == "week" and days.kind in ("date", "weekday", "weekdays"):
        return Days(frozenset([add(last, 7 * number)]), "date")
    first = add(monday(last), 7 * number)
    if unit == "weekend":
        return Days(span(add(first, 5), add(first, 6)), "period")
    if unit == "month":
        return Days(month_days(last.year, last.month + number), "period")
    return Days(span(first, add(first, 6)), "period")


def next_day(days: Days, now: Now) -> date | None:
    """The first day meant, from today on; the last one where all are past."""
    coming = [day for day in days.dates if day >= now.today]
    return min(coming) if coming else max(days.dates, default=None)


def _ranges(found: list[Piece], now: Now) -> list[Piece]:
    result: list[Piece] = []
    at = 0
    while at < len(found):
        piece = found[at]
        join = found[at + 1] if at + 1 < len(found) else None
        other = found[at + 2] if at + 2 < len(found) else None
        between = bool(result) and result[-1].kind == "BETWEEN"
        if (
            piece.kind == "D"
            and join is not None
            and other is not None
            and other.kind == "D"
            and (join.kind in ("DASH", "UNTIL") or (between and join.kind == "AND"))
        ):
            days = _range(piece, other, now)
            if days is not None:
                if result and result[-1].kind in ("BETWEEN", "FROM"):
                    result.pop()
                result.append(Piece("D", f"{piece.text} - {other.text}", days=days))
                at += 3
                continue
        result.append(piece)
        at += 1
    return result


def _range(first: Piece, last: Piece, now: Now) -> tuple[Days, ...] | None:
    one, two = first.days[0], last.days[0]
    if one.kind in ("weekday", "weekdays") and two.kind in ("weekday", "weekdays"):
        low, high = (min(days.dates).weekday() for days in (one, two))
        if (low, high) == (0, 4) or "weekdays" in (one.kind, two.kind):
            numbers = [(low + n) % 7 for n in range((high - low) % 7 + 1)]
            return (every(tuple(numbers), now),)
    begin, end = next_day(one, now), next_day(two, now)
    if begin is None or end is None:
        return None
    if two.kind == "weekday":
        end = on_or_after(begin, end.weekday())
    elif two.dates and two.kind == "period":
        end = max(two.dates)
    if last.number and end < begin:
        later = [min(d.dates) for d in later_readings(last, now) if min(d.dates) >= begin]
        end = later[0] if later else end
    if end < begin:
        return None
    return (Days(span(begin, end), "period"),)


def _operators(found: list[Piece], now: Now) -> list[Piece]:
    result: list[Piece] = []
    operator: Piece | None = None
    for at, piece in enumerate(found):
        if piece.kind in ("BEFORE", "AFTER") and _event(found[at + 1 : at + 4]):
            # "Before my trip on Friday": before Friday, or on Friday before something?
            result.append(Piece("UNCLEAR", piece.text))
            continue
        if piece.kind in _OPERATORS:
            if operator is not None and piece.kind == "AROUND":
                continue
            operator = piece
            continue
        if piece.kind == "BETWEEN":
            continue
        if operator is not None and piece.kind in _ITEMS:
            if operator.kind == "SINCE":
                piece = replace(piece, past=True, marks={"since"})
            else:
                piece = _apply(operator.kind, piece, now)
        elif piece.kind in ("ONWARD", "OR_EARLIER"):
            kind = "FROM" if piece.kind == "ONWARD" else "UNTIL"
            if result and result[-1].kind in _ITEMS:
                result[-1] = _apply(kind, result[-1], now)
            else:
                operator = Piece(kind)
            continue
        elif (
            operator is not None
            and operator.kind == "SINCE"
            and piece.kind not in ("COMMA", "STOP", "BUT")
        ):
            # "It started hurting on Monday": the day may come a few words later.
            result.append(piece)
            continue
        operator = None
        result.append(piece)
    return result


def _event(following: list[Piece]) -> bool:
    kinds = [piece.kind for piece in following]
    words = [piece.text for piece in following if piece.kind == "WORD"]
    return (kinds[:2] == ["WORD", "D"] or kinds[:3] == ["WORD", "WORD", "D"]) and "i" not in words


def _apply(operator: str, piece: Piece, now: Now) -> Piece:
    kind = {"NOT_BEFORE": "FROM", "NOT_AFTER": "UNTIL"}.get(operator, operator)
    if piece.kind == "D":
        days = tuple(_days_from(kind, reading, now) for reading in piece.days)
        return replace(piece, days=days, number=0)
    return replace(piece, times=tuple(_times_from(kind, reading) for reading in piece.times))


def _days_from(kind: str, days: Days, now: Now) -> Days:
    if not days.dates:
        return days
    if days.kind in ("weekday", "weekdays"):
        nearest = next_day(days, now)
        assert nearest is not None
        low = high = nearest
    else:
        low, high = min(days.dates), max(days.dates)
    everything = now.past_and_future
    if kind == "AROUND":
        if days.kind != "date":
            return days
        return Days(span(add(low, -1), add(high, 1)), "period")
    tests = {
        "AFTER": lambda day: day > high,
        "FROM": lambda day: day >= low,
        "BEFORE": lambda day: now.today <= day < low,
        "UNTIL": lambda day: now.today <= day <= high,
    }
    return Days(frozenset(day for day in everything if tests[kind](day)), "open")


def _times_from(kind: str, times: Times) -> Times:
    if times.edge or kind == "AROUND" or not times.stretches:
        return times
    low = min(stretch.start for stretch in times.stretches)
    high = max(stretch.end for stretch in times.stretches)
    if all(stretch.shape == "at" for stretch in times.stretches):
        high = low
    if kind == "AFTER":
        return Times((Stretch(high, DAY, "after"),), ((high, "start"),))
    if kind == "FROM":
        return Times((Stretch(low, DAY, "after"),), ((low, "start"),))
    if kind == "BEFORE":
        return Times((Stretch(0, low, "before"),), ((low, "end"),))
    return Times((Stretch(0, high, "before"),), ((high, "end"),))


def _history(found: list[Piece], result: Request) -> list[Piece]:
    """Takes out what is past: "it hurts since Monday", "I fell yesterday"."""
    kept: list[Piece] = []
    dropped = False
    for piece in found:
        if piece.past:
            dropped = True
        elif not (dropped and piece.kind == "T"):
            kept.append(piece)
            dropped = dropped and piece.kind not in ("COMMA", "STOP", "BUT", "OR", "AND", "D")
    story = any(piece.kind == "WORD" and piece.text in _STORY for piece in found)
    told = [piece for piece in found if piece.past and "since" not in piece.marks]
    result.past = bool(told) and not story
    return kept


_STORY = {
    "hurt", "hurts", "fell", "started", "injured", "pain", "sore", "saw", "was", "were", "had", "visited",
    "strained", "pulled", "did", "been", "happened", "woke", "began", "got", "ache", "aching", "slipped",
    "tweaked", "twisted", "sciatica", "surgery", "accident", "doctor", "since", "worse", "back",
}  # fmt: skip


# What is wanted and what is left out


@dataclass
class _Group:
    """The pieces between two commas, and the word that led to them."""

    before: str
    pieces: list[Piece] = field(default_factory=list)
    negative: list[Piece] = field(default_factory=list)
    by: str = ""

    @property
    def items(self) -> list[Piece]:
        return [p for p in self.pieces if p.kind in _ITEMS]

    @property
    def bare(self) -> bool:
        return bool(self.items) and all(p.kind in (*_ITEMS, "OR", "AND") for p in self.pieces)


def _groups(found: list[Piece]) -> list[_Group]:
    groups = [_Group("")]
    for piece in found:
        if piece.kind in ("COMMA", "STOP", "BUT"):
            join = _JOINS[piece.kind]
            if groups[-1].pieces:
                groups.append(_Group(join))
            elif join == "but":
                groups[-1].before = join
        else:
            groups[-1].pieces.append(piece)
    return [group for group in groups if group.pieces]


def _polarity(groups: list[_Group], result: Request) -> None:
    for at, group in enumerate(groups):
        kinds = [p.kind for p in group.pieces]
        _mark(group, groups, at)
        if group.negative or not group.bare or not at:
            if group.before == "but" and group.bare and at and not group.negative:
                _but(group, groups[at - 1], result)
            continue
        previous = groups[at - 1]
        if group.before == "comma" and previous.negative and previous.by in ("NOT", "EXCEPT"):
            if (
                previous.by == "EXCEPT"
                or "OR" in kinds
                or "AND" in kinds
                or all(p.days and p.days[0].kind == "weekdays" for p in group.items)
                or (at + 1 < len(groups) and groups[at + 1].bare)
            ):
                group.negative, group.by = group.items, previous.by
            else:
                # "Not Monday, Tuesday": a list, or a correction?
                result.unclear = True
        elif group.before == "but":
            _but(group, previous, result)


def _but(group: _Group, previous: _Group, result: Request) -> None:
    """ "Any weekday but Friday" leaves the Friday out."""
    wide = result.anything or any(
        p.wide or (p.kind == "D" and p.days[0].kind in ("weekdays", "period", "open"))
        for p in previous.items
    )
    if wide and all(p.kind == "D" for p in group.items):
        group.negative, group.by = group.items, "EXCEPT"


def _mark(group: _Group, groups: list[_Group], at: int) -> None:
    turned = ""
    for place, piece in enumerate(group.pieces):
        before = [p for p in group.pieces[:place] if p.kind in _ITEMS]
        after = [p for p in group.pieces[place + 1 :] if p.kind in _ITEMS]
        if piece.kind == "NO_GOOD":
            if before:
                group.negative.extend(p for p in before if p not in group.negative)
                for earlier in reversed(groups[:at]):
                    if not (earlier.bare and group.before == "comma"):
                        break
                    earlier.negative = earlier.items
            elif after:
                turned = "NOT"
            else:
                _negate_previous(groups, at)
            group.by = "NO_GOOD"
        elif piece.kind in ("NOT", "EXCEPT", "BUSY"):
            if after:
                turned = group.by = piece.kind
            elif before and piece.kind != "EXCEPT":
                group.negative.extend(p for p in before if p not in group.negative)
                group.by = piece.kind
        elif piece.kind == "GOOD":
            # "Not Monday rather Tuesday"
            if turned and before and group.negative:
                turned = ""
        elif piece.kind in _ITEMS and turned:
            group.negative.append(piece)


def _negate_previous(groups: list[_Group], at: int) -> None:
    if at and groups[at - 1].bare and groups[at].before == "comma":
        groups[at - 1].negative = groups[at - 1].items


def _elsewhere(groups: list[_Group], at: int) -> bool:
    """Whether something is wanted besides what this group leaves out."""
    return any(piece not in group.negative for group in groups for piece in group.items)


# Days and times that belong together


def _stream(found: list[Piece], before: str) -> list[tuple[Piece, str]]:
    stream: list[tuple[Piece, str]] = []
    join = before
    for piece in found:
        if piece.kind in _ITEMS:
            stream.append((piece, join))
            join = ""
        elif piece.kind in ("OR", "AND"):
            join = _JOINS[piece.kind] if not join or join == "comma" else join
    return stream


def _clauses(stream: list[tuple[Piece, str]]) -> list[Clause]:
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
    # Time, day, and a time again.
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
    if kind == "date" and other == "date" and not _share(piece, last[-1]):
        if join == "comma" or not {piece.text, last[-1].text} & set(_RELATIVE):
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
    meets = any(
        a.meet(b) is not None
        for reading in piece.times
        for other in last[-1].times
        for a in reading.stretches
        for b in other.stretches
    ) or any(reading.edge for reading in (*piece.times, *last[-1].times))
    shapes = {s.shape for p in (piece, last[-1]) for r in p.times for s in r.stretches}
    if join == "or" or not meets:
        clause.times.append([piece])
    elif join == "and" and not shapes >= {"after", "before"}:
        clause.times.append([piece])
    else:
        last.append(piece)


# Readings


def _time_readings(term: list[Piece]) -> list[tuple[Times, ...]]:
    return list(product(*(piece.times for piece in term)))


def _day_readings(term: list[Piece], now: Now, *, left_out: bool) -> list[DayReading]:
    found: list[DayReading] = []
    for chosen in product(*(piece.days for piece in term)):
        found.extend(_met(term, chosen, now, left_out=left_out))
    # A reading without any day gives way to one with days.
    real = [reading for reading in found if reading.dates]
    if not real and len(term) > 1:
        return _mismatch(term, now) or found
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
