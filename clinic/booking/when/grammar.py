"""The words of a text read as days, times and the words that join them.

Each pattern names one way of saying something; at every word the longest one that fits is taken.
What is said about a day or a time by the words around it (after, until, not, or) is joined by
:mod:`clinic.booking.when.clauses`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

# The order decides between patterns that fit equally long.
from clinic.booking.when import dates, days, periods, times  # noqa: F401
from clinic.booking.when.items import Days, Piece, Times, point
from clinic.booking.when.patterns import MONTHS, PATTERNS, WD, Build, Now
from clinic.booking.when.text import word_set

_JOINING = Path(__file__).with_name("joining.yml")


@dataclass(frozen=True)
class _Joining:
    """The patterns of ``joining.yml``, and what may and may not stand after a number."""

    patterns: list[tuple[re.Pattern[str], Build]]
    telling: list[re.Pattern[str]]
    may_follow: re.Pattern[str]
    counted: re.Pattern[str]


@lru_cache(maxsize=1)
def _joining() -> _Joining:
    loaded: dict[str, list[str]] = yaml.safe_load(_JOINING.read_text(encoding="utf-8"))
    may_follow = re.compile(f"(?:{'|'.join(loaded.pop('MAY_FOLLOW'))})$")
    counted = re.compile(f"(?:{'|'.join(loaded.pop('COUNTED'))})$")
    patterns, telling = [], []
    for kind, said in loaded.items():
        # Of alternatives, a regular expression takes the first that fits: longer ones go first.
        longest_first = sorted((words.replace("{weekday}", WD) for words in said), key=len)[::-1]
        pattern = re.compile(f"(?:{'|'.join(longest_first)})(?![^ ])")
        patterns.append((pattern, _joining_piece(kind)))
        if kind != "FILL":
            telling.append(pattern)
    return _Joining(patterns, telling, may_follow, counted)


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
    return _after_or(found)


def _after_or(found: list[Piece]) -> list[Piece]:
    """ "5 or after" may be later, where no day or time follows: "5 or after work"."""
    result: list[Piece] = []
    at = 0
    while at < len(found):
        pair = [piece.kind for piece in found[at : at + 2]]
        following = next((p for p in found[at + 2 :] if p.kind != "FILL"), None)
        open_end = following is None or following.kind not in ("D", "T", "N")
        if pair in (["OR", "AFTER"], ["AND", "AFTER"], ["OR", "BEFORE"]) and open_end:
            result.append(Piece("ONWARD" if pair[1] == "AFTER" else "OR_EARLIER"))
            at += 2
        else:
            result.append(found[at])
            at += 1
    return result


def _longest(row: str, at: int, now: Now) -> tuple[int, list[Piece]]:
    end, best = at, [Piece("WORD")]
    for pattern, build in (*PATTERNS, *_joining().patterns):
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
    if re.fullmatch(r"\d{1,2}", word) and 0 < int(word) <= 31 and not _counts(row, at, end):
        best = [Piece("N", number=int(word))]
    elif re.fullmatch(r"[a-z]{2,}days?", word) and word not in word_set("not_days"):
        # "Fruesday": better asked than left out.
        best = [Piece("UNCLEAR")]
    return end, best


def _stands(m: re.Match[str], row: str) -> bool:
    """A match that ends in a bare number or an ordinal is none when it counts something."""
    last = m.group().rsplit(" ", 1)[-1]
    if any(word in MONTHS for word in m.group().split()):
        return True
    if not re.fullmatch(r"\d{1,2}|\d{1,2}(?:st|nd|rd|th)", last):
        return True
    return not _counts(row, m.start(), m.end())


_LED = re.compile(
    r"(?:^|.* )(?:at|by|on|from|after|before|until|around|about|between|past|than|or|and|to|for|-|@"
    r"|is|would|are|will|could|can)(?: the)? $"
)


def _counts(row: str, start: int, end: int) -> bool:
    """Whether the number that ends there counts something: "2 kids", "the 2nd floor"."""
    after = row[end:].split(" ", 2)
    word = after[1] if len(after) > 1 else ""
    known = _joining()
    if not word or not word[0].isalpha() or known.may_follow.match(word):
        return False
    if known.counted.match(word):
        return True
    here = end + 1
    if any(pattern.match(row, here) for pattern, _ in PATTERNS):
        return False
    if any(pattern.match(row, here) for pattern in known.telling):
        return False
    # After "at 4" or "on the 4th" a word that is not known seldom is what is counted.
    led = start == 0 or bool(_LED.match(row[:start]))
    return not led or (len(word) > 3 and word.endswith("s"))


def later_readings(piece: Piece, now: Now) -> tuple[Days, ...]:
    """All coming days with the number of "the 3rd", for "Tuesday the 3rd"."""
    return dates.day_of_month(piece.number, now)


def hour(number: int) -> tuple[Times, ...]:
    """The readings of a bare hour."""
    return tuple(point(minute) for minute in times.clock(str(number)) or [])


def day_number(number: int, now: Now) -> tuple[Days, ...]:
    """The days a bare number may be, nearest first."""
    return dates.day_of_month(number, now)
