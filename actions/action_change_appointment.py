"""Moves or cancels an appointment."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, open_forms, proposals, times
from actions.base import ClinicAction, Event
from actions.cards import card_of
from actions.choosing import UNCHOSEN
from actions.reading import slot_events
from clinic import setup

AGAIN = {"confirm_change": None}


class ActionChangeAppointment(ClinicAction):
    """Does what the change form holds and says so."""

    NAME = "action_change_appointment"
    SORRY = "utter_change_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Cancels, or gives the request its new time; the old one becomes free."""
        slots = dict(tracker.slots)
        reference = slots["change_reference"]
        if slots["change_kind"] in (proposals.ACCEPT, proposals.LEAVE):
            return await self._answer(dispatcher, tracker)
        if slots["change_kind"] == "cancel":
            await setup.call(_cancel, reference)
            response = "utter_appointment_cancelled"
        elif await _moved(tracker.sender_id, slots):
            response = "utter_appointment_moved"
        else:
            gone = {**UNCHOSEN, **AGAIN, "problem": "time_taken", "problem_count": 1}
            return [*slot_events(gone), FollowupAction("change_form")]
        dispatcher.utter_message(
            response=response,
            reference=reference,
            chosen_time=slots.get("chosen_time") or "",
            card=await card_of(reference),
        )
        moved = _as_told_here(slots) if slots["change_kind"] != "cancel" else {}
        return [*_ended(dispatcher, tracker), *slot_events(moved)]

    async def _answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Accepts the time that the clinic proposes, or gives it back."""
        slots = tracker.slots
        said = await setup.call(
            _answer, slots["change_kind"], slots["change_reference"], slots["proposal"]
        )
        await proposals.say(dispatcher, said)
        return _ended(dispatcher, tracker)

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)


def _as_told_here(slots: dict[str, Any]) -> dict[str, Any]:
    """The moved appointment as if it had been made in this chat: "scrap it, cancel it" is about it.

    It is found by the contact that it was found by now; a new booking may have another one.
    """
    contact = slots["change_contact"]
    if slots.get("patient_contact") not in (None, contact):
        return {}
    return {"reference": slots["change_reference"], "patient_contact": contact}


def _ended(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
    """The slots at the end; the appointment that this had interrupted is offered again."""
    done = _without_message(tracker)
    tracker.slots.update(done)
    open_still = open_forms.ended(tracker, "change_form", dispatcher)
    return slot_events({**done, **drafts.change_ended(tracker), **open_still})


def _without_message(tracker: Tracker) -> dict[str, Any]:
    """The slots without the message that asked a person for this change, if one was begun."""
    text = tracker.slots.get("message_text") or ""
    wording = times.words()["message_without_reference"]
    if not text.startswith(tuple(wording[kind] for kind in ("cancel", "move", "change"))):
        return {}
    others = [form for form in tracker.slots.get("open_forms") or [] if form != "message_form"]
    return {"message_text": None, "open_forms": others or None}


def _answer(kind: str, reference: str, proposal: str) -> list[dict[str, Any]]:
    from clinic.booking.models import AppointmentRequest

    request = AppointmentRequest.objects.get(reference=reference)
    return proposals.answer(kind, request, proposals.number_of(proposal))


def _cancel(reference: str) -> None:
    from clinic.booking.models import AppointmentRequest, Status
    from clinic.booking.requests import cancel_request

    request = AppointmentRequest.objects.get(reference=reference)
    if request.status != Status.CANCELLED:
        cancel_request(request)


async def _moved(conversation: str, slots: dict[str, Any]) -> bool:
    """Whether the appointment has its new time, by now or from a try whose answer was lost."""
    reference = slots["change_reference"]
    offer = times.Offer.from_dict(slots["chosen"])
    if await setup.call(_was_moved, reference, offer):
        return True
    if await times.taken_elsewhere(offer, reference):
        return False
    return await setup.call(_move, conversation, reference, offer, slots["preferred_time"])


def _was_moved(reference: str, offer: times.Offer) -> bool:
    from clinic.booking.models import AppointmentRequest, Status

    request = AppointmentRequest.objects.get(reference=reference)
    at_that_time = (request.therapist, request.starts_at) == (offer.therapist, offer.start)
    return request.status == Status.CHANGED and at_that_time


def _move(conversation: str, reference: str, offer: times.Offer, preferred_time: str) -> bool:
    from clinic.booking.models import AppointmentRequest
    from clinic.booking.requests import reschedule_request

    request = AppointmentRequest.objects.get(reference=reference)
    kept = times.hold_of(conversation, offer, request)
    if kept is None:
        return False
    return reschedule_request(request, kept, preferred_time=preferred_time) is not None
