"""The calendar the grammar calculates with: weeks, months, named days. Plain dates, no hours."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, timedelta

#: How far back and ahead of today a day can be meant, in days.
BACK, AHEAD = 400, 800


def add(day: date, days: int) -> date:
    """``day`` moved by a number of days."""
    return day + timedelta(days=days)


def span(first: date, last: date) -> frozenset[date]:
    """All days from ``first`` to ``last``, both included; empty when ``last`` is earlier."""
    return frozenset(add(first, n) for n in range((last - first).days + 1))


def monday(day: date) -> date:
    """The Monday of the week ``day`` is in; weeks begin on Monday, the weekend ends them."""
    return add(day, -day.weekday())


def on_or_after(day: date, weekday: int) -> date:
    """The first day with that weekday (Monday is 0), ``day`` itself included."""
    return add(day, (weekday - day.weekday()) % 7)


def exists(year: int, month: int, day: int) -> bool:
    """Whether there is such a date."""
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def month_days(year: int, month: int) -> frozenset[date]:
    """All days of a month; months beyond 12 run into the following years."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return span(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    days = month_days(day.year, day.month + months)
    return sorted(days)[min(day.day, len(days)) - 1]


def part_of_month(days: frozenset[date], part: str) -> frozenset[date]:
    """The "early", "mid", "late", "start" or "end" of the days of one month."""
    last = max(days).day
    low, high = {
        "early": (1, 7),
        "start": (1, 7),
        "mid": (13, 17),
        "late": (24, last),
        "end": (last - 2, last),
        "first half": (1, 15),
        "second half": (16, last),
    }[part]
    return frozenset(day for day in days if low <= day.day <= high)


def part_of_week(first: date, part: str) -> frozenset[date]:
    """Days of the week beginning on the Monday ``first``."""
    days = {
        "early": (0, 1),
        "start": (0, 1),
        "mid": (2,),
        "late": (3, 4, 5),
        "end": (4, 5),
        "first half": (0, 1, 2),
        "second half": (3, 4, 5),
    }[part]
    return frozenset(add(first, n) for n in days)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date | None:
    """The nth such weekday of a month; -1 is the last. None when there are fewer."""
    days = sorted(day for day in month_days(year, month) if day.weekday() == weekday)
    if nth > len(days):
        return None
    return days[nth - 1 if nth > 0 else nth]


def _nth(month: int, weekday: int, nth: int) -> Callable[[int], date]:
    def find(year: int) -> date:
        found = nth_weekday(year, month, weekday, nth)
        assert found is not None
        return found

    return find


def _easter(year: int) -> date:
    from dateutil.easter import easter  # type: ignore[import-untyped]

    found: date = easter(year)
    return found


#: Days people call by a name, Canadian ones included, by year.
NAMED: dict[str, Callable[[int], date]] = {
    "christmas eve": lambda year: date(year, 12, 24),
    "christmas": lambda year: date(year, 12, 25),
    "boxing day": lambda year: date(year, 12, 26),
    "new years eve": lambda year: date(year, 12, 31),
    "new years": lambda year: date(year, 1, 1),
    "groundhog day": lambda year: date(year, 2, 2),
    "valentines": lambda year: date(year, 2, 14),
    "family day": _nth(2, 0, 3),
    "st patricks": lambda year: date(year, 3, 17),
    "good friday": lambda year: add(_easter(year), -2),
    "easter monday": lambda year: add(_easter(year), 1),
    "easter": _easter,
    "mothers day": _nth(5, 6, 2),
    "fathers day": _nth(6, 6, 3),
    "victoria day": lambda year: add(date(year, 5, 24), -date(year, 5, 24).weekday()),
    "canada day": lambda year: date(year, 7, 1),
    "labour day": _nth(9, 0, 1),
    "thanksgiving": _nth(10, 0, 2),
    "halloween": lambda year: date(year, 10, 31),
    "remembrance day": lambda year: date(year, 11, 11),
}
