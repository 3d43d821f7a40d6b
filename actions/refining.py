"""A wish that builds on what was said before: "earlier", "the day after", "friday instead".

Who asked for Thursday afternoon and then says "friday" means Friday afternoon; who then says
"10 am" means Friday at 10. Words that lean on a day or a time are put into words that stand for
themselves, and are read as any other wish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from actions import times
from actions.times import Offer
from assistant.policies.wishes import says
from clinic import clock
from clinic.booking.when import Understanding, say
from clinic.opening import Interval

MINUTES_OF_AN_HOUR = 60
DAYS_OF_A_WEEK = 7
TWO_DAYS = 2
NOON = 12
# "6 30", beside "same day".
_BARE_CLOCK = re.compile(r"^\W*(?=\d{1,2}(?:[ .:]?[0-5]\d)?\W*$)")


@dataclass(frozen=True)
class Before:
    """What was said before a new wish.

    ``windows`` is the wish before it, ``shown`` the starts of the times offered for it, ``point``
    the start of the time that was picked or of the appointment that is moved, ``last`` that of the
    appointment before, which only "the same day" and the like lean on. All aware, in UTC.
    """

    windows: list[Interval] = field(default_factory=list)
    shown: list[datetime] = field(default_factory=list)
    point: datetime | None = None
    last: datetime | None = None

    @property
    def days(self) -> list[date]:
        """The days meant so far, on the clinic's calendar, in order."""
        if self.point:
            return [times.local_day(self.point)]
        return sorted({times.local_day(start) for start, _ in self.windows})

    @property
    def hours(self) -> tuple[int, int] | None:
        """From which minute of a day to which, by the clinic's clock; None for whole days."""
        if self.point:
            return times.minutes_of_day((self.point, self.point + times.POINT))
        if not self.windows or all(map(times.is_whole_day, self.windows)):
            return None
        stretches = set(map(times.minutes_of_day, self.windows))
        return stretches.pop() if len(stretches) == 1 else None


def before(slots: dict[str, Any], moves: bool) -> Before:
    """What the conversation has said of a time so far.

    ``moves``: an appointment is being moved. Until there is a new wish, its own time is what a
    wish builds on.
    """
    windows = times.loaded(slots.get("windows") or [])
    shown = [Offer.from_dict(offer).start for offer in slots.get("offered_times") or []]
    stands = slots.get("chosen")
    if not stands and not windows and moves:
        stands = slots.get("last_appointment")
    point = Offer.from_dict(stands).start if stands else None
    last = slots.get("last_appointment")
    return Before(
        windows, [] if point else shown, point, Offer.from_dict(last).start if last else None
    )


def absolute(text: str, before: Before) -> str | None:
    """The text with its day or time put in full, or None when it does not lean on one before."""
    if not before.days:
        leans = _by_minutes(text, before) or _other_day(text, before)
        return leans if before.last else None
    return (
        _by_minutes(text, before)
        or hour_said(text)
        or _complaint(text)
        or _hour_corrected(text, before)
        or _hour_instead(text, before)
        or _weekday_after(text, before)
        or _instead(text, before)
        or other_of_two_days(text, before)
        or _sooner_or_later(text, before)
        or _other_day(text, before)
    )


def refined(meant: Understanding, before: Before) -> list[Interval]:
    """The windows meant, with the day or the hours from before where the text names only one."""
    if not before.days or not meant.windows or meant.soonest:
        return meant.windows
    if meant.names_day and not meant.names_time:
        return _at_the_same_hours(meant.windows, before) or meant.windows
    if meant.names_day:
        return meant.windows
    shown = before.windows
    if before.point:
        shown = [(before.point, before.point)]
    both = [
        (max(start, first), min(end, last))
        for start, end in meant.windows
        for first, last in shown
        if max(start, first) < min(end, last)
    ]
    if not meant.names_time:
        # "not thursday", said to a Thursday, or to a week
        return _left_over(meant, before) or meant.windows
    # another time of the same days: "10 instead", after an afternoon was asked for
    return both or _on_the_same_days(meant, before) or meant.windows


def _left_over(meant: Understanding, before: Before) -> list[Interval]:
    """What was wished for before, without the days and times that are left out now.

    Only the first stretches of what is left are known: later days are judged by their weekday.
    """
    days = sorted({times.local_day(start) for start, _ in meant.windows})
    left: list[Interval] = []
    for start, end in before.windows:
        day = times.local_day(start)
        if day > days[-1]:
            alike = [one for one in days if one.weekday() == day.weekday()]
            day = alike[-1] if alike else day
        there = [window for window in meant.windows if times.local_day(window[0]) == day]
        left += _inside([(start, end)], sorted(set(map(times.minutes_of_day, there))))
    return left


