"""Keeps what a message says for the running form, before a question in it is answered."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.form_validation import FormValidation
from actions.reading import slot_events
from actions.validate_booking_form import ValidateBookingForm
from actions.validate_change_form import ValidateChangeForm
from actions.validate_message_form import ValidateMessageForm

FORMS: dict[str, FormValidation] = {
    "booking_form": ValidateBookingForm(),
    "change_form": ValidateChangeForm(),
    "message_form": ValidateMessageForm(),
}


class ActionReadDetails(ClinicAction):
    """Reads the message as the running form would, without the form's own turn."""

    NAME = "action_read_details"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Sets the slots that the message answers."""
        waiting = (tracker.slots.get("open_forms") or [None])[-1]
        form = FORMS.get(str(tracker.active_loop.get("name") or waiting))
        return slot_events(await form.values_from(tracker)) if form else []
