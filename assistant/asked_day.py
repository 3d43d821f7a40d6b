"""Whether the clinic is open, or a therapist is in, on the day or days that a question names."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from clinic.booking import when
from clinic.facts import Facts, Therapist
from clinic.hours import OpeningTimes, Span, clock_words, date_words, join, say
from clinic.opening import OpeningHours

# Further off than a year nobody knows the hours.
_HORIZON_DAYS = 366
# "On weekends" names two days; what names more is answered with the whole week.
_MOST_DAYS = 2
# Longer messages are not read beyond this.
_LONGEST = 2000
# The therapist without a name.
_SOMEBODY = re.compile(r"\b(?:she|he|the (?:therapist|rmt|masseuse))\b", re.IGNORECASE)


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


def therapist_hours_on(text: str, facts: Facts, now: datetime) -> str | None:
    """Whether the therapist whom ``text`` names is in on the day or two it names, or None.

    None, too, where clinic.yml does not say when this person works. Without a day it is their
    usual week. ``now`` is an aware moment. A whole clause: "Natalie Yeo is not in on Sunday 29
    November".
    """
    person = named_therapist(text, facts)
    works = facts.working_times[person.name] if person else None
    if person is None or works is None:
        return None
    today = now.astimezone(facts.zone).date()
    days = _days(text[:_LONGEST], facts, now)
    if not days:
        week = works.in_words(today)
        return say("asked_therapist_week", name=person.name, hours=week) if week else None
    return join([_in_on(day, facts, today, works, person.name) for day in days])


def named_therapist(text: str, facts: Facts) -> Therapist | None:
    """The therapist whom the text names, or calls "she" where there is only one."""
    words = set(re.findall(r"\w+", text.casefold()))
    for person in facts.therapists:
        if words & set(person.name.casefold().split()):
            return person
    only = len(facts.therapists) == 1 and _SOMEBODY.search(text)
    return facts.therapists[0] if only else None


def _in_on(day: date, facts: Facts, today: date, works: OpeningTimes, name: str) -> str:
    shown = _shown(day, today)
    spans = [
        Span(max(a.start, b.start), min(a.end, b.end))
        for a in works.on(day)
        for b in facts.times.on(day)
        if max(a.start, b.start) < min(a.end, b.end)
    ]
    if not spans:
        return say("asked_therapist_away", name=name, day=shown)
    times = [say("time_range", start=clock_words(a), end=clock_words(b)) for a, b in spans]
    return say("asked_therapist_in", name=name, day=shown, times=join(times))


def _shown(day: date, today: date) -> str:
    """ "today, Thursday 26 November"."""
    pieces = {0: "asked_today", 1: "asked_tomorrow"}
    return say(pieces.get((day - today).days, "asked_day"), day=date_words(day))


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
    shown = _shown(day, today)
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
