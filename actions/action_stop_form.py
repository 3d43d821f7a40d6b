"""Stops the running form and keeps what it holds."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, open_forms, times
from actions.base import ClinicAction, Event
from actions.choosing import UNCHOSEN
from actions.form_validation import no_problem
from actions.reading import slot_events
from assistant.policies.forms import TIMED_FORMS

SAID = {
    "booking_form": "utter_booking_cancelled",
    "message_form": "utter_message_cancelled",
    "delete_form": "utter_delete_cancelled",
    "change_form": "utter_change_stopped",
}
CONFIRMATIONS = {
    "confirm_booking": None,
    "confirm_message": None,
    "confirm_delete": None,
    "confirm_change": None,
}


class ActionStopForm(ClinicAction):
    """Says that nothing was sent, and leaves the form."""

    NAME = "action_stop_form"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Ends the form; the given details stay for another try."""
        form = str(tracker.active_loop.get("name"))
        dispatcher.utter_message(response=SAID.get(form, "utter_nothing_to_stop"))
        emptied: dict[str, Any] = {}
        if form in TIMED_FORMS:
            # the time is free for others again, and is chosen anew
            await times.let_go(tracker.sender_id)
            emptied = dict(UNCHOSEN)
        if form == "change_form":
            emptied = drafts.change_ended(tracker)
        ended = open_forms.ended(tracker, form, dispatcher)
        cleared = {**emptied, **CONFIRMATIONS, **no_problem(), **ended, "requested_slot": None}
        return [ActiveLoop(None), *slot_events(cleared)]
