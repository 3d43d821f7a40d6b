"""Reads messages for the form that moves or cancels an appointment."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services, times
from actions.choosing import answer_to_offers, take_up, with_time
from actions.form_validation import FormValidation, asked_in, no_problem
from actions.reading import SKIPPED, entity_of, text_of
from clinic import setup

# Asked for to find the appointment.
ASKED_TO_FIND = frozenset({"change_reference", "change_contact"})
# The next question is named, since the problem is told in its place.
NOT_FOUND = {
    "change_reference": None,
    "change_contact": None,
    "problem_count": 1,
    "requested_slot": "change_reference",
}


class ValidateChangeForm(FormValidation):
    """Finds the appointment by its reference and contact, then reads what shall become of it."""

    NAME = "validate_change_form"
    SLOTS = (
        "change_reference",
        "change_contact",
        "change_kind",
        "preferred_time",
        "chosen_time",
        "confirm_change",
    )
    CONFIRMATION = "confirm_change"
    REPLACED = frozenset({"chosen_time"})

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a time that is held included."""
        asked = asked_in(tracker)
        if asked == "chosen_time":
            answer = await answer_to_offers(tracker)
            if answer is not None:
                return answer
        values = {**_from_this_chat(tracker), **self.read_message(tracker)}
        values |= _kind(tracker, asked)
        known = {**tracker.slots, **values}
        if known.get("change_reference") and known.get("change_contact"):
            if not tracker.slots.get("found_request"):
                values |= await _look_up(tracker, known)
            if values.get("problem") in ("utter_request_not_found", "utter_too_many_tries"):
                return values
            values = await with_time(tracker, values)
        if {**tracker.slots, **values}.get("change_kind") == "cancel":
            values |= {"preferred_time": SKIPPED, "chosen_time": SKIPPED}
        return values

    async def take_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        """What the message says comes before what was kept."""
        values = await self.values_from(tracker)
        anew = {"preferred_time", "chosen_time"} & values.keys()
        return values if anew else {**await take_up(dispatcher, tracker), **values}


def _from_this_chat(tracker: Tracker) -> dict[str, Any]:
    """A request made in this chat needs no reference typed again."""
    slots = tracker.slots
    if asked_in(tracker) is not None or not slots.get("reference"):
        return {}
    if not slots.get("patient_contact"):
        return {}
    return {"change_reference": slots["reference"], "change_contact": slots["patient_contact"]}


def _kind(tracker: Tracker, asked: str | None) -> dict[str, Any]:
    """What shall become of the appointment, whenever it is said.

    At the end, "cancel it" is a yes to "shall I cancel it?", and a change of mind otherwise.
    """
    before = tracker.slots.get("change_kind")
    kind = entity_of(tracker, "kind")
    text = text_of(tracker)
    if kind not in ("move", "cancel"):
        said = [k for k in ("cancel", "move") if re.search(times.words()[k], text, re.IGNORECASE)]
        kind = said[0] if len(said) == 1 else None
    if kind is None:
        return {}
    if kind == before and asked == "confirm_change":
        return {"confirm_change": "yes", **no_problem()} if kind == "cancel" else {}
    if kind == before:
        # said again, it is no wrong answer to the question for the reference
        return no_problem() if asked in ASKED_TO_FIND else {}
    wish = {"preferred_time": None, "chosen_time": None} if before and kind == "move" else {}
    return {"change_kind": kind, "confirm_change": None, **wish, **no_problem()}


async def _look_up(tracker: Tracker, known: dict[str, Any]) -> dict[str, Any]:
    found = await setup.call(
        _find, tracker.sender_id, known["change_reference"], known["change_contact"]
    )
    if isinstance(found, str):
        return {**NOT_FOUND, "problem": found}
    return found


def _find(conversation: str, reference: str, contact: str) -> dict[str, Any] | str:
    """The request's slots, or the name of the problem."""
    from clinic.booking.finding import Throttled, find_request
    from clinic.booking.requests import NEXT

    request = find_request(reference, contact, conversation_id=conversation)
    if isinstance(request, Throttled):
        return "utter_too_many_tries"
    if request is None or not NEXT[request.status]:
        return "utter_request_not_found"
    found: dict[str, Any] = {
        "change_reference": request.reference,
        "service": (
            services.in_full(request.service, request.minutes)
            if request.service and request.minutes
            else None
        ),
        "therapist": request.therapist or None,
        "found_request": request.preferred_time,
    }
    if request.starts_at is not None:
        minutes = int((request.ends_at - request.starts_at).total_seconds() // 60)
        offer = times.Offer(request.starts_at, minutes, request.therapist)
        found["found_request"] = offer.read_back()
        found["last_appointment"] = {**offer.as_dict(), "service": request.service}
    return found
