"""What is offered where the clinic's calendar is full, or nearly so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from scenario_chat import Chat, stored
from scenario_servers import NOW, Servers
from scenario_steps import expect, fill, fragments, play

from clinic import facts

ZONE = facts.load().zone
FULL = date(2026, 12, 30)
Taken = Callable[..., None]


@pytest.fixture
def taken(servers: Servers) -> Iterator[Taken]:
    """Takes stretches of a day, "08:00" to "20:00" unless said otherwise, until the test ends."""

    def take(day: date, begins: str = "08:00", ends: str = "20:00") -> None:
        start, end = (
            datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ZONE).astimezone(UTC)
            for hour in (begins, ends)
        )
        _write(
            servers,
            "INSERT INTO booking_hold (therapist, starts_at, ends_at, free_at, conversation_id,"
            " draft, held_at, expires_at) VALUES (?, ?, ?, ?, ?, '1', ?, '2099-01-01 00:00:00')",
            facts.load().therapists[0].name,
            *(str(moment.replace(tzinfo=None)) for moment in (start, end, end)),
            f"full {start}",
            str(datetime.fromisoformat(NOW).astimezone(UTC).replace(tzinfo=None)),
        )

    yield take
    _write(servers, "DELETE FROM booking_hold WHERE conversation_id LIKE 'full %'")


def _write(servers: Servers, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(servers.clinic_database, timeout=20)) as database, database:
        database.execute(statement, values)


def asked_for(chat: Chat, words: str) -> Chat:
    """A booking in which this is the wish."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="preferred_time")
    chat.say(words)
    return chat


def times_shown(chat: Chat) -> list[str]:
    """The buttons that pick a time."""
    return [
        title
        for reply in chat.replies
        for title, payload in reply.buttons.items()
        if payload.startswith("/pick_time")
    ]


def test_a_full_day_is_said_to_be_full(chat: Chat, taken: Taken) -> None:
    """The nearest times are free, and there is the waiting list."""
    taken(FULL)
    asked_for(chat, "december 30")
    expect(
        chat,
        {
            "response": ["utter_nothing_free"],
            "contains": "nothing free for Wednesday, December 30",
            "buttons_include": ["Another day", "Waiting list"],
            "buttons_exclude": "More times",
        },
    )
    assert len(times_shown(chat)) == 3
    assert not any("Dec 30" in title for title in times_shown(chat)), chat


def test_instead_of_a_closed_day_no_full_one_is_offered(chat: Chat, taken: Taken) -> None:
    """Sunday, January 3 is closed, and Saturday is full."""
    taken(date(2027, 1, 2))
    asked_for(chat, "january 3")
    expect(chat, {"response": "utter_time_question", "contains": "The nearest free times are"})
    assert len(times_shown(chat)) == 3
    assert not any("Jan 2" in title for title in times_shown(chat)), chat
    assert any("Jan 4" in title for title in times_shown(chat)), chat
    chat.say("the first one")
    expect(chat, {"asks": "patient_name"})
    fill(chat)
    assert len(stored(chat).requests) == 1


def test_more_times_until_there_are_no_more(chat: Chat, taken: Taken) -> None:
    """At most three at once; the button is there as long as there are others."""
    taken(FULL, "08:00", "09:00")
    taken(FULL, "11:00", "20:00")
    asked_for(chat, "december 30")
    shown = times_shown(chat)
    expect(chat, {"asks": "chosen_time", "buttons_include": "More times"})
    while "More times" in chat.buttons:
        chat.click("More times")
        assert 1 <= len(times_shown(chat)) <= 3
        assert not set(shown) & set(times_shown(chat)), chat
        shown += times_shown(chat)
    assert sorted(shown) == [f"Wed Dec 30, {hour} am" for hour in ("9", "9:15", "9:30", "9:45")]
    chat.say("show me more")
    expect(
        chat,
        {
            "response": "utter_no_more_times",
            "contains": "all the free times",
            "asks": "chosen_time",
        },
    )
    assert times_shown(chat)


def test_when_nothing_is_free_at_all(chat: Chat, taken: Taken) -> None:
    """There is the waiting list and the clinic's phone, and no sentence is left open."""
    today = datetime.fromisoformat(NOW).date()
    for days in range(95):
        taken(today + timedelta(days=days))
    asked_for(chat, "december 29")
    expect(
        chat,
        {
            "response": ["utter_nothing_free_at_all"],
            "contains": "{clinic_phone}",
            "buttons_include": "Waiting list",
        },
    )
    assert not times_shown(chat)
    chat.click("Another day")
    chat.say("sunday january 10")
    expect(chat, {"response": "utter_time_question", "contains": "I see nothing free near that"})
    assert not times_shown(chat)


def test_a_time_that_is_free_still_is_kept_again(chat: Chat) -> None:
    """It was held for ten minutes, which are over, and the draft is taken up again."""
    asked_for(chat, "december 31 at 9 am")
    chat.say("I want to talk to a human being")
    _write(
        chat.servers,
        "UPDATE booking_hold SET expires_at = held_at WHERE conversation_id = ?",
        chat.sender,
    )
    fill(chat)
    chat.click("Yes, go on")
    expect(chat, {"response": "utter_time_kept_again", "contains": "December 31, 9 am"})
    fill(chat)
    (request,) = stored(chat).requests
    assert request["starts_at"] == "2026-12-31 14:00:00"
