"""Stores why an answer did not help."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import entity_of, slot_events, text_of
from clinic import setup


class ActionSaveReason(ClinicAction):
    """Adds the patient's words, or the button pressed, to the rating given before."""

    NAME = "action_save_reason"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Thanks, and offers a person."""
        from clinic.conversations.feedback import save_feedback

        rated = tracker.slots.get("rated")
        reason = entity_of(tracker, "reason") or text_of(tracker)
        if rated and reason:
            await setup.call(
                save_feedback, conversation_id=tracker.sender_id, reason=reason, **rated
            )
        dispatcher.utter_message(response="utter_reason_noted")
        return slot_events({"rated": None})
