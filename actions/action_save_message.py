"""Stores a message for a person at the clinic."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms
from actions.base import ClinicAction, Event
from actions.reading import slot_events
from clinic import setup

DONE = {"confirm_message": None, "message_text": None}
AGAIN = {"confirm_message": None}


class ActionSaveMessage(ClinicAction):
    """Stores what the message form holds and tells the reference."""

    NAME = "action_save_message"
    SORRY = "utter_message_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Stores the message once, whatever is sent twice; it takes the place of a live chat."""
        from clinic.handoff.messages import leave_message
        from clinic.live.chats import stop_waiting

        slots = tracker.slots
        message = await setup.call(
            leave_message,
            conversation_id=tracker.sender_id,
            patient_name=slots["patient_name"],
            patient_contact=slots["patient_contact"],
            text=slots["message_text"],
            idempotency_key=str(tracker.latest_message["message_id"]),
        )
        await setup.call(stop_waiting, tracker.sender_id)
        dispatcher.utter_message(
            response="utter_message_saved",
            reference=message.reference,
            patient_contact=slots["patient_contact"],
        )
        return slot_events({**DONE, **open_forms.ended(tracker, "message_form", dispatcher)})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)
