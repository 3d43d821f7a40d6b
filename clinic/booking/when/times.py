"""Times of day: half past four, between 2 and 4, the afternoon, after work, first thing."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from pathlib import Path

import yaml

from clinic.booking.when.almanac import add
from clinic.booking.when.items import DAY, Piece, Stretch, Times, part, point
from clinic.booking.when.patterns import (
    CLOCK,
    PARTS,
    Now,
    days_piece,
    how_many,
    one_date,
    say_as,
    times_piece,
)

_NAMED_TIMES = Path(__file__).with_name("times.yml")


@say_as(
    r"(?:(?:sometime |any time |only )?(?:in|during|for|at|over|on) )?(?:the "
    r"|my )?(?:(?P<wide>any|every|most) )?(?:(?P<mod>early|earlier|mid|middle of the|late"
    r"|later)(?: in the)? )?"
    r"(?P<part>mornings?|afternoons?|evenings?|night|lunchtimes?|lunch(?: (?:hour"
    r"|break))?)(?: ?time)?"
)
def _part_of_day(m: re.Match[str], now: Now) -> list[Piece] | None:
    name = m.group("part").removesuffix("s")
    if name.startswith("lunch"):
        name = "lunchtime"
    mod = (m.group("mod") or "").replace("earlier", "early").replace("later", "late")
    mod = mod.replace("middle of the", "mid")
    if name == "night" and mod:
        return times_piece(PARTS["late evening" if mod == "late" else "night"])
    found = times_piece(PARTS.get(f"{mod} {name}".strip(), PARTS[name]))
    found[0].wide = bool(m.group("wide")) or m.group("part").endswith("s")
    return found


@say_as(r"(?:very |quite |pretty |really |as )?(?P<mod>early|late|earlier|later)(?: on)?")
def _early_or_late(m: re.Match[str], now: Now) -> list[Piece]:
    # Means a time only beside a day or a part of one: clauses decide.
    late = m.group("mod").startswith("late")
    found = times_piece(part(16 * 60, DAY, "after") if late else part(0, 600, "before"))
    found[0].marks = {"early" if not late else "late"}
    return found


@say_as(r"eve")
def _eve(m: re.Match[str], now: Now) -> list[Piece]:
    found = times_piece(PARTS["evening"])
    found[0].marks = {"am"}
    return found


@say_as(r"(?:in (?:the )?|the )(?P<half>am|pm)|(?P<pm>pm)|(?P<am>am)(?! i(?![^ ]))")
def _half_day(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("am") or m.group("half") == "am":
        # "am" alone is a verb unless a day stands before it: clauses decide.
        found = times_piece(PARTS["morning"])
        found[0].marks = {"am"} if m.group("am") else set()
        return found
    return times_piece(part(720, DAY, "pm"))


@say_as(
    r"(?:at )?(?:1st thing|opening(?: time)?|when you open|as soon as you open"
    r"|(?:right )?at open|start of (?:the )?day|beginning of the day)(?: in the morning)?"
)
def _first_thing(m: re.Match[str], now: Now) -> list[Piece]:
    return times_piece(Times(edge="first"))


@say_as(
    r"(?:the )?1st (?:appointment|slot|spot|opening|one|available(?: \w+)?) (?:of|in) the (?:day"
    r"|morning)"
)
def _first_appointment(m: re.Match[str], now: Now) -> list[Piece]:
    return times_piece(Times(edge="first"))


@say_as(
    r"(?:at |by |towards? |before )?(?:the )?(?:end of (?:the )?(?:work(?:ing)? |business )?day"
    r"|close of (?:business|day)|closing(?: time)?|cob|eod)"
    r"|(?:as late as (?:possible|you (?:can|have|are open|do)(?: (?:do|manage|offer))?)"
    r"|late as possible|the later the better|late in the day"
    r"|at (?:the )?end of the day)"
)
def _end_of_day(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group().startswith(("by", "before")):
        # A deadline: any time of that day.
        return times_piece(part(0, DAY, "any"))
    return times_piece(Times(edge="last"))


@say_as(
    r"last thing(?: at night)?|(?:the |your )?last (?:appointment|slot|spot|opening)(?: (?:of"
    r"|in) the day| available)?"
)
def _last_thing(m: re.Match[str], now: Now) -> list[Piece]:
    return times_piece(Times(edge="last_hour"))


def _named_times() -> list[tuple[str, Times]]:
    """What ``times.yml`` says: the pattern of each named time, and the time."""
    loaded = yaml.safe_load(_NAMED_TIMES.read_text(encoding="utf-8"))
    return [
        (
            "|".join(entry["said"]),
            part(_minute(entry["from"]), _minute(entry["until"]), entry["shape"]),
        )
        for entry in loaded
    ]


def _minute(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)


def _add_named_time(pattern: str, times: Times) -> None:
    @say_as(pattern)
    def _named_time(m: re.Match[str], now: Now) -> list[Piece]:
        return times_piece(times)


for _pattern, _meant in _named_times():
    _add_named_time(_pattern, _meant)


def clock(words: str) -> list[int] | None:
    """The minutes after midnight a clock time may mean: one, or one each for am and pm.

    None when it is no time of day.
    """
    words = words.replace(" oclock", "").strip()
    half = ""
    if words.endswith((" am", " pm")):
        words, half = words[:-3], words[-2:]
    if words.endswith("noon"):
        return [720]
    if words == "midnight":
        return [0]
    exact = False
    shift = 0
    if said := re.fullmatch(r"(?:a )?quarter (past|after|to|of|till|until|before) (\d+)", words):
        shift = 15 if said.group(1) in ("past", "after") else -15
        words = said.group(2)
    elif said := re.fullmatch(r"half(?: past)? (\d+)", words):
        shift, words = 30, said.group(1)
    elif said := re.fullmatch(r"(\d+)(?: minutes)? (past|after|to|before) (\d+)", words):
        shift = int(said.group(1)) * (1 if said.group(2) in ("past", "after") else -1)
        words = said.group(3)
    if words.endswith("h"):
        words, exact = words[:-1], True
    digits = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", words)
    if not digits:
        return None
    hour, minute = int(digits.group(1)), int(digits.group(2) or 0)
    if hour > 24 or minute > 59 or (half and not 1 <= hour <= 12) or (shift and hour > 23):
        return None
    if half:
        return [(hour % 12 + (12 if half == "pm" else 0)) * 60 + minute + shift]
    at = hour * 60 + minute + shift
    if hour > 12 or hour == 0 or words.startswith("0"):
        return [at % DAY]
    if hour == 12:
        return [at]
    if exact and hour >= 7:
        return [at]
    return [at % DAY, at + 720]


@say_as(CLOCK)
def _clock_time(m: re.Match[str], now: Now) -> list[Piece] | None:
    minutes = clock(m.group())
    return times_piece(*(point(minute) for minute in minutes)) if minutes else None


_BARE = rf"(?:{CLOCK}|\d{{1,2}})"


@say_as(
    r"(?:any ?time |anywhere |somewhere |some ?time )?(?P<lead>from "
    rf"|between )?(?P<a>{_BARE}) (?P<by>-|to|until|and)(?: about)? (?P<b>{_BARE})(?P<ish> ish)?"
)
def _clock_range(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("by") == "and" and m.group("lead") != "between ":
        return None
    if m.group() == m.string and re.fullmatch(r"\d{1,2} - (?:1[3-9]|2\d)", m.string):
        # "12-24" alone is a date, or noon to midnight.
        return [Piece("UNCLEAR")]
    return range_of(m.group("a"), m.group("b"))


def range_of(first: str, last: str) -> list[Piece] | None:
    """From one clock time to another: am and pm such that the stretch makes sense."""
    starts, ends = clock(first), clock(last)
    if not starts or not ends:
        return None
    ends = [end or DAY for end in ends]
    if len(ends) == 1 and len(starts) > 1:
        # "2-4 pm": of the two starts the nearer one.
        starts = [start for start in starts if start < ends[0]][-1:]
    readings = []
    for start in starts:
        later = [end for end in ends if end > start]
        if later:
            readings.append(
                Times(
                    (Stretch(start, later[0], "between"),),
                    ((start, "start"), (later[0], "end")),
                )
            )
    return times_piece(*readings) if readings else None


@say_as(
    r"(?:in|within)(?: about| around| roughly| like)? (?P<n>\d+|an?|half an?"
    r"|(?:a )?couple(?: of)?|(?:a )?few) (?P<unit>hours?|hrs?|minutes?"
    r"|mins?)(?P<half> and a half)?(?: (?:from now"
    r"|time))?|(?P<n2>\d+|an) (?P<unit2>hours?|minutes?) from now"
    r"|(?P<now>this time) (?P<day>tomorrow|next week|today)"
)
def _in_hours(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("now"):
        days = {"tomorrow": 1, "today": 0, "next week": 7}[m.group("day")]
        return days_piece(one_date(add(now.today, days))) + times_piece(point(now.minute))
    words, unit = m.group("n") or m.group("n2"), m.group("unit") or m.group("unit2")
    number = 0.5 if words.startswith("half") else how_many(words)
    number += 0.5 if m.group("half") else 0
    minutes = round(number * (60 if unit.startswith("h") else 1))
    if minutes > 5 * DAY:
        return None
    if m.group().startswith("within"):
        until = min(now.minute + minutes, DAY)
        return days_piece(one_date(now.today)) + times_piece(part(now.minute, until, "between"))
    # In UTC, so that a night on which the clocks change is no hour longer.
    then = (now.moment.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(now.moment.tzinfo)
    return days_piece(one_date(then.date())) + times_piece(point(then.hour * 60 + then.minute))
