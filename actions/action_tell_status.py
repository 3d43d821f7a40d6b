"""Tells what has become of the request that was sent in this conversation."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, own_requests, proposals
from actions.base import ClinicAction, Event
from actions.reading import text_of
from actions.request_status import status_of, waits_for
from assistant.policies.wishes import says
from clinic import setup

DRAFT = ("preferred_time", "service")


class ActionTellStatus(ClinicAction):
    """Requested, proposed, confirmed, declined, changed, cancelled or expired; or nothing sent."""

    NAME = "action_tell_status"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says it as it is in the clinic's database now."""
        slots = tracker.slots
        proposal = proposals.told_before(tracker)
        waiting = slots.get("waiting_reference")
        sent = [slots.get("reference"), waiting]
        begun = any((slots.get(drafts.ASIDE) or slots).get(slot) for slot in DRAFT)
        if tracker.active_loop.get("name") == "change_form" and slots.get("found_request"):
            # the one that is being changed, which is no new request
            sent, begun = [slots["change_reference"]], False
        elif proposal:
            sent, begun = [proposal.partition("-")[0]], False
        else:
            told = await setup.call(_told, tracker.sender_id, sent[0], text_of(tracker))
            sent = [*told, waiting] if told else sent
            # "no, I've already booked" wants no second one
            begun = begun and not (told or says("booked_already", text_of(tracker)))
        if not any(sent) or begun:
            dispatcher.utter_message(
                response="utter_status_not_sent" if begun else "utter_status_nothing"
            )
        for reference in filter(None, sent):
            dispatcher.utter_message(**await setup.call(_status, reference))
        return []


def _told(conversation: str, reference: str | None, text: str) -> list[str]:
    """Of several requests from this chat those that the words tell: "is the 10 am still on?"."""
    sent = own_requests.sent(conversation, reference)
    found = own_requests.meant(sent, text) if len(sent) > 1 else None
    return [request.reference for request in found or []]


def _status(reference: str) -> dict[str, Any]:
    """The response for the request with this reference, and what stands in it."""
    from clinic.booking.models import AppointmentRequest, WaitingEntry

    request = AppointmentRequest.objects.filter(reference=reference).first()
    if request is None:
        entry = WaitingEntry.objects.filter(reference=reference).first()
        waits = entry is not None and entry.state == WaitingEntry.State.WAITING
        response = "utter_status_waiting" if waits else "utter_not_on_waiting_list"
        told = {"waits_for": waits_for(entry)} if waits else {}
        return {"response": response, "reference": reference, **told}
    return status_of(request)
