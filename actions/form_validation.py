"""How every form reads a message: one mechanism for all of them."""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import lru_cache
from typing import Any, ClassVar

import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from actions.reading import entity_of, intent_of, mentioned, read, slot_events, text_of
from assistant.project import DATA


@lru_cache(maxsize=1)
def _field_words() -> dict[str, re.Pattern[str]]:
    """Which words name which slot, from data/fields.yml."""
    fields = yaml.safe_load((DATA / "fields.yml").read_text(encoding="utf-8"))["fields"]
    return {
        slot: re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
        for slot, words in fields.items()
    }


class FormValidation(ClinicAction):
    """Reads the latest message for the running form.

    What the message mentions fills the slots that are empty, the slot that is asked for
    takes the whole message, and at the read-back a mention replaces what was there.
    """

    CONFIRMATION: ClassVar[str]

    @property
    @abstractmethod
    def SLOTS(self) -> tuple[str, ...]:
        """The form's slots, in the order they are asked for; a class attribute of each form."""

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Returns the slots to set; always one at least, so that the form goes on.

        After an interruption Rasa asks for the validation again, although the message was
        dealt with: then there is nothing to read.
        """
        interrupted = tracker.active_loop.get("name") and (
            tracker.latest_action_name != "action_listen"
        )
        return slot_events(_no_problem() if interrupted else self.read_message(tracker))

    def read_message(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the latest message sets."""
        asked = tracker.slots.get("requested_slot")
        asked = asked if asked in self.SLOTS else None
        said = {slot: value for slot, value in mentioned(tracker).items() if slot in self.SLOTS}
        to_change = self._field_to_change(tracker, asked, said)
        if to_change:
            return {to_change: None, self.CONFIRMATION: None, **_no_problem()}
        may_replace = asked == self.CONFIRMATION
        values: dict[str, Any] = {
            slot: value
            for slot, value in said.items()
            if may_replace or slot == asked or tracker.slots.get(slot) is None
        }
        if asked is None or asked in values or (may_replace and values):
            return {**values, **_no_problem()}
        reading = read(asked, tracker)
        if reading.problem:
            count = (tracker.slots.get("problem_count") or 0) + 1
            return {**values, "problem": reading.problem, "problem_count": count}
        return {**values, asked: reading.value, **_no_problem()}

    def _field_to_change(
        self, tracker: Tracker, asked: str | None, said: dict[str, str]
    ) -> str | None:
        """The slot to ask again, when the patient says which one was wrong."""
        field = entity_of(tracker, "field")
        if field in self.SLOTS:
            return field
        corrects = intent_of(tracker) in ("correct_booking", "deny", "change_appointment")
        if said or not text_of(tracker) or not (corrects or asked == self.CONFIRMATION):
            return None
        if asked != self.CONFIRMATION and intent_of(tracker) != "correct_booking":
            return None
        named = [
            slot
            for slot, words in _field_words().items()
            if slot in self.SLOTS and words.search(text_of(tracker))
        ]
        return named[0] if len(named) == 1 else None


def _no_problem() -> dict[str, Any]:
    return {"problem": None, "problem_count": 0}
