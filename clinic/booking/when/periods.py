"""Weeks, months and their parts: next week, early December, the second Monday in January."""

from __future__ import annotations

import re
from datetime import date

from clinic.booking.when import almanac
from clinic.booking.when.almanac import add, monday, on_or_after, span
from clinic.booking.when.dates import dates
from clinic.booking.when.items import Days, Piece
from clinic.booking.when.patterns import (
    DATE,
    MO,
    MONTHS,
    WD,
    Now,
    days_piece,
    one_date,
    say_as,
)
from clinic.booking.when.text import WEEKDAYS


def _weeks(which: str, now: Now) -> tuple[date, ...]:
    """The Mondays of the weeks that may be meant."""
    first = monday(now.today)
    if which in ("next", "the coming", "this coming", "coming"):
        return (add(first, 7),)
    # Said on a Sunday, "this week" may be the one about to begin.
    return (first, add(first, 7)) if now.today.weekday() == 6 else (first,)


@say_as(
    r"(?:any ?time |some ?time |any day |in |during |for |rest of |the rest of "
    r"|over )*(?P<which>this|next|this coming|the coming|coming|the next) week"
)
def _week(m: re.Match[str], now: Now) -> list[Piece]:
    which = "next" if m.group("which") == "the next" else m.group("which")
    return days_piece(*(Days(span(f, add(f, 6)), "period") for f in _weeks(which, now)))


