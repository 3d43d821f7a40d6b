"""Keeps what a patient volunteers while booking, for the therapist."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of
from assistant.policies.wishes import note_in

LONGEST = 2000  # characters


class ActionAddNote(ClinicAction):
    """Adds the message to the note, or to the message that is being left, and says so."""

    NAME = "action_add_note"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Appends; a note that grows too long keeps its beginning."""
        in_message = tracker.active_loop_name == "message_form"
        slot = "message_text" if in_message else "note"
        told = note_in(text_of(tracker)) or text_of(tracker)
        note = "\n".join(filter(None, (tracker.slots.get(slot), told)))
        said = "utter_added_to_message" if in_message else "utter_note_added"
        dispatcher.utter_message(response=said)
        return slot_events({slot: note[:LONGEST]})
