"""Reads messages for the booking form."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions import services
from actions.choosing import answer_to_offers, with_time
from actions.form_validation import FormValidation
from actions.reading import SKIPPED


class ValidateBookingForm(FormValidation):
    """Fills the booking form's slots and holds the time that is chosen."""

    NAME = "validate_booking_form"
    SLOTS = (
        "service",
        "therapist",
        "preferred_time",
        "chosen_time",
        "patient_name",
        "patient_contact",
        "new_or_returning",
        "for_whom",
        "note",
        "confirm_booking",
    )
    CONFIRMATION = "confirm_booking"
    REPLACED = frozenset({"chosen_time"})

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a time that is held included."""
        if tracker.slots.get("requested_slot") == "chosen_time":
            answer = await answer_to_offers(tracker)
            if answer is not None:
                return answer
        return await with_time(tracker, {**_not_asked(tracker), **self.read_message(tracker)})


def _not_asked(tracker: Tracker) -> dict[str, Any]:
    """What need not be asked: the only choice there is, and the note.

    The note is asked for when the patient wants to change it; volunteered words go there.
    """
    given: dict[str, Any] = {}
    if len(services.offered()) == 1 and not tracker.slots.get("service"):
        given["service"] = services.offered()[0]
    if len(services.therapists()) == 1 and not tracker.slots.get("therapist"):
        given["therapist"] = services.therapists()[0]
    if tracker.slots.get("note") is None and tracker.slots.get("requested_slot") != "note":
        given["note"] = SKIPPED
    return given
