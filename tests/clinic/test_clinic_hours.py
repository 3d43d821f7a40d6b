"""Opening hours: statutory holidays by province, being open, and the words for it."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.hours import (
    PROVINCES,
    HoursError,
    OpeningTimes,
    Span,
    clock_words,
    holidays_of,
    join,
)

TORONTO = ZoneInfo("America/Toronto")
VANCOUVER = ZoneInfo("America/Vancouver")
USUAL = "Mo-Sa 08:00-20:00; PH off"
QUIET = date(2026, 11, 9)


def at(text: str, zone: ZoneInfo = TORONTO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_provinces_are_those_of_the_holidays_package() -> None:
    from holidays.countries.canada import Canada

    assert set(Canada.subdivisions) == set(PROVINCES)


@pytest.mark.parametrize(
    ("province", "day", "is_open"),
    [
        ("ON", date(2026, 12, 26), False),  # Boxing Day is statutory in Ontario only
        ("BC", date(2026, 12, 26), True),
        ("ON", date(2026, 11, 11), True),  # Remembrance Day is not in Ontario
        ("BC", date(2026, 11, 11), False),
        ("QC", date(2026, 6, 24), False),
        ("ON", date(2026, 6, 24), True),
        ("NB", date(2026, 8, 3), False),
    ],
)
def test_holidays_are_those_of_the_province(province: str, day: date, is_open: bool) -> None:
    times = OpeningTimes(USUAL, TORONTO, province)
    assert bool(times.on(day)) == is_open
    assert times.is_holiday(day) != is_open


def test_a_holiday_can_have_hours_of_its_own_and_a_later_rule_wins() -> None:
    sundays = OpeningTimes("Mo-Fr 09:00-17:00; Su,PH 10:00-14:00", TORONTO, "ON")
    assert sundays.on(date(2026, 12, 25)) == (Span(600, 840),)
    assert sundays.on(date(2026, 12, 27)) == (Span(600, 840),)
    assert sundays.on(date(2026, 12, 28)) == (Span(540, 1020),)
    eve = OpeningTimes("Mo-Sa 08:00-20:00; PH off; Dec 26 10:00-12:00", TORONTO, "ON")
    assert eve.on(date(2026, 12, 25)) == ()
    assert eve.on(date(2026, 12, 26)) == (Span(600, 720),)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (USUAL, "Monday to Saturday 8 am to 8 pm, closed on statutory holidays"),
        (
            "Mo-Fr 09:00-12:00,13:00-19:30; Sa 10:00-16:00; PH off",
            "Monday to Friday 9 am to noon and 1 pm to 7:30 pm, Saturday 10 am to 4 pm, "
            "closed on statutory holidays",
        ),
        ("Mo,We 09:00-17:00", "Monday 9 am to 5 pm, Wednesday 9 am to 5 pm"),
        ("Sa-Su 09:00-17:00", "Saturday and Sunday 9 am to 5 pm"),
        ("Mo-Su 09:00-17:00", "every day 9 am to 5 pm"),
        ("24/7", "every day 24 hours"),
        ("Su,PH 10:00-14:00", "Sunday 10 am to 2 pm, statutory holidays 10 am to 2 pm"),
        ("Mo-Fr 09:00-17:00; Tu off", "Monday 9 am to 5 pm, Wednesday to Friday 9 am to 5 pm"),
        ('Mo 09:00-17:00 "ring the bell"', "Monday 9 am to 5 pm"),
    ],
)
def test_hours_in_words(expression: str, words: str) -> None:
    assert OpeningTimes(expression, TORONTO, "ON").in_words(QUIET) == words


def test_days_that_differ_soon_are_named() -> None:
    times = OpeningTimes(
        "Mo-Sa 08:00-20:00; 2026 Dec 28-31 off; PH off; Dec 24 08:00-12:00", TORONTO, "ON"
    )
    usual = "Monday to Saturday 8 am to 8 pm, closed on statutory holidays"
    assert times.in_words(date(2026, 12, 1)) == usual
    assert times.in_words(date(2026, 12, 20)) == (
        usual + ", Thursday 24 December 8 am to noon, "
        "closed Monday 28 December to Thursday 31 December"
    )


def test_hours_of_a_season_have_no_words() -> None:
    assert (
        OpeningTimes("Mo-Fr 09:00-17:00; Jul Mo-Fr 09:00-12:00", TORONTO, "ON").in_words(QUIET)
        is None
    )


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("2026-11-23T07:59", "closed now and opens today at 8 am"),
        ("2026-11-23T08:00", "open now, until 8 pm"),
        ("2026-11-23T19:59", "open now, until 8 pm"),
        ("2026-11-23T20:00", "closed now and opens tomorrow at 8 am"),
        ("2026-11-21T21:00", "closed now and opens Monday at 8 am"),
        ("2026-12-24T21:00", "closed now and opens Monday at 8 am"),  # two holidays, a Sunday
    ],
)
def test_open_now_in_words(when: str, words: str) -> None:
    assert OpeningTimes(USUAL, TORONTO, "ON").now_in_words(at(when)) == words


def test_open_now_when_the_next_change_is_far_or_never() -> None:
    far = OpeningTimes("Mo-Sa 08:00-20:00; 2026 Dec 01-31 off; PH off", TORONTO, "ON")
    assert far.now_in_words(at("2026-12-01T09:00")) == (
        "closed now and opens Saturday 2 January at 8 am"
    )
    assert OpeningTimes("24/7", TORONTO, "ON").now_in_words(at("2026-12-01T09:00")) == "open now"
    once = OpeningTimes("Dec 01 09:00-10:00; PH off", TORONTO, "ON")
    assert once.now_in_words(at("2026-12-02T09:00")) == "closed now"


def test_the_day_the_clocks_change() -> None:
    times = OpeningTimes("Mo-Su 01:00-04:00", TORONTO, "ON")
    spring = times.stretches(at("2027-03-14T00:00"), at("2027-03-15T00:00"))
    autumn = times.stretches(at("2026-11-01T00:00"), at("2026-11-02T00:00"))
    assert [end - start for start, end in spring] == [timedelta(hours=2)]
    assert [end - start for start, end in autumn] == [timedelta(hours=4)]
    assert spring[0][0] == datetime(2027, 3, 14, 6, tzinfo=UTC)


def test_stretches_are_clipped_and_joined_at_midnight() -> None:
    times = OpeningTimes("Mo 20:00-24:00; Tu 00:00-02:00", TORONTO, "ON")
    (only,) = times.stretches(at("2026-11-23T21:00"), at("2026-11-25T00:00"))
    assert only == (
        at("2026-11-23T21:00").astimezone(UTC),
        at("2026-11-24T02:00").astimezone(UTC),
    )
    assert times.stretches(at("2026-11-25T00:00"), at("2026-11-26T00:00")) == []


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "cannot be read"),
        ("whenever", "cannot be read"),
        ("Mo-Fr 9-5", "near '9-5'"),
        ("Mo 18:00+", "not supported"),
        ("sunrise-sunset", "not supported"),
        ("SH off; Mo 09:00-10:00", "not supported"),
        ("Mo 09:00-10:00 || PH off", "not supported"),
        ("Jul PH off; Mo 09:00-10:00", "rule of its own"),
        ("PH -1 day off; Mo 09:00-10:00", "rule of its own"),
        ("off", "not open on any day"),
        ("2020 Jan 01 10:00-11:00", "not open on any day"),
    ],
)
def test_hours_that_cannot_be_used_say_why(expression: str, reason: str) -> None:
    with pytest.raises(HoursError, match=reason):
        OpeningTimes(expression, TORONTO, "ON")


@given(st.text(max_size=40) | st.from_regex(r"(Mo|PH|Sa-Su)[ ,;0-9:a-z-]{0,20}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_no_text_raises_anything_but_the_reason(expression: str) -> None:
    with contextlib.suppress(HoursError):
        OpeningTimes(expression, VANCOUVER, "BC").in_words(QUIET)


@given(
    st.integers(0, 2 * 365 * 24 * 60),
    st.sampled_from(
        [USUAL, "Mo-Su 00:00-03:00,22:00-24:00", "Mo-Fr 09:00-17:00; Su,PH 10:00-14:00"]
    ),
)
@settings(max_examples=100, deadline=None)
def test_open_means_inside_a_stretch_and_changes_at_its_end(minutes: int, hours: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    times = OpeningTimes(hours, TORONTO, "ON")
    change = times.next_change(now)
    assert change is not None
    assert change > now
    assert times.is_open(now) == any(
        start <= now < end for start, end in times.stretches(now, now + timedelta(minutes=1))
    )
    assert times.is_open(change) != times.is_open(now)


def test_a_time_the_clock_skips_is_the_instant_of_the_jump() -> None:
    times = OpeningTimes("Mo-Su 01:00-02:30", TORONTO, "ON")
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)
    assert times.moment(spring, 119) == datetime(2026, 3, 8, 6, 59, tzinfo=UTC)
    for skipped in (120, 121, 150, 179, 180):
        assert times.moment(spring, skipped) == datetime(2026, 3, 8, 7, tzinfo=UTC), skipped
    assert times.moment(spring, 181) == datetime(2026, 3, 8, 7, 1, tzinfo=UTC)
    # Of a time that comes twice, the first.
    assert times.moment(autumn, 90) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    day = (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 3, tzinfo=UTC))
    assert times.stretches(*day) == [
        (datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("minute", "words"),
    [
        (0, "midnight"),
        (480, "8 am"),
        (510, "8:30 am"),
        (720, "noon"),
        (725, "12:05 pm"),
        (780, "1 pm"),
        (1439, "11:59 pm"),
        (1440, "midnight"),
        (5, "12:05 am"),
    ],
)
def test_clock_in_words(minute: int, words: str) -> None:
    assert clock_words(minute) == words


def test_lists_in_words() -> None:
    assert join([]) == ""
    assert join(["a"]) == "a"
    assert join(["a", "b"], "list_or") == "a or b"
    assert join(["a", "b", "c"]) == "a, b and c"


def test_holidays_are_read_once() -> None:
    assert holidays_of("ON", 2026) is holidays_of("ON", 2026)
