"""An answer is lost after the work was done: what was stored is told, and not stored again."""

from __future__ import annotations

import re
import signal
import sqlite3
from contextlib import closing

import pytest
from scenario_chat import Chat, read, stored
from scenario_servers import Servers, locked, wait_until
from scenario_steps import answers, expect, fill, fragments, play
from window import Window

ANOTHER_TIME = {"preferred_time": {"patient": "Wednesday December 23 at 3 pm"}}


def lose_the_turn(chat: Chat) -> None:
    """The Rasa server died before it kept the last turn."""
    _cut(chat, "id >= (SELECT max(id) FROM events WHERE sender_id = ? AND type_name = 'user')")


def lose_the_answer(chat: Chat, action: str) -> None:
    """The action server died after it had done this and before it said so."""
    begun = f"(SELECT max(id) FROM events WHERE sender_id = ? AND action_name = '{action}')"  # noqa: S608
    _cut(chat, f"type_name IN ('slot', 'bot') AND id > {begun}")


def _cut(chat: Chat, what: str) -> None:
    with closing(sqlite3.connect(chat.servers.tracker_database, timeout=20)) as database, database:
        delete = f"DELETE FROM events WHERE sender_id = ? AND {what}"  # noqa: S608
        assert database.execute(delete, (chat.sender, chat.sender)).rowcount
    chat._events = None


def reference_in(text: str) -> str:
    """The reference that a patient is told."""
    found = re.search(r"reference (?:is )?(\w{6})\b", text)
    assert found, text
    return found[1]


def test_the_server_is_killed_after_a_request_was_stored(servers: Servers) -> None:
    """The message is taken up by the next server: one request, and its reference is told."""
    window = Window(servers.rasa_url).open()
    window.ask("I would like to make an appointment please")
    for slot in ("service", "preferred_time", "chosen_time", "patient_name", "patient_contact"):
        step = answers()[slot]
        if "patient" in step:
            window.ask(step["patient"])
        else:
            title = step["click"]
            buttons = window.seen[-1]["buttons"]
            window.answers(window.press(title if isinstance(title, str) else buttons[0]["title"]))
    query = "SELECT reference FROM booking_appointmentrequest ORDER BY id"
    before = len(read(servers.clinic_database, query))
    assert servers.actions.process is not None
    servers.actions.process.send_signal(signal.SIGSTOP)
    sent = window.press("Send request")
    # Nothing can be written to the conversation any more, but for the request all goes on.
    with locked(servers.tracker_database, "IMMEDIATE"):
        servers.actions.process.send_signal(signal.SIGCONT)
        wait_until(
            lambda: len(read(servers.clinic_database, query)) > before, "the request is stored"
        )
        servers.rasa.stop(signal.SIGKILL)
    servers.rasa.start()
    servers.rasa.wait()
    window.reopen()
    said = " ".join(answer["text"] for answer in window.answers(sent))
    (row,) = read(servers.clinic_database, query)[before:]
    assert f"reference is {row['reference']}" in said
    window.close()


def test_a_new_yes_after_an_answer_was_lost(chat: Chat) -> None:
    """The action server died after it had stored the request, and the patient books again."""
    play(chat, fragments()["start_booking"])
    fill(chat)
    told = reference_in(chat.text)
    lose_the_answer(chat, "action_submit_booking")
    chat.say("I want to book an appointment")
    expect(chat, {"response": ["utter_booking_requested"], "form": None})
    assert reference_in(chat.text) == told
    (request,) = stored(chat).requests
    assert request["reference"] == told
    # The next appointment is another one.
    chat.say("I want to book another appointment")
    fill(chat, with_=ANOTHER_TIME)
    assert len(stored(chat).requests) == 2, chat


