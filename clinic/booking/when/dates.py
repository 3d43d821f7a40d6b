"""Dates: the 3rd, 3/12, December 3rd to 5th, Christmas Eve, the week of the 7th."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from clinic.booking.when import almanac
from clinic.booking.when.almanac import add, monday, on_or_after, span
from clinic.booking.when.items import DAY, Days, Piece, part
from clinic.booking.when.patterns import (
    DATE,
    DOM,
    MO,
    MONTHS,
    NAMED,
    NO_CLOCK,
    ORD,
    WD,
    Now,
    days_piece,
    how_many,
    one_date,
    say_as,
    times_piece,
)
from clinic.booking.when.text import WEEKDAYS


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
            length = monthrange(year - 1, month)[1]
            before = date(year - 1, month, min(day, length))
            # "November 3rd" said on the 22nd is not next year's, nor "November 31" on December 1.
            if (now.today - before).days <= (60 if day <= length else 1):
                year -= 1
    if almanac.exists(year, month, day):
        return one_date(date(year, month, day))
    if not 2000 <= year <= 2100:
        return None
    last = max(almanac.month_days(year, month))
    return Days(frozenset(), "date", near=(last, add(last, 1)))


def day_of_month(day: int, now: Now) -> tuple[Days, ...]:
    """The next days with that number, nearest first."""
    found = []
    for months in range(13):
        year, month = divmod(now.today.month - 1 + months, 12)
        year, month = now.today.year + year, month + 1
        if almanac.exists(year, month, day) and date(year, month, day) >= now.today:
            found.append(one_date(date(year, month, day)))
    return tuple(found)


def named_day(words: str, now: Now) -> Days:
    key = re.sub(r"[']| day$| sunday$", "", words).replace("new year", "new years", 1)
    key = key.replace("new yearss", "new years").replace("labor", "labour")
    if key not in almanac.NAMED:
        # "Family day": the word belongs to the name.
        key = f"{key} day"
    find = almanac.NAMED[key]
    day = find(now.today.year)
    if day < now.today:
        later = find(now.today.year + 1)
        day = day if (now.today - day).days <= 14 else later
    return one_date(day)


def dates(words: str, now: Now) -> tuple[Days, ...] | None:
    """The readings of a date as written (a match of ``DATE``), or None when it is none."""
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
    month_first = re.fullmatch(
        rf"(?P<mo>{MO}) (?:the )?(?P<day>\d{{1,2}})(?:[a-z]{{2}})?(?: (?P<year>20\d\d))?", words
    )
    day_first = re.fullmatch(
        rf"(?P<day>\d{{1,2}})(?:[a-z]{{2}})? (?:of )?(?P<mo>{MO})(?: (?P<year>20\d\d))?", words
    )
    if named := month_first or day_first:
        found = month_day(
            MONTHS.index(named.group("mo")) + 1,
            int(named.group("day")),
            _year(named.group("year") or ""),
            now,
        )
        return (found,) if found else None
    if of_month := re.fullmatch(r"(\d{1,2})[a-z]{2} (?:of|in) (this|next|the) month", words):
        number, which = int(of_month.group(1)), of_month.group(2)
        start = now.today.replace(day=1)
        start = almanac.add_months(start, 1) if which == "next" else start
        if almanac.exists(start.year, start.month, number):
            return (one_date(start.replace(day=number)),)
        last = max(almanac.month_days(start.year, start.month))
        return (Days(frozenset(), "date", near=(last, add(last, 1))),) if number <= 31 else None
    if alone := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", words):
        number = int(alone.group(1))
        return day_of_month(number, now) if 1 <= number <= 31 else None
    return (named_day(words, now),)


def _year(words: str) -> int | None:
    if not words:
        return None
    return int(words) + (2000 if len(words) == 2 else 0)


@say_as(DATE)
def _a_date(m: re.Match[str], now: Now) -> list[Piece] | None:
    led = re.search(
        r"(?:^| )(?:at|by|before|after|around|until|than|and|or|past|-|@) $", m.string[: m.start()]
    )
    if led and re.match(r"\d{1,2} [a-z]", m.group()) and _month_first(m):
        return None
    found = dates(m.group(), now)
    if found is None or m.group() == m.string == "1st":
        return None
    # Of "the 3rd" the next one is meant; the later ones serve "Tuesday the 3rd".
    piece = Piece("D", days=found[:1] if is_ordinal(m.group()) else found)
    piece.number = int(re.sub(r"\D", "", m.group())) if is_ordinal(m.group()) else 0
    return [piece]


@say_as(
    rf"(?:{MO}) (?:the )?(?:3[2-9]|[4-9]\d)(?:st|nd|rd|th)?{NO_CLOCK}"
    rf"|(?:the )?(?:3[2-9]|[4-9]\d)(?:st|nd|rd|th)?(?: of)? (?:{MO})|\d{{1,2}}/\d{{1,2}}"
)
def _no_date(m: re.Match[str], now: Now) -> list[Piece] | None:
    # "December 32"; "13/13" is one only where it is all that is said.
    return [Piece("UNCLEAR")] if "/" not in m.group() or m.group() == m.string else None


def _month_first(m: re.Match[str]) -> bool:
    """Whether the month belongs to a number after it: "at 11 December 3"."""
    after = m.string[m.end() :]
    return bool(
        re.match(r" \d{1,2}(?:st|nd|rd|th)?(?= |$)(?! (?:am|pm|oclock|-|to|thing)(?![^ ]))", after)
    )


def _after_time_word(m: re.Match[str]) -> bool:
    """Whether the first number is an hour: "after 4, or 3 December"."""
    return bool(re.search(r"(?:^| )(?:at|by|before|after|around|until|@) $", m.string[: m.start()]))


def is_ordinal(words: str) -> bool:
    return bool(re.fullmatch(rf"(?:the )?(?:{ORD}|\d{{1,2}})", words))


@say_as(
    rf"(?:between )?(?P<mo>{MO}) (?P<a>{DOM})(?P<more>(?: (?:,|or|and|&)(?: the)? {DOM}"
    rf"{NO_CLOCK})+)"
)
def _several_days_of_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    after = m.string[m.end() :]
    several = re.search(r" (?:or|and|&) ", m.group("more")) or m.group("more").count(",") > 1
    other = rf" (?:ish|onwards?|or (?:later|after|earlier|before)|thing|-|to|{MO}|\d)"
    if not several or re.match(rf"{other}(?![^ ])", after):
        # "December 3, 5 or later" is a day and a time, "December 8 or 3 January" two days.
        return None
    return _list_of_dates(m, [m.group("a"), *re.findall(DOM, m.group("more"))], now)


@say_as(
    rf"(?:between )?(?:the )?(?P<more>{DOM}(?:(?: ,)? (?:,|or|and"
    rf"|&)(?: the)? {DOM})+) (?:of )?(?P<mo>{MO})"
)
def _several_days_before_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if _month_first(m) or _after_time_word(m):
        return None
    return _list_of_dates(m, re.findall(DOM, m.group("more")), now)


def _list_of_dates(m: re.Match[str], days: list[str], now: Now) -> list[Piece] | None:
    month = MONTHS.index(m.group("mo")) + 1
    found = [month_day(month, int(re.sub(r"\D", "", day)), None, now) for day in days]
    real = [r for r in found if r and r.dates]
    if len(real) != len(days):
        return None
    if min(real[0].dates) >= now.today:
        # "November 30 or the 2nd"
        numbers = [int(re.sub(r"\D", "", day)) for day in days]
        real = [
            reading if min(reading.dates) >= now.today else day_of_month(number, now)[0]
            for reading, number in zip(real, numbers, strict=True)
        ]
    if m.group().startswith("between ") and len(real) == 2:
        return days_piece(Days(span(min(real[0].dates), max(real[1].dates)), "period"))
    found_pieces = [Piece("OR") for _ in range(2 * len(real) - 1)]
    found_pieces[::2] = [Piece("D", days=(reading,)) for reading in real]
    return found_pieces


@say_as(
    rf"(?:from |between )?(?P<mo>{MO}) (?P<a>{DOM}) (?:-|to|until"
    rf"|and) (?:the )?(?P<b>{DOM}){NO_CLOCK}"
)
def _stretch_after_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if " and " in m.group() and not m.group().startswith("between"):
        return None
    return _stretch(m.group("mo"), m.group("a"), m.group("b"), now)


@say_as(
    rf"(?:from |between )?(?:the )?(?P<a>{DOM}) (?:-|to|until"
    rf"|and) (?:the )?(?P<b>{DOM}) (?:of )?(?P<mo>{MO})"
)
def _stretch_before_a_month(m: re.Match[str], now: Now) -> list[Piece] | None:
    if _month_first(m):
        return None
    if " and " in m.group() and not m.group().startswith("between"):
        return None
    return _stretch(m.group("mo"), m.group("a"), m.group("b"), now)


def _stretch(month: str, first: str, last: str, now: Now) -> list[Piece] | None:
    number = MONTHS.index(month) + 1
    low = month_day(number, int(re.sub(r"\D", "", first)), None, now)
    high = month_day(number, int(re.sub(r"\D", "", last)), None, now)
    if not (low and high and low.dates and high.dates):
        return None
    return days_piece(Days(span(min(low.dates), max(high.dates)), "period"))


@say_as(rf"(?:in |during )?(?:the )?week (?P<way>before|after) (?P<day>{NAMED}|{DATE})")
def _week_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(m.group("day"), now)
    if not found or not found[0].dates:
        return None
    day = min(found[0].dates)
    if m.group("way") == "after":
        return days_piece(Days(span(add(monday(day), 7), add(monday(day), 13)), "period"))
    # The calendar week before, or the seven days before.
    return days_piece(
        Days(span(add(monday(day), -7), add(monday(day), -1)), "period"),
        Days(span(add(day, -7), add(day, -1)), "period"),
    )


@say_as(rf"(?P<day>{NAMED}) week|(?:the )?week of (?P<day2>{NAMED})")
def _week_of_a_named_day(m: re.Match[str], now: Now) -> list[Piece]:
    found = named_day(m.group("day") or m.group("day2"), now)
    first = monday(min(found.dates))
    return days_piece(Days(span(first, add(first, 6)), "period"))


@say_as(
    r"(?:the |in the |during the )?week (?:of|commencing|beginning"
    rf"|starting)(?: on)? (?P<date>(?:(?:{WD}) ,? ?)?{DATE})"
)
def _week_of(m: re.Match[str], now: Now) -> list[Piece] | None:
    found = dates(re.sub(rf"^(?:{WD}) (?:, )?", "", m.group("date")), now)
    if not found:
        return None
    if is_ordinal(m.group("date")):
        found = found[:1]
    weeks = []
    for reading in found:
        for day in reading.dates:
            # A week "of" a Sunday is the one that Sunday opens.
            first = monday(add(day, 1)) if day.weekday() == 6 else monday(day)
            weeks.append(Days(span(first, add(first, 6)), "period"))
    return days_piece(*weeks) if weeks else None


@say_as(r"(?:after |in |into )?(?:the )?new year")
def _new_year(m: re.Match[str], now: Now) -> list[Piece]:
    first = date(now.today.year + 1, 1, 2 if "after" in m.group() else 1)
    return days_piece(Days(frozenset(d for d in now.past_and_future if d >= first), "open"))


@say_as(r"between christmas and new year'?s?(?: eve| day)?")
def _between_the_years(m: re.Match[str], now: Now) -> list[Piece]:
    first = min(named_day("christmas", now).dates)
    return days_piece(Days(span(add(first, 1), date(first.year, 12, 31)), "period"))


@say_as(
    r"(?:the |in the |on the )?(?:(?:day|1|one)(?P<d> after(?: that)?)|(?:week|1"
    r"|one)(?P<w> after(?: that)?)"
    rf"|following (?P<f>day|week|weekend|month|{WD})|(?P<n>an?|\d+) (?P<u>day|week)s? (?:later"
    r"|after(?: that)?))"
)
def _after_that(m: re.Match[str], now: Now) -> list[Piece]:
    # What it follows is found among the other pieces, by clauses.
    piece = Piece("D", days=())
    unit = m.group("f") or m.group("u") or ("day" if m.group("d") else "week")
    piece.follows = (unit, how_many(m.group("n") or "a"))
    return [piece]


@say_as(
    r"(?P<way>before|by|after|following) (?:then|that)(?! \w+day)|afterwards?"
    r"|any ?time (?P<way2>before|after)"
    r"(?: (?:then|that)|(?=$| [.,]| (?:is|works|would|suits)(?![^ ])))"
)
def _before_that(m: re.Match[str], now: Now) -> list[Piece]:
    way = m.group("way") or m.group("way2") or "after"
    return [Piece("D", follows=("before" if way in ("before", "by") else "after", 0))]


@say_as(rf"(?:the )?(?P<side>day|night) (?P<way>before|after) (?P<day>{NAMED}|(?:the )?{ORD}|{WD})")
def _day_beside(m: re.Match[str], now: Now) -> list[Piece] | None:
    words = m.group("day")
    if words in WEEKDAYS:
        day = on_or_after(add(now.today, 1), WEEKDAYS.index(words))
    else:
        found = dates(words, now)
        if not found:
            return None
        day = min(found[0].dates)
    pieces = days_piece(one_date(add(day, -1 if m.group("way") == "before" else 1)))
    return pieces + (times_piece(part(18 * 60, DAY, "night")) if m.group("side") == "night" else [])