def _complaint(text: str) -> str | None:
    """ "Why are you giving me Monday?": not that day."""
    day = re.search(times.words()["weekday"], text, re.IGNORECASE)
    return f"not {day[0]}" if day and says("complains_of_a_day", text) else None


def _by_minutes(text: str, before: Before) -> str | None:
    """ "An hour later", counted from the time picked, or from the only one shown.

    With neither, it is counted from the appointment before: "one for my mother an hour later".
    """
    from_ = before.point or (before.shown[0] if len(before.shown) == 1 else None)
    if not before.days:
        from_ = before.last
    match = times.first_match("by_minutes", text)
    if not match or from_ is None:
        return None
    unit = 1 if match["unit"].lower().startswith("m") else MINUTES_OF_AN_HOUR
    count = times.words()["counted"].get(match["count"].lower())
    minutes = (float(match["count"]) if count is None else count) * unit
    moment = from_ + timedelta(minutes=-minutes if says("backwards", match[0]) else minutes)
    return f"{_day(times.local_day(moment))} at {_clock_words(moment)}"


def _hour_instead(text: str, before: Before) -> str | None:
    """ "830 better", said to a time that was picked: that hour, in the half of the day it is in."""
    match = times.first_match("hour_instead", text)
    if not match or before.point is None or times.understood(text).names_time:
        return None
    noon = "am" if times.local(before.point).hour < NOON else "pm"
    day = times.understood(f"{text[: match.start()]} {text[match.end() :]}")
    named = f"{text[: match.start()]} {text[match.end() :]}" if day.names_day else None
    return f"{named or _day(times.local_day(before.point))} at {int(match[1])}:{match[2]} {noon}"


def corrects_the_hour(text: str) -> bool:
    """ "Not 6, 630": an hour, and the right one beside it."""
    return times.first_match("hour_corrected", text) is not None


def _hour_corrected(text: str, before: Before) -> str | None:
    """ "Not 6, 630", "7 not 6", said to a time at 6: that hour, in the half of the day near it.

    Also where 6 was asked for and is not free.
    """
    match = times.first_match("hour_corrected", text)
    asked_for = before.windows[0] if len(before.windows) == 1 else None
    if asked_for and asked_for[1] - asked_for[0] > times.POINT:
        asked_for = None
    start = before.point or (asked_for[0] if asked_for else None)
    if not match or start is None:
        return None
    picked = times.local(start)
    if int(match["wrong"]) % NOON != picked.hour % NOON:
        return None
    right = int(match["right"]) % NOON
    half = match["half"] or min(
        ("am", "pm"), key=lambda half: abs(right + NOON * (half == "pm") - picked.hour)
    )
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    rest = re.sub(times.words()["relative_days"][0], " ", rest, flags=re.IGNORECASE)
    meant = times.understood(rest)
    other_day = meant.names_day and meant.windows and not meant.names_time
    clock = f"{match['right']}:{match['minutes'] or '00'} {half}"
    return f"{rest if other_day else _day(picked.date())} at {clock}"


def _weekday_after(text: str, before: Before) -> str | None:
    """ "The other thursday", said to a Thursday: the one a week later, with what else is said."""
    match = re.search(times.words()["weekday_after"], text, re.IGNORECASE)
    if not match:
        return None
    named = next(filter(None, match.groups())).lower()[:3]
    same = [day for day in before.days if _day(day)[:3].lower() == named]
    if not same:
        return None
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    other = rest if times.understood(rest).names_time else ""
    return f"{_day(same[-1] + timedelta(days=DAYS_OF_A_WEEK))} {other}".strip()


def _instead(text: str, before: Before) -> str | None:
    """ "Actually no tuesday", said to a Monday: Tuesday, and not every day but Tuesday."""
    match = re.match(times.words()["no_and_then"], text, re.IGNORECASE)
    rest = text[match.end() :] if match else ""
    meant = times.understood(rest)
    days = {times.local_day(start) for start, _ in meant.windows}
    if not meant.names_day:
        return None
    if match and len(before.days) > 1 and says("other_of_two_days", match[0]):
        # "no, the other day, tues", said to a Monday and a Tuesday
        return rest
    if days & set(before.days):
        # "no, the third", said to Thursday the third: it was heard wrong
        return None if re.search(times.words()["weekday"], rest, re.IGNORECASE) else rest
    if len(days) > 1 or re.search(times.words()["dated"], rest, re.IGNORECASE):
        return rest
    # the one in the week of the day before, and not the first to come
    (day,) = days
    weeks = max(0, round((before.days[0] - day).days / DAYS_OF_A_WEEK))
    other = re.sub(times.words()["weekday"], " ", rest, count=1, flags=re.IGNORECASE)
    other = other if times.understood(other).names_time else ""
    return f"{_day(day + timedelta(days=weeks * DAYS_OF_A_WEEK))} {other}".strip()


