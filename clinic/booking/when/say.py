"""How what was understood is read back. The words are in ``wording.yml`` beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from clinic.opening import Interval, OpeningHours

_WORDING = Path(__file__).with_name("wording.yml")
#: This many days are named one by one.
_NAMED = 3


class _Desk(Protocol):
    """What :func:`nothing` needs to know of the clinic."""

    hours: OpeningHours
    last: date


@lru_cache(maxsize=1)
def _wording() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_WORDING.read_text(encoding="utf-8"))
    return loaded


def _say(piece: str, **values: object) -> str:
    text: str = _wording()[piece]
    return text.format(**values)


def none() -> str:
    """There is no day or time in the text."""
    return _say("none")


def any_time(*, soonest: bool) -> str:
    """Whichever day and time there is; the next there is when ``soonest``."""
    return _say("soonest" if soonest else "any_time")


def context() -> str:
    """The text refers to an earlier appointment."""
    return _say("context")


def unclear() -> str:
    """Something in the text cannot be read for certain."""
    return _say("unclear")


def past() -> str:
    """Only the past is meant."""
    return _say("past")


def day_words(day: date, today: date | None = None) -> str:
    """ "Tuesday, December 1"; with the year where it is not that of ``today``."""
    words = _wording()
    form = "date" if today is None or today.year == day.year else "date_year"
    return _say(
        form,
        weekday=words["days"][day.weekday()],
        month=words["months"][day.month - 1],
        day=day.day,
        year=day.year,
    )


def clock_words(at: datetime) -> str:
    """ "3 pm", "3:30 pm", "noon"."""
    if (at.hour, at.minute) == (0, 0):
        return _say("midnight")
    if (at.hour, at.minute) == (12, 0):
        return _say("noon")
    half = "am" if at.hour < 12 else "pm"
    hour = at.hour % 12 or 12
    if at.minute:
        return _say(f"{half}_minutes", hour=hour, minute=f"{at.minute:02d}")
    return _say("am" if half == "am" else "pm_clock", hour=hour)


def _both(start: datetime, end: datetime) -> str:
    """ "12 to 5 pm", "9 am to 5 pm"."""
    first, last = clock_words(start), clock_words(end)
    same_half = (start.hour < 12) == (end.hour < 12) and end > start
    if same_half and first[-3:] == last[-3:]:
        first = first[:-3]
    elif start.hour == 12 and not start.minute and last.endswith(" pm"):
        first = "12"
    return _say("range", **{"from": first, "to": last})


def _join(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return _say("comma").join(items[:-1]) + _say("or") + items[-1]


def _times(window: Interval, shape: str, hours: OpeningHours) -> str:
    """How the stretch of one window is said; always true of the window itself."""
    start, end = window
    minute = start.hour * 60 + start.minute
    last = end.hour * 60 + end.minute or 1440
    span = next((s for s in hours.on(start.date()) if s.start <= minute < s.end), None)
    opens = span is not None and minute == span.start
    closes = span is not None and last == span.end
    if opens and closes and shape not in ("at", "first", "last"):
        shape = "any"
    elif shape in ("any", "after", "before", "between"):
        if opens:
            shape = "before"
        elif closes:
            shape = "after"
        else:
            shape = "between"
    return _say(
        shape, **{"from": clock_words(start), "to": clock_words(end), "both": _both(start, end)}
    )


def windows(
    found: Sequence[Interval],
    shapes: dict[tuple[date, int], str],
    hours: OpeningHours,
    *,
    short: bool = False,
) -> str:
    """The windows read back: days with the same times together, three by name, "and later".

    ``short`` leaves out the times of a whole day.
    """
    groups: dict[str, list[date]] = {}
    for start, end in found:
        day = start.date()
        shape = shapes.get((day, start.hour * 60 + start.minute), "between")
        groups.setdefault(_times((start, end), shape, hours), []).append(day)
    by_days: dict[tuple[date, ...], list[str]] = {}
    for times, same in groups.items():
        by_days.setdefault(tuple(same), []).append(times)
    said = []
    for days, times_of_day in list(by_days.items())[:_NAMED]:
        whole = short and all(
            shapes.get((day, start.hour * 60 + start.minute)) == "any"
            for day in days
            for start, _ in found
            if start.date() == day
        )
        if whole:
            said.append(_dates(days))
        else:
            said.append(_say("when", dates=_dates(days), times=_join(times_of_day)))
    return _join(said)


def any_day(
    found: Sequence[Interval], shapes: dict[tuple[date, int], str], hours: OpeningHours
) -> str:
    """The same times on every day, no day named: "any day, after 6 pm"."""
    # The first day may be nearly over, and the last one cut off.
    days = list(dict.fromkeys(start.date() for start, _ in found))
    times = [
        _times((start, end), shapes.get((start.date(), start.hour * 60 + start.minute), ""), hours)
        for start, end in found
        if start.date() == days[1]
    ]
    return _say("any_day", times=_join(times))


def _dates(days: Sequence[date]) -> str:
    if len(days) <= _NAMED:
        return _join([day_words(day) for day in days])
    if (days[-1] - days[0]).days == len(days) - 1:
        return _say("date_range", first=day_words(days[0]), last=day_words(days[-1]))
    named = _say("comma").join(day_words(day) for day in days[:_NAMED])
    return _say("more", list=named)


def ask(readings: Sequence[str], reason: str) -> str:
    """A question with the readings to choose from."""
    piece = f"ask_{reason}" if reason in ("mismatch", "no_such_date") else "ask"
    if any(_say("or") in reading for reading in readings):
        return _say(piece, readings=_say("or_long").join(readings))
    return _say(piece, readings=_join(readings))


def nothing(reason: str, day: date | None, desk: _Desk, alternatives: Sequence[Interval]) -> str:
    """Why there is no opening time in what was asked, and the nearest there is."""
    sentence = _reason(reason, day, desk)
    if reason == "outside_hours" and {start.date() for start, _ in alternatives} == {day}:
        # The hours of that day, just told, are the nearest times.
        return _say("another_time", reason=sentence)
    if not alternatives:
        return sentence
    listed = [
        _say("alternative", dates=day_words(start.date()), both=_both(start, end))
        for start, end in alternatives
    ]
    piece = "alternatives" if len(listed) > 1 else "alternative_alone"
    return _say(piece, reason=sentence, list=_join(listed))


def _reason(reason: str, day: date | None, desk: _Desk) -> str:
    if day is None:
        pieces = {
            "past": "past",
            "no_such_date": "no_such_date",
            "outside_hours": "outside_hours_any",
        }
        return _say(pieces.get(reason, "closed_all"))
    words = day_words(day)
    if reason == "past":
        return _say("past")
    if reason == "closed":
        holiday = desk.hours.holiday(day)
        if holiday and desk.hours.on(day) == ():
            return _say("closed_holiday", day=words, holiday=holiday)
        return _say("closed", day=words)
    if reason == "outside_hours":
        zone = desk.hours.zone
        stretches = [
            _both(
                desk.hours.moment(day, s.start).astimezone(zone),
                desk.hours.moment(day, s.end).astimezone(zone),
            )
            for s in desk.hours.on(day)
        ]
        return _say("outside_hours", day=words, hours=_join(stretches))
    return _say(reason, day=words, last=day_words(desk.last))
