"""Gives up a form that was offered again."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms, times
from actions.action_save_message import DONE as MESSAGE_DONE
from actions.action_submit_booking import DONE as BOOKING_DONE
from actions.base import ClinicAction, Event
from actions.choosing import CHANGE_ENDED
from actions.reading import entity_of, slot_events
from assistant.policies.turn import TIMED_FORMS

# What the patient does not want any more. Name and contact stay.
LEFT = {
    "booking_form": BOOKING_DONE,
    "change_form": CHANGE_ENDED,
    "message_form": MESSAGE_DONE,
}


class ActionLeaveForm(ClinicAction):
    """Leaves it, and what it held."""

    NAME = "action_leave_form"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says so; a time that was kept is free for others again."""
        waiting = tracker.slots.get("open_forms") or []
        form = entity_of(tracker, "form") or (waiting[-1] if waiting else "")
        if form in TIMED_FORMS:
            await times.let_go(tracker.sender_id)
        dispatcher.utter_message(response="utter_form_left")
        emptied = LEFT.get(form, {})
        return slot_events({**emptied, **open_forms.ended(tracker, form, dispatcher)})
