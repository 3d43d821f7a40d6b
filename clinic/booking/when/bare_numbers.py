"""Bare numbers: hours, days of the month, or nothing to do with when."""

from __future__ import annotations

import re

from clinic.booking.when.grammar import day_number, hour
from clinic.booking.when.items import ITEMS, OPERATORS, Piece, point
from clinic.booking.when.patterns import Now
from clinic.booking.when.text import word_set
from clinic.booking.when.times import clock

#: "1830" beside a day; years are none.
_CLOCKLIKE = re.compile(r"(?!19|20)(?:[01]?\d|2[0-3])[0-5]\d")


_STRETCHES = ("week", "weeks", "fortnight", "fortnights", "month", "months", "weekend", "half")


#: Before a "4" that may be "for".
_FOR_WHAT = (
    "anything",
    "something",
    "appointment",
    "slot",
    "available",
    "free",
    "book",
    "booked",
    "room",
    "space",
    "spot",
    "opening",
    "me",
    "in",
)


def with_numbers(found: list[Piece], now: Now) -> list[list[Piece]]:
    """Bare numbers read as hours or days of the month, or dropped."""
    _loose_words(found)
    found = [_clocklike(found, at) for at in range(len(found))]
    alone = (
        all(
            p.kind
            in ("N", "FILL", "OR", "COMMA", "STOP", "GOOD", "ISH", "ANY", "AROUND", "DASH", "WORD")
            and (p.kind != "WORD" or p.text in word_set("chatter"))
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
    for variant in variants:
        if any(p.kind in ITEMS for p in variant):
            for piece in variant:
                left = piece.number or _CLOCKLIKE.fullmatch(piece.text) or piece.text in _STRETCHES
                if piece.kind == "WORD" and left:
                    # A number or a week nobody can place, beside a day: asked, not left out.
                    piece.kind = "UNCLEAR"
    return variants


def _clocklike(found: list[Piece], at: int) -> Piece:
    """ "Thursday 1830", "1830 on Thursday"."""
    piece = found[at]
    if piece.kind != "WORD" or not _CLOCKLIKE.fullmatch(piece.text):
        return piece
    skip = ("FILL", "COMMA", "AROUND")
    beside = (neighbour(found, at, -1, skip), neighbour(found, at, 1, skip))
    if not any(p is not None and p.kind == "D" for p in beside):
        return piece
    minutes = clock(f"{piece.text[:-2]}:{piece.text[-2:]}") or []
    return Piece("T", piece.text, times=tuple(point(minute) for minute in minutes))


def _loose_words(found: list[Piece]) -> None:
    """ "am", "early" and "late" are times only beside a day or a time."""
    for at, piece in enumerate(found):
        if piece.kind != "T" or not piece.marks:
            continue
        before, after = neighbour(found, at, -1), neighbour(found, at, 1)
        if "am" in piece.marks:
            near = before is not None and before.kind in ("D", "T", "OR", "N", "AND")
            last = after is None or after.kind in ("COMMA", "STOP")
            if last and before is not None and before.kind == "COMMA":
                # "Day before Good Friday, am"
                said = neighbour(found, at, -1, ("FILL", "ISH", "COMMA"))
                near = said is not None and said.kind == "D"
        else:
            # "Tuesday the 24th, early"
            before = neighbour(found, at, -1, ("FILL", "ISH", "COMMA"))
            beside = [p for p in (before, after) if p is not None and p.kind in ITEMS]
            near = bool(beside) or (len(found) <= 2 and piece.text in ("early", "late"))
            if any(p.days and p.days[0].kind in ("period", "open") for p in beside):
                # "Late" of a stretch of days is not late in the day.
                piece.kind = "UNCLEAR"
        if not near:
            piece.kind = "WORD"


def neighbour(
    found: list[Piece], at: int, step: int, skip: tuple[str, ...] = ("FILL", "ISH")
) -> Piece | None:
    """The piece before (-1) or after (1) ``at`` that is of none of the kinds to skip."""
    at += step
    while 0 <= at < len(found) and found[at].kind in skip:
        at += step
    return found[at] if 0 <= at < len(found) else None


def _joined_time(found: list[Piece], at: int) -> bool:
    joins = ("FILL", "ISH", "OR", "AND", "COMMA", "DASH", "AROUND")
    before = found[at - 1] if at else None
    if before is None or before.kind not in ("OR", "AND", "COMMA", "DASH"):
        return False
    other = neighbour(found, at, -1, joins)
    return other is not None and other.kind == "T" and other.times[0].anchors != ()


def _number(found: list[Piece], at: int, now: Now, *, alone: bool) -> list[Piece]:
    piece = found[at]
    number = piece.number
    before = found[at - 1] if at else None
    led = before is not None and (
        before.kind in (*OPERATORS, "BETWEEN")
        or before.text in ("at", "for", "like", "@", "to", "not", "instead of")
    )
    skip = ("FILL", "ISH", "COMMA", "DASH", "AROUND")
    left, right = neighbour(found, at, -1, skip), neighbour(found, at, 1, skip)
    beyond = neighbour(found, at, 1, (*skip, *OPERATORS))
    near = [p for p in (left, right, beyond) if p is not None and p.kind in ITEMS]
    days = day_number(number, now)
    as_day = Piece("D", piece.text, days=days[:1], number=number)
    as_time = Piece("T", piece.text, times=hour(number)) if number <= 24 else None
    weekday = next(
        (
            p
            for p in (left, right)
            if p is not None and p.kind == "D" and p.days and p.days[0].kind == "weekday"
        ),
        None,
    )
    dated = neighbour(found, at, -1, ("FILL", "OR", "AND", "COMMA"))
    # "3ish by Wednesday", "5 or later"
    marked = at + 1 < len(found) and found[at + 1].kind in ("ISH", "ONWARD", "OR_EARLIER")
    if marked and as_time and number <= 12:
        return [as_time]
    listed = before is not None and before.kind in ("OR", "AND", "COMMA", "FILL") and not led
    if listed and dated is not None and dated.kind == "D" and dated.number:
        return [as_day]
    if number > 12:
        if led and before is not None and before.text in ("at", "@"):
            # "At 28" is an age, or a slip.
            return [as_time or Piece("WORD", piece.text, number=number)]
        if weekday is not None and not led:
            return [as_day]
        if before is not None and before.text in ("on", "the") and before.kind == "FILL":
            return [as_day]
        if (led or alone) and as_time and number < 24:
            return [as_time, as_day]
        return [as_day] if led or alone else [Piece("WORD", piece.text)]
    assert as_time is not None
    next_one = neighbour(found, at, 1, ())
    if (
        piece.text == "4"
        and before is not None
        and before.text in _FOR_WHAT
        and next_one is not None
        and next_one.kind == "D"
    ):
        # "Anything 4 Monday" is four o'clock, or "for Monday".
        return [as_time, Piece("FILL", piece.text)]
    if not led and weekday is not None and weekday is left and before is weekday:
        joined_on = neighbour(found, at, 1, ("FILL", "OR", "AND", "DASH"))
        same = (
            []
            if joined_on is not None and joined_on.kind == "T"
            else [
                d
                for d in days[:2]
                if min(d.dates).weekday() == min(weekday.days[0].dates).weekday()
            ]
        )
        if same:
            return [as_time, as_day]
    following = neighbour(found, at, 1)
    joined = following is not None and following.kind in ("OR", "DASH", "AND")
    after_join = neighbour(found, at, 1, ("FILL", "ISH", "OR", "DASH", "AND", "AROUND"))
    if joined and after_join is not None and after_join.kind == "T" and after_join.times[0].anchors:
        return [as_time]
    if led or near or alone or _joined_time(found, at):
        return [as_time]
    # Kept as a word that a time to its left may still claim.
    return [Piece("WORD", piece.text, number=number)]
