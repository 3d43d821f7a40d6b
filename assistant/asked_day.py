"""Whether the clinic is open on the day or days that a question names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from clinic.booking import when
from clinic.facts import Facts
from clinic.hours import clock_words, date_words, join, say
from clinic.opening import OpeningHours

# Further off than a year nobody knows the hours.
_HORIZON_DAYS = 366
# "On weekends" names two days; what names more is answered with the whole week.
_MOST_DAYS = 2
# Longer messages are not read beyond this.
_LONGEST = 2000


def hours_on(text: str, facts: Facts, now: datetime) -> str | None:
    """Whether the clinic is open on the day or two that ``text`` names, or None.

    ``now`` is an aware moment. The phrase completes "The clinic is ...": "closed on Sunday 29
    November", with the name of a holiday where one is the reason.
    """
    days = _days(text[:_LONGEST], facts, now)
    if not days:
        return None
    today = now.astimezone(facts.zone).date()
    return join([_open_on(day, facts, today) for day in days])


def _days(text: str, facts: Facts, now: datetime) -> list[date]:
    # Asked of a clinic that never closes, it says which days are meant.
    read = when.understand(
        text, now, _always_open(facts), horizon_days=_HORIZON_DAYS, notice=timedelta()
    )
    # where booking would ask which one is meant, the first is told
    windows = read.windows or (read.readings[0].windows if read.readings else [])
    starts = [start.date() for start, _ in windows]
    # "on Mondays" is every Monday: the next one stands for all
    by_weekday: dict[int, date] = {}
    for day in starts:
        by_weekday.setdefault(day.weekday(), day)
    found = sorted(by_weekday.values())
    return found if len(found) <= _MOST_DAYS else []


def _open_on(day: date, facts: Facts, today: date) -> str:
    shown = date_words(day)
    if day == today:
        shown = say("asked_today", day=shown)
    elif day == today + timedelta(days=1):
        shown = say("asked_tomorrow", day=shown)
    else:
        shown = say("asked_day", day=shown)
    spans = facts.times.on(day)
    if spans:
        times = [say("time_range", start=clock_words(a), end=clock_words(b)) for a, b in spans]
        return say("asked_open", day=shown, times=join(times))
    holiday = _hours(facts).holiday(day)
    if holiday:
        return say("asked_closed_holiday", day=shown, holiday=holiday)
    return say("asked_closed", day=shown)


@lru_cache(maxsize=4)
def _opening_hours(spec: str, zone: str, province: str) -> OpeningHours:
    return OpeningHours(spec, zone, province)


def _hours(facts: Facts) -> OpeningHours:
    return _opening_hours(facts.opening_hours, facts.time_zone, facts.province)


def _always_open(facts: Facts) -> OpeningHours:
    return _opening_hours("24/7", facts.time_zone, facts.province)
