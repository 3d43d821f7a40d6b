"""The words of a text read as days, times and the words that join them.

Each pattern names one way of saying something; at every word the longest one that fits is taken.
What is said about a day or a time by the words around it (after, until, not, or) is joined by
:mod:`clinic.booking.when.clauses`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import yaml

# The order decides between patterns that fit equally long.
from clinic.booking.when import dates, days, periods, times  # noqa: F401
from clinic.booking.when.items import Days, Piece, Times, point
from clinic.booking.when.patterns import MONTHS, PATTERNS, WD, Build, Now
from clinic.booking.when.text import WEEKDAYS

_JOINING = Path(__file__).with_name("joining.yml")


@lru_cache(maxsize=1)
def _joining() -> tuple[list[tuple[re.Pattern[str], Build]], re.Pattern[str]]:
    """The patterns of ``joining.yml``, and what may follow a number that counts nothing."""
    loaded: dict[str, list[str]] = yaml.safe_load(_JOINING.read_text(encoding="utf-8"))
    may_follow = re.compile(f"(?:{'|'.join(loaded.pop('MAY_FOLLOW'))})$")
    patterns = []
    for kind, said in loaded.items():
        # Of alternatives, a regular expression takes the first that fits: longer ones go first.
        longest_first = sorted((words.replace("{weekday}", WD) for words in said), key=len)[::-1]
        pattern = re.compile(f"(?:{'|'.join(longest_first)})(?![^ ])")
        patterns.append((pattern, _joining_piece(kind)))
    return patterns, may_follow


def _joining_piece(kind: str) -> Build:
    def build(m: re.Match[str], now: Now) -> list[Piece]:
        return [Piece(kind)]

    return build


def pieces(row: str, now: Now) -> list[Piece]:
    """The pieces of a canonical text, in order."""
    found: list[Piece] = []
    at = 0
    while at < len(row):
        if row[at] == " ":
            at += 1
            continue
        end, here = _longest(row, at, now)
        for piece in here:
            piece.text = row[at:end]
        found.extend(here)
        at = end
    return found


def _longest(row: str, at: int, now: Now) -> tuple[int, list[Piece]]:
    end, best = at, [Piece("WORD")]
    for pattern, build in (*PATTERNS, *_joining()[0]):
        m = pattern.match(row, at)
        if m and m.end() > end:
            built = build(m, now)
            if built and _stands(m, row):
                end, best = m.end(), built
    if end > at:
        return end, best
    end = row.find(" ", at)
    end = len(row) if end < 0 else end
    word = row[at:end]
    if re.fullmatch(r"\d{1,2}", word) and 0 < int(word) <= 31 and _counts_nothing(row, end):
        best = [Piece("N", number=int(word))]
    return end, best


def _stands(m: re.Match[str], row: str) -> bool:
    """A match that ends in a bare number or an ordinal is none when it counts something."""
    last = m.group().rsplit(" ", 1)[-1]
    if not re.fullmatch(r"\d{1,2}|\d{1,2}(?:st|nd|rd|th)", last):
        return True
    return _counts_nothing(row, m.end())


def _counts_nothing(row: str, end: int) -> bool:
    after = row[end:].split(" ", 2)
    word = after[1] if len(after) > 1 else ""
    if not word or not word[0].isalpha() or _joining()[1].match(word):
        return True
    return word.rstrip("s") in WEEKDAYS or word in MONTHS or word.startswith(("weekd", "weeke"))


def later_readings(piece: Piece, now: Now) -> tuple[Days, ...]:
    """All coming days with the number of "the 3rd", for "Tuesday the 3rd"."""
    return dates.day_of_month(piece.number, now)


def hour(number: int) -> tuple[Times, ...]:
    """The readings of a bare hour."""
    return tuple(point(minute) for minute in times.clock(str(number)) or [])


def day_number(number: int, now: Now) -> tuple[Days, ...]:
    """The days a bare number may be, nearest first."""
    return dates.day_of_month(number, now)
