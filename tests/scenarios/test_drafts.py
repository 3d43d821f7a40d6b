"""A new appointment was begun, and another one is moved or cancelled before it is sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from scenario_chat import Chat, read, stored
from scenario_servers import wait_until
from scenario_steps import expect, fill, fragments, play

DRAFT = {
    "preferred_time": {"patient": "Wednesday February 3 at 3 pm"},
    "service": {"patient": "30 minutes please"},
}
ELSEWHEN = {"preferred_time": {"patient": "Tuesday February 9 at 10 am"}}


@pytest.fixture
def with_a_draft(chat: Chat) -> Chat:
    """An appointment is requested; the next one is read back when the patient asks for a person."""
    play(chat, fragments()["book"])
    chat.say("I want to book another appointment")
    fill(chat, until="confirm_booking", with_=DRAFT)
    chat.say("I want to talk to a human being")
    fill(chat)
    expect(chat, {"response": "utter_offer_booking_form", "contains": "February 3"})
    return chat


def chosen(chat: Chat) -> str:
    """The start of the time that is read back, as the clinic keeps it."""
    return str(chat.slot("chosen")["start"])[:19].replace("T", " ")


def goes_on(chat: Chat) -> None:
    """The draft is offered as it was, and is sent."""
    expect(chat, {"response": "utter_offer_booking_form", "contains": ["February 3", "30 min"]})
    chat.click("Yes, go on")
    expect(chat, {"asks": "confirm_booking", "contains": ["February 3", "30 minutes"]})
    told = chosen(chat)
    assert told.startswith("2027-02-03"), chat
    fill(chat)
    *_, request = stored(chat).requests
    assert (request["starts_at"], request["minutes"]) == (told, 30)


def test_a_move_asks_for_a_time_of_its_own(with_a_draft: Chat) -> None:
    """And the draft is as it was when the appointment is moved."""
    chat = with_a_draft
    chat.say("can I move my appointment")
    expect(chat, {"asks": "preferred_time", "not_contains": "February 3"})
    fill(chat, with_=ELSEWHEN)
    expect(chat, {"response": "utter_appointment_moved", "contains": "February 9"})
    goes_on(chat)
    moved, _ = stored(chat).requests
    assert moved["starts_at"].startswith("2027-02-09")
    assert moved["minutes"] == 60


@pytest.mark.parametrize(
    "ends", [lambda chat: fill(chat), lambda chat: chat.say("stop")], ids=["cancelled", "stopped"]
)
def test_the_draft_is_as_it_was(with_a_draft: Chat, ends: Callable[[Chat], None]) -> None:
    """After an appointment was cancelled, or was left as it is."""
    with_a_draft.say("I have to cancel my appointment")
    expect(with_a_draft, {"asks": "confirm_change"})
    ends(with_a_draft)
    goes_on(with_a_draft)


def test_the_draft_is_gone_on_with_before_the_change(with_a_draft: Chat) -> None:
    """Then the change is offered, and asks for its own time."""
    chat = with_a_draft
    chat.say("can I move my appointment")
    fill(chat, until="confirm_change", with_=ELSEWHEN)
    chat.say("I want to book another appointment")
    expect(chat, {"asks": "confirm_booking", "contains": ["February 3", "30 minutes"]})
    fill(chat)
    expect(chat, {"response": ["utter_booking_requested", "utter_offer_change_form"]})
    chat.click("Yes, go on")
    expect(chat, {"asks": "preferred_time"})
    fill(chat, with_=ELSEWHEN)
    moved, drafted = stored(chat).requests
    assert moved["starts_at"].startswith("2027-02-09")
    assert drafted["starts_at"].startswith("2027-02-03")
    assert (moved["minutes"], drafted["minutes"]) == (60, 30)


def test_a_draft_given_up_during_a_change_leaves_the_change_alone(with_a_draft: Chat) -> None:
    """By the button of an offer from before."""
    chat = with_a_draft
    offered = chat.replies
    chat.say("can I move my appointment")
    fill(chat, until="confirm_change", with_=ELSEWHEN)
    chat.say("I want to talk to a human being")
    chat.say("stop")
    chat.replies = offered
    chat.click("No, leave it")
    expect(chat, {"response": ["utter_form_left", "utter_offer_change_form"]})
    chat.click("Yes, go on")
    expect(chat, {"asks": "confirm_change", "contains": "February 9"})
    fill(chat)
    (request,) = stored(chat).requests
    assert request["starts_at"].startswith("2027-02-09")


def test_a_therapist_who_has_left_is_in_no_ones_way(chat: Chat) -> None:
    """The appointment is moved to a time of somebody who works here."""
    play(chat, fragments()["book"])
    with closing(sqlite3.connect(chat.servers.clinic_database, timeout=20)) as database, database:
        for table, of_chat in (
            ("booking_appointmentrequest", "conversation_id = ?"),
            (
                "booking_hold",
                "request_id IN"
                " (SELECT id FROM booking_appointmentrequest WHERE conversation_id = ?)",
            ),
        ):
            database.execute(
                f"UPDATE {table} SET therapist = 'Robin Left' WHERE {of_chat}",  # noqa: S608
                (chat.sender,),
            )
    chat.say("can I move my appointment")
    expect(chat, {"asks": "preferred_time"})
    fill(chat, with_=ELSEWHEN)
    expect(chat, {"response": ["utter_appointment_moved"]})
    (request,) = stored(chat).requests
    assert (request["therapist"], request["status"]) == ("Natalie Yeo", "changed")


def held(chat: Chat) -> int:
    """How many times this chat keeps from others."""
    query = "SELECT id FROM booking_hold WHERE conversation_id = ? AND request_id IS NULL"
    return len(read(chat.servers.clinic_database, query, chat.sender))


@pytest.mark.parametrize("ends", ["Cancel", "stop", "let us start over", "danger"])
def test_a_time_is_kept_no_longer_than_it_is_wanted(chat: Chat, ends: str) -> None:
    """Others can have it at once."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking", with_=DRAFT)
    assert held(chat) == 1
    if ends == "danger":
        play(chat, fragments()["emergency"])
    elif ends == "Cancel":
        chat.click(ends)
    else:
        chat.say(ends)
    expect(chat, {"form": None})
    # an alarm is told at once, and the time is given back beside that
    wait_until(lambda: held(chat) == 0, "the time is free again")


def test_danger_frees_the_time_of_a_form_that_was_interrupted(chat: Chat) -> None:
    """By a message to the clinic, which keeps no time."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking", with_=DRAFT)
    chat.say("I want to talk to a human being")
    expect(chat, {"form": "message_form"})
    assert held(chat) == 1
    play(chat, fragments()["emergency"])
    wait_until(lambda: held(chat) == 0, "the time is free again")
