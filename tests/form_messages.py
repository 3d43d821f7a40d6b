"""A message that a form has just heard, for tests of how forms read."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions.form_validation import FormValidation
from actions.validate_booking_form import ValidateBookingForm
from actions.validate_change_form import ValidateChangeForm
from actions.validate_delete_form import ValidateDeleteForm
from actions.validate_message_form import ValidateMessageForm

BOOKING, MESSAGE, DELETION = ValidateBookingForm(), ValidateMessageForm(), ValidateDeleteForm()
CHANGE = ValidateChangeForm()
FORM_OF = {
    BOOKING: "booking_form",
    MESSAGE: "message_form",
    DELETION: "delete_form",
    CHANGE: "change_form",
}
GIVEN = {
    "service": "massage therapy, 60 minutes",
    "therapist": "Natalie Yeo",
    "preferred_time": "Thursday",
    "chosen_time": "Thursday, 4 pm",
    "patient_name": "Sam Wilson",
    "patient_contact": "416-555-0199",
    "message_text": "Please call me",
    "note": "",
}


def heard(
    text: str,
    intent: str = "nlu_fallback",
    asked: str | None = None,
    form: FormValidation = BOOKING,
    sure: float = 0.9,
    slots: dict[str, Any] | None = None,
    events: list[dict[str, Any]] | None = None,
    **entities: str,
) -> Tracker:
    """A conversation in which the patient has just written ``text``."""
    found = [{"entity": name, "value": value} for name, value in entities.items()]
    message = {
        "text": text,
        "intent": {"name": intent, "confidence": sure},
        "entities": found,
        "message_id": "1",
    }
    return Tracker(
        sender_id="someone",
        slots={"requested_slot": asked, **(slots or {})},
        latest_message=message,
        events=events or [],
        paused=False,
        followup_action=None,
        active_loop={"name": FORM_OF[form]},
        latest_action_name="action_listen",
    )
