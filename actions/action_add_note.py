"""Keeps what a patient volunteers while booking, for the therapist."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of
from assistant.policies.wishes import note_in

LONGEST = 2000  # characters


class ActionAddNote(ClinicAction):
    """Adds the message to the note and says so."""

    NAME = "action_add_note"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Appends; a note that grows too long keeps its beginning."""
        told = note_in(text_of(tracker)) or text_of(tracker)
        note = "\n".join(filter(None, (tracker.slots.get("note"), told)))
        dispatcher.utter_message(response="utter_note_added")
        return slot_events({"note": note[:LONGEST]})
