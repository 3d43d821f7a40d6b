"""Keeps what a patient volunteers while booking, for the therapist."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.form_validation import no_problem
from actions.reading import beside, slot_events, text_of, without_contacts
from actions.validate_booking_form import ValidateBookingForm
from assistant.policies.wishes import note_and_rest, says

LONGEST = 2000  # characters
BOOKING = ValidateBookingForm()


class ActionAddNote(ClinicAction):
    """Adds the message to the note, or to the message that is being left, and says so."""

    NAME = "action_add_note"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Appends; a note that grows too long keeps its beginning.

        What is said beside the note ("make it 45, and put that ...") is read as the form reads it.
        """
        in_message = tracker.active_loop_name == "message_form"
        slot = "message_text" if in_message else "note"
        told, rest = note_and_rest(text_of(tracker))
        values: dict[str, Any] = {}
        if told and any(c.isalnum() for c in rest) and tracker.active_loop_name == "booking_form":
            values = await BOOKING.values_from(beside(tracker, rest))
            if values.get("problem") != "time_question":
                values = {slot: values[slot] for slot in values if slot not in no_problem()}
            # a yes beside it is one to what was read back without it
            values = {**values, "confirm_booking": None}
        before = values.get("note") or tracker.slots.get(slot)
        note = "\n".join(filter(None, (before, told or _whole(tracker, in_message))))
        said = "utter_added_to_message" if in_message else "utter_note_added"
        dispatcher.utter_message(response=said)
        return slot_events({**values, slot: note[:LONGEST]})


def _whole(tracker: Tracker, in_message: bool) -> str:
    """The message; a note leaves out the number and the address that stand in the request."""
    text = text_of(tracker)
    if in_message or says("contact_wish", text):
        return text
    return " ".join(without_contacts(text).split())
