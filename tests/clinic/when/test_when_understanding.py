"""The phrase tables, and the rules that hold for every text."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import phrases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phrases import Phrase, judge, spelled

from clinic.booking.when import understand
from clinic.opening import OpeningHours

TORONTO = ZoneInfo("America/Toronto")
SUNDAY = datetime(2026, 11, 22, 12, 24, tzinfo=TORONTO)
HOURS = OpeningHours("Mo-Sa 08:00-20:00; PH off", "America/Toronto", "ON")


@pytest.mark.parametrize(
    "phrase",
    [*phrases.load("phrases_tuned.yml"), *phrases.load("phrases_sentences.yml")],
    ids=lambda p: p.id,
)
def test_tuned_phrase(phrase: Phrase) -> None:
    found = phrase.understood()
    assert judge(phrase, found) == "right", found


@pytest.mark.parametrize("name", phrases.UNTUNED)
def test_untuned_phrases_reach_the_aim(name: str) -> None:
    count = len(phrases.load(name))
    verdicts = phrases.verdicts(name)
    assert count >= 50
    assert verdicts["right"] >= 0.9 * count
    assert verdicts["wrong"] <= 0.03 * count


def _say(text: str, now: datetime = SUNDAY, hours: OpeningHours = HOURS) -> str:
    return understand(text, now, hours).say


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thursday after 4", "Thursday, November 26, after 4 pm"),
        ("1 dec pm", "Tuesday, December 1, from noon on (12 to 8 pm)"),
        ("dec 1 arvo", "Tuesday, December 1, in the afternoon (12 to 5 pm)"),
        ("tuesday at 3", "Tuesday, November 24, at 3 pm"),
        ("tuesday 10:30 to 12", "Tuesday, November 24, between 10:30 am and noon"),
        ("wednesday", "Wednesday, November 25, any time from 8 am to 8 pm"),
        ("soonest u got", "as soon as possible"),
        ("first available pls", "as soon as possible"),
        ("whenever", "any time"),
        ("evenings r best", "any day in the evening (5 to 8 pm)"),
        ("5", "any day at 5 pm"),
        (
            "not mondays, 5 pm",
            "Tuesday, November 24, Wednesday, November 25, "
            "Thursday, November 26 and later, at 5 pm",
        ),
        # a day taken back, in a sentence of its own, and a time alone
        (
            "monday arvo. sorry meant tuesday arvo",
            "Tuesday, November 24, in the afternoon (12 to 5 pm)",
        ),
        ("fri 10. no wait 2", "Friday, November 27, at 2 pm"),
        ("i said tuesday at 10 but i have a flight, so make it 3", "Tuesday, November 24, at 3 pm"),
        (
            "i was going to say sat but let's go with monday",
            "Monday, November 23, any time from 8 am to 8 pm",
        ),
        ("i said 2 but make it 3", "any day at 3 pm"),
        (
            "next week but only mon or thurs",
            "Monday, November 23 or Thursday, November 26, any time from 8 am to 8 pm",
        ),
        ("earliest on saturday?", "Saturday, November 28, any time from 8 am to 8 pm"),
        (
            "8:30 on sat for me and 9:30 for my son",
            "Saturday, November 28, at 8:30 am or at 9:30 am",
        ),
        (
            "tues is full for me but wed's wide open",
            "Wednesday, November 25, any time from 8 am to 8 pm",
        ),
        ("wed of that week", "Do you mean Wednesday, November 25, any time from 8 am to 8 pm?"),
        # when to call, when not to come, an event
        (
            "ring me tomorrow, i'd like to come friday",
            "Friday, November 27, any time from 8 am to 8 pm",
        ),
        ("10am on the first saturday you have", "Saturday, November 28, at 10 am"),
        (
            "tuesdays usually, but this week wednesday",
            "I am not sure which days and times you mean. Could you give me a day, or a day and a "
            "time, such as Tuesday at 3?",
        ),
        (
            "anything before my due date, jan 15",
            "Do you mean Friday, January 15, any time from 8 am to 8 pm?",
        ),
        # days and times that say why
        (
            "i'm seeing the dentist thursday at 9 so thursday from 11 on",
            "Thursday, November 26, after 11 am",
        ),
        ("tues because monday's a holiday", "Tuesday, November 24, any time from 8 am to 8 pm"),
        (
            "i'm off the week after next, so tuesday",
            "Tuesday, December 1, any time from 8 am to 8 pm",
        ),
        ("my shift ends at 4, so after 4:30 wed", "Wednesday, November 25, after 4:30 pm"),
        # what there is none of, and what is the only one left
        (
            "apr 1 no joke lol",
            "Thursday, April 1 is too far ahead. You can book up to Saturday, "
            "February 20. The nearest times are Thursday, February 18, 8 am to 8 pm, "
            "Friday, February 19, 8 am to 8 pm or Saturday, February 20, 8 am to 8 pm.",
        ),
        ("no classes on tuesday", "Do you mean Tuesday, November 24, any time from 8 am to 8 pm?"),
        ("can't do any day but wednesday", "Wednesday, November 25, any time from 8 am to 8 pm"),
        ("i'm free all day on friday", "Friday, November 27, any time from 8 am to 8 pm"),
        ("i'm around friday", "Friday, November 27, any time from 8 am to 8 pm"),
        (
            "tuesday at 9 pm",
            "We are open 8 am to 8 pm on Tuesday, November 24. Which time that day would suit you?",
        ),
        ("thurs 3pm no wait fri", "Friday, November 27, at 3 pm"),
        ("thurs 3pm no wait fri 4pm", "Friday, November 27, at 4 pm"),
        ("not thurs sorry i mean fri", "Friday, November 27, any time from 8 am to 8 pm"),
        ("my back went on friday", "I did not find a day or a time in that."),
        ("tues at 2, 60", "Tuesday, November 24, at 2 pm"),
        ("nvm thurs", "Thursday, November 26, any time from 8 am to 8 pm"),
        (
            "next friday",
            "Do you mean Friday, November 27 or Friday, December 4?",
        ),
        (
            "tuesday the 3rd",
            "The day and the date do not go together. "
            "Do you mean Tuesday, December 1 or Thursday, December 3?",
        ),
        (
            "boxing day at 3",
            "We are closed on Saturday, December 26 (Boxing Day). The nearest times are "
            "Wednesday, December 23, 3 to 4 pm, Thursday, December 24, 3 to 4 pm or "
            "Monday, December 28, 3 to 4 pm.",
        ),
        ("hello", "I did not find a day or a time in that."),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    assert _say(text) == said


def test_what_is_said_of_today_when_the_clinic_has_closed_and_of_an_hour_too_soon() -> None:
    evening = datetime(2026, 11, 24, 20, 45, tzinfo=TORONTO)
    assert _say("tonight", evening).startswith("We have closed for today. The nearest times are ")
    assert _say("at 6 this evening", evening).startswith("That time has passed. ")
    midday = datetime(2026, 11, 24, 13, 20, tzinfo=TORONTO)
    assert _say("in an hour", midday) == (
        "That is too soon for us. You could come Tuesday, November 24, 3:20 to 8 pm."
    )


def test_what_is_said_of_a_day_whose_hours_are_divided() -> None:
    lunch = OpeningHours("Mo-Fr 09:00-12:00,13:00-19:00", "America/Toronto", "ON")
    assert _say("tuesday", hours=lunch) == (
        "Tuesday, November 24, any time from 9 am to noon or any time from 1 pm to 7 pm"
    )


def test_a_point_lasts_an_hour_or_until_closing() -> None:
    found = understand("tuesday at 7:30pm", SUNDAY, HOURS)
    assert [spelled(w) for w in found.windows] == ["2026-11-24 19:30-20"]


def test_two_points_do_not_overlap() -> None:
    found = understand("tuesday at 3 or 3:30", SUNDAY, HOURS)
    assert [spelled(w) for w in found.windows] == [
        "2026-11-24 15-15:30",
        "2026-11-24 15:30-16:30",
    ]


def test_notice_and_horizon_are_taken_into_account() -> None:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=TORONTO)
    found = understand("today", now, HOURS, notice=timedelta(hours=5))
    assert [spelled(w) for w in found.windows] == ["2026-11-24 15-20"]
    assert understand("december 3", now, HOURS, horizon_days=9).windows
    late = understand("december 4", now, HOURS, horizon_days=9)
    assert (late.status, late.windows, late.reason) == ("understood", [], "beyond_horizon")
    assert [w[0].date().day for w in late.alternatives] == [1, 2, 3]


def test_past_and_closed_times_come_with_alternatives() -> None:
    for text in ("yesterday at 3", "sunday", "tuesday at 9pm", "10 june 2027", "december 25"):
        found = understand(text, SUNDAY, HOURS)
        assert not found.windows
        assert found.alternatives, text
        assert all(start > SUNDAY for start, _ in found.alternatives)


def test_a_clinic_in_another_zone_has_its_own_today() -> None:
    vancouver = OpeningHours("Mo-Su 08:00-20:00", "America/Vancouver", "BC")
    now = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    found = understand("tomorrow at 9", now, vancouver)
    assert found.windows[0][0].isoformat() == "2026-11-24T09:00:00-08:00"


def test_offsets_change_with_daylight_saving() -> None:
    now = datetime(2026, 10, 30, 9, 0, tzinfo=TORONTO)
    every_day = OpeningHours("Mo-Su 08:00-20:00", "America/Toronto", "ON")
    days = understand("any day at 9", now, every_day).windows
    assert [w[0].isoformat() for w in days[1:3]] == [
        "2026-11-01T09:00:00-05:00",
        "2026-11-02T09:00:00-05:00",
    ]
    night = OpeningHours("24/7", "America/Toronto", "ON")
    spring = datetime(2027, 3, 13, 9, 0, tzinfo=TORONTO)
    # The clock jumps from 2 to 3.
    found = understand("tomorrow between 1 am and 4 am", spring, night).windows
    assert found[0][1].astimezone(UTC) - found[0][0].astimezone(UTC) == timedelta(hours=2)


def test_now_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        understand("tomorrow", datetime(2026, 11, 22, 12, 0), HOURS)  # noqa: DTZ001


def _words() -> list[str]:
    """Pieces of the phrases of all tables, and single words of them."""
    texts = [p.text for name in ("phrases_tuned.yml", *phrases.UNTUNED) for p in phrases.load(name)]
    words = {word for text in texts for word in text.lower().split()}
    return sorted({*texts, *words, "after that", "before then", "the week after", "or later"})


TEXTS = st.one_of(
    st.lists(st.sampled_from(_words()), max_size=9).map(" ".join), st.text(max_size=60)
)
CLOCKS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 (the zone is added)
    max_value=datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(TORONTO),
)
CLINICS = st.sampled_from(
    [
        HOURS,
        OpeningHours(
            "Mo-Fr 09:00-12:00,13:00-19:00; Sa 10:00-16:00; PH off", "America/Toronto", "ON"
        ),
        OpeningHours("24/7", "America/Toronto", "ON"),
        OpeningHours("Tu,Th 18:00-02:00", "America/Toronto", "ON"),
    ]
)


@given(
    text=TEXTS,
    now=CLOCKS,
    hours=CLINICS,
    horizon=st.integers(0, 120),
    notice=st.integers(0, 72),
)
@settings(max_examples=300, deadline=None)
def test_windows_hold_for_every_text(
    text: str, now: datetime, hours: OpeningHours, horizon: int, notice: int
) -> None:
    found = understand(text, now, hours, horizon, timedelta(hours=notice))
    assert found.status in ("understood", "ambiguous", "past", "none")
    assert found.say
    if found.status != "understood":
        assert not found.windows
    every = [found.windows, found.alternatives, *(reading.windows for reading in found.readings)]
    for windows in every:
        _check(windows, now, hours, horizon, notice)


def _check(
    windows: list[tuple[datetime, datetime]],
    now: datetime,
    hours: OpeningHours,
    horizon: int,
    notice: int,
) -> None:
    instants = [(a.astimezone(UTC), b.astimezone(UTC)) for a, b in windows]
    assert len(windows) <= 10
    assert all(a < b for a, b in instants)
    assert all(b <= c for (_, b), (c, _) in pairwise(instants))
    last = now.date() + timedelta(days=horizon)
    for (start, _), (opens, closes) in zip(windows, instants, strict=True):
        assert opens >= now.astimezone(UTC) + timedelta(hours=notice)
        assert start.date() <= last
        within = hours.intervals(opens, closes)
        assert [(a.astimezone(UTC), b.astimezone(UTC)) for a, b in within] == [(opens, closes)]


@pytest.mark.parametrize(
    "text",
    [
        "10-11 ",
        "monday or tuesday and ",
        "not monday so not then, ",
        "no wait ",
        "so after, so before, ",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.perf_counter()
    understand(text * 100, SUNDAY, HOURS)
    assert time.perf_counter() - begun < 5
