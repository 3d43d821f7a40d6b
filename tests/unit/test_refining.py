"""A new wish keeps what was said before and is not changed by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actions import times
from actions.refining import Before, absolute, hour_said, refined
from clinic import facts
from clinic.opening import Interval

# A Tuesday; the clinic is open Monday to Saturday from 8 am to 8 pm.
NOW = "2026-11-24T10:00:00-05:00"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW)
    facts.load()


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=facts.current().zone).astimezone(UTC)


def window(day: int, start: int, end: int, month: int = 11) -> Interval:
    return local(day, start, month=month), local(day, end, month=month)


def shown(day: int, *hours: int, wish: Interval | None = None) -> Before:
    """Times offered on one day, for the whole of it unless told."""
    return Before([wish or window(day, 8, 20)], [local(day, hour) for hour in hours])


def window26(hour: int, minute: int) -> Interval:
    """An hour of the 26th that begins at this minute."""
    return local(26, hour, minute), local(26, hour + 1, minute)


AFTERNOON = shown(26, 12, 13, 14, wish=window(26, 12, 17))
PICKED = Before([window(26, 12, 17)], [], local(26, 14))


def meant(text: str, before: Before) -> list[Interval]:
    """The windows a message means after what was said before."""
    understanding = times.understood(absolute(text, before) or text)
    return [(a.astimezone(UTC), b.astimezone(UTC)) for a, b in refined(understanding, before)]


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        # the day stays, the time changes
        ("no make it 2pm", shown(25, 8, 9, wish=window(25, 8, 12)), window(25, 14, 15)),
        ("can u make it 10am instead", PICKED, window(26, 10, 11)),
        ("nope can u do 4", AFTERNOON, window(26, 16, 17)),
        ("same day but 10am", PICKED, window(26, 10, 11)),
        ("2pm", Before([window(15, 8, 20, 12)], []), window(15, 14, 15, 12)),
        # the time stays, the day changes
        ("friday instead", AFTERNOON, window(27, 12, 17)),
        ("anything on friday?", AFTERNOON, window(27, 12, 17)),
        ("fri not thurs", AFTERNOON, window(27, 12, 17)),
        ("actually the day after", AFTERNOON, window(27, 12, 17)),
        ("can we do the day before", PICKED, window(25, 14, 15)),
        ("two days later", PICKED, window(28, 14, 15)),
        ("same time friday", PICKED, window(27, 14, 15)),
        # the hour was heard wrong
        ("nah wait not 2, 230. same day", PICKED, window26(14, 30)),
        ("3 not 2. Dana", PICKED, window(26, 15, 16)),
        ("no 11:15, not 2", PICKED, window26(11, 15)),
        ("not 2 but 4 on friday", PICKED, window(27, 16, 17)),
        ("no not 2pm the 330 one", PICKED, window26(15, 30)),
        ("no no, friday", AFTERNOON, window(27, 12, 17)),
        ("not 2, 3", shown(26, 12, 16, wish=window(26, 14, 15)), window(26, 15, 16)),
        ("4 30 same day", PICKED, window26(16, 30)),
        ("hmm ok. can we push it an hour", PICKED, window(26, 15, 16)),
        ("could you delay it by 30 minutes", PICKED, window26(14, 30)),
        ("push it an hour earlier", PICKED, window(26, 13, 14)),
        # unless all of that day is asked for
        ("any time friday", AFTERNOON, window(27, 8, 20)),
        # both change
        ("friday at 9", AFTERNOON, window(27, 9, 10)),
        ("the day after at 9am", AFTERNOON, window(27, 9, 10)),
        # a no to the day before, and not to the one named
        ("actually no friday", AFTERNOON, window(27, 12, 17)),
        ("no wait, make it friday at 9", AFTERNOON, window(27, 9, 10)),
        ("actualy can u do friday insted same time", PICKED, window(27, 14, 15)),
        ("lol i ment friday", PICKED, window(27, 14, 15)),
        ("no the other day, fri", AFTERNOON, window(27, 12, 17)),
        # another one of the same name
        ("no the other thursday", AFTERNOON, window(3, 12, 17, 12)),
        ("the thursday after", PICKED, window(3, 14, 15, 12)),
        ("the following thursday at 10", AFTERNOON, window(3, 10, 11, 12)),
        # the day once more, after it was heard wrong
        ("no, the 26th", AFTERNOON, window(26, 12, 17)),
        # a step from what was shown or picked
        ("earlier", AFTERNOON, window(26, 8, 12)),
        ("anything earlier?", PICKED, window(26, 8, 14)),
        ("an hour later", PICKED, window(26, 15, 16)),
        ("push it back two hours", PICKED, window(26, 16, 17)),
        ("can you bring it forward an hour", PICKED, window(26, 13, 14)),
    ],
)
def test_what_is_not_said_again_stays(text: str, before: Before, expected: Interval) -> None:
    assert meant(text, before) == [expected]


@pytest.mark.parametrize("text", ["later in the day", "later that day", "anything later?"])
def test_later_is_after_the_last_time_shown(text: str) -> None:
    assert meant(text, AFTERNOON) == [(local(26, 14, 15), local(26, 20))]


@pytest.mark.parametrize(
    "text", ["even later, after 4", "nah much later after 4", "anything later like 4"]
)
def test_later_at_an_hour_that_is_told_is_after_no_other(text: str) -> None:
    assert all(local(26, 16) <= start for start, _ in meant(text, AFTERNOON))
    assert meant(text, AFTERNOON)[0][0] == local(26, 16)


@pytest.mark.parametrize("text", ["actually later", "hmm can we do later", "no later please"])
def test_later_is_after_the_time_picked(text: str) -> None:
    assert meant(text, PICKED) == [(local(26, 14, 15), local(26, 20))]


def test_minutes_count_from_the_time_picked() -> None:
    assert meant("half an hour earlier", PICKED) == [(local(26, 13, 30), local(26, 14, 30))]


@pytest.mark.parametrize(
    "text",
    ["I'll tell you later", "see you later", "Jo Park", "416-555-0177", "", "what does it cost"],
)
def test_other_words_do_not_lean_on_a_time(text: str) -> None:
    assert absolute(text, PICKED) is None


@pytest.mark.parametrize("text", ["earlier", "the day after", "an hour later", "same day at 3"])
def test_with_nothing_before_nothing_is_leant_on(text: str) -> None:
    assert absolute(text, Before()) is None


def test_a_no_to_the_day_that_was_shown_is_a_no() -> None:
    days = {times.local_day(start).isoformat() for start, _ in meant("no thursdays", shown(26, 9))}
    assert "2026-11-26" not in days


WEEK = Before([window(day, 12, 17, 12) for day in range(14, 20)])


@pytest.mark.parametrize(
    "text",
    ["yes but not mondays", "why do you show me monday", "i never asked for monday", "no mondays"],
)
def test_a_day_is_left_out_of_a_week_that_is_far(text: str) -> None:
    assert meant(text, WEEK) == [window(day, 12, 17, 12) for day in range(15, 20)]


@pytest.mark.parametrize("text", ["thursday after work", "thurs after 5", "thursday after school"])
def test_after_an_hour_is_no_week_later(text: str) -> None:
    days = {times.local_day(start).isoformat() for start, _ in meant(text, AFTERNOON)}
    assert days == {"2026-11-26"}


def test_a_wish_for_either_of_two_days_keeps_both() -> None:
    days = meant("thursday or friday", AFTERNOON)
    assert days == [window(26, 12, 17), window(27, 12, 17)]


def test_another_appointment_may_lean_on_the_one_before() -> None:
    last = Before(last=local(26, 14))
    assert meant("one for my mother an hour later", last) == [window(26, 15, 16)]
    assert meant("same day at 11", last) == [window(26, 11, 12)]
    # its hour is not kept where only a day is named
    assert meant("friday", last) == [window(27, 8, 20)]


MON_OR_TUE = Before(
    [window(30, 17, 20), window(1, 17, 20, 12)],
    [local(30, 17, 15), local(1, 17, 15, month=12)],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no the other day", window(1, 17, 20, 12)),
        ("the other day, tues", window(1, 17, 20, 12)),
        ("no, the other day tues", window(1, 17, 20, 12)),
        ("the tues but a bit later like 630", (local(1, 18, 30, 12), local(1, 19, 30, 12))),
        ("the tues but later", (local(1, 17, 30, 12), local(1, 20, month=12))),
        ("tuesday a bit later", (local(1, 17, 30, 12), local(1, 20, month=12))),
    ],
)
def test_one_of_two_days_that_are_shown(text: str, expected: Interval) -> None:
    assert meant(text, MON_OR_TUE) == [expected]


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("fine 1015", 10, 15),
        ("9 i said", 9, 0),
        ("no i said 11", 11, 0),
        ("ok 630 pm please", 18, 30),
        ("4 like i said", 16, 0),
        ("11 duh", 11, 0),
        ("the 930 one", 9, 30),
    ],
)
def test_an_hour_said_again_or_with_a_yes(text: str, hour: int, minute: int) -> None:
    start = local(26, hour, minute)
    assert meant(text, shown(26, 12, 13))[0][0] == start


@pytest.mark.parametrize("text", ["fine", "60 please", "45 i said", "call me on 416", "2 of us"])
def test_other_numbers_are_no_hour_said(text: str) -> None:
    assert hour_said(text) is None


def test_later_is_an_hour_later_where_that_is_free() -> None:
    free = [times.Offer(local(26, hour, 15), 60, "Natalie Yeo") for hour in (12, 13, 14)]
    wish = [(local(26, 12, 15), local(26, 20))]
    assert times.clearly_later(wish, free) == [window(26, 13, 20)]
    assert times.clearly_later(wish, free[:1]) == wish