def test_a_yes_that_was_lost_sends_no_other_details(chat: Chat) -> None:
    """Nothing was stored: what the patient says next is read back before it is sent."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking")
    with locked(chat.servers.clinic_database):
        chat.click("Send request")
    lose_the_answer(chat, "action_submit_booking")
    chat.say("I want to book an appointment")
    expect(chat, {"form": "booking_form", "asks": "confirm_booking"})
    fill(chat)
    assert len(stored(chat).requests) == 1, chat


def read_back(chat: Chat) -> str:
    """The start of the time that is chosen, as the clinic keeps it."""
    return str(chat.slot("chosen")["start"])[:19].replace("T", " ")


def kept(chat: Chat) -> list[dict[str, object]]:
    """What this chat holds and no request has taken."""
    query = "SELECT * FROM booking_hold WHERE conversation_id = ? AND request_id IS NULL"
    return read(chat.servers.clinic_database, query, chat.sender)


def test_the_time_that_is_sent_is_the_one_that_was_read_back(chat: Chat) -> None:
    """Another one was kept in a turn whose answer was lost."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking", with_=ANOTHER_TIME)
    asked, told = chat.replies, read_back(chat)
    chat.say("make it Tuesday December 22 at 3 pm")
    (other,) = kept(chat)
    assert str(other["starts_at"]).startswith("2026-12-22"), chat
    lose_the_turn(chat)
    chat.replies = asked
    chat.click("Send request")
    expect(chat, {"response": ["utter_booking_requested"], "contains": "December 23"})
    (request,) = stored(chat).requests
    assert request["starts_at"] == told
    assert not kept(chat), "the other time is free again"


def test_a_move_is_to_the_time_that_was_read_back(chat: Chat) -> None:
    """Another one was kept in a turn whose answer was lost."""
    play(chat, fragments()["book"])
    chat.say("can I move my appointment")
    fill(chat, until="confirm_change", with_=ANOTHER_TIME)
    asked, told = chat.replies, read_back(chat)
    chat.say("make it Tuesday December 22 at 3 pm")
    lose_the_turn(chat)
    chat.replies = asked
    chat.click("Move it")
    expect(chat, {"response": ["utter_appointment_moved"], "contains": "December 23"})
    (request,) = stored(chat).requests
    assert request["starts_at"] == told


def test_what_was_sent_is_told_with_its_own_time(chat: Chat) -> None:
    """The answer to the yes was lost, and the patient has chosen another time meanwhile."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking", with_=ANOTHER_TIME)
    asked, told = chat.replies, read_back(chat)
    chat.click("Send request")
    expect(chat, {"response": ["utter_booking_requested"]})
    lose_the_turn(chat)
    chat.replies = asked
    chat.say("make it Tuesday December 22 at 3 pm")
    chat.click("Send request")
    expect(chat, {"response": ["utter_booking_requested"], "contains": "December 23"})
    (request,) = stored(chat).requests
    assert request["starts_at"] == told
    assert not kept(chat), "the other time is free again"


@pytest.mark.parametrize(
    ("asks", "button", "response", "status"),
    [
        ("can I move my appointment", "Move it", "utter_appointment_moved", "changed"),
        (
            "I have to cancel my appointment",
            "Cancel it",
            "utter_appointment_cancelled",
            "cancelled",
        ),
    ],
)
def test_a_change_that_is_repeated(
    chat: Chat, asks: str, button: str, response: str, status: str
) -> None:
    """The Rasa server died before it kept the turn: the change is told as it was made."""
    play(chat, fragments()["book"])
    chat.say(asks)
    fill(chat, until="confirm_change", with_=ANOTHER_TIME)
    asked = chat.replies
    chat.click(button)
    expect(chat, {"response": response})
    lose_the_turn(chat)
    chat.replies = asked
    chat.click(button)
    expect(chat, {"response": [response], "form": None})
    (request,) = stored(chat).requests
    assert request["status"] == status
    query = "SELECT status FROM booking_statuschange WHERE request_id = ? AND status = ?"
    assert len(read(chat.servers.clinic_database, query, request["id"], status)) == 1


def test_a_new_time_that_was_kept_too_long_ago(chat: Chat) -> None:
    """Nobody else wanted it meanwhile, so it is had."""
    play(chat, fragments()["book"])
    chat.say("can I move my appointment")
    fill(chat, until="confirm_change", with_=ANOTHER_TIME)
    with closing(sqlite3.connect(chat.servers.clinic_database, timeout=20)) as database, database:
        database.execute(
            "UPDATE booking_hold SET expires_at = held_at WHERE conversation_id = ?", (chat.sender,)
        )
    chat.click("Move it")
    expect(chat, {"response": ["utter_appointment_moved"]})
    (request,) = stored(chat).requests
    assert request["starts_at"].startswith("2026-12-23")
