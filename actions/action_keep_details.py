"""Keeps a name and a contact for later, while nothing may be booked."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import bare_name, mentioned, slot_events, text_of

DETAILS = ("patient_name", "patient_contact")


class ActionKeepDetails(ClinicAction):
    """Notes them for the request that waits, and touches nothing else of it."""

    NAME = "action_keep_details"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """The latest name and contact count."""
        said = mentioned(tracker)
        found = {slot: said[slot] for slot in DETAILS if slot in said}
        name = bare_name(text_of(tracker))
        if name and "patient_name" not in found:
            found["patient_name"] = name
        if found:
            dispatcher.utter_message(response="utter_kept_for_later")
        return slot_events(found)
