"""A patient who comes back after a day finds what was begun, and is asked before it goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from scenario_chat import Chat, stored
from scenario_servers import Servers
from scenario_steps import expect, fill, fragments, play
from window import Window

HOUR = 60 * 60  # seconds
MINUTE = 60


def two_days_pass(chat: Chat) -> None:
    """A new session begins after that."""
    time_passes(chat, 48 * HOUR)


def time_passes(chat: Chat, seconds: float) -> None:
    """Makes everything that was said so much older than it is."""
    with closing(sqlite3.connect(chat.servers.tracker_database, timeout=20)) as database, database:
        rows = database.execute(
            "SELECT id, data FROM events WHERE sender_id = ?", (chat.sender,)
        ).fetchall()
        for number, data in rows:
            event = json.loads(data)
            event["timestamp"] -= seconds
            database.execute(
                "UPDATE events SET timestamp = ?, data = ? WHERE id = ?",
                (event["timestamp"], json.dumps(event), number),
            )
    chat._events = None


def the_time_is_lost(chat: Chat) -> None:
    """The clinic closes the time that this chat was holding."""
    with closing(sqlite3.connect(chat.servers.clinic_database, timeout=20)) as database, database:
        database.execute(
            "UPDATE booking_hold SET conversation_id = 'somebody else' WHERE conversation_id = ?",
            (chat.sender,),
        )


@pytest.fixture
def half_a_booking(chat: Chat) -> Chat:
    """A time is picked and a name given, then nothing for two days."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="patient_contact")
    two_days_pass(chat)
    return chat


OFFERED = {
    "response": "utter_offer_booking_form",
    "contains": ["Shall we go on with your appointment", "60 minutes", "Priya Venkataraman"],
    "buttons_include": ["Yes, go on", "No, leave it"],
    "form": None,
}


@pytest.mark.parametrize(
    "words", ["hello", "I want to book an appointment", "yes", "so where were we", "604-555-0173"]
)
def test_the_draft_is_offered(half_a_booking: Chat, words: str) -> None:
    """Whatever is said first: nothing goes on by itself, and nothing is lost."""
    half_a_booking.say(words)
    expect(half_a_booking, OFFERED)
    half_a_booking.click("Yes, go on")
    expect(half_a_booking, {"form": "booking_form"})
    fill(half_a_booking)
    (request,) = stored(half_a_booking).requests
    assert request["patient_name"] == "Priya Venkataraman"


def test_a_question_is_answered_first(half_a_booking: Chat) -> None:
    """Then the draft is offered."""
    half_a_booking.say("does the massage hurt")
    expect(half_a_booking, {"response": ["utter_faq/does_it_hurt", "utter_offer_booking_form"]})


def test_it_is_declined(half_a_booking: Chat) -> None:
    """And is not offered once more."""
    half_a_booking.say("hello")
    half_a_booking.say("no")
    expect(half_a_booking, {"response": ["utter_form_left"], "form": None})
    half_a_booking.say("does the massage hurt")
    expect(half_a_booking, {"response": ["utter_faq/does_it_hurt"]})
    assert not stored(half_a_booking).requests


def test_a_time_that_is_gone_is_told(half_a_booking: Chat) -> None:
    """The patient chooses another one."""
    the_time_is_lost(half_a_booking)
    half_a_booking.say("hello")
    half_a_booking.click("Yes, go on")
    expect(
        half_a_booking,
        {"response": "utter_time_gone", "asks": "chosen_time", "slots": {"chosen_time": None}},
    )
    fill(half_a_booking)
    assert len(stored(half_a_booking).requests) == 1


def test_a_read_back_is_not_answered_by_the_first_yes(chat: Chat) -> None:
    """It is read back again before anything is sent."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking")
    two_days_pass(chat)
    chat.say("yes")
    expect(chat, OFFERED)
    chat.say("yes")
    expect(chat, {"asks": "confirm_booking"})
    assert not stored(chat).requests
    chat.say("yes")
    assert len(stored(chat).requests) == 1


@pytest.mark.parametrize("hours", [3, 23])
def test_nothing_is_sent_by_a_yes_after_some_hours(chat: Chat, hours: int) -> None:
    """The session is the same, and the patient is asked all the same."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking")
    read_back = chat.replies
    time_passes(chat, hours * HOUR)
    chat.say("yes")
    expect(chat, OFFERED)
    # nor by the button below the read-back, which is still on the screen
    time_passes(chat, hours * HOUR)
    chat.replies = read_back
    chat.click("Send request")
    expect(chat, {"response": ["utter_offer_again_booking_form"], "form": None})
    assert not stored(chat).requests
    chat.click("Yes, go on")
    expect(chat, {"asks": "confirm_booking"})
    fill(chat)
    assert len(stored(chat).requests) == 1


def test_a_change_is_offered_after_some_hours(chat: Chat) -> None:
    """Nothing is cancelled by a yes that comes so late."""
    play(chat, fragments()["book"])
    chat.say("I have to cancel my appointment")
    expect(chat, {"asks": "confirm_change"})
    time_passes(chat, 3 * HOUR)
    chat.say("yes")
    expect(chat, {"response": ["utter_offer_change_form"], "form": None})
    (request,) = stored(chat).requests
    assert request["status"] == "requested"


def test_a_form_goes_on_after_some_minutes(chat: Chat) -> None:
    """Who looks up a number has not left."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="patient_contact")
    time_passes(chat, 40 * MINUTE)
    chat.say("604-555-0173")
    expect(chat, {"asks": "confirm_booking"})


def test_a_reload_of_the_page_is_no_break(servers: Servers) -> None:
    """The question stands there again with its buttons, and the draft goes on where it was."""
    window = Window(servers.rasa_url).open()
    window.ask("I would like to make an appointment please")
    for words in ("60 minutes", "as soon as possible"):
        window.ask(words)
    asked = window.seen[-1]
    assert asked["buttons"]
    shown = len(window.seen)
    window.reopen(last_seq=0)
    window.until(lambda: asked in window.seen[shown:], "the question, as it stood there before")
    window.answers(window.press(asked["buttons"][0]["title"]))
    assert "What name should it be under" in window.seen[-1]["text"]
    window.close()


def test_a_message_is_offered(chat: Chat) -> None:
    """With its words."""
    play(chat, fragments()["start_message"])
    fill(chat, until="patient_name")
    two_days_pass(chat)
    chat.say("hi")
    expect(chat, {"response": "utter_offer_message_form", "contains": "pillow", "form": None})
    chat.click("Yes, finish it")
    fill(chat)
    assert len(stored(chat).messages) == 1


def test_an_alarm_is_still_open(chat: Chat) -> None:
    """No appointment is offered before the patient has been checked."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="patient_contact")
    play(chat, fragments()["emergency"])
    two_days_pass(chat)
    chat.say("hello")
    expect(chat, {"not_response": "utter_offer_booking_form"})
    play(chat, fragments()["insists_on_booking"])
    play(chat, fragments()["has_been_checked"])
    expect(chat, {"response": "utter_offer_booking_form"})
