"""The words of a text read as days, times and the words that join them.

Each pattern names one way of saying something; at every word the longest one that fits is taken.
What is said about a day or a time by the words around it (after, until, not, or) is joined by
:mod:`clinic.booking.when.clauses`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from clinic.booking.when import almanac
from clinic.booking.when.almanac import add, monday, on_or_after, span
from clinic.booking.when.items import DAY, Days, Piece, Stretch, Times, part, point
from clinic.booking.when.text import WEEKDAYS

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


@dataclass(frozen=True)
class Now:
    """The clinic's clock: the day, and minutes after midnight."""

    today: date
    minute: int

    @cached_property
    def past_and_future(self) -> frozenset[date]:
        """Every day that can be meant."""
        return span(add(self.today, -almanac.BACK), add(self.today, almanac.AHEAD))


Build = Callable[[re.Match[str], Now], list[Piece] | None]
_PATTERNS: list[tuple[re.Pattern[str], Build]] = []

_WD = "|".join(WEEKDAYS)
_MO = "|".join(MONTHS)
_DOM = r"\d{1,2}(?:st|nd|rd|th)?"
_ORD = r"\d{1,2}(?:st|nd|rd|th)"
_NAMED = (
    r"(?:christmas|new year'?s?) eve|christmas(?: day)?|boxing day|new year'?s(?: day)?|new year day"
    r"|valentine'?s(?: day)?|family day|good friday|easter monday|easter(?: sunday)?|victoria day"
    r"|canada day|labou?r day|thanksgiving(?: day)?|halloween|remembrance day"
)
_NO_CLOCK = r"(?! (?:am|pm|oclock)\b)"
_DATE = (
    rf"(?:(?:on )?(?:the )?(?:iso|dmy)/[\d/]+|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
    rf"|(?:{_MO}) (?:the )?{_DOM}{_NO_CLOCK}(?:(?: ,)? 20\d\d)?"
    rf"|(?:the )?{_DOM} (?:of )?(?:{_MO})(?:(?: ,)? 20\d\d)?"
    rf"|(?:the )?{_ORD} (?:of |in )(?:this|next|the) month"
    rf"|(?:the )?{_ORD}|the \d{{1,2}}{_NO_CLOCK}"
    rf"|{_NAMED})"
)
_UNIT = r"(?P<unit>day|week|month|year|fortnight)s?(?:'s?)?"
_COUNT = r"(?P<n>\d+|an?|1|(?:a )?couple(?: of)?|(?:a )?few|several)"
_CLOCK = (
    r"(?:(?:a )?quarter (?:past|after|to|of|till|until|before) \d{1,2}(?: oclock)?(?: (?:am|pm))?"
    r"|half(?: past)? \d{1,2}(?: (?:am|pm))?"
    r"|(?:5|10|20|25)(?: minutes)? (?:past|after) \d{1,2}(?: (?:am|pm))?"
    r"|(?:5|10|20|25) minutes (?:to|before) \d{1,2}(?: (?:am|pm))?"
    r"|(?:20|25) to \d{1,2}(?: (?:am|pm))?|5 to [1-4](?![\d:])(?: (?:am|pm))?"
    r"|\d{1,2}:\d{2}h?(?: oclock)?(?: (?:am|pm))?|\d{1,2} oclock(?: (?:am|pm))?|\d{1,2} (?:am|pm)"
    r"|12 noon|noon|midnight)"
)


def _say(pattern: str) -> Callable[[Build], Build]:
    """Registers a way of saying something; the pattern must match whole words."""

    def register(build: Build) -> Build:
        _PATTERNS.append((re.compile(rf"(?:{pattern})(?![^ ])"), build))
        return build

    return register


def _days(*readings: Days, ask: str = "", past: bool = False) -> list[Piece]:
    return [Piece("D", days=readings, ask=ask, past=past)]


def _date(day: date) -> Days:
    return Days(frozenset([day]), "date")


def _times(*readings: Times) -> list[Piece]:
    return [Piece("T", times=readings)]


def _count(words: str) -> int:
    """A number of units: "a couple of" is 2, "few" 3."""
    if words.isdigit():
        return int(words)
    if "couple" in words:
        return 2
    return 3 if words.endswith(("few", "several")) else 1


# Dates


def month_day(month: int, day: int, year: int | None, now: Now) -> Days | None:
    """The date meant by a day and a month: the next one, unless it has only just passed.

    None when there is no such date in any year.
    """
    if not (1 <= month <= 12 and 1 <= day <= 31) or not almanac.exists(2028, month, 1):
        return None
    if year is None:
        year = now.today.year
        if (month, day) < (now.today.month, now.today.day):
            year += 1
            if almanac.exists(year - 1, month, day):
                before = date(year - 1, month, day)
                # "November 3rd" said on the 22nd is not next year's.
                if (now.today - before).days <= 60:
                    year -= 1
    if almanac.exists(year, month, day):
        return _date(date(year, month, day))
    if not 2000 <= year <= 2100:
        return None
    last = max(almanac.month_days(year, month))
    return Days(frozenset(), "date", near=(last, add(last, 1)))


def _day_of_month(day: int, now: Now) -> tuple[Days, ...]:
    """The next days with that number, nearest first."""
    found = []
    for months in range(13):
        year, month = divmod(now.today.month - 1 + months, 12)
        year, month = now.today.year + year, month + 1
        if almanac.exists(year, month, day) and date(year, month, day) >= now.today:
            found.append(_date(date(year, month, day)))
    return tuple(found)


def _named(words: str, now: Now) -> Days:
    key = re.sub(r"[']| day$| sunday$", "", words).replace("new year", "new years", 1)
    key = key.replace("new yearss", "new years").replace("labor", "labour")
    if words in ("family day", "boxing day", "canada day", "victoria day", "remembrance day"):
        key = words
    if key == "labour":
        key = "labour day"
    find = almanac.NAMED[key]
    day = find(now.today.year)
    if day < now.today:
        later = find(now.today.year + 1)
        day = day if (now.today - day).days <= 14 else later
    return _date(day)


