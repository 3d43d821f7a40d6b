"""Reads messages for the booking form."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.choosing import answer_to_offers, other_one, take_up, with_time
from actions.form_validation import FormValidation, asked_in, no_problem
from actions.reading import SKIPPED, bare_name, text_of

BEFORE_THE_NAME = frozenset({"service", "therapist", "preferred_time", "chosen_time"})


class ValidateBookingForm(FormValidation):
    """Fills the booking form's slots and holds the time that is chosen."""

    NAME = "validate_booking_form"
    SLOTS = (
        "service",
        "therapist",
        "preferred_time",
        "chosen_time",
        "patient_name",
        "patient_contact",
        "new_or_returning",
        "for_whom",
        "note",
        "confirm_booking",
    )
    CONFIRMATION = "confirm_booking"
    REPLACED = frozenset({"chosen_time"})
    KEPT = "utter_kept_booking_form"

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a time that is held included."""
        if asked_in(tracker) == "chosen_time":
            answer = await answer_to_offers(tracker)
        else:
            answer = await other_one(tracker)
        if answer is not None:
            return {**_visit(tracker), **answer}
        values = {**_not_asked(tracker), **self.read_message(tracker), **_name_unasked(tracker)}
        return await with_time(tracker, values)

    async def take_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        """What the message says comes before what was kept."""
        values = await self.values_from(tracker)
        anew = {"preferred_time", "service", "chosen_time"} & values.keys()
        return values if anew else {**await take_up(dispatcher, tracker), **values}


def _name_unasked(tracker: Tracker) -> dict[str, Any]:
    """A name given while something else is asked, without "my name is"."""
    if asked_in(tracker) not in BEFORE_THE_NAME or tracker.slots.get("patient_name"):
        return {}
    name = bare_name(text_of(tracker))
    if not name or services.read_therapist(name):
        return {}
    return {"patient_name": name, **no_problem()}


def _visit(tracker: Tracker) -> dict[str, Any]:
    visit = services.read_visit(text_of(tracker))
    return {"new_or_returning": visit} if visit else {}


def _not_asked(tracker: Tracker) -> dict[str, Any]:
    """What need not be asked: the only choice there is, and the note.

    The note is asked for when the patient wants to change it; volunteered words go there.
    """
    given: dict[str, Any] = {}
    if len(services.offered()) == 1 and not tracker.slots.get("service"):
        given["service"] = services.offered()[0]
    if len(services.therapists()) == 1 and not tracker.slots.get("therapist"):
        given["therapist"] = services.therapists()[0]
    if tracker.slots.get("note") is None and asked_in(tracker) != "note":
        given["note"] = SKIPPED
    return given
