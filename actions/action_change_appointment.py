"""Moves or cancels an appointment."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms, proposals, times
from actions.base import ClinicAction, Event
from actions.cards import card_of
from actions.choosing import CHANGE_ENDED, UNCHOSEN
from actions.reading import slot_events
from clinic import clock, setup

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
        elif not await times.taken_elsewhere(
            times.Offer.from_dict(slots["chosen"]), reference
        ) and await setup.call(_move, tracker.sender_id, slots):
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
        return slot_events({**CHANGE_ENDED, **open_forms.ended(tracker, "change_form", dispatcher)})

    async def _answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Accepts the time that the clinic proposes, or gives it back."""
        slots = tracker.slots
        said = await setup.call(
            _answer, slots["change_kind"], slots["change_reference"], slots["proposal"]
        )
        for message in said:
            accepted = message["response"] == "utter_proposal_accepted"
            card = await card_of(slots["change_reference"]) if accepted else None
            dispatcher.utter_message(**message, card=card)
        return slot_events({**CHANGE_ENDED, **open_forms.ended(tracker, "change_form", dispatcher)})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)


def _answer(kind: str, reference: str, proposal: str) -> list[dict[str, Any]]:
    from clinic.booking.models import AppointmentRequest

    request = AppointmentRequest.objects.get(reference=reference)
    return proposals.answer(kind, request, proposals.number_of(proposal))


def _cancel(reference: str) -> None:
    from clinic.booking.models import AppointmentRequest
    from clinic.booking.requests import cancel_request

    cancel_request(AppointmentRequest.objects.get(reference=reference))


def _move(conversation: str, slots: dict[str, Any]) -> bool:
    from clinic.booking.holds import held
    from clinic.booking.models import AppointmentRequest
    from clinic.booking.requests import reschedule_request

    kept = held(conversation, clock.now())
    if kept is None:
        return False
    request = AppointmentRequest.objects.get(reference=slots["change_reference"])
    moved = reschedule_request(request, kept, preferred_time=slots["preferred_time"])
    return moved is not None
