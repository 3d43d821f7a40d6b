"""Turns a change without a reference into a message for a person."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, times
from actions.base import ClinicAction, Event
from actions.reading import slot_events


class ActionPassChangeOn(ClinicAction):
    """Says that a person can find the appointment, and writes down what the patient wants."""

    NAME = "action_pass_change_on"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Fills the message; the message form asks for the name and contact, and for a yes."""
        dispatcher.utter_message(response="utter_without_reference")
        slots = tracker.slots
        wording = times.words()["message_without_reference"]
        asked = wording[slots.get("change_kind") or "change"]
        moves = slots.get("change_kind") == "move" and slots.get("preferred_time")
        when = wording["wish"].format(wish=slots["preferred_time"]) if moves else None
        message = "\n".join(filter(None, (slots.get("message_text"), asked, when)))
        contact = slots.get("patient_contact") or slots.get("change_contact")
        written = {"message_text": message, "patient_contact": contact}
        return slot_events({**drafts.change_ended(tracker), **written})
