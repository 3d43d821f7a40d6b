"""A red flag at every question of every form."""

from __future__ import annotations

import pytest
from scenario_chat import Chat, stored
from scenario_steps import Step, answers, expect, fill, fragments, play

# How each form is started and, after a red flag, gone on with.
FORMS: dict[str, tuple[str, Step]] = {
    "booking_form": ("start_booking", {"click": "Go on with booking"}),
    "message_form": ("start_message", {"click": "Talk to a person"}),
    "delete_form": ("start_deletion", {"patient": "please delete my data"}),
}
# What belongs to the question itself or to the time that is given back.
NOT_KEPT = {
    "chosen",
    "chosen_time",
    "offered_times",
    "paused_form",
    "problem_count",
    "red_flag_level",
    "requested_slot",
    "shown_times",
    "why",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_question(chat: Chat, form: str) -> None:
    """The form stops, keeps what was given, books nothing, and goes on once checked.

    The questions are not listed here: the form is filled in, and at each question it really asks
    there is a red flag first.
    """
    start, again = FORMS[form]
    play(chat, fragments()[start])
    met: set[str] = set()
    while chat.asked:
        slot = chat.asked
        if slot not in met:
            met.add(slot)
            given = _given(chat)
            play(chat, fragments()["emergency"])
            assert _given(chat) == given, chat
            play(chat, fragments()["insists_on_booking"])
            play(chat, fragments()["has_been_checked"])
            play(chat, [again])
            expect(chat, {"form": form})
            fill(chat, until=slot)
            assert _given(chat).items() >= given.items(), chat
        if slot.startswith("confirm"):
            break
        play(chat, [answers()[slot]])
    assert f"confirm_{form.removesuffix('_form')}" in met, chat
    kept = stored(chat)
    assert not kept.requests, chat
    assert not kept.messages, chat


def _given(chat: Chat) -> dict[str, object]:
    return {name: value for name, value in chat.slots().items() if name not in NOT_KEPT}


@pytest.mark.parametrize("slot", ["preferred_time", "patient_contact", "confirm_booking"])
def test_a_check_question_at_a_question(chat: Chat, slot: str) -> None:
    """Cleared, the form asks the same again; not cleared, it has stopped."""
    play(chat, fragments()["start_booking"])
    fill(chat, until=slot)
    play(chat, fragments()["check_question"])
    chat.click("No, old and unchanged")
    expect(chat, {"response": "utter_check_cleared", "form": "booking_form", "asks": slot})
    play(chat, fragments()["check_question"])
    chat.click("Yes, or not sure")
    expect(chat, {"response": "utter_urgent", "form": None})
    play(chat, fragments()["insists_on_booking"])
    assert not stored(chat).requests, chat
