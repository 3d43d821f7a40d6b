"""Turns a change without a reference into a message for a person."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, times
from actions.base import ClinicAction, Event
from actions.reading import slot_events
from assistant.policies.wishes import says

# The messages in which the appointment was told of.
LAST = 2


class ActionPassChangeOn(ClinicAction):
    """Says that a person can find the appointment, and writes down what the patient wants."""

    NAME = "action_pass_change_on"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Fills the message; the message form asks for the name and contact, and for a yes."""
        dispatcher.utter_message(response="utter_without_reference")
        slots = tracker.slots
        wording = times.words()["message_without_reference"]
        told = _told(tracker)
        asked = wording[slots.get("change_kind") or _kind(told) or "change"]
        moves = slots.get("change_kind") == "move" and slots.get("preferred_time")
        when = wording["wish"].format(wish=slots["preferred_time"]) if moves else None
        known = wording["told"].format(told=told) if told else None
        message = "\n".join(filter(None, (slots.get("message_text"), asked, when, known)))
        contact = slots.get("patient_contact") or slots.get("change_contact")
        written = {"message_text": message, "patient_contact": contact}
        return slot_events({**drafts.change_ended(tracker), **written})


def _told(tracker: Tracker) -> str:
    """What the patient wrote of the appointment in the last messages: its day, or whose it is."""
    texts = [str(event.get("text") or "") for event in tracker.events if event["event"] == "user"]
    typed = [text.strip() for text in texts[-LAST:] if not text.startswith("/")]
    told = [
        text
        for text in typed
        if times.understood(text).status != "none" or says("booked_under", text)
    ]
    return " ".join(dict.fromkeys(told))


def _kind(told: str) -> str | None:
    """ "cancel" or "move", when the words tell one of them."""
    kinds = [kind for kind in ("cancel", "move") if says(kind, told)]
    return kinds[0] if len(kinds) == 1 else None
