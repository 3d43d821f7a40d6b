"""Takes a patient off the waiting list."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import slot_events
from clinic import setup


class ActionLeaveWaitingList(ClinicAction):
    """Ends what the patient waits for in this conversation; requests stay as they are."""

    NAME = "action_leave_waiting_list"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says so, also when there was nothing to end."""
        left = await setup.call(_leave, tracker.sender_id)
        dispatcher.utter_message(
            response="utter_waiting_list_left" if left else "utter_not_on_waiting_list"
        )
        return slot_events({"waiting_reference": None})


def _leave(conversation: str) -> int:
    from clinic.booking.waiting import leave_waiting_list

    return leave_waiting_list(conversation)