def dates(words: str, now: Now) -> tuple[Days, ...] | None:
    """The readings of a date as written (a match of ``_DATE``), or None when it is none."""
    words = re.sub(r"^(?:on )?the |^on ", "", words).replace(" ,", "")
    if words.startswith("iso/"):
        _, year, month, day = words.split("/")
        found = month_day(int(month), int(day), int(year), now)
        return (found,) if found else None
    if words.startswith("dmy/"):
        _, day, month, year = words.split("/")
        found = month_day(int(month), int(day), _year(year), now)
        return (found,) if found else None
    if slashed := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{2}|\d{4}))?", words):
        first, second = int(slashed.group(1)), int(slashed.group(2))
        year_meant = _year(slashed.group(3) or "")
        readings = [
            month_day(second, first, year_meant, now),
            month_day(first, second, year_meant, now) if first != second else None,
        ]
        real = [r for r in readings if r]
        # A reading that is no date gives way to one that is.
        real = [r for r in real if r.dates] or real
        return tuple(real) or None
    if named := re.fullmatch(rf"({_MO}) (?:the )?(\d{{1,2}})(?:[a-z]{{2}})?(?: (20\d\d))?", words):
        month, day, year = named.groups()
        found = month_day(MONTHS.index(month) + 1, int(day), _year(year or ""), now)
        return (found,) if found else None
    if named := re.fullmatch(rf"(\d{{1,2}})(?:[a-z]{{2}})? (?:of )?({_MO})(?: (20\d\d))?", words):
        day, month, year = named.groups()
        found = month_day(MONTHS.index(month) + 1, int(day), _year(year or ""), now)
        return (found,) if found else None
    if of_month := re.fullmatch(r"(\d{1,2})[a-z]{2} (?:of|in) (this|next|the) month", words):
        day, which = int(of_month.group(1)), of_month.group(2)
        start = now.today.replace(day=1)
        start = almanac.add_months(start, 1) if which == "next" else start
        if almanac.exists(start.year, start.month, day):
            return (_date(start.replace(day=day)),)
        last = max(almanac.month_days(start.year, start.month))
        return (Days(frozenset(), "date", near=(last, add(last, 1))),) if day <= 31 else None
    if alone := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", words):
        day = int(alone.group(1))
        return _day_of_month(day, now) if 1 <= day <= 31 else None
    return (_named(words, now),)


def _year(words: str) -> int | None:
    if not words:
        return None
    return int(words) + (2000 if len(words) == 2 else 0)


