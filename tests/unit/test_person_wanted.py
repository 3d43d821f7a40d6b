"""A wish to talk to a person: one is called, or the patient hears that nobody would come."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.policies.red_flag import concerns_safety
from assistant.policies.situation import Situation, Turn
from assistant.policies.turn import plan

EMERGENCY = {"level": "emergency", "response": "utter_emergency", "why": "A reason."}
IN_BOOKING = {"form": "booking_form", "requested_slot": "patient_name"}


def says(*labels: str, text: str = "words", **where: Any) -> Situation:
    acts = tuple((label, 0.9) for label in labels)
    return Situation(text=text, acts=acts, **{"person": "there"} | where)


@pytest.mark.parametrize("text", ["words", "/speak_to_human"])
def test_a_person_is_called_when_someone_is_there(text: str) -> None:
    assert plan(says("speak_to_human", text=text)) == Turn(("action_call_person",))


def test_when_nobody_is_there_the_patient_hears_so_and_can_leave_a_message() -> None:
    planned = plan(says("speak_to_human", person="away"))
    assert planned == Turn(("utter_nobody_there", "message_form"))


def test_where_no_person_can_come_the_message_starts_as_ever() -> None:
    assert plan(says("speak_to_human", person=None)) is None


def test_a_message_instead_is_a_message() -> None:
    assert plan(says("leave_message", text="/leave_message")) is None
    planned = plan(says("leave_message", text="/leave_message", **IN_BOOKING))
    assert planned is not None
    assert planned.actions == ("message_form",)


def test_the_answer_to_another_question_comes_first() -> None:
    planned = plan(says("faq/cost", "speak_to_human"))
    assert planned == Turn(("utter_faq/cost", "action_call_person"))


def test_a_form_that_runs_is_kept() -> None:
    planned = plan(says("speak_to_human", text="can I talk to somebody?", **IN_BOOKING))
    assert planned == Turn(
        ("action_call_person",), {"open_forms": ["booking_form"]}, stop_form=True
    )


def test_an_offered_message_is_no_call() -> None:
    planned = plan(says("affirm", text="yes", said_before=("utter_distress",)))
    assert planned == Turn(("message_form",), {"requested_slot": None})


def test_a_message_that_is_being_written_goes_on() -> None:
    form = {"form": "message_form", "requested_slot": "patient_name"}
    assert plan(says("speak_to_human", **form)) == plan(says("speak_to_human", person=None, **form))


def test_nobody_in_danger_is_put_on_a_list() -> None:
    planned = plan(says("speak_to_human", triage=EMERGENCY))
    assert planned is not None
    assert planned.actions == ("utter_emergency",)


@pytest.mark.parametrize(
    ("now", "answers"),
    [
        (says("faq/cost"), False),
        (says("book_appointment", red_flag_level="urgent"), False),
        (says("faq/symptoms", triage={"level": None, "safety_net": True}), False),
        (says("faq/symptoms", triage=EMERGENCY), True),
        (says("faq/symptoms", triage={"level": "urgent"}), True),
        (says("faq/symptoms", triage={"level": "check"}), True),
        (says("deny", safety_check={"level": "urgent"}), True),
        (says("sign_applies", text="/sign_applies"), True),
    ],
)
def test_what_the_assistant_answers_while_a_person_is_there(now: Situation, answers: bool) -> None:
    assert concerns_safety(now) is answers
