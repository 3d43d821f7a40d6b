"""Tells what has become of the request that was sent in this conversation."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import proposals
from actions.base import ClinicAction, Event
from actions.request_status import status_of
from clinic import setup

DRAFT = ("preferred_time", "service")


class ActionTellStatus(ClinicAction):
    """Requested, proposed, confirmed, declined, changed, cancelled or expired; or nothing sent."""

    NAME = "action_tell_status"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says it as it is in the clinic's database now."""
        proposal = proposals.told_before(tracker)
        sent = [tracker.slots.get(slot) for slot in ("reference", "waiting_reference")]
        sent = [proposal.partition("-")[0]] if proposal else sent
        begun = any(tracker.slots.get(slot) for slot in DRAFT)
        if not any(sent) or (begun and not proposal):
            dispatcher.utter_message(
                response="utter_status_not_sent" if begun else "utter_status_nothing"
            )
        for reference in filter(None, sent):
            dispatcher.utter_message(**await setup.call(_status, reference))
        return []


def _status(reference: str) -> dict[str, Any]:
    """The response for the request with this reference, and what stands in it."""
    from clinic.booking.models import AppointmentRequest, WaitingEntry

    request = AppointmentRequest.objects.filter(reference=reference).first()
    if request is None:
        entry = WaitingEntry.objects.filter(reference=reference).first()
        waits = entry is not None and entry.state == WaitingEntry.State.WAITING
        response = "utter_status_waiting" if waits else "utter_not_on_waiting_list"
        return {"response": response, "reference": reference}
    return status_of(request)
