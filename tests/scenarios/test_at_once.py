"""Several things at once: patients who want the same time, and a patient who is impatient."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from scenario_chat import Chat, stored
from scenario_steps import expect, fill, fragments, play

PATIENTS = 4
# Whoever is slower picks again, at most once for each of the others.
MOST_TRIES = PATIENTS + 1


def test_everybody_wants_the_first_time(new_chat: Callable[[], Chat]) -> None:
    """All are answered, and no time is given twice."""
    chats = [new_chat() for _ in range(PATIENTS)]
    for chat in chats:
        play(chat, fragments()["start_booking"])
        fill(chat, until="chosen_time")
    with ThreadPoolExecutor(PATIENTS) as patients:
        list(patients.map(_book, chats))
    starts = [stored(chat).requests[0]["starts_at"] for chat in chats]
    assert len(set(starts)) == PATIENTS, starts


def _book(chat: Chat) -> None:
    for _ in range(MOST_TRIES):
        if chat.asked != "chosen_time":
            break
        chat.click(chat.replies[-1].first_button)
    fill(chat)


def test_two_messages_of_one_patient(chat: Chat, new_chat: Callable[[], Chat]) -> None:
    """Both are answered, one after the other."""
    chat.say("hello")
    same_patient = Chat(chat.servers, chat.sender)
    with ThreadPoolExecutor(2) as at_once:
        first = at_once.submit(chat.say, "what does it cost")
        second = at_once.submit(same_patient.say, "does the massage hurt")
        first.result()
        second.result()
    chat.say("tell me more")
    expect(chat, {"not_response": "utter_technical_problem"})
    said = [event["text"] for event in chat.events() if event["event"] == "user" and event["text"]]
    assert sorted(said[1:3]) == ["does the massage hurt", "what does it cost"]


def test_sent_twice(chat: Chat) -> None:
    """A second click on the same button sends nothing again."""
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking")
    chat.click("Send request")
    chat.say("/affirm")
    expect(chat, {"not_response": ["utter_booking_requested", "utter_technical_problem"]})
    assert len(stored(chat).requests) == 1, chat
