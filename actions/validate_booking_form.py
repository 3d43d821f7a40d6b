"""Reads messages for the booking form."""

from __future__ import annotations

from actions.form_validation import FormValidation


class ValidateBookingForm(FormValidation):
    """Fills the booking form's slots."""

    NAME = "validate_booking_form"
    SLOTS = ("preferred_time", "patient_name", "patient_contact", "note", "confirm_booking")
    CONFIRMATION = "confirm_booking"
