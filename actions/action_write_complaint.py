"""Turns a complaint about the clinic into a message for a person."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of


class ActionWriteComplaint(ClinicAction):
    """Says sorry and keeps the patient's words as the message."""

    NAME = "action_write_complaint"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Fills the message; the message form asks for the name and contact, and for a yes."""
        dispatcher.utter_message(response="utter_complaint_taken")
        before = tracker.slots.get("message_text")
        message = "\n".join(filter(None, (before, text_of(tracker))))
        return slot_events({"message_text": message})
