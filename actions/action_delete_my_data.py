"""Deletes what the clinic keeps of this chat."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events
from clinic import setup


class ActionDeleteMyData(ClinicAction):
    """Erases the conversation in the clinic's database and marks the chat for erasing.

    The chat itself is erased by ``assistant.tracker_store`` when this turn is over.
    """

    NAME = "action_delete_my_data"
    SORRY = "utter_delete_failed"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Erases, then says so."""
        from clinic.privacy.erasing import delete_for_patient

        await setup.call(delete_for_patient, tracker.sender_id)
        dispatcher.utter_message(response="utter_data_deleted")
        return slot_events({"confirm_delete": None, "erase_chat": True})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """The yes is asked for again."""
        return slot_events({"confirm_delete": None})