def hour_said(text: str) -> str | None:
    """ "Fine 1015", "9 i said": that hour, and nothing else."""
    match = re.search(times.words()["hour_said"], text, re.IGNORECASE)
    if not match or times.understood(text).names_time:
        return None
    noon = f" {match['noon'][0]}m" if match["noon"] else ""
    return f"at {match['hour']}:{match['minute'] or '00'}{noon}"


def other_of_two_days(text: str, before: Before) -> str | None:
    """ "No, the other day", said to times on two days: the later one, or the one not picked."""
    rest, found = re.subn(times.words()["other_of_two_days"], " ", text, flags=re.IGNORECASE)
    if not found:
        return None
    if times.understood(rest).names_day:
        return re.sub(r"^\W*(?:no+|nope|nah)\b", " ", rest, flags=re.IGNORECASE).strip(" ,.;")
    days = sorted({times.local_day(start) for start in before.shown})
    if len(days) != TWO_DAYS:
        return None
    other = rest if times.understood(rest).names_time else ""
    return f"{_day(days[-1])} {other}".strip()


def _sooner_or_later(text: str, before: Before) -> str | None:
    """ "Earlier" than the first time shown, "later" than the last one, on their day."""
    if says("not_about_time", text):
        return None
    shown = [before.point] if before.point else sorted(before.shown)
    rest, leans = re.subn(times.words()["later_on_a_day"], " at ", text, flags=re.IGNORECASE)
    day_named = re.search(times.words()["weekday"], rest, re.IGNORECASE) if leans else None
    if day_named:
        # "the tues but a bit later", said to a Monday and a Tuesday
        name = day_named[0][:3].lower()
        shown = [start for start in shown if _day(times.local_day(start))[:3].lower() == name]
        hour = f"{rest[: day_named.start()]} {rest[day_named.end() :]}"
        if len({times.local_day(start) for start in shown}) != 1:
            return None
        if times.understood(hour).names_time:
            return f"{_day(times.local_day(shown[0]))} {hour}".strip()
    elif leans and _tells_an_hour(rest):
        # "even later, after 4"
        return rest
    elif times.understood(text).names_day:
        return None
    if not shown:
        return None
    if says("sooner", text):
        first = shown[0]
        return f"{_day(times.local_day(first))} before {_clock_words(first)}"
    last = shown[-1]
    one_day = len({times.local_day(start) for start in shown}) == 1
    if says("later", text) and one_day:
        return f"{_day(times.local_day(last))} after {_clock_words(last + times.step())}"
    return None


def _tells_an_hour(text: str) -> bool:
    """An hour by its figure, and no day."""
    meant = times.understood(text) if re.search(r"\d", text) else None
    return bool(meant and meant.windows and meant.names_time and not meant.names_day)


def _other_day(text: str, before: Before) -> str | None:
    """ "The day after", "same day but at 3": that day by its date, with what else is said."""
    first = before.days[0] if before.days else times.local_day(before.last or clock.now())
    for days, pattern in times.words()["relative_days"].items():
        rest, found = re.subn(pattern, "", text, flags=re.IGNORECASE)
        rest_meant = times.understood(rest)
        if found and not rest_meant.names_day:
            other = _BARE_CLOCK.sub("at ", rest) if rest_meant.names_time else ""
            return f"{_day(first + timedelta(days=int(days)))} {other}".strip()
    rest, found = re.subn(times.words()["at_that_time"], "", text, flags=re.IGNORECASE)
    return rest if found and times.understood(rest).names_day else None


def _at_the_same_hours(windows: Sequence[Interval], before: Before) -> list[Interval]:
    hours = before.hours
    if hours is None:
        return []
    return _inside(windows, [hours])


def _on_the_same_days(meant: Understanding, before: Before) -> list[Interval]:
    stretches = sorted(set(map(times.minutes_of_day, meant.windows)))
    return _inside([window for day in before.days for window in times.opening(day)], stretches)


def _inside(windows: Sequence[Interval], stretches: Sequence[tuple[int, int]]) -> list[Interval]:
    """The parts of the windows that lie between these minutes of their day."""
    found = []
    for start, end in windows:
        for first, last in stretches:
            begins = max(start, times.at(times.local_day(start), first))
            ends = min(end, times.at(times.local_day(start), last))
            if begins < ends:
                found.append((begins, ends))
    return found


def _day(day: date) -> str:
    return say.day_words(day)


def _clock_words(moment: datetime) -> str:
    return say.clock_words(times.local(moment))
