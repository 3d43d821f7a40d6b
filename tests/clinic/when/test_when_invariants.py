"""What must hold of every request put together from days, times and ordinary talk.

The days and times that are meant are worked out here a second time, from the opening hours alone,
so that a window too many or a restriction dropped in silence is found without a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import phrases
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinic.booking.when import Understanding, understand
from clinic.booking.when.grammar import PATTERNS
from clinic.booking.when.patterns import Now
from clinic.booking.when.request import requests
from clinic.booking.when.text import canonical, may_say_when, word_set
from clinic.opening import OpeningHours

TORONTO = ZoneInfo("America/Toronto")
HOURS = OpeningHours("Mo-Sa 08:00-20:00; PH off", "America/Toronto", "ON")
HORIZON, NOTICE, MOST = 90, timedelta(hours=2), 10
NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT = ("mon", "tues", "weds", "thurs", "fri", "sat", "sun")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

CLOCKS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 (the zone is added)
    max_value=datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(TORONTO),
).map(lambda now: now.replace(second=0, microsecond=0))

Span = tuple[int, int]


@dataclass(frozen=True)
class Day:
    text: str
    dates: frozenset[date]


@dataclass(frozen=True)
class Time:
    """``spans`` in minutes after midnight; a point is an hour from its start, or to closing."""

    text: str
    spans: tuple[Span, ...]
    point: bool = False


def _coming(now: datetime, number: int) -> date:
    return now.date() + timedelta(days=(number - now.weekday()) % 7)


@st.composite
def days(draw: st.DrawFn, now: datetime) -> Day:
    """A day or several, as typed, and what they are."""
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    kind = draw(st.integers(0, 8))
    number = draw(st.integers(0, 6))
    if kind == 0:
        assume(number != today.weekday())
        name = draw(st.sampled_from([NAMES[number], SHORT[number], f"on {NAMES[number]}"]))
        return Day(name, frozenset([_coming(now, number)]))
    if kind == 1:
        ahead, text = draw(
            st.sampled_from(
                [
                    (1, "tomorrow"),
                    (1, "tmrw"),
                    (2, "day after tomorrow"),
                    (0, "today"),
                    (1, "demain"),
                ]
            )
        )
        return Day(text, frozenset([today + timedelta(days=ahead)]))
    if kind == 2:
        count = draw(st.integers(2, 30))
        return Day(f"in {count} days", frozenset([today + timedelta(days=count)]))
    if kind == 3:
        day = today + timedelta(days=draw(st.integers(1, 80)))
        month = MONTHS[day.month - 1]
        ending = "th" if 10 < day.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        written = [
            f"{month} {day.day}",
            f"{day.day} {month}",
            f"the {day.day}{ending} of {month}",
            f"{month[:3]} {day.day}{ending}",
            day.isoformat(),
            f"{NAMES[day.weekday()]} {month} {day.day}{ending}",
        ]
        return Day(draw(st.sampled_from(written)), frozenset([day]))
    if kind == 4:
        week = frozenset(monday + timedelta(days=n) for n in range(7, 14))
        return Day(draw(st.sampled_from(["next week", "nxt week", "sometime next week"])), week)
    if kind == 5:
        every = [today + timedelta(days=n) for n in range(HORIZON + 1)]
        text = draw(st.sampled_from([f"{NAMES[number]}s", f"any {NAMES[number]}"]))
        return Day(text, frozenset(d for d in every if d.weekday() == number))
    if kind == 6:
        every = [today + timedelta(days=n) for n in range(HORIZON + 1)]
        text = draw(st.sampled_from(["weekdays", "any weekday"]))
        return Day(text, frozenset(d for d in every if d.weekday() < 5))
    if kind == 7:
        day = monday + timedelta(days=7 + number)
        text = draw(st.sampled_from([f"{NAMES[number]} next week", f"next week {NAMES[number]}"]))
        return Day(text, frozenset([day]))
    assume(today.weekday() < 5)
    return Day("this weekend", frozenset(monday + timedelta(days=n) for n in (5, 6)))


def _clock(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    half = "am" if hour < 12 else "pm"
    shown = (hour - 1) % 12 + 1
    return f"{shown}:{rest:02d} {half}" if rest else f"{shown} {half}"


@st.composite
def times(draw: st.DrawFn) -> Time:
    """A time of day as typed, and what it is."""
    kind = draw(st.integers(0, 5))
    quarter = draw(st.integers(8 * 4, 20 * 4 - 1)) * 15
    clock = draw(
        st.sampled_from(
            [
                _clock(quarter),
                _clock(quarter).replace(" ", ""),
                f"{quarter // 60}:{quarter % 60:02d}",
            ]
            if quarter >= 13 * 60
            else [_clock(quarter), _clock(quarter).replace(" ", "")]
        )
    )
    if kind == 0:
        text = draw(st.sampled_from(["at {}", "{}", "around {}", "@ {}"])).format(clock)
        return Time(text, ((quarter, quarter + 60),), point=True)
    if kind == 1:
        text = draw(
            st.sampled_from(
                ["after {}", "past {}", "any time after {}", "{} or later", "from {} on",
                 "not before {}", "{} onwards", "no earlier than {}"]
            )
        ).format(clock)  # fmt: skip
        return Time(text, ((quarter, 1440),))
    if kind == 2:
        text = draw(
            st.sampled_from(
                ["before {}", "until {}", "no later than {}", "{} or earlier", "not after {}"]
            )
        ).format(clock)
        return Time(text, ((0, quarter),))
    if kind == 3:
        later = draw(st.integers(quarter // 15 + 1, 20 * 4)) * 15
        text = draw(st.sampled_from(["between {} and {}", "from {} to {}", "{} - {}", "{} to {}"]))
        return Time(text.format(_clock(quarter), _clock(later)), ((quarter, later),))
    if kind == 4:
        text, span = draw(
            st.sampled_from(
                [("in the morning", (0, 720)), ("morning", (0, 720)), ("arvo", (720, 1020)),
                 ("in the afternoon", (720, 1020)), ("evening", (1020, 1440)),
                 ("lunchtime", (720, 840)), ("after work", (1020, 1440))]
            )
        )  # fmt: skip
        return Time(text, (span,))
    # An hour without am or pm is the one inside the opening hours.
    hour = draw(st.integers(9, 18))
    text = draw(st.sampled_from(["at {}", "after {}", "around {}"])).format((hour - 1) % 12 + 1)
    if text.startswith("after"):
        return Time(text, ((hour * 60, 1440),))
    return Time(text, ((hour * 60, hour * 60 + 60),), point=True)


def expected(
    now: datetime, dates: frozenset[date] | None, time: Time | None
) -> list[tuple[datetime, datetime]]:
    """The first ten windows, from the opening hours."""
    today, found = now.date(), []
    earliest = now.astimezone(UTC) + NOTICE
    for ahead in range(HORIZON + 1):
        day = today + timedelta(days=ahead)
        if dates is not None and day not in dates:
            continue
        for opening in HOURS.on(day):
            for start, end in time.spans if time else ((0, 1440),):
                low, high = max(start, opening.start), min(end, opening.end)
                if time is not None and time.point and not opening.start <= start < opening.end:
                    continue
                if low >= high:
                    continue
                a, b = HOURS.moment(day, low), HOURS.moment(day, high)
                if time is not None and time.point and a.astimezone(UTC) < earliest:
                    continue
                if b.astimezone(UTC) <= earliest:
                    continue
                start_at = max(a.astimezone(UTC), earliest)
                found.append((start_at.astimezone(TORONTO), b.astimezone(TORONTO)))
    return found[:MOST]


def _understood(text: str, now: datetime) -> Understanding:
    return understand(text, now, HOURS, HORIZON, NOTICE)


def _shown(found: Understanding) -> list[str]:
    return [phrases.spelled(window) for window in found.windows]


def _spelled(windows: list[tuple[datetime, datetime]]) -> list[str]:
    return [phrases.spelled(window) for window in windows]


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=150, deadline=None)
def test_a_day_and_a_time_are_what_both_mean(data: st.DataObject, now: datetime) -> None:
    day = data.draw(days(now))
    time = data.draw(st.none() | times())
    if time is None:
        text = day.text
    else:
        text = data.draw(st.sampled_from([f"{day.text} {time.text}", f"{time.text} {day.text}"]))
    found = _understood(text, now)
    if found.status != "ambiguous":
        assert _shown(found) == _spelled(expected(now, day.dates, time)), text


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=150, deadline=None)
def test_two_days_joined_by_or_are_both_meant(data: st.DataObject, now: datetime) -> None:
    one, two = data.draw(days(now)), data.draw(days(now))
    # "Monday or Tuesday next week" is one week for both.
    assume("next week" not in one.text + two.text)
    time = data.draw(times())
    text = f"{one.text} or {two.text} {time.text}"
    found = _understood(text, now)
    if found.windows:
        assert _shown(found) == _spelled(expected(now, one.dates | two.dates, time)), text


LEFT_OUT_DAY = st.sampled_from(
    [
        "not {}",
        "but not {}",
        "except {}",
        "{} doesn't work",
        "any day but {}",
        "anytime except {}",
        "{} is no good",
        "i can't do {}",
        "i won't be there {}",
    ]
)


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=120, deadline=None)
def test_what_is_left_out_is_never_offered(data: st.DataObject, now: datetime) -> None:
    away = data.draw(days(now))
    said = data.draw(LEFT_OUT_DAY).format(away.text)
    wanted = data.draw(
        st.sampled_from(["", "next week, ", "any weekday, ", "mornings, ", "after 3 pm, "])
    )
    found = _understood(wanted + said, now)
    assert not {start.date() for start, _ in found.windows} & away.dates, wanted + said


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=150, deadline=None)
def test_a_time_left_out_is_never_offered(data: st.DataObject, now: datetime) -> None:
    away = data.draw(times().filter(lambda time: not time.text.startswith(("not", "no "))))
    said = data.draw(st.sampled_from(["not {}", "any time but not {}", "any time except {}"]))
    day = data.draw(st.sampled_from(["", "next week, ", "tomorrow, "]))
    found = _understood(day + said.format(away.text), now)
    low, high = away.spans[0]
    for start, end in found.windows:
        opens = start.hour * 60 + start.minute
        closes = (end.hour * 60 + end.minute) or 1440
        assert closes <= low or opens >= high, day + said.format(away.text)


POLITE = st.sampled_from(
    ["could I maybe do {}, please?", "hi, {} please", "{} thanks", "hello! {} if possible",
     "um {}", "is {} ok?", "ok {}", "can i come {}", "{} would be great", "what about {}?",
     "do you have anything {}", "i'd like {}", "{} works for me", "{}?", "  {}  ", "{} \U0001f642",
     "yes, {}", "good morning, {}", "sure. {}", "how about {} then", "can you fit me in {}?",
     "my back hurts, {} please", "i'd prefer {}", "let's say {}", "{}, cheers", "we could do {}"]
)  # fmt: skip


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=150, deadline=None)
def test_politeness_case_and_spaces_change_nothing(data: st.DataObject, now: datetime) -> None:
    day, time = data.draw(days(now)), data.draw(times())
    plain = data.draw(st.sampled_from([day.text, f"{day.text} {time.text}"]))
    typed = data.draw(POLITE).format(plain)
    typed = data.draw(
        st.sampled_from([typed, typed.upper(), typed.capitalize(), typed.replace(" ", "  ")])
    )
    bare, found = _understood(plain, now), _understood(typed, now)
    if found.windows or found.status == "past":
        assert (found.status, _shown(found)) == (bare.status, _shown(bare)), typed


@given(data=st.data(), now=CLOCKS)
@settings(max_examples=120, deadline=None)
def test_a_slip_of_the_finger_is_forgiven_or_asked_about(
    data: st.DataObject, now: datetime
) -> None:
    day, time = data.draw(days(now)), data.draw(times())
    plain = f"{day.text} {time.text}"
    # In a short word a slip makes another word ("sat", "at"), and a plural may lose its ending.
    places = [
        m.start() + n
        for m in re.finditer(r"[a-z]{5,}", plain)
        for n in range(len(m.group()) - 1 - m.group().endswith("s"))
    ]
    assume(places)
    at = data.draw(st.sampled_from(places))
    kind = data.draw(st.integers(0, 2))
    if kind == 0:
        typed = plain[:at] + plain[at + 1 :]
    elif kind == 1:
        typed = plain[:at] + plain[at] + plain[at:]
    else:
        assume(plain[at + 1].isalpha())
        typed = plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :]
    found = _understood(typed, now)
    if found.windows:
        assert _shown(found) == _shown(_understood(plain, now)), typed


NONSENSE = st.text("bcdfghjklmnpqrstvwxz", min_size=3, max_size=7)


@given(data=st.data(), now=CLOCKS, word=NONSENSE)
@settings(max_examples=150, deadline=None)
def test_an_unknown_word_beside_a_day_is_asked_about(
    data: st.DataObject, now: datetime, word: str
) -> None:
    assume(
        word not in word_set("talk") and canonical(word) == word and len(requests(word, Now(now)))
    )
    day, time = data.draw(days(now)), data.draw(times())
    talk = "hello there, I would like to come in with my sister for a massage with you"
    text = data.draw(
        st.sampled_from([f"{talk} {word} {day.text} {time.text}", f"{talk} {day.text} {word}"])
    )
    assert not _understood(text, now).windows, text


@given(row=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_quick_look_lets_every_way_of_saying_when_pass(row: st.DataObject) -> None:
    pattern = row.draw(st.sampled_from([p.pattern for p, _ in PATTERNS]))
    # What may follow is looked at by the rules and not by the generator.
    said = row.draw(st.from_regex(pattern.replace("(?![^ ])", ""), fullmatch=True))
    # Figures with slashes, and commas, stand otherwise in what the rules are given.
    assume(re.fullmatch(r"[a-z0-9:']+(?: [a-z0-9:']+)*", said))
    now = Now(datetime(2026, 11, 25, 9, 24, tzinfo=TORONTO))
    if any(not request.empty for request in requests(said, now)):
        assert may_say_when(said), said


@given(text=st.text(max_size=80), now=CLOCKS)
@settings(max_examples=120, deadline=None)
def test_what_the_quick_look_stops_has_no_day_or_time(text: str, now: datetime) -> None:
    if not may_say_when(text):
        assert all(request.empty for request in requests(canonical(text), Now(now)))
