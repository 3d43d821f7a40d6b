"""Gives up a form that was offered again."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, open_forms, times
from actions.action_save_message import DONE as MESSAGE_DONE
from actions.action_submit_booking import DONE as BOOKING_DONE
from actions.base import ClinicAction, Event
from actions.reading import entity_of, slot_events


class ActionLeaveForm(ClinicAction):
    """Leaves it, and what it held."""

    NAME = "action_leave_form"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says so; a time that was kept is free for others again."""
        waiting = tracker.slots.get("open_forms") or []
        form = entity_of(tracker, "form") or (waiting[-1] if waiting else "")
        # the one of the two that is set aside keeps no time
        if form == ("change_form" if drafts.is_aside(tracker) else "booking_form"):
            await times.let_go(tracker.sender_id)
        dispatcher.utter_message(response="utter_form_left")
        emptied = _emptied(form, tracker)
        return slot_events({**emptied, **open_forms.ended(tracker, form, dispatcher)})


def _emptied(form: str, tracker: Tracker) -> dict[str, Any]:
    """The slots of what the patient does not want any more. Name and contact stay."""
    if form == "change_form":
        return drafts.change_ended(tracker)
    if form == "booking_form":
        return drafts.given_up(tracker, BOOKING_DONE)
    return MESSAGE_DONE if form == "message_form" else {}
