"""Where the clinic books in a program of its own, the link is given wherever a form would start."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.policies.situation import Situation, Turn
from assistant.policies.turn import plan

EMERGENCY = {"level": "emergency", "response": "utter_emergency", "why": "A reason."}


def says(*labels: str, text: str = "words", **where: Any) -> Situation:
    acts = tuple((label, 0.9) for label in labels)
    return Situation(text=text, acts=acts, **{"books_elsewhere": True} | where)


@pytest.mark.parametrize("label", ["book_appointment", "change_appointment"])
def test_the_link_stands_in_the_place_of_the_forms(label: str) -> None:
    assert plan(says(label)) == Turn(("action_give_link",))
    assert plan(says(label, books_elsewhere=False)) is None
    assert plan(says(label, text=f"/{label}")) == Turn(("action_give_link",))


def test_after_the_answers_to_other_questions() -> None:
    both = plan(says("faq/cost", "book_appointment"))
    assert both == Turn(("utter_faq/cost", "action_give_link"))
    twice = plan(says("book_appointment", "change_appointment"))
    assert twice is not None
    assert twice.actions == ("action_give_link",)


def test_another_form_goes_on_afterwards() -> None:
    planned = plan(says("book_appointment", form="message_form", requested_slot="patient_name"))
    assert planned == Turn(("action_give_link", "message_form"))


def test_a_form_that_was_begun_before_the_change_is_finished() -> None:
    planned = plan(
        says("faq/cost", text="what does it cost?", form="booking_form", requested_slot="note")
    )
    assert planned is not None
    assert planned.actions[-1] == "booking_form"


def test_nobody_in_danger_is_sent_to_a_booking_page() -> None:
    alarm = plan(says("book_appointment", triage=EMERGENCY))
    assert alarm is not None
    assert alarm.actions == ("utter_emergency",)
    blocked = plan(says("book_appointment", red_flag_level="urgent"))
    assert blocked == Turn(("utter_booking_blocked_red_flag",))


def test_what_was_wanted_before_a_check_question_is_done_after_it() -> None:
    check = {"level": "urgent", "why": None, "acts": [["book_appointment", 0.9]]}
    planned = plan(says("deny", text="/deny", safety_check=check))
    assert planned is not None
    assert planned.actions == ("utter_check_cleared", "action_give_link")


def test_other_forms_start_as_ever() -> None:
    assert plan(says("speak_to_human")) is None
    assert plan(says("delete_my_data")) is None
