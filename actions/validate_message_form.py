"""Reads messages for the form that passes a message to the clinic."""

from __future__ import annotations

from actions.form_validation import FormValidation


class ValidateMessageForm(FormValidation):
    """Fills the message form's slots."""

    NAME = "validate_message_form"
    SLOTS = ("message_text", "patient_name", "patient_contact", "confirm_message")
    CONFIRMATION = "confirm_message"
    KEPT = "utter_kept_message_form"
