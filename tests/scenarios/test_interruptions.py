"""At every question of every form: a red flag, a check question, a question of the patient.

The questions are not listed here: each form is filled in, and whatever it really asks is
interrupted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scenario_chat import Chat, stored
from scenario_steps import Step, answers, expect, fill, fragments, play

# How each form is started and, after a red flag, gone on with.
FORMS: dict[str, tuple[str, Step]] = {
    "booking_form": ("start_booking", {"click": "Yes, go on"}),
    "change_form": ("start_change", {"click": "Yes, go on"}),
    "delete_form": ("start_deletion", {"click": "Yes, go on"}),
    "message_form": ("start_message", {"click": "Yes, finish it"}),
}
# What belongs to the question itself or to the time that is given back.
NOT_KEPT = {
    "alarm_kind",
    "alarm_person",
    "alarms",
    "chosen",
    "chosen_time",
    "offered_times",
    "problem_count",
    "red_flag_level",
    "requested_slot",
    "shown_times",
    "why",
}
QUESTION = "does the massage hurt?"


@pytest.fixture
def own_answers(new_chat: Callable[[], Chat]) -> dict[str, Step]:
    """The usual answers, and the reference of an appointment that can be changed."""
    booked = new_chat()
    play(booked, fragments()["book"])
    (request,) = stored(booked).requests
    return {**answers(), "change_reference": {"patient": request["reference"]}}


def questions(chat: Chat, with_: dict[str, Step]) -> Iterator[str]:
    """Goes through a form up to its read-back, and yields each slot that it asks for."""
    met: set[str] = set()
    while chat.asked:
        slot = chat.asked
        assert slot not in met, f"{slot} is asked for again\n{chat}"
        met.add(slot)
        # Whether it is a first visit is asked once; whoever interrupts is not asked again.
        if slot != "new_or_returning":
            yield slot
        if slot.startswith("confirm"):
            return
        play(chat, [with_[slot]])
    raise AssertionError(f"the form ended without a read-back\n{chat}")


def given(chat: Chat) -> dict[str, object]:
    """What the patient has told so far."""
    return {name: value for name, value in chat.slots().items() if name not in NOT_KEPT}


@pytest.mark.parametrize("form", FORMS)
def test_red_flag(chat: Chat, form: str, own_answers: dict[str, Step]) -> None:
    """The form stops, keeps what was given, sends nothing, and goes on once checked."""
    start, again = FORMS[form]
    play(chat, fragments()[start])
    for slot in questions(chat, own_answers):
        before = given(chat)
        play(chat, fragments()["emergency"])
        assert given(chat) == before, chat
        play(chat, fragments()["insists_on_booking"])
        play(chat, fragments()["has_been_checked"])
        play(chat, [again])
        expect(chat, {"form": form})
        fill(chat, until=slot, with_=own_answers)
        assert given(chat).items() >= before.items(), chat
    assert not stored(chat).requests, chat
    assert not stored(chat).messages, chat


@pytest.mark.parametrize("form", FORMS)
def test_check_question(chat: Chat, form: str, own_answers: dict[str, Step]) -> None:
    """Cleared, the form asks the same again; at the end, not cleared, it stops."""
    play(chat, fragments()[FORMS[form][0]])
    for slot in questions(chat, own_answers):
        before = given(chat)
        play(chat, fragments()["check_question"])
        chat.click("No, old and unchanged")
        expect(chat, {"response": "utter_check_cleared", "form": form, "asks": slot})
        assert given(chat) == before, chat
    play(chat, fragments()["check_question"])
    chat.click("Yes, or not sure")
    expect(chat, {"response": "utter_urgent", "form": None})
    play(chat, fragments()["insists_on_booking"])
    assert not stored(chat).requests, chat


@pytest.mark.parametrize("form", FORMS)
def test_question_of_the_patient(chat: Chat, form: str, own_answers: dict[str, Step]) -> None:
    """It is answered, and the form asks the same again."""
    play(chat, fragments()[FORMS[form][0]])
    for slot in questions(chat, own_answers):
        before = given(chat)
        chat.say(QUESTION)
        expect(chat, {"response": "utter_faq/does_it_hurt", "form": form, "asks": slot})
        assert given(chat) == before, chat


@pytest.mark.parametrize("form", FORMS)
def test_stop(chat: Chat, form: str, own_answers: dict[str, Step]) -> None:
    """Said at any question, it ends the form and sends nothing."""
    start, _ = FORMS[form]
    play(chat, fragments()[start])
    for slot in questions(chat, own_answers):
        chat.say("stop")
        expect(chat, {"form": None, "not_response": "utter_technical_problem"})
        play(chat, fragments()[start][:1])
        fill(chat, until=slot, with_=own_answers)
    assert not stored(chat).requests, chat
    assert not stored(chat).messages, chat
