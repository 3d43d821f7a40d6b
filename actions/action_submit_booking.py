"""Stores an appointment request."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events
from clinic import setup

DONE = {"confirm_booking": None, "preferred_time": None, "note": None, "paused_form": None}
AGAIN = {"confirm_booking": None}


class ActionSubmitBooking(ClinicAction):
    """Stores what the booking form holds and tells the reference."""

    NAME = "action_submit_booking"
    SORRY = "utter_booking_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Stores the request once, whatever is sent twice."""
        from clinic.booking.requests import create_request

        slots = tracker.slots
        request = await setup.call(
            create_request,
            conversation_id=tracker.sender_id,
            patient_name=slots["patient_name"],
            patient_contact=slots["patient_contact"],
            preferred_time=slots["preferred_time"],
            note=slots["note"] or None,
            idempotency_key=str(tracker.latest_message["message_id"]),
        )
        dispatcher.utter_message(
            response="utter_booking_requested",
            reference=request.reference,
            patient_contact=slots["patient_contact"],
        )
        return slot_events({**DONE, "reference": request.reference})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)
