"""Deletes what the clinic keeps of this chat."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events
from clinic import setup


class ActionDeleteMyData(ClinicAction):
    """Erases the conversation in the clinic's database and marks the chat for erasing.

    The chat itself is erased by ``assistant.tracker_store`` when this turn is over. What staff hold
    as part of a client's health record is kept, and the patient reads so.
    """

    NAME = "action_delete_my_data"
    SORRY = "utter_delete_failed"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Erases, then says what is gone and what is not."""
        from clinic.privacy.erasing import delete_for_patient

        kept = await setup.call(delete_for_patient, tracker.sender_id)
        if tracker.sender_id in kept:
            dispatcher.utter_message(response="utter_data_kept")
            return slot_events({"confirm_delete": None})
        dispatcher.utter_message(
            response="utter_data_deleted_in_part" if kept else "utter_data_deleted"
        )
        return slot_events({"confirm_delete": None, "erase_chat": True})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """The yes is asked for again."""
        return slot_events({"confirm_delete": None})