@_say(_DATE)
def _a_date(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(m.group(), now)
    if found is None or m.group() == m.string == "1st":
        return None
    # Of "the 3rd" the next one is meant; the later ones serve "Tuesday the 3rd".
    piece = Piece("D", days=found[:1] if _is_ordinal(m.group()) else found)
    piece.number = int(re.sub(r"\D", "", m.group())) if _is_ordinal(m.group()) else 0
    return [piece]


def _is_ordinal(words: str) -> bool:
    return bool(re.fullmatch(rf"(?:the )?(?:{_ORD}|\d{{1,2}})", words))


@_say(
    rf"(?:between )?(?P<mo>{_MO}) (?P<a>{_DOM})(?P<more>(?: (?:,|or|and|&)(?: the)? {_DOM}"
    rf"{_NO_CLOCK})+)"
)
def _several_days_of_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    return _list_of_dates(m, [m.group("a"), *re.findall(_DOM, m.group("more"))], now)


@_say(
    rf"(?:between )?(?:the )?(?P<more>{_DOM}(?:(?: ,)? (?:,|or|and|&)(?: the)? {_DOM})+) (?:of )?(?P<mo>{_MO})"
)
def _several_days_before_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    return _list_of_dates(m, re.findall(_DOM, m.group("more")), now)


def _list_of_dates(m: re.Match[str], days: list[str], now: Now) -> list[Piece] | None:
    month = MONTHS.index(m.group("mo")) + 1
    found = [month_day(month, int(re.sub(r"\D", "", day)), None, now) for day in days]
    real = [r for r in found if r and r.dates]
    if len(real) != len(days):
        return None
    if m.group().startswith("between ") and len(real) == 2:
        return _days(Days(span(min(real[0].dates), max(real[1].dates)), "period"))
    return _days(Days(frozenset().union(*(r.dates for r in real)), "period"))


@_say(
    rf"(?:from |between )?(?P<mo>{_MO}) (?P<a>{_DOM}) (?:-|to|until|and) (?:the )?(?P<b>{_DOM}){_NO_CLOCK}"
)
def _stretch_after_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if " and " in m.group() and not m.group().startswith("between"):
        return None
    return _stretch(m.group("mo"), m.group("a"), m.group("b"), now)


@_say(
    rf"(?:from |between )?(?:the )?(?P<a>{_DOM}) (?:-|to|until|and) (?:the )?(?P<b>{_DOM}) (?:of )?(?P<mo>{_MO})"
)
def _stretch_before_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if " and " in m.group() and not m.group().startswith("between"):
        return None
    return _stretch(m.group("mo"), m.group("a"), m.group("b"), now)


def _stretch(month: str, first: str, last: str, now: Now) -> list[Piece] | None:
    number = MONTHS.index(month) + 1
    low = month_day(number, int(re.sub(r"\D", "", first)), None, now)
    high = month_day(number, int(re.sub(r"\D", "", last)), None, now)
    if not (low and high and low.dates and high.dates):
        return None
    return _days(Days(span(min(low.dates), max(high.dates)), "period"))


@_say(rf"(?:in |during )?(?:the )?week (?P<way>before|after) (?P<day>{_NAMED}|{_DATE})")
def _week_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(m.group("day"), now)
    if not found or not found[0].dates:
        return None
    day = min(found[0].dates)
    if m.group("way") == "after":
        return _days(Days(span(add(monday(day), 7), add(monday(day), 13)), "period"))
    # The calendar week before, or the seven days before.
    return _days(
        Days(span(add(monday(day), -7), add(monday(day), -1)), "period"),
        Days(span(add(day, -7), add(day, -1)), "period"),
    )


@_say(rf"(?P<day>{_NAMED}) week|(?:the )?week of (?P<day2>{_NAMED})")
def _week_of_a_named_day(m: re.Match[str], now: Now) -> list[Piece]:
    found = _named(m.group("day") or m.group("day2"), now)
    first = monday(min(found.dates))
    return _days(Days(span(first, add(first, 6)), "period"))


@_say(
    rf"(?:the |in the |during the )?week (?:of|commencing|beginning|starting)(?: on)? (?P<date>(?:(?:{_WD}) ,? ?)?{_DATE})"
)
def _week_of(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(re.sub(rf"^(?:{_WD}) (?:, )?", "", m.group("date")), now)
    if not found:
        return None
    if _is_ordinal(m.group("date")):
        found = found[:1]
    weeks = []
    for reading in found:
        for day in reading.dates:
            # A week "of" a Sunday is the one that Sunday opens.
            first = monday(add(day, 1)) if day.weekday() == 6 else monday(day)
            weeks.append(Days(span(first, add(first, 6)), "period"))
    return _days(*weeks) if weeks else None


@_say(r"(?:after |in |into )?(?:the )?new year")
def _new_year(m: re.Match[str], now: Now) -> list[Piece]:
    first = date(now.today.year + 1, 1, 2 if "after" in m.group() else 1)
    return _days(Days(frozenset(d for d in now.past_and_future if d >= first), "open"))


@_say(r"between christmas and new year'?s?(?: eve| day)?")
def _between_the_years(m: re.Match[str], now: Now) -> list[Piece]:
    first = min(_named("christmas", now).dates)
    return _days(Days(span(add(first, 1), date(first.year, 12, 31)), "period"))


@_say(
    rf"(?:the |in the |on the )?(?:(?:day|1|one)(?P<d> after(?: that)?)|(?:week|1|one)(?P<w> after(?: that)?)"
    rf"|following (?P<f>day|week|weekend|month|{_WD})|(?P<n>an?|\d+) (?P<u>day|week)s? (?:later|after(?: that)?))"
)
def _after_that(m: re.Match[str], now: Now) -> list[Piece]:
    # What it follows is found among the other pieces, by clauses.
    piece = Piece("D", days=())
    unit = m.group("f") or m.group("u") or ("day" if m.group("d") else "week")
    piece.follows = (unit, _count(m.group("n") or "a"))
    return [piece]


@_say(
    r"(?P<way>before|by|after|following) (?:then|that)(?! \w+day)|afterwards?|any ?time (?P<way2>before|after) (?:then|that)"
)
def _before_that(m: re.Match[str], now: Now) -> list[Piece]:
    way = m.group("way") or m.group("way2") or "after"
    return [Piece("D", follows=("before" if way in ("before", "by") else "after", 0))]


@_say(
    rf"(?:the )?(?P<side>day|night) (?P<way>before|after) (?P<day>{_NAMED}|(?:the )?{_ORD}|{_WD})"
)
def _day_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    words = m.group("day")
    if words in WEEKDAYS:
        day = on_or_after(add(now.today, 1), WEEKDAYS.index(words))
    else:
        found = dates(words, now)
        if not found:
            return None
        day = min(found[0].dates)
    pieces = _days(_date(add(day, -1 if m.group("way") == "before" else 1)))
    return pieces + (_times(part(18 * 60, DAY, "night")) if m.group("side") == "night" else [])


# Days relative to today


@_say(r"today(?! week)|same day|later today|(?:sometime )?today")
def _today(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(_date(now.today))


@_say(r"tomorrow")
def _tomorrow(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(_date(add(now.today, 1)))


@_say(r"now")
def _now(m: re.Match[str], now: Now) -> list[Piece] | None:
    # Among other words it is seldom a time: "my back hurts now".
    return [Piece("ANY")] if m.group() == m.string else None


@_say(r"(?:the )?day after tomorrow|overmorrow|(?:the )?day after next")
def _after_tomorrow(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(_date(add(now.today, 2)))


@_say(r"(?:the )?day before yesterday|yesterday|last night")
def _yesterday(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(_date(add(now.today, -2 if "before" in m.group() else -1)), past=True)


@_say(rf"{_COUNT} {_UNIT} ago(?: today)?|{_COUNT.replace('<n>', '<n2>')} (?:hours?|minutes?) ago")
def _ago(m: re.Match[str], now: Now) -> list[Piece]:
    if not m.group("unit"):
        return _days(_date(now.today), past=True)
    days = _offset(_count(m.group("n")), m.group("unit"), now)
    return _days(_date(now.today - (days - now.today)), past=True)


@_say(
    rf"(?:last|this past|past) (?:{_WD}|week|month|weekend|year|fortnight)(?: (?:morning|afternoon|evening"
    rf"|night))?|(?:{_WD}) last"
)
def _last(m: re.Match[str], now: Now) -> list[Piece]:
    for number, name in enumerate(WEEKDAYS):
        if name in m.group():
            return _days(_date(add(on_or_after(now.today, number), -7)), past=True)
    return _days(_date(add(now.today, -7)), past=True)


@_say(
    r"(?:later |some ?time |early |late )?(?:this|to) (?P<part>morning|afternoon|evening|night|lunchtime|noon)|(?P<tonight>tonight)"
)
def _this_part(m: re.Match[str], now: Now) -> list[Piece]:
    name = "night" if m.group("tonight") else m.group("part")
    times = point(720) if name == "noon" else PARTS[name]
    return _days(_date(now.today)) + _times(times)


def _offset(count: int, unit: str, now: Now, start: date | None = None) -> date:
    start = start or now.today
    if count > 1000:
        count = 1000
    if unit == "day":
        return add(start, count)
    if unit in ("week", "fortnight"):
        return add(start, count * (7 if unit == "week" else 14))
    return almanac.add_months(start, count * (12 if unit == "year" else 1))


@_say(
    rf"(?:in |about |around )*{_COUNT} {_UNIT}(?: time)?(?: (?:from (?:now|today)|hence|away))?"
    r"(?: or so)?"
)
def _in_units(m: re.Match[str], now: Now) -> list[Piece] | None:
    words, unit, count = m.group(), m.group("unit"), m.group("n")
    # "3 weeks" alone answers when; among other words it may be a length.
    alone = m.start() == 0 and m.end() == len(m.string)
    if not re.match(r"(?:about |around )*in ", words) and not re.search(
        r"time|from|hence|away", words
    ):
        if not alone:
            return None
    number = _count(count)
    if number > 1000:
        return None
    vague = "couple" in count or "few" in count or "several" in count
    first = _offset(number, unit, now)
    if vague and unit in ("day", "week"):
        length = {("day", 2): 1, ("day", 3): 2, ("week", 2): 6, ("week", 3): 13}[(unit, number)]
        return _days(Days(span(first, add(first, length)), "period"))
    return _days(Days(frozenset([first]), "date", soft=unit != "day"))


@_say(
    rf"in (?P<n>an?|\d+) (?:-|or|to) (?P<b>\d+) {_UNIT}(?: time| from now)?|in an? {_UNIT.replace('<unit>', '<unit2>')} or (?P<two>2|so)"
)
def _in_some_units(m: re.Match[str], now: Now) -> list[Piece]:
    unit = m.group("unit") or m.group("unit2")
    low = _count(m.group("n")) if m.group("unit") else 1
    high = int(m.group("b")) if m.group("unit") else (2 if m.group("two") == "2" else 1)
    first, last = _offset(low, unit, now), _offset(high, unit, now)
    return _days(Days(span(first, max(first, last)), "period"))


@_say(
    rf"(?:with)?in (?:the )?(?:next |coming )?{_COUNT} {_UNIT}|(?:(?:with)?in |over |during |for |any time )?"
    rf"(?:the )?(?:next|coming) {_COUNT.replace('<n>', '<n2>')} {_UNIT.replace('<unit>', '<unit2>')}"
    r"|(?:in |over )?(?:the )?coming (?P<plain>days|weeks)"
)
def _within(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("plain"):
        unit, number = m.group("plain")[:-1], 3
    else:
        unit = m.group("unit") or m.group("unit2")
        number = _count(m.group("n") or m.group("n2"))
        if m.group("unit") and not re.match(r"within|.*(?:next|coming)", m.group()):
            return None
    return _days(Days(span(now.today, _offset(number, unit, now)), "period"))


_ANCHOR = rf"(?P<on>{_WD}|today|tomorrow|now|{_DATE})"


def _anchor(words: str, now: Now) -> tuple[Days, ...] | None:
    if words in WEEKDAYS:
        coming = on_or_after(now.today, WEEKDAYS.index(words))
        if coming == now.today:
            # Said on that very weekday it may count from today or from the next one.
            return (_date(coming), _date(add(coming, 7)))
        return (_date(coming),)
    if words in ("today", "now", "tomorrow"):
        return (_date(add(now.today, 1 if words == "tomorrow" else 0)),)
    found = dates(words, now)
    return found[:1] if found and _is_ordinal(words) else found


@_say(
    rf"(?:(?P<n>an?|\d+|(?:a )?couple(?: of)?) )?(?P<unit>day|week|fortnight|month)s? (?:from|on|after|past)"
    rf"(?: next| this)? {_ANCHOR}|(?P<a>a )?(?P<unit2>week|fortnight) {_ANCHOR.replace('<on>', '<on2>')}"
)
def _units_from(m: re.Match[str], now: Now) -> list[Piece] | None:
    starts = _anchor(m.group("on") or m.group("on2"), now)
    if not starts:
        return None
    unit, number = m.group("unit") or m.group("unit2"), _count(m.group("n") or "a")
    if not m.group("n") and re.search(r" (?:after|past) ", m.group()):
        return None
    return _days(
        *(
            _date(_offset(number, unit, now, min(s.dates)))
            for s in starts
            if s.dates and number < 99
        )
    )


@_say(
    rf"(?P<wd>{_WD}|today|tomorrow) (?P<n>\d+ )?(?P<unit>week|fortnight)s?(?: (?:from now|time))?"
    rf"|(?P<wd2>{_WD}) in (?P<n2>an?|\d+|a couple of) (?P<unit2>week|fortnight)s?(?: time)?"
    rf"|(?P<n3>\d+) (?P<wd3>{_WD})s? from now"
)
def _weekday_week(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("n3"):
        start = on_or_after(add(now.today, 1), WEEKDAYS.index(m.group("wd3")))
        return _days(_date(add(start, 7 * (min(int(m.group("n3")), 60) - 1))))
    name = m.group("wd") or m.group("wd2")
    number = _count((m.group("n") or m.group("n2") or "1").strip())
    if number > 60:
        return None
    starts = _anchor(name, now)
    assert starts is not None
    return _days(
        *(
            _date(_offset(number, m.group("unit") or m.group("unit2"), now, min(s.dates)))
            for s in starts
        )
    )


# Weekdays


def weekday(number: int, now: Now) -> Days:
    """A weekday said alone: the next one."""
    return Days(frozenset(d for d in now.past_and_future if d.weekday() == number), "weekday")


def every(numbers: tuple[int, ...], now: Now) -> Days:
    """Every such weekday."""
    return Days(frozenset(d for d in now.past_and_future if d.weekday() in numbers), "weekdays")


@_say(rf"(?:this )?(?P<wd>{_WD})")
def _weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    if m.group().startswith("this "):
        return _days(_date(on_or_after(now.today, number)))
    return _days(weekday(number, now))


@_say(rf"(?:this )?coming (?P<wd>{_WD})|(?P<wd2>{_WD}) coming")
def _coming(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd") or m.group("wd2"))
    return _days(_date(on_or_after(add(now.today, 1), number)))


def _two_ways(near: date, *others: date) -> list[Piece]:
    found = [near]
    for day in others:
        if day not in found:
            found.append(day)
    return _days(*(_date(day) for day in found))


@_say(rf"(?:the )?next (?P<wd>{_WD})|(?P<wd2>{_WD}) next(?! (?:week|month|year|weekend))")
def _next_weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd") or m.group("wd2"))
    near = on_or_after(add(now.today, 1), number)
    # Some count weeks from Monday, some from Sunday, and some mean the first one to come.
    iso = add(monday(now.today), 7 + number)
    american = add(monday(add(now.today, 1)), 7 + number - (7 if number == 6 else 0))
    return _two_ways(near, iso, american)


@_say(rf"(?P<wd>{_WD}) prochain")
def _french_next_weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    return _two_ways(on_or_after(add(now.today, 1), number), add(monday(now.today), 7 + number))


@_say(rf"(?:the )?(?P<wd>{_WD}) after next")
def _weekday_after_next(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    near = add(on_or_after(add(now.today, 1), number), 7)
    american = add(monday(add(now.today, 1)), 14 + number - (7 if number == 6 else 0))
    return _two_ways(near, add(monday(now.today), 14 + number), american)


@_say(rf"(?P<some>(?:any|every|each|all|a|most) )?(?P<wd>{_WD})(?P<s>s)?")
def _weekdays(m: re.Match[str], now: Now) -> list[Piece] | None:
    if not (m.group("some") or m.group("s")):
        return None
    return _days(every((WEEKDAYS.index(m.group("wd")),), now))


@_say(
    r"(?:any |every |each |all |most |a |on |during the |in the |through the )*(?P<what>weekdays?|working days?"
    r"|workdays?|business days?|week ?days?|work week|workweek|weeknights?)"
)
def _week_days(m: re.Match[str], now: Now) -> list[Piece]:
    found = _days(every((0, 1, 2, 3, 4), now))
    return found + _times(part(17 * 60, DAY, "evening")) if "night" in m.group("what") else found


@_say(r"(?:during|through|in) the week")
def _in_the_week(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(every((0, 1, 2, 3, 4), now))


@_say(r"(?:(?P<every>any|every|each|most|a) )?(?:on |at |over |in )?(?:the )?(?P<what>weekends?)")
def _weekend(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("every") or m.group("what").endswith("s"):
        return _days(every((5, 6), now))
    return _days(*_weekends(now))


def _weekends(now: Now) -> tuple[Days, ...]:
    first = add(monday(now.today), 5)
    found = [Days(span(first, add(first, 1)), "period")]
    if now.today.weekday() == 6:
        # On a Sunday the weekend is nearly over, and the next one may be meant.
        found.append(Days(span(add(first, 7), add(first, 8)), "period"))
    return tuple(found)


@_say(r"(?:this|the coming|this coming|coming) weekend")
def _this_weekend(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(*_weekends(now))


@_say(r"(?:the )?next weekend")
def _next_weekend(m: re.Match[str], now: Now) -> list[Piece]:
    first = add(monday(now.today), 5)
    later = Days(span(add(first, 7), add(first, 8)), "period")
    if now.today.weekday() >= 5:
        return _days(later)
    return _days(Days(span(first, add(first, 1)), "period"), later)


@_say(r"(?:the )?weekend after next")
def _weekend_after_next(m: re.Match[str], now: Now) -> list[Piece]:
    first = add(monday(now.today), 19)
    return _days(Days(span(first, add(first, 1)), "period"))


# Weeks and months


_WEEK = r"(?P<which>this|the|next|this coming|the coming|coming|following)"


def _weeks(which: str, now: Now) -> tuple[date, ...]:
    """The Mondays of the weeks that may be meant."""
    first = monday(now.today)
    if which in ("next", "the coming", "this coming", "coming"):
        return (add(first, 7),)
    # Said on a Sunday, "this week" may be the one about to begin.
    return (first, add(first, 7)) if now.today.weekday() == 6 else (first,)


@_say(
    rf"(?:any ?time |some ?time |any day |in |during |for |rest of |the rest of |over )*(?P<which>this|next|this coming|the coming|coming|the next) week"
)
def _week(m: re.Match[str], now: Now) -> list[Piece]:
    which = "next" if m.group("which") == "the next" else m.group("which")
    return _days(*(Days(span(f, add(f, 6)), "period") for f in _weeks(which, now)))


@_say(r"(?:the )?rest of (?:the|this) week")
def _rest_of_week(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(*(Days(span(f, add(f, 6)), "period") for f in _weeks("this", now)))


@_say(
    r"(?:the )?week after next|in the week after next|not next week but the (?:week|one) after(?: that)?"
)
def _week_after_next(m: re.Match[str], now: Now) -> list[Piece]:
    first = add(monday(now.today), 14)
    return _days(Days(span(first, add(first, 6)), "period"))


@_say(r"next week or the (?:week|one) after(?: that| next)?|this (?:week )?or next(?: week)?")
def _two_weeks(m: re.Match[str], now: Now) -> list[Piece]:
    first = monday(now.today)
    if m.group().startswith("next"):
        return _days(Days(span(add(first, 7), add(first, 20)), "period"))
    return _days(Days(span(now.today, add(first, 13)), "period"))


_PART = (
    r"(?:(?P<early>early(?: on)?(?: in)?|(?:at |in |towards? |by )?(?:the )?(?:start|beginning|first part|top) of)"
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


@_say(rf"(?:sometime )?{_PART} (?:(?P<which>this|the|next|this coming|the coming|coming) )?week")
def _part_of_week(m: re.Match[str], now: Now) -> list[Piece]:
    firsts = _weeks(m.group("which") or "the", now)
    return _days(*(Days(almanac.part_of_week(f, _part(m)), "period") for f in firsts))


@_say(r"mid ?-? ?week|midweek")
def _midweek(m: re.Match[str], now: Now) -> list[Piece]:
    first = monday(now.today)
    near = Days(frozenset([add(first, 2)]), "period")
    later = Days(frozenset([add(first, 9)]), "period")
    return _days(later if now.today > add(first, 2) else near)


@_say(r"later (?:(?:on )?in )?(?P<which>this|the|next) week|later on this week")
def _later_in_week(m: re.Match[str], now: Now) -> list[Piece]:
    found = []
    for first in _weeks(m.group("which") or "this", now):
        # Later than today and tomorrow, or than the week's first two days.
        begin = max(add(first, 2), add(now.today, 1))
        found.append(Days(span(begin, add(first, 6)), "period"))
    return _days(*found)


@_say(rf"later (?:on )?(?:(?P<this>this month|in the month)|in (?P<mo>{_MO}))")
def _later_in_month(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("this"):
        days = almanac.month_days(now.today.year, now.today.month)
        return _days(Days(frozenset(d for d in days if d >= add(now.today, 3)), "period"))
    return _days(Days(almanac.part_of_month(_month_meant(m, now), "second half"), "period"))


@_say(
    rf"(?:any ?time |some ?time |in |during |over )*(?:(?P<which>this|next|the) month|(?:the month of )?(?P<mo>{_MO})(?: (?P<year>20\d\d))?|next (?P<mo2>{_MO}))"
)
def _month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("which") == "the":
        return None
    return _days(Days(_month_meant(m, now), "period"))


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


@_say(
    rf"(?:sometime )?(?:in )?{_PART} (?:(?P<which>this|the|next) month|(?:in )?(?P<mo>{_MO})(?: (?P<year>20\d\d))?"
    rf"|(?P<of>the year|this year))|(?P<which3>month) end|(?P<which2>month)'?s end"
)
def _part_of_month(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("which3") or m.group("which2"):
        return _days(Days(almanac.part_of_month(_month_meant(m, now), "end"), "period"))
    if m.group("of"):
        month = 12 if _part(m) in ("late", "end", "second half") else 1
        year = now.today.year + (month == 1)
        return _days(
            Days(almanac.part_of_month(almanac.month_days(year, month), _part(m)), "period")
        )
    days = _month_meant(m, now)
    found = almanac.part_of_month(days, _part(m))
    if m.group("which") == "the" and max(found) < now.today:
        found = almanac.part_of_month(
            almanac.month_days(now.today.year, now.today.month + 1), _part(m)
        )
    return _days(Days(found, "period"))


@_say(
    rf"(?:the )?(?P<nth>1st|2nd|3rd|4th|last) (?P<what>{_WD}|week|weekend) (?:of|in) "
    rf"(?:(?P<which>this|the|next) month|(?:the new year|the year|(?P<mo>{_MO}))(?: (?P<year>20\d\d))?)"
)
def _nth_of_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    new_year = "year" in m.group()
    days = almanac.month_days(now.today.year + 1, 1) if new_year else _month_meant(m, now)
    nth = -1 if m.group("nth") == "last" else int(m.group("nth")[0])
    first = min(days)
    what = m.group("what")
    if what in WEEKDAYS:
        found = almanac.nth_weekday(first.year, first.month, WEEKDAYS.index(what), nth)
        return _days(_date(found)) if found else None
    if what == "weekend":
        found = almanac.nth_weekday(first.year, first.month, 5, nth)
        return _days(Days(span(found, add(found, 1)), "period")) if found else None
    low = add(max(days), -6) if nth < 0 else add(first, 7 * (nth - 1))
    # The week from Monday to Sunday that most of the seven days are in.
    start = monday(add(low, 3))
    return _days(Days(span(start, add(start, 6)) & days, "period"))


@_say(rf"(?:the )?(?P<nth>1st|last) day of (?:(?P<which>the|this|next) month|(?P<mo>{_MO}))")
def _edge_of_month(m: re.Match[str], now: Now) -> list[Piece]:
    days = _month_meant(m, now)
    return _days(_date(min(days) if m.group("nth") == "1st" else max(days)))


@_say(rf"(?:the )?(?P<wd>{_WD}) (?P<way>before|after) (?P<date>{_DATE})")
def _weekday_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(m.group("date"), now)
    if not found or not found[0].dates:
        return None
    day, number = min(found[0].dates), WEEKDAYS.index(m.group("wd"))
    if m.group("way") == "after":
        return _days(_date(on_or_after(add(day, 1), number)))
    return _days(_date(add(on_or_after(day, number), -7)))


@_say(r"next year")
def _next_year(m: re.Match[str], now: Now) -> list[Piece]:
    return _days(
        Days(span(date(now.today.year + 1, 1, 1), date(now.today.year + 1, 12, 31)), "period")
    )


@_say(r"(?:in (?:the )?|this |next |during (?:the )?)(?P<season>spring|summer|fall|autumn|winter)")
def _season(m: re.Match[str], now: Now) -> list[Piece]:
    month = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}[m.group("season")]
    year = now.today.year
    start, end = date(year, month, 20), add(almanac.add_months(date(year, month, 20), 3), -1)
    if end < now.today or ("next" in m.group() and start <= now.today):
        start = date(year + 1, month, 20)
        end = add(almanac.add_months(start, 3), -1)
    return _days(Days(span(start, end), "period"))


# Times of day

PARTS = {
    "morning": part(0, 720, "morning"),
    "afternoon": part(720, 17 * 60, "afternoon"),
    "evening": part(17 * 60, DAY, "evening"),
    "night": part(18 * 60, DAY, "night"),
    "early morning": part(0, 600, "early morning"),
    "mid morning": part(9 * 60 + 30, 11 * 60, "between"),
    "late morning": part(600, 720, "late morning"),
    "early afternoon": part(720, 14 * 60, "early afternoon"),
    "mid afternoon": part(14 * 60, 16 * 60, "between"),
    "late afternoon": part(16 * 60, 18 * 60, "late afternoon"),
    "early evening": part(17 * 60, 19 * 60, "early evening"),
    "late evening": part(19 * 60, DAY, "after"),
    "lunchtime": part(720, 14 * 60, "lunchtime"),
}


@_say(
    r"(?:(?:sometime |any time |only )?(?:in|during|for|at|over|on) )?(?:the |my )?(?:(?P<wide>any|every|most) )?(?:(?P<mod>early|earlier|mid|middle of the|late|later)(?: in the)? )?"
    r"(?P<part>mornings?|afternoons?|evenings?|night|lunchtimes?|lunch(?: (?:hour|break))?)(?: ?time)?"
)
def _part_of_day(m: re.Match[str], now: Now) -> list[Piece] | None:
    name = m.group("part").removesuffix("s")
    if name.startswith("lunch"):
        name = "lunchtime"
    mod = (m.group("mod") or "").replace("earlier", "early").replace("later", "late")
    mod = mod.replace("middle of the", "mid")
    if name == "night" and mod:
        return _times(PARTS["late evening" if mod == "late" else "night"])
    found = _times(PARTS.get(f"{mod} {name}".strip(), PARTS[name]))
    found[0].wide = bool(m.group("wide")) or m.group("part").endswith("s")
    return found


@_say(r"(?:very |quite |pretty |really |as )?(?P<mod>early|late|earlier|later)(?: on)?")
def _early_or_late(m: re.Match[str], now: Now) -> list[Piece]:
    # Means a time only beside a day or a part of one: clauses decide.
    late = m.group("mod").startswith("late")
    found = _times(part(16 * 60, DAY, "after") if late else part(0, 600, "before"))
    found[0].marks = {"early" if not late else "late"}
    return found


@_say(r"eve")
def _eve(m: re.Match[str], now: Now) -> list[Piece]:
    found = _times(PARTS["evening"])
    found[0].marks = {"am"}
    return found


@_say(r"(?:in (?:the )?|the )(?P<half>am|pm)|(?P<pm>pm)|(?P<am>am)")
def _half_day(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("am") or m.group("half") == "am":
        # "am" alone is a verb unless a day stands before it: clauses decide.
        found = _times(PARTS["morning"])
        found[0].marks = {"am"} if m.group("am") else set()
        return found
    return _times(part(720, DAY, "pm"))


@_say(
    r"(?:at )?(?:1st thing|opening(?: time)?|when you open|as soon as you open|(?:right )?at open|start of (?:the )?day|beginning of the day)(?: in the morning)?"
)
def _first_thing(m: re.Match[str], now: Now) -> list[Piece]:
    return _times(Times(edge="first"))


@_say(
    r"(?:the )?1st (?:appointment|slot|spot|opening|one|available(?: \w+)?) (?:of|in) the (?:day|morning)"
)
def _first_appointment(m: re.Match[str], now: Now) -> list[Piece]:
    return _times(Times(edge="first"))


@_say(
    r"(?:at |by |towards? |before )?(?:the )?(?:end of (?:the )?(?:work(?:ing)? |business )?day|close of (?:business|day)|closing(?: time)?|cob|eod)"
    r"|(?:as late as possible|late as possible|late in the day|at (?:the )?end of the day)"
)
def _end_of_day(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group().startswith(("by", "before")):
        # A deadline: any time of that day.
        return _times(part(0, DAY, "any"))
    return _times(Times(edge="last"))


@_say(
    r"last thing(?: at night)?|(?:the |your )?last (?:appointment|slot|spot|opening|one|time)(?: (?:of|in) the day| available)?"
)
def _last_thing(m: re.Match[str], now: Now) -> list[Piece]:
    return _times(Times(edge="last_hour"))


_NAMED_TIMES = {
    r"after (?:i (?:get|come) (?:off|out of|home from) |i finish )?work(?:ing hours)?|after (?:business|office) hours": part(
        17 * 60, DAY, "after"
    ),
    r"before work|on (?:my|the) way to work": part(0, 540, "before"),
    r"after (?:school|(?:the )?(?:school )?pick ?up|(?:the )?kids(?: are)?(?: (?:home|out))?(?: from school)?)": part(15 * 60 + 30, DAY, "after"),
    r"during school(?: hours)?|(?:while|when) (?:the |my )?kids are (?:at|in) school|during school time": part(540, 900, "between"),
    r"after (?:the )?(?:school )?drop ?off": part(540, 720, "between"),
    r"after lunch(?:time)?": part(13 * 60, 17 * 60, "between"),
    r"before lunch(?:time)?": part(0, 720, "before"),
    r"after (?:dinner|supper)": part(19 * 60, DAY, "after"),
    r"before (?:dinner|supper)(?:time)?": part(0, 17 * 60, "before"),
    r"(?:at |around )?(?:dinner|supper) ?time": part(17 * 60, 19 * 60, "between"),
    r"after breakfast": part(9 * 60, 720, "between"),
    r"(?:during |in )(?:the )?(?:day|day ?time)(?: hours)?|day ?time": part(9 * 60, 17 * 60, "between"),
    r"(?:during |in )?(?:business|office|work(?:ing)?) hours": part(9 * 60, 17 * 60, "between"),
    r"early in the day": PARTS["early morning"],
    r"later in the day": part(15 * 60, DAY, "after"),
    r"(?:on|during) my (?:lunch|lunch (?:break|hour))": PARTS["lunchtime"],
    r"mid ?-? ?morning": PARTS["mid morning"],
    r"mid ?-? ?afternoon": PARTS["mid afternoon"],
    r"(?:but )?not too early(?: in the (?:morning|day))?|nothing too early": part(600, DAY, "after"),
    r"(?:but )?not too late(?: in the (?:evening|day))?|nothing too late": part(0, 18 * 60, "before"),
}  # fmt: skip


def _add_named_time(pattern: str, times: Times) -> None:
    @_say(pattern)
    def _named_time(m: re.Match[str], now: Now) -> list[Piece]:
        return _times(times)


for _pattern, _meant in _NAMED_TIMES.items():
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


@_say(_CLOCK)
def _clock_time(m: re.Match[str], now: Now) -> list[Piece] | None:
    minutes = clock(m.group())
    return _times(*(point(minute) for minute in minutes)) if minutes else None


_BARE = rf"(?:{_CLOCK}|\d{{1,2}})"


@_say(
    rf"(?:any ?time |anywhere |somewhere |some ?time )?(?P<lead>from |between )?(?P<a>{_BARE}) (?P<by>-|to|until|and)(?: about)? (?P<b>{_BARE})(?P<ish> ish)?"
)
def _clock_range(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("by") == "and" and m.group("lead") != "between ":
        return None
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
    return _times(*readings) if readings else None


@_say(
    r"(?:in|within) (?P<n>\d+|an?|the|half an?|(?:a )?couple(?: of)?|(?:a )?few) (?P<unit>hours?|hrs?|minutes?|mins?)(?: (?:from now|time))?|(?P<n2>\d+|an) (?P<unit2>hours?|minutes?) from now|(?P<now>this time) (?P<day>tomorrow|next week|today)"
)
def _in_hours(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("now"):
        days = {"tomorrow": 1, "today": 0, "next week": 7}[m.group("day")]
        return _days(_date(add(now.today, days))) + _times(point(now.minute))
    words, unit = m.group("n") or m.group("n2"), m.group("unit") or m.group("unit2")
    number = 0.5 if words.startswith("half") else _count(words)
    minutes = round(number * (60 if unit.startswith("h") else 1))
    if minutes > 5 * DAY:
        return None
    at = now.minute + minutes
    day = add(now.today, at // DAY)
    if m.group().startswith("within"):
        return _days(_date(now.today)) + _times(part(now.minute, min(at, DAY), "between"))
    return _days(_date(day)) + _times(point(at % DAY))


# Words that join, and words that are no time

_JOINING = {
    "NOT_BEFORE": r"(?:not|no|never|nothing|can'?t (?:do |come |make it )?|cannot (?:do |come )?|anything but) (?:before|earlier than|sooner than|until)"
    r"|(?:no|any time) (?:earlier|sooner) than|busy until|tied up until|booked until|in (?:class|school|meetings|court|work) until|(?:i |we )?(?:work|working|at work) until"
    r"|(?:i |we )?(?:get|come|am|'m) off(?: of)?(?: work)?(?: at)?|off(?: work)? at|(?:i |we )?finish(?:es|ing)?(?: up)?(?: work)?(?: at)?|(?:done|out|home)(?: of| from)?(?: with)?(?: work| school)?(?: at| by)"
    r"|away until|out of town until|gone until|not back until|back (?:on|from)|i'?m back(?: on| in town)?",
    "FROM": r"from|starting(?: (?:at|from|on|with))?|beginning(?: (?:at|on|from))?|as of|as from|on or after|at or after|any time from|anywhere from",
    "AFTER": r"after|later than|past|post|any time after|following|once it'?s past|anything after",
    "NOT_AFTER": r"(?:not|no|never|nothing|can'?t (?:do |come )?) (?:after|later than|past|beyond)|no later than"
    r"|(?:have|need|got) to (?:leave|be (?:out|gone|done|finished)|go) (?:by|at|before)|(?:done|out|finished|over|gone|leave) by|must leave (?:by|at)|(?:i |we )?(?:start|begin)(?: work| school)?(?: at)|(?:have to|need to|must) be (?:at work|in|there|home|back)(?: by| at)?",
    "BEFORE": r"before|earlier than|sooner than|ahead of|prior to|any time before|anything before|before about",
    "UNTIL": r"until|by|up to|up until|on or before|not past|by about|between now and|from now (?:until|to)|any time (?:until|by|up to)",
    "AROUND": r"around(?: about)?|about|near|close to|say|~|@|at around|at about|around like",
    "SINCE": r"since|ever since|started|began|starting back|hurt(?:ing|s)?|injured(?: it)?|fell|happened|happened on|pulled it|tweaked it|did it|(?:was|were|been) (?:there|in|here|seen|treated)|came(?: in)?|saw (?:you|her|him|\w+|(?:the|my|a) \w+)|visited|last (?:visit|appointment|session|massage|treatment)(?: was)?|had (?:it|this|an appointment|a massage|a session|one)(?: since)?"
    r"|worse|worst|aching|aches|sore|stiff|numb|flares?(?: up)?|wakes? me(?: up)?|kills me"
    r"|(?:my|our|the) (?:current |existing |old |original )?(?:appointment|appt|booking|session|slot) (?:is|was)(?: currently)?"
    r"|(?:i|we)(?: already| currently)? have (?:an|my|a) (?:existing |old )?(?:appointment|appt|booking|session)(?: booked)?|booked in for|i'?m booked(?: in)?(?: for)?",
    "BETWEEN": r"between",
    "NOT": r"not(?! only)|no|never|isn'?t|ain'?t|don'?t (?:want|like|do|work|have|offer)|do not (?:want|like)|avoid|without|nothing(?: on)?|neither|nor|not on|rather not|skip"
    r"|can'?t(?: (?:do|make(?: it)?|come|get there|be there))?|cannot(?: (?:do|make(?: it)?|come))?|won'?t be able to|couldn'?t(?: do)?|unable to(?: (?:do|make|come))?|not able to(?: (?:do|make|come))?|not (?:available|free|around|possible|good|great|ideal)"
    r"|don'?t have time|hate|not for|none|not really|not any|not the",
    "BUSY": r"(?:i'?m |we'?re |i am |im |i'?ll be )?(?:busy|away|unavailable|out of town|on (?:vacation|holiday|holidays)|working|booked(?: up| solid)?|at work|travelling|traveling|gone|tied up|occupied|on shift|on call)"
    r"|i (?:have to )?work(?: from)?(?! (?:with|at|in a|for|as|out))|i have (?:work|class|classes|school|kids|a meeting|meetings|an exam|exams|to work)|i'?ve got (?:work|class|a meeting)",
    "EXCEPT": r"except(?: for| on| not)?|other than|apart from|aside from|but not|just not|only not|as long as it'?s not|anything but|(?:any ?(?:time|day|where|thing)|every ?day|all days|whenever) but(?! (?:not|no|only|before|after|in|around|at|by|can|i|preferably|prefer|the)\b)|(?:any ?(?:time|day)|every ?day|all days) but the(?= (?:\d|weekend))|save for|minus|bar|not counting|instead of|rather than|and not|than",
    "NO_GOOD": r"(?:doesn'?t|does not|don'?t|do not|won'?t|will not|wouldn'?t|can'?t|cannot|didn'?t) (?:work|suit|do|fit|happen|be possible)(?: (?:well|for me|for us))?"
    r"|(?:is|are|isn'?t|aren'?t|is not|are not|'s|would be|will be)(?: not| no| n'?t)? (?:not possible|no good|impossible|out of the question|bad|not good|no go|off the table|not great|hard|difficult|tough|tricky|good for me)"
    r"|(?:isn'?t|aren'?t|is not|are not|not) (?:good|possible|great|ideal|an option|working|convenient|best|available)|no good|no go|impossible|is out|are out|(?:is|are) bad|i can'?t|i cannot|we can'?t|i'?m not (?:free|available)|is no good",
    "GOOD": r"(?:that |which )?(?:works?|suits?|is (?:good|fine|ok|okay|best|better|great|perfect|ideal|possible|free)|are (?:good|fine|ok|best|better|great)|would (?:work|suit|be|do|be (?:good|great|fine|best|better|ideal|perfect|nice|ok|lovely))|could work|will (?:work|do)|fine|ok|okay|good|best|better|great|perfect|preferred|preferably|ideally|instead|rather|maybe|perhaps|possibly)(?: for (?:me|us))?"
    r"|how about|what about|can do|could do|can come|could come|can make|can i|could i|may_ i|might i|i'?m free|i am free|free|available|prefer|i'?d (?:like|prefer|love)|i would (?:like|prefer)|i want|i need|looking for|would like|let'?s do|let'?s say|make it|book me|please",
    "OR": r"or(?: (?:else|maybe|possibly|even|perhaps|failing that|alternatively))?|and ?/ ?or|/|either|alternatively|failing that|if not|otherwise",
    "AND": r"and(?: also| maybe)?|&|\+|plus|as well as|also",
    "BUT": r"but|however|though|although|only if|as long as(?: it'?s)?|so long as(?: it'?s)?|provided(?: it'?s)?",
    "COMMA": r",",
    "DASH": r"-|to",
    "STOP": r"[.;!?]",
    "ONWARD": r"onwards?|on ?wards?|or (?:later|after|beyond)|and (?:later|after|onwards?|beyond|on)|(?:at )?(?:the )?(?:very )?earliest(?: at)?|forward|and up",
    "OR_EARLIER": r"or (?:earlier|before|sooner)|and (?:earlier|before)|(?:at )?(?:the )?(?:very )?latest(?: at)?|tops|max",
    "ONLY": r"only|just|strictly",
    "ISH": r"ish|or so|or thereabouts|roughly|sharp|exactly|on the dot|(?:at )?(?:the )?latest possible",
    "ANY": r"asap|as soon as(?: (?:possible|you can|you have(?: anything| something)?|you'?re able|can be|i can))?|soonest(?: (?:possible|available|you have|appointment|slot))?|(?:the )?sooner the better"
    r"|any ?time(?: (?:is (?:fine|good|ok)|works|at all|really|you (?:have|like|want)))?|whenever(?: (?:you (?:can|like|want|are free|have(?: \w+)?)|is (?:good|best|fine)|works|possible|suits(?: you)?))?"
    r"|any ?day(?: (?:is (?:fine|good|ok)|works|at all|really))?|every ?day|(?:the |your )?(?:very )?earliest(?: (?:you have|possible|available|appointment|slot|opening|time|spot|date|one|you can|convenience|that you have))*"
    r"|(?:the |your )?(?:next|1st|soonest) (?:available|free|open|possible)(?: (?:appointment|slot|opening|time|spot|date|one))?|(?:the |your )?(?:next|1st) (?:opening|slot|spot|availability|cancellation)"
    r"|(?:right|straight) away|right now|immediately|as early as (?:possible|you can)|(?:i'?m |i am |pretty |very |totally |completely )*(?:flexible|wide open|easy)|no preference|doesn'?t matter(?: when)?|(?:i )?don'?t mind(?: when)?|don'?t care when"
    r"|what ?ever(?: (?:works|suits|you (?:have|can|got)|is (?:available|free|open|easiest|best)|time|day|fits))*(?: for you)?|anything (?:available|works|is (?:fine|good|ok)|goes|at all)|when (?:is|are|'s) (?:the|your) (?:next|earliest|soonest|1st)(?: available)?(?: (?:opening|slot|spot|appointment|availability))|soon as",
    "CONTEXT": r"(?:the )?same (?:time|slot|hour|day and time|as (?:last|before|usual|always))(?: (?:as|of) (?:last|before|usual|always)(?: time)?)?|(?:my |the )?usual (?:time|day|slot|one|spot|appointment)?|like last time|as usual|(?:same as )?last time|my regular (?:time|slot|day|appointment)|that (?:time|day) again",
    "UNCLEAR": r"unless|every (?:other|2nd|second|\d+|couple of|few) (?:days?|weeks?|months?|" + _WD + r")|alternat(?:e|ing) \w+|bi-?weekly|fortnightly|(?:the )?(?:other|previous) (?:week|weekend|month|day|" + _WD + r")|(?:a|1|\d+) weeks? (?:before|earlier)|the (?:week|day|month) before(?: that)?|depends on|it depends|depending on",
    "TRIP": r"(?:i |we |i'?m |we'?re |i am )?(?:leave|leaving|fly|flying|travel|depart)(?: out| home| town)?|(?:my |our )?flight(?: is)?",
    "FILL": r"the|on|at|in|of|for|any|some|sometime|some ?time|sort of|kind of|like|a|an|this|it|is|be|would|it'?s|that|really|very|probably|hopefully|either|time|times|day|days|with|me|to me|us|my|your|if possible|possible|possibly|then|at all|hour|oclock|sharp|roughly|so|as well|too|there|here|appointment|slot|dates?|'s|s|end|hours|during|over",
}  # fmt: skip


def _add_joining(kind: str, pattern: str) -> None:
    @_say(pattern)
    def _joining(m: re.Match[str], now: Now) -> list[Piece]:
        return [Piece(kind)]


for _kind, _pattern in _JOINING.items():
    _add_joining(_kind, _pattern)

#: After a bare number, these show that it counts nothing.
_MAY_FOLLOW = re.compile(
    r"(?:on|at|in|or|and|to|until|if|but|for|with|ish|sharp|the|this|next|then|ok|okay|good|best|works?|would"
    r"|is|please|thanks|thank|instead|maybe|i|i'm|i'd|we|you|my|can|could|do|does|so|because|should|will|also"
    r"|onwards?|tops|latest|earliest|exactly|that|suits?|fine|great|perfect|may_|when|how|it|it's|just|only"
    r"|am|pm|today|tomorrow|every|any|each|onward|was|hope|hopefully|sounds?|possible|possibly|a|not|no|from"
    r"|are|before|after|by|around|about|hello|hi|hey|natalie|bye|cheers|seems|though|tonight|morning|afternoon"
    r"|evening|early|late|night|noon|half|between|yes|as|asap|except|of|hours|oclock|at?)$"
)


def pieces(row: str, now: Now) -> list[Piece]:
    """The pieces of a canonical text, in order."""
    found: list[Piece] = []
    at = 0
    while at < len(row):
        if row[at] == " ":
            at += 1
            continue
        best: tuple[int, list[Piece]] | None = None
        for pattern, build in _PATTERNS:
            m = pattern.match(row, at)
            if m and m.end() > at and (best is None or m.end() > best[0]):
                built = build(m, now)
                if built and _stands(m, row):
                    best = (m.end(), built)
        if best is None:
            end = row.find(" ", at)
            end = len(row) if end < 0 else end
            word = row[at:end]
            if re.fullmatch(r"\d{1,2}", word) and 0 < int(word) <= 31 and _counts_nothing(row, end):
                found.append(Piece("N", word, number=int(word)))
            else:
                found.append(Piece("WORD", word))
        else:
            end = best[0]
            for piece in best[1]:
                piece.text = row[at:end]
            found.extend(best[1])
        at = end
    return found


def _stands(m: re.Match[str], row: str) -> bool:
    """A match that ends in a bare number or an ordinal is none when it counts something."""
    last = m.group().rsplit(" ", 1)[-1]
    if not re.fullmatch(r"\d{1,2}|\d{1,2}(?:st|nd|rd|th)", last):
        return True
    return _counts_nothing(row, m.end())


def _counts_nothing(row: str, end: int) -> bool:
    after = row[end:].split(" ", 2)
    word = after[1] if len(after) > 1 else ""
    if not word or not word[0].isalpha() or _MAY_FOLLOW.match(word):
        return True
    return word.rstrip("s") in WEEKDAYS or word in MONTHS or word.startswith(("weekd", "weeke"))


def later_readings(piece: Piece, now: Now) -> tuple[Days, ...]:
    """All coming days with the number of "the 3rd", for "Tuesday the 3rd"."""
    return _day_of_month(piece.number, now)


def hour(number: int) -> tuple[Times, ...]:
    """The readings of a bare hour."""
    return tuple(point(minute) for minute in clock(str(number)) or [])


def day_number(number: int, now: Now) -> tuple[Days, ...]:
    """The days a bare number may be, nearest first."""
    return _day_of_month(number, now)
