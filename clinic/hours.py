"""Opening hours: reading the OpenStreetMap notation, being open, saying it in words.

The notation is the OpenStreetMap ``opening_hours`` value, read by opening-hours-py. That library
knows Canada's national holidays only, and statutory holidays differ by province, so ``PH`` is
replaced by the dates the ``holidays`` package gives for the province before anything is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import yaml
from opening_hours import (  # type: ignore[attr-defined]  # ParserError is missing in its stubs
    OpeningHours,
    ParserError,
    State,
)

PROVINCES = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")

EXAMPLE = "Mo-Sa 08:00-20:00; PH off"

_WORDING = Path(__file__).with_name("wording.yml")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COMMENT = re.compile(r'"[^"]*"')
_NOT_SUPPORTED = re.compile(r"\b(SH|sunrise|sunset|dawn|dusk|easter|unknown)\b|\|\||\+", re.I)
# In the library's canonical form: "PH closed", "Su,PH 10:00-14:00", "PH,Su 10:00-14:00".
_HOLIDAY_RULE = re.compile(
    r"^(?:(?P<before>[A-Z][a-z][A-Za-z,\-]*),)?PH(?:,(?P<after>[A-Z][a-z][A-Za-z,\-]*))?"
    r"(?P<times>(?: .*)?)$"
)
_TIMES_ONLY = re.compile(r"^(?: (?:closed|off|open|[\d:,\-]+)| \"[^\"]*\")*$")


class HoursError(ValueError):
    """The opening hours cannot be used; the text says why, as the end of a sentence."""


class Span(NamedTuple):
    """One stretch of open time on one day, in minutes after the clinic's midnight (0 to 1440)."""

    start: int
    end: int


@lru_cache(maxsize=1)
def wording() -> dict[str, str | list[str]]:
    """The pieces of text of ``clinic/wording.yml``."""
    loaded: dict[str, str | list[str]] = yaml.safe_load(_WORDING.read_text(encoding="utf-8"))
    return loaded


def say(piece: str, **values: object) -> str:
    """The text ``piece`` of ``clinic/wording.yml`` with its placeholders filled."""
    text = wording()[piece]
    assert isinstance(text, str)
    return text.format(**values)


