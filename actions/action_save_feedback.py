"""Stores the rating of an answer."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import entity_of, slot_events
from clinic import setup

NOTED = "utter_feedback_noted"


class ActionSaveFeedback(ClinicAction):
    """Stores a thumb with the answer it belongs to; the value "none" takes it back."""

    NAME = "action_save_feedback"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Thanks; words without a thumb are only thanked for."""
        from clinic.conversations.feedback import save_feedback, withdraw_feedback

        value = entity_of(tracker, "value")
        answer = entity_of(tracker, "answer")
        if value not in ("up", "down", "none") or not answer:
            dispatcher.utter_message(response=NOTED)
            return []
        about = {
            "answer": f"utter_faq/{answer}",
            # the website's thumbs name the message and may give a reason
            "message_reference": entity_of(tracker, "message_reference")
            or _rated_message(tracker, answer),
        }
        if value == "none":
            await setup.call(withdraw_feedback, conversation_id=tracker.sender_id, **about)
            dispatcher.utter_message(response=NOTED)
            return []
        rated = {**about, "value": value}
        reason = entity_of(tracker, "reason")
        await setup.call(save_feedback, conversation_id=tracker.sender_id, reason=reason, **rated)
        # in a form the next words answer its question, so none is asked here
        asks_why = value == "down" and not reason and not tracker.active_loop.get("name")
        response = f"utter_feedback_thanks_{value}" if asks_why or value == "up" else NOTED
        dispatcher.utter_message(response=response)
        return slot_events({"rated": rated if asks_why else None})


def _rated_message(tracker: Tracker, answer: str) -> str:
    """The time of the answer in the conversation, which names it there."""
    for event in reversed(tracker.events):
        metadata = event.get("metadata") or {}
        if event.get("event") == "bot" and metadata.get("utter_action") == f"utter_faq/{answer}":
            return str(event.get("timestamp"))
    return ""
