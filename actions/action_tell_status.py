"""Tells what has become of the request that was sent in this conversation."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import times
from actions.base import ClinicAction, Event
from clinic import setup

DRAFT = ("preferred_time", "service")


class ActionTellStatus(ClinicAction):
    """Requested, confirmed, declined, changed, cancelled or expired; or nothing was sent."""

    NAME = "action_tell_status"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says it as it is in the clinic's database now."""
        reference = tracker.slots.get("reference")
        begun = any(tracker.slots.get(slot) for slot in DRAFT)
        if not reference or begun:
            dispatcher.utter_message(
                response="utter_status_not_sent" if begun else "utter_status_nothing"
            )
        if reference:
            dispatcher.utter_message(**await setup.call(_status, reference))
        return []


def _status(reference: str) -> dict[str, Any]:
    """The response for the request with this reference, and what stands in it."""
    from clinic.booking.models import AppointmentRequest, Status, WaitingEntry

    request = AppointmentRequest.objects.filter(reference=reference).first()
    if request is None:
        waits = WaitingEntry.objects.filter(reference=reference).exists()
        response = "utter_status_waiting" if waits else "utter_status_nothing"
        return {"response": response, "reference": reference}
    said = {
        Status.REQUESTED: "utter_status_requested",
        Status.CHANGED: "utter_status_changed",
        Status.CONFIRMED: "utter_status_confirmed",
        Status.DECLINED: "utter_status_declined",
        Status.CANCELLED: "utter_status_cancelled",
        Status.EXPIRED: "utter_status_expired",
    }
    time = request.preferred_time
    if request.starts_at and request.ends_at:
        minutes = int((request.ends_at - request.starts_at).total_seconds() // 60)
        time = times.Offer(request.starts_at, minutes, request.therapist).read_back()
    return {
        "response": said[Status(request.status)],
        "reference": reference,
        "chosen_time": time,
        "patient_contact": request.patient_contact_typed,
    }