@say_as(r"(?:the )?rest of (?:the|this) week")
def _rest_of_week(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(*(Days(span(f, add(f, 6)), "period") for f in _weeks("this", now)))


@say_as(
    r"(?:the )?week after (?:next|this)(?: (?:one|week))?|in the week after next"
    r"|not next week but the (?:week|one) after(?: that)?"
)
def _week_after_next(m: re.Match[str], now: Now) -> list[Piece]:
    first = add(monday(now.today), 7 if " this" in m.group() else 14)
    return days_piece(Days(span(first, add(first, 6)), "period"))


@say_as(r"next week or the (?:week|one) after(?: that| next)?|this (?:week )?or next(?: week)?")
def _two_weeks(m: re.Match[str], now: Now) -> list[Piece]:
    first = monday(now.today)
    if m.group().startswith("next"):
        return days_piece(Days(span(add(first, 7), add(first, 20)), "period"))
    return days_piece(Days(span(now.today, add(first, 13)), "period"))


_PART = (
    r"(?:(?P<early>early(?: on)?(?: in)?|(?:at |in |towards? |by )?(?:the )?(?:start|beginning"
    r"|first part|top) of)"
    r"|(?P<mid>mid|(?:in )?(?:the )?middle of)"
    r"|(?P<late>late(?: in)?|(?:the )?(?:latter|last) part of)"
    r"|(?P<end>(?:at |towards? |near |around )?(?:the )?(?:very )?end of|(?:the )?back end of)"
    r"|(?P<first>(?:in )?(?:the )?1st half of)|(?P<second>(?:in )?(?:the )?2nd half of))"
)


def _part(m: re.Match[str]) -> str:
    groups = m.groupdict()
    names = {"first": "first half", "second": "second half"}
    name = next(name for name in ("early", "mid", "late", "end", "first", "second") if groups[name])
    return names.get(name, name)


@say_as(rf"(?:sometime )?{_PART} (?:(?P<which>this|the|next|this coming|the coming|coming) )?week")
def _part_of_week(m: re.Match[str], now: Now) -> list[Piece]:
    firsts = _weeks(m.group("which") or "the", now)
    return days_piece(*(Days(almanac.part_of_week(f, _part(m)), "period") for f in firsts))


@say_as(r"mid ?-? ?week|midweek")
def _midweek(m: re.Match[str], now: Now) -> list[Piece]:
    first = monday(now.today)
    near = Days(frozenset([add(first, 2)]), "period")
    later = Days(frozenset([add(first, 9)]), "period")
    return days_piece(later if now.today > add(first, 2) else near)


@say_as(r"later (?:(?:on )?in )?(?P<which>this|the|next) week|later on this week")
def _later_in_week(m: re.Match[str], now: Now) -> list[Piece]:
    found = []
    for first in _weeks(m.group("which") or "this", now):
        # Later than today and tomorrow, or than the week's first two days.
        begin = max(add(first, 2), add(now.today, 1))
        found.append(Days(span(begin, add(first, 6)), "period"))
    return days_piece(*found)


@say_as(rf"later (?:on )?(?:(?P<this>this month|in the month)|in (?P<mo>{MO}))")
def _later_in_month(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("this"):
        days = almanac.month_days(now.today.year, now.today.month)
        return days_piece(Days(frozenset(d for d in days if d >= add(now.today, 3)), "period"))
    return days_piece(Days(almanac.part_of_month(_month_meant(m, now), "second half"), "period"))


@say_as(
    r"(?:any ?time |some ?time |in |during |over )*(?:(?P<which>this|next|the) month"
    rf"|(?:the month of )?(?P<mo>{MO})(?: (?P<year>20\d\d))?|next (?P<mo2>{MO}))(?! \d)"
)
def _month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("which") == "the":
        return None
    return days_piece(Days(_month_meant(m, now), "period"))


def _month_meant(m: re.Match[str], now: Now) -> frozenset[date]:
    groups = m.groupdict()
    name = groups.get("mo") or groups.get("mo2")
    if name:
        number = MONTHS.index(name) + 1
        year = int(groups["year"]) if groups.get("year") else now.today.year
        if not groups.get("year") and number < now.today.month:
            year += 1
        return almanac.month_days(year, number)
    later = 1 if groups.get("which") == "next" else 0
    return almanac.month_days(now.today.year, now.today.month + later)


@say_as(
    rf"(?:sometime )?(?:in )?{_PART} (?:(?P<which>this|the|next) month"
    rf"|(?:in )?(?P<mo>{MO})(?: (?P<year>20\d\d))?"
    rf"|(?P<of>the year|this year))|(?P<which3>month) end|(?P<which2>month)'?s end"
)
def _part_of_month(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("which3") or m.group("which2"):
        return days_piece(Days(almanac.part_of_month(_month_meant(m, now), "end"), "period"))
    if m.group("of"):
        month = 12 if _part(m) in ("late", "end", "second half") else 1
        year = now.today.year + (month == 1)
        return days_piece(
            Days(almanac.part_of_month(almanac.month_days(year, month), _part(m)), "period")
        )
    days = _month_meant(m, now)
    found = almanac.part_of_month(days, _part(m))
    if m.group("which") == "the" and max(found) < now.today:
        found = almanac.part_of_month(
            almanac.month_days(now.today.year, now.today.month + 1), _part(m)
        )
    return days_piece(Days(found, "period"))


@say_as(
    rf"(?:the )?(?P<nth>1st|2nd|3rd|4th|last) (?P<what>{WD}|week|weekend) (?:(?:of|in) )?"
    r"(?:(?P<which>this|the|next) month|(?:the new year|the year"
    rf"|(?P<mo>{MO}))(?: (?P<year>20\d\d))?)"
)
def _nth_of_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    new_year = "year" in m.group()
    days = almanac.month_days(now.today.year + 1, 1) if new_year else _month_meant(m, now)
    nth = -1 if m.group("nth") == "last" else int(m.group("nth")[0])
    first = min(days)
    what = m.group("what")
    if what in WEEKDAYS:
        found = almanac.nth_weekday(first.year, first.month, WEEKDAYS.index(what), nth)
        return days_piece(one_date(found)) if found else None
    if what == "weekend":
        found = almanac.nth_weekday(first.year, first.month, 5, nth)
        return days_piece(Days(span(found, add(found, 1)), "period")) if found else None
    low = add(max(days), -6) if nth < 0 else add(first, 7 * (nth - 1))
    # The week from Monday to Sunday that most of the seven days are in.
    start = monday(add(low, 3))
    return days_piece(Days(span(start, add(start, 6)) & days, "period"))


@say_as(rf"(?:the )?(?P<nth>1st|last) day of (?:(?P<which>the|this|next) month|(?P<mo>{MO}))")
def _edge_of_month(m: re.Match[str], now: Now) -> list[Piece]:
    days = _month_meant(m, now)
    return days_piece(one_date(min(days) if m.group("nth") == "1st" else max(days)))


@say_as(rf"(?:the )?(?P<wd>{WD}) (?P<way>before|after) (?P<date>{DATE})")
def _weekday_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(m.group("date"), now)
    if not found or not found[0].dates:
        return None
    day, number = min(found[0].dates), WEEKDAYS.index(m.group("wd"))
    if m.group("way") == "after":
        return days_piece(one_date(on_or_after(add(day, 1), number)))
    return days_piece(one_date(add(on_or_after(day, number), -7)))


@say_as(r"next year")
def _next_year(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(
        Days(span(date(now.today.year + 1, 1, 1), date(now.today.year + 1, 12, 31)), "period")
    )


@say_as(
    r"(?:in (?:the )?|this |next |during (?:the )?)(?P<season>spring|summer|fall|autumn|winter)"
)
def _season(m: re.Match[str], now: Now) -> list[Piece]:
    month = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}[m.group("season")]
    year = now.today.year
    start, end = date(year, month, 20), add(almanac.add_months(date(year, month, 20), 3), -1)
    if end < now.today or ("next" in m.group() and start <= now.today):
        start = date(year + 1, month, 20)
        end = add(almanac.add_months(start, 3), -1)
    return days_piece(Days(span(start, end), "period"))
