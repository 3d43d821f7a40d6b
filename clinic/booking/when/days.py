"""Days seen from today, and weekdays: tomorrow, in two weeks, next Friday, any weekday."""

from __future__ import annotations

import re
from datetime import date

from clinic.booking.when import almanac
from clinic.booking.when.almanac import add, monday, on_or_after, span
from clinic.booking.when.dates import dates, is_ordinal
from clinic.booking.when.items import DAY, Days, Piece, part, point
from clinic.booking.when.patterns import (
    COUNT,
    DATE,
    PARTS,
    UNIT,
    WD,
    Now,
    days_piece,
    how_many,
    one_date,
    say_as,
    times_piece,
)
from clinic.booking.when.text import WEEKDAYS

# Days relative to today


@say_as(r"today(?! week)|same day|later today|(?:sometime )?today")
def _today(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(one_date(now.today))


@say_as(r"tomorrow")
def _tomorrow(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(one_date(add(now.today, 1)))


@say_as(r"now")
def _now(m: re.Match[str], now: Now) -> list[Piece] | None:
    # Among other words it is seldom a time: "my back hurts now".
    return [Piece("ANY")] if m.group() == m.string else None


@say_as(r"(?:on |for )?(?:the )?day after (?:tomorrow|next)|overmorrow")
def _after_tomorrow(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(one_date(add(now.today, 2)))


@say_as(r"(?:the )?day before yesterday|yesterday|last night")
def _yesterday(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(one_date(add(now.today, -2 if "before" in m.group() else -1)), past=True)


@say_as(rf"{COUNT} {UNIT} ago(?: today)?|{COUNT.replace('<n>', '<n2>')} (?:hours?|minutes?) ago")
def _ago(m: re.Match[str], now: Now) -> list[Piece]:
    if not m.group("unit"):
        return days_piece(one_date(now.today), past=True)
    days = _offset(how_many(m.group("n")), m.group("unit"), now)
    return days_piece(one_date(now.today - (days - now.today)), past=True)


@say_as(
    rf"(?:last|this past|past) (?:{WD}|week|month|weekend|year|fortnight)(?: (?:morning"
    r"|afternoon|evening"
    rf"|night))?|(?:{WD}) (?:last|gone|just gone)"
)
def _last(m: re.Match[str], now: Now) -> list[Piece]:
    for number, name in enumerate(WEEKDAYS):
        if name in m.group():
            return days_piece(one_date(add(on_or_after(now.today, number), -7)), past=True)
    return days_piece(one_date(add(now.today, -7)), past=True)


@say_as(
    r"(?:later |some ?time |early |late )?(?:this|to) (?P<part>morning|afternoon|evening|night"
    r"|lunchtime|noon)|(?P<tonight>tonight)"
)
def _this_part(m: re.Match[str], now: Now) -> list[Piece]:
    name = "night" if m.group("tonight") else m.group("part")
    times = point(720) if name == "noon" else PARTS[name]
    return days_piece(one_date(now.today)) + times_piece(times)


def _offset(count: int, unit: str, now: Now, start: date | None = None) -> date:
    start = start or now.today
    if count > 1000:
        count = 1000
    if unit == "day":
        return add(start, count)
    if unit in ("week", "fortnight"):
        return add(start, count * (7 if unit == "week" else 14))
    return almanac.add_months(start, count * (12 if unit == "year" else 1))


@say_as(
    rf"(?:in |about |around )*{COUNT} {UNIT}(?: time)?(?: (?:from (?:now|today)|hence|away))?"
    r"(?: or so)?"
)
def _in_units(m: re.Match[str], now: Now) -> list[Piece] | None:
    words, unit, count = m.group(), m.group("unit"), m.group("n")
    # "3 weeks" alone answers when; among other words it may be a length.
    alone = m.start() == 0 and m.end() == len(m.string)
    ahead = re.search(r"\bin |time|from|hence|away", words)
    if not ahead and not alone:
        return None
    number = how_many(count)
    if number > 1000:
        return None
    vague = "couple" in count or "few" in count or "several" in count
    first = _offset(number, unit, now)
    if vague and unit in ("day", "week"):
        length = {("day", 2): 1, ("day", 3): 2, ("week", 2): 6, ("week", 3): 13}[(unit, number)]
        return days_piece(Days(span(first, add(first, length)), "period"))
    return days_piece(Days(frozenset([first]), "date", soft=unit != "day"))


@say_as(
    rf"in (?P<n>an?|\d+) (?:-|or|to) (?P<b>\d+) {UNIT}(?: time| from now)?"
    rf"|(?P<n3>\d+) (?:-|or|to) (?P<b3>\d+) {UNIT.replace('<unit>', '<unit3>')} from now"
    rf"|in an? {UNIT.replace('<unit>', '<unit2>')} or (?P<two>2|so)"
)
def _in_some_units(m: re.Match[str], now: Now) -> list[Piece]:
    unit = m.group("unit") or m.group("unit3") or m.group("unit2")
    first_number, second_number = m.group("n") or m.group("n3"), m.group("b") or m.group("b3")
    low = how_many(first_number) if first_number else 1
    high = int(second_number) if second_number else (2 if m.group("two") == "2" else 1)
    first, last = _offset(low, unit, now), _offset(high, unit, now)
    return days_piece(Days(span(first, max(first, last)), "period"))


@say_as(
    rf"(?:with)?in (?:the )?(?:next |coming )?{COUNT} {UNIT}|(?:(?:with)?in |over |during |for "
    r"|any time )?"
    rf"(?:the )?(?:next|coming) {COUNT.replace('<n>', '<n2>')} {UNIT.replace('<unit>', '<unit2>')}"
    r"|(?:in |over |within )?(?:the )?(?:coming (?P<plain>days|weeks)"
    r"|next (?P<fortnight>fortnight))"
)
def _within(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("plain") or m.group("fortnight"):
        unit, number = ("week", 2) if m.group("fortnight") else (m.group("plain")[:-1], 3)
    else:
        unit = m.group("unit") or m.group("unit2")
        number = how_many(m.group("n") or m.group("n2"))
        if m.group("unit") and not re.match(r"within|.*(?:next|coming)", m.group()):
            return None
    return days_piece(Days(span(now.today, _offset(number, unit, now)), "period"))


_ANCHOR = rf"(?P<on>{WD}|today|tomorrow|now|{DATE})"


def _anchor(words: str, now: Now) -> tuple[Days, ...] | None:
    if words in WEEKDAYS:
        coming = on_or_after(now.today, WEEKDAYS.index(words))
        if coming == now.today:
            # Said on that very weekday it may count from today or from the next one.
            return (one_date(coming), one_date(add(coming, 7)))
        return (one_date(coming),)
    if words in ("today", "now", "tomorrow"):
        return (one_date(add(now.today, 1 if words == "tomorrow" else 0)),)
    found = dates(words, now)
    return found[:1] if found and is_ordinal(words) else found


@say_as(
    r"(?:(?P<n>an?|\d+|(?:a )?couple(?: of)?) )?(?P<unit>day|week|fortnight|month)s? (?:from|on"
    r"|after|past)"
    rf"(?: next| this)? {_ANCHOR}"
    rf"|(?:(?P<n2>an?|\d+|(?:a )?couple(?: of)?) )?(?P<unit2>week|fortnight)s?"
    rf" (?P<on2>{WD}|today|tomorrow)"
)
def _units_from(m: re.Match[str], now: Now) -> list[Piece] | None:
    starts = _anchor(m.group("on") or m.group("on2"), now)
    if not starts or re.match(r"\d+ day after tomorrow", m.group()):
        # "Around 11 day after tomorrow"
        return None
    unit = m.group("unit") or m.group("unit2")
    number = how_many(m.group("n") or m.group("n2") or "a")
    if not m.group("n") and re.search(r" (?:after|past) ", m.group()):
        return None
    return days_piece(
        *(
            one_date(_offset(number, unit, now, min(s.dates)))
            for s in starts
            if s.dates and number < 99
        )
    )


@say_as(
    rf"(?P<wd>{WD}|today|tomorrow) (?P<n>\d+ )?(?P<unit>week|fortnight)s?(?: (?:from now|time))?"
    rf"|(?P<wd2>{WD}) in (?P<n2>an?|\d+|a couple of) (?P<unit2>week|fortnight)s?(?: time)?"
    rf"|(?P<n3>\d+) (?P<wd3>{WD})s? from now"
)
def _weekday_week(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("n3"):
        start = on_or_after(add(now.today, 1), WEEKDAYS.index(m.group("wd3")))
        return days_piece(one_date(add(start, 7 * (min(int(m.group("n3")), 60) - 1))))
    name = m.group("wd") or m.group("wd2")
    number = how_many((m.group("n") or m.group("n2") or "1").strip())
    if number > 60:
        return None
    starts = _anchor(name, now)
    assert starts is not None
    return days_piece(
        *(
            one_date(_offset(number, m.group("unit") or m.group("unit2"), now, min(s.dates)))
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


@say_as(rf"(?:this )?(?P<wd>{WD})")
def _weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    if m.group().startswith("this "):
        return days_piece(one_date(on_or_after(now.today, number)))
    return days_piece(weekday(number, now))


@say_as(rf"(?:this )?coming (?P<wd>{WD})|(?P<wd2>{WD}) coming")
def _coming(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd") or m.group("wd2"))
    return days_piece(one_date(on_or_after(add(now.today, 1), number)))


def _two_ways(near: date, *others: date) -> list[Piece]:
    found = [near]
    for day in others:
        if day not in found:
            found.append(day)
    return days_piece(*(one_date(day) for day in found))


@say_as(rf"(?:the )?next (?P<wd>{WD})|(?P<wd2>{WD}) next(?! (?:week|month|year|weekend))")
def _next_weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd") or m.group("wd2"))
    near = on_or_after(add(now.today, 1), number)
    # Some count weeks from Monday, some from Sunday, and some mean the first one to come.
    iso = add(monday(now.today), 7 + number)
    american = add(monday(add(now.today, 1)), 7 + number - (7 if number == 6 else 0))
    return _two_ways(near, iso, american)


@say_as(rf"(?P<wd>{WD}) prochain")
def _french_next_weekday(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    return _two_ways(on_or_after(add(now.today, 1), number), add(monday(now.today), 7 + number))


@say_as(rf"(?:the )?(?P<wd>{WD}) after next")
def _weekday_after_next(m: re.Match[str], now: Now) -> list[Piece]:
    number = WEEKDAYS.index(m.group("wd"))
    near = add(on_or_after(add(now.today, 1), number), 7)
    american = add(monday(add(now.today, 1)), 14 + number - (7 if number == 6 else 0))
    return _two_ways(near, add(monday(now.today), 14 + number), american)


@say_as(rf"(?P<some>(?:any|every|each|all|a|most) )?(?P<wd>{WD})(?P<s>s)?")
def _weekdays(m: re.Match[str], now: Now) -> list[Piece] | None:
    if not (m.group("some") or m.group("s")):
        return None
    return days_piece(every((WEEKDAYS.index(m.group("wd")),), now))


@say_as(
    r"(?:any |every |each |all |most |a |on |during the |in the "
    r"|through the )*(?P<what>weekdays?|working days?"
    r"|workdays?|business days?|week ?days?|work week|workweek|weeknights?)"
)
def _week_days(m: re.Match[str], now: Now) -> list[Piece]:
    found = days_piece(every((0, 1, 2, 3, 4), now))
    return (
        found + times_piece(part(17 * 60, DAY, "evening")) if "night" in m.group("what") else found
    )


@say_as(r"(?:during|through|in) the week")
def _in_the_week(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(every((0, 1, 2, 3, 4), now))


@say_as(r"(?:(?P<every>any|every|each|most|a) )?(?:on |at |over |in )?(?:the )?(?P<what>weekends?)")
def _weekend(m: re.Match[str], now: Now) -> list[Piece]:
    if m.group("every") or m.group("what").endswith("s"):
        return days_piece(every((5, 6), now))
    found = days_piece(*_weekends(now))
    # "Not at the weekend" means no weekend.
    found[0].left_out = every((5, 6), now)
    return found


def _weekends(now: Now) -> tuple[Days, ...]:
    first = add(monday(now.today), 5)
    found = [Days(span(first, add(first, 1)), "period")]
    if now.today.weekday() == 6:
        # On a Sunday the weekend is nearly over, and the next one may be meant.
        found.append(Days(span(add(first, 7), add(first, 8)), "period"))
    return tuple(found)


@say_as(r"(?:this|the coming|this coming|coming) weekend")
def _this_weekend(m: re.Match[str], now: Now) -> list[Piece]:
    return days_piece(*_weekends(now))


@say_as(r"(?:the )?next weekend")
def _next_weekend(m: re.Match[str], now: Now) -> list[Piece]:
    first = add(monday(now.today), 5)
    later = Days(span(add(first, 7), add(first, 8)), "period")
    if now.today.weekday() >= 5:
        return days_piece(later)
    return days_piece(Days(span(first, add(first, 1)), "period"), later)


@say_as(r"(?:the )?weekend after (?P<which>next|this|that|the coming)(?: (?:one|weekend))?")
def _weekend_after(m: re.Match[str], now: Now) -> list[Piece] | None:
    if m.group("which") == "that":
        return None
    first = add(monday(now.today), 19 if m.group("which") == "next" else 12)
    found = [Days(span(first, add(first, 1)), "period")]
    if m.group("which") != "next" and now.today.weekday() == 6:
        # On a Sunday, which weekend is "this one" is not said.
        found.append(Days(span(add(first, 7), add(first, 8)), "period"))
    return days_piece(*found)
