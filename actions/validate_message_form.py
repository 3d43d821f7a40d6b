"""Reads messages for the form that passes a message to the clinic."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import times
from actions.base import Event
from actions.form_validation import FormValidation, asked_in, starting
from actions.reading import tells_who_only, text_of, without_contacts
from assistant.policies.wishes import says
from clinic.names import read_name


class ValidateMessageForm(FormValidation):
    """Fills the message form's slots."""

    NAME = "validate_message_form"
    SLOTS = ("message_text", "patient_name", "patient_contact", "confirm_message")
    CONFIRMATION = "confirm_message"
    KEPT = "utter_kept_message_form"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """As in every form; a message told with the wish to leave one is not asked for again."""
        told = starting(tracker) and _told_at_once(tracker)
        events = await super().perform(dispatcher, tracker)
        if told:
            dispatcher.utter_message(response="utter_message_begun")
        return events

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a name in the place of the message included."""
        values = self.read_message(tracker)
        asked, text = asked_in(tracker), text_of(tracker)
        if asked == "message_text" and "message_text" not in values and tells_who_only(text):
            name = read_name(without_contacts(text))
            values = {**({"patient_name": name} if name else {}), **values}
        if starting(tracker) and _told_at_once(tracker):
            values["message_text"] = text
        when = _when_to_reach(text) if asked in ("patient_name", "patient_contact") else None
        if when and tracker.slots.get("message_text"):
            values["message_text"] = f"{tracker.slots['message_text']}\n{when}"
        return values


def _told_at_once(tracker: Tracker) -> bool:
    """ "Can she call me about my leg": what to pass on is in the message that begins it."""
    return not tracker.slots.get("message_text") and says("carries_message", text_of(tracker))


def _when_to_reach(text: str) -> str | None:
    """ "After 5", told beside a name or a number."""
    match = re.search(times.words()["when_to_reach"], without_contacts(text), re.IGNORECASE)
    return match[0].strip() if match else None
