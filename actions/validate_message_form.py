"""Reads messages for the form that passes a message to the clinic."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions.form_validation import FormValidation, asked_in
from actions.reading import bare_name, text_of


class ValidateMessageForm(FormValidation):
    """Fills the message form's slots."""

    NAME = "validate_message_form"
    SLOTS = ("message_text", "patient_name", "patient_contact", "confirm_message")
    CONFIRMATION = "confirm_message"
    KEPT = "utter_kept_message_form"

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a name in the place of the message included."""
        values = self.read_message(tracker)
        if asked_in(tracker) == "message_text" and "message_text" not in values:
            name = bare_name(text_of(tracker))
            values = {**({"patient_name": name} if name else {}), **values}
        return values
