"""Moments in the clinic's zone, and how long ago they were."""

from __future__ import annotations

from datetime import datetime, timedelta

from clinic import facts
from clinic.desk.words import say

_STEPS = ((60, "minutes"), (3600, "hours"), (86400, "days"))


def local(moment: datetime) -> datetime:
    """An aware moment on the clinic's clock."""
    return moment.astimezone(facts.current().zone)


def exact(moment: datetime) -> str:
    """Day, date and time: "Fri 27 Nov 2026, 2:05 pm"."""
    here = local(moment)
    return f"{here:%a} {here.day} {here:%b %Y}, {clock_time(moment)}"


def day(moment: datetime) -> str:
    """Day and date without the year: "Fri 27 Nov"."""
    here = local(moment)
    return f"{here:%a} {here.day} {here:%b}"


def clock_time(moment: datetime) -> str:
    """The time of day: "2:05 pm"."""
    here = local(moment)
    return f"{here.hour % 12 or 12}:{here:%M} {'am' if here.hour < 12 else 'pm'}"


def relative(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long; beyond a week the date."""
    away = now - moment
    past, seconds = away >= timedelta(), abs(away.total_seconds())
    if seconds < 60:
        return say("moments.now")
    if seconds >= 7 * 86400:
        here = local(moment)
        year = "" if here.year == local(now).year else f" {here.year}"
        return f"{here.day} {here:%b}{year}"
    for size, unit in reversed(_STEPS):
        if seconds >= size:
            count = int(seconds // size)
            return say(f"moments.{unit}_{'ago' if past else 'ahead'}", count=count)
    raise AssertionError("unreachable")


def length(duration: timedelta) -> str:
    """How long something took, in its largest unit: "25 min"."""
    seconds = duration.total_seconds()
    for size, unit in reversed(_STEPS):
        if seconds >= size:
            return say(f"moments.{unit}", count=int(seconds // size))
    return say("moments.seconds", count=int(seconds))
