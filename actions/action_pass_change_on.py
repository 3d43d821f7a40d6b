"""Turns a change without a reference into a message for a person."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, times
from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of
from assistant.policies.wishes import kind_of_change, own_words, passes_change_on, says

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
        # begun anew when the wish changes: "don't cancel, can I just move it to Thursday"
        before = own_words(slots.get("message_text"))
        anew, now = passes_change_on(slots.get("message_text")), kind_of_change(text_of(tracker))
        told = _told(tracker)
        if anew and now and text_of(tracker) not in told:
            told = f"{told} {text_of(tracker)}".strip()
        asked = wording[slots.get("change_kind") or now or kind_of_change(told) or "change"]
        moves = slots.get("change_kind") == "move" and slots.get("preferred_time")
        when = wording["wish"].format(wish=slots["preferred_time"]) if moves else None
        known = wording["told"].format(told=told) if told else None
        message = "\n".join(filter(None, (before, asked, when, known)))
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