def join(items: list[str], last: str = "list_and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return say("list_comma").join(items[:-1]) + say(last) + items[-1]


@lru_cache(maxsize=64)
def holidays_of(province: str, year: int) -> frozenset[date]:
    """Statutory holidays of a province in one year, observed days included.

    Source: the ``holidays`` package, category "public".
    """
    # Imported here: it takes a fifth of a second and many processes never ask.
    from holidays.countries.canada import Canada

    return frozenset(Canada(subdiv=province, years=year))


class OpeningTimes:
    """The opening hours of one clinic, in the clinic's time zone, holidays of its province closed.

    ``expression`` is the OpenStreetMap notation. Raises :class:`HoursError` when it cannot be read
    or never opens.
    """

    def __init__(self, expression: str, zone: ZoneInfo, province: str) -> None:
        self.expression = expression
        self.zone = zone
        self.province = province
        self._rules = _rules(expression)
        self._by_year: dict[int, OpeningHours] = {}
        self._days: dict[date, tuple[Span, ...]] = {}
        self._weeks: dict[int, tuple[tuple[Span, ...], ...] | None] = {}
        # Asked without holidays, whose package takes half a second to import.
        self._plain = OpeningHours("; ".join(_without_holidays(self._rules)))
        first = datetime.now(zone).date()
        if not any(_spans(self._plain, first + timedelta(days=n)) for n in range(366)):
            raise HoursError("it is not open on any day of the coming year")

    def is_holiday(self, day: date) -> bool:
        """Whether ``day`` is a statutory holiday in the clinic's province."""
        return day in holidays_of(self.province, day.year)

    def on(self, day: date) -> tuple[Span, ...]:
        """The open stretches of one calendar day in the clinic's zone, earliest first."""
        if day not in self._days:
            if len(self._days) > 2000:
                self._days.clear()
            self._days[day] = _spans(self._for_year(day.year), day)
        return self._days[day]

    def is_open(self, at: datetime) -> bool:
        """Whether the clinic is open at an aware moment."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(span.start <= minute < span.end for span in self.on(local.date()))

    def stretches(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Open stretches between two aware moments, each as UTC start and end, clipped to both.

        A clock time that daylight saving skips is read as the moment the clock jumps to; a
        stretch that meets the next one at midnight is joined with it.
        """
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        found: list[tuple[datetime, datetime]] = []
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            for span in self.on(day):
                opens, closes = (
                    max(self.moment(day, span.start), start),
                    min(self.moment(day, span.end), end),
                )
                if opens >= closes:
                    continue
                if found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                else:
                    found.append((opens, closes))
            day += timedelta(days=1)
        return found

    def moment(self, day: date, minute: int) -> datetime:
        """The instant, in UTC, when the clinic's clock shows ``minute`` (0 to 2880) on ``day``.

        A time that daylight saving skips is the instant the clock jumps over it; of a time that
        comes twice, the first.
        """
        midnight = datetime.combine(day, time(), self.zone)
        after_jump = timedelta()
        while True:
            local = midnight + timedelta(minutes=minute)
            at = local.astimezone(UTC)
            # A skipped time is the only one that is shown differently on the way back. The jump
            # comes one minute after the last time before it that is not skipped.
            if at.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                return at + after_jump
            minute -= 1
            after_jump = timedelta(minutes=1)

    def next_change(self, at: datetime, within: timedelta = timedelta(days=60)) -> datetime | None:
        """When the clinic next closes (if open at ``at``) or opens, in UTC; None if not soon."""
        at = at.astimezone(UTC)
        stretches = self.stretches(at, at + within)
        if not stretches:
            return None
        opens, closes = stretches[0]
        if opens > at:
            return opens
        return closes if closes < at + within else None

    def regular_week(self, year: int) -> tuple[tuple[Span, ...], ...] | None:
        """Open stretches of Monday to Sunday on days that are no holiday, as most weeks have them.

        Looks at ``year`` and the next. None when more than three weeks of either differ, as with
        summer hours: then no short sentence is true.
        """
        if year in self._weeks:
            return self._weeks[year]
        start = date(year, 1, 1)
        start -= timedelta(days=start.weekday())
        seen: list[Counter[tuple[Span, ...]]] = [Counter() for _ in range(7)]
        for n in range(104 * 7):
            seen[n % 7][_spans(self._plain, start + timedelta(days=n))] += 1
        usual = [counter.most_common(1)[0] for counter in seen]
        regular = all(weeks >= 104 - 6 for _, weeks in usual)
        self._weeks[year] = tuple(spans for spans, _ in usual) if regular else None
        return self._weeks[year]

    def in_words(self, today: date) -> str | None:
        """The hours as a phrase, or None when a regular week does not describe them.

        Example: ``Monday to Saturday 8 am to 8 pm, closed on statutory holidays``. Days of the
        next two weeks that differ (a holiday week, Christmas Eve) are named.
        """
        week = self.regular_week(today.year)
        if week is None:
            return None
        lines = []
        for days, spans in _groups(week):
            lines.append(say("hours_line", days=days, times=_times(spans)))
        if holiday := self._holiday_words():
            lines.append(holiday)
        return say("list_comma").join(lines + self._exceptions(week, today))

    def now_in_words(self, at: datetime) -> str:
        """Whether the clinic is open at an aware moment, as the end of "The clinic is ..."."""
        change = self.next_change(at)
        if change is None:
            return say("open_always" if self.is_open(at) else "closed_until_later")
        local, then = at.astimezone(self.zone), change.astimezone(self.zone)
        clock = clock_words(then.hour * 60 + then.minute)
        if self.is_open(at):
            return say("open_until", time=clock)
        days = (then.date() - local.date()).days
        if days == 0:
            return say("closed_until_today", time=clock)
        if days == 1:
            return say("closed_until_tomorrow", time=clock)
        if days < 7:
            return say("closed_until_day", day=wording()["days"][then.weekday()], time=clock)
        return say("closed_until_day", day=date_words(then.date()), time=clock)

    def _for_year(self, year: int) -> OpeningHours:
        if year not in self._by_year:
            # A stretch can run past midnight, so the neighbours of the year's ends count too.
            days = sorted(
                holidays_of(self.province, year)
                | {d for d in holidays_of(self.province, year - 1) if d.month == 12}
            )
            self._by_year[year] = OpeningHours(_with_holidays(self._rules, days))
        return self._by_year[year]

    def _holiday_words(self) -> str | None:
        if not any(_HOLIDAY_RULE.match(rule) for rule in self._rules):
            return None
        # Seven holidays, one on each day of the week, show what a holiday looks like.
        found = set()
        for weekday in range(7):
            day = date(2024, 1, 1) + timedelta(days=weekday)
            found.add(_spans(OpeningHours(_with_holidays(self._rules, [day])), day))
        if found == {()}:
            return say("holidays_closed")
        if len(found) == 1:
            return say("holidays_other", times=_times(found.pop()))
        # Different on different days of the week ("PH Mo off" and the like): say nothing.
        return None

    def _exceptions(self, week: tuple[tuple[Span, ...], ...], today: date) -> list[str]:
        """The days of the next two weeks that differ from the usual week and are no holiday."""
        runs: list[tuple[date, date, tuple[Span, ...]]] = []
        for n in range(14):
            day = today + timedelta(days=n)
            spans = self.on(day)
            if spans == week[day.weekday()] or self.is_holiday(day):
                continue
            if runs and runs[-1][1] == day - timedelta(days=1) and runs[-1][2] == spans:
                runs[-1] = (runs[-1][0], day, spans)
            else:
                runs.append((day, day, spans))
        lines = []
        for first, last, spans in runs:
            days = date_words(first)
            if last > first:
                days = say("day_range", first=days, last=date_words(last))
            if spans:
                lines.append(say("hours_line", days=days, times=_times(spans)))
            else:
                lines.append(say("exception_closed", days=days))
        return lines


def date_words(day: date) -> str:
    """A date without its year: ``Thursday 24 December``."""
    words = wording()
    return say(
        "date",
        weekday=words["days"][day.weekday()],
        day=day.day,
        month=words["months"][day.month - 1],
    )


def clock_words(minute: int) -> str:
    """Minutes after midnight as people say them: 480 is "8 am", 750 "12:30 pm", 720 "noon"."""
    if minute in (0, 1440):
        return say("midnight")
    if minute == 720:
        return say("noon")
    hour, rest = divmod(minute, 60)
    half = "am" if hour % 24 < 12 else "pm"
    shown = hour % 12 or 12
    if rest:
        return say(f"{half}_minutes", hour=shown, minute=f"{rest:02d}")
    return say(half, hour=shown)


def _rules(expression: str) -> list[str]:
    """The rules of an expression in the library's canonical spelling; raises HoursError."""
    bare = _COMMENT.sub("", expression).strip()
    if unsupported := _NOT_SUPPORTED.search(bare):
        raise HoursError(f"{unsupported.group(0)!r} is not supported here")
    try:
        canonical = str(OpeningHours(bare))
    except ParserError as error:
        column = re.search(r"--> \d+:(\d+)", str(error))
        where = f" near {bare[int(column.group(1)) - 1 :][:12]!r}" if column else ""
        raise HoursError(f"it cannot be read{where}") from None
    rules = [rule.strip() for rule in canonical.split(";")]
    for rule in rules:
        if "PH" in rule and not (
            (match := _HOLIDAY_RULE.match(rule)) and _TIMES_ONLY.match(match.group("times"))
        ):
            raise HoursError(
                "PH must stand in a rule of its own, as in 'PH off' or 'Su,PH 10:00-14:00'"
            )
    return rules


def _with_holidays(rules: list[str], days: list[date]) -> str:
    """The expression with every PH replaced by dates (or dropped when there are none)."""
    written = ",".join(f"{d.year} {_MONTHS[d.month - 1]} {d.day:02d}" for d in days)
    result: list[str] = []
    for rule in rules:
        match = _HOLIDAY_RULE.match(rule)
        if not match:
            result.append(rule)
            continue
        for weekdays in (match.group("before"), match.group("after")):
            if weekdays:
                result.append(weekdays + match.group("times"))
        if written:
            result.append(written + match.group("times"))
    return "; ".join(result) or "2000 Jan 01 off"


def _without_holidays(rules: list[str]) -> list[str]:
    return [_with_holidays([rule], []) if "PH" in rule else rule for rule in rules]


def _spans(hours: OpeningHours, day: date) -> tuple[Span, ...]:
    midnight = datetime.combine(day, time())
    spans: list[Span] = []
    for start, end, state, *_ in hours.intervals(midnight, midnight + timedelta(days=1)):
        if state != State.OPEN:
            continue
        opens = int((start - midnight).total_seconds() // 60)
        closes = int((end - midnight).total_seconds() // 60)
        if spans and spans[-1].end == opens:
            spans[-1] = Span(spans[-1].start, closes)
        else:
            spans.append(Span(opens, closes))
    return tuple(spans)


def _times(spans: tuple[Span, ...]) -> str:
    if spans == (Span(0, 1440),):
        return say("all_day")
    return join([say("time_range", start=clock_words(a), end=clock_words(b)) for a, b in spans])


def _groups(week: tuple[tuple[Span, ...], ...]) -> list[tuple[str, tuple[Span, ...]]]:
    """Runs of days with the same open stretches, closed days left out."""
    names = wording()["days"]
    if len(set(week)) == 1:
        return [(say("every_day"), week[0])]
    runs: list[list[int]] = []
    for day in range(7):
        if not week[day]:
            continue
        if runs and runs[-1][-1] == day - 1 and week[runs[-1][0]] == week[day]:
            runs[-1].append(day)
        else:
            runs.append([day])
    groups = []
    for run in runs:
        if len(run) > 2:
            text = say("day_range", first=names[run[0]], last=names[run[-1]])
        else:
            text = join([names[day] for day in run])
        groups.append((text, week[run[0]]))
    return groups
