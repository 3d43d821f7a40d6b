"""Stores an appointment request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms, services, times
from actions.base import ClinicAction, Event
from actions.cards import card_of
from actions.choosing import NO_WISH, UNCHOSEN, therapist_of
from actions.reading import slot_events
from actions.request_status import waits_for, when
from clinic import clock, setup

# Name and contact stay for another appointment; all else is asked anew.
DONE = {
    "confirm_booking": None,
    "service": None,
    "therapist": None,
    "new_or_returning": None,
    "note": None,
    "for_whom": None,
    "draft": None,
    **NO_WISH,
}
AGAIN = {"confirm_booking": None}


class ActionSubmitBooking(ClinicAction):
    """Stores what the booking form holds and tells the reference."""

    NAME = "action_submit_booking"
    SORRY = "utter_booking_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Stores the request once, whatever is sent twice.

        When the time was held too long ago and is somebody else's now, the patient chooses
        another one.
        """
        waits = bool(tracker.slots.get("waiting_list"))
        # one key for each draft: also a new yes, after an answer that was lost, is the same request
        key = str(tracker.slots.get("draft") or tracker.latest_message["message_id"])
        sent = await setup.call(stored_before, tracker.sender_id, key)
        if sent is not None:
            # chosen since, after the answer that told of it was lost or late
            await times.let_go(tracker.sender_id)
        elif waits or not await _taken_elsewhere(tracker):
            sent = await setup.call(
                _join_waiting_list if waits else _store,
                tracker.sender_id,
                dict(tracker.slots),
                key,
            )
        if sent is None:
            gone = {**UNCHOSEN, **AGAIN, "problem": "time_taken", "problem_count": 1}
            return [*slot_events(gone), FollowupAction("booking_form")]
        dispatcher.utter_message(
            response="utter_booking_requested" if sent.time else "utter_waiting_list_joined",
            reference=sent.reference,
            chosen_time=sent.time,
            waits_for=sent.waits_for,
            card=await card_of(sent.reference) if sent.time else None,
        )
        if tracker.slots.get("next_patient"):
            dispatcher.utter_message(response="utter_offer_next_patient")
        ended = open_forms.ended(tracker, "booking_form", dispatcher)
        done = {**DONE, **ended}
        if not sent.time:
            # the reference of a request, which can be moved and cancelled, stays
            return slot_events({**done, "waiting_reference": sent.reference})
        last = {"reference": sent.reference, "last_appointment": sent.appointment}
        return slot_events({**done, **last})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)


class Sent(NamedTuple):
    """What is stored, as it is told: with its own time, whatever was chosen since.

    ``time`` and ``appointment`` are None for a place on the waiting list, and ``waits_for`` for a
    request.
    """

    reference: str
    time: str | None = None
    waits_for: str | None = None
    appointment: dict[str, Any] | None = None


def stored_before(conversation: str, key: str) -> Sent | None:
    """What was stored with this key in a conversation, None when nothing was."""
    from clinic.booking.models import AppointmentRequest, WaitingEntry

    stored = {"conversation_id": conversation, "idempotency_key": key}
    request = AppointmentRequest.objects.filter(**stored).first()
    if request is not None:
        return _sent(request)
    entry = WaitingEntry.objects.filter(**stored).first()
    return _waits(entry) if entry is not None else None


def _sent(request: Any) -> Sent:
    appointment = None
    if request.starts_at is not None:
        offer = times.Offer(request.starts_at, request.minutes, request.therapist)
        service = services.in_full(request.service, request.minutes)
        appointment = {**offer.as_dict(), "service": service}
    return Sent(request.reference, when(request), appointment=appointment)


def _waits(entry: Any) -> Sent:
    return Sent(entry.reference, waits_for=waits_for(entry))


async def _taken_elsewhere(tracker: Tracker) -> bool:
    """Whether somebody at the clinic has filled the time meanwhile; then it is given back."""
    taken = await times.taken_elsewhere(times.Offer.from_dict(tracker.slots["chosen"]))
    if taken:
        await times.let_go(tracker.sender_id)
    return taken


def _store(conversation: str, slots: dict[str, Any], key: str) -> Sent | None:
    from clinic.booking.requests import TimeGone, create_request

    now = clock.now()
    kept = times.hold_of(conversation, times.Offer.from_dict(slots["chosen"]))
    if kept is None:
        return None
    try:
        request = create_request(
            conversation_id=conversation,
            patient_name=slots["patient_name"],
            patient_contact=slots["patient_contact"],
            preferred_time=slots["preferred_time"],
            idempotency_key=key,
            service=services.name_of(slots["service"]),
            minutes=services.minutes_of(slots["service"]),
            therapist=therapist_of(slots),
            hold=kept,
            now=now,
            **_details(slots, now),
        )
    except TimeGone:
        return None
    return _sent(request)


def _details(slots: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What belongs to a request and to a place on the waiting list alike."""
    return {
        "note": slots.get("note") or None,
        "new_or_returning": slots.get("new_or_returning") or None,
        "for_whom": slots.get("for_whom"),
        "consent_version": times.words()["consent_version"],
        "consent_at": now,
    }


def _join_waiting_list(conversation: str, slots: dict[str, Any], key: str) -> Sent:
    from clinic.booking.waiting import join_waiting_list

    now = clock.now()
    minutes = services.minutes_of(slots["service"])
    # The patient means when it starts, the waiting list where the whole of it lies.
    longer = timedelta(minutes=minutes - 1)
    entry = join_waiting_list(
        conversation_id=conversation,
        patient_name=slots["patient_name"],
        patient_contact=slots["patient_contact"],
        minutes=minutes,
        windows=[(start, end + longer) for start, end in times.loaded(slots["windows"])],
        idempotency_key=key,
        now=now,
        service=services.name_of(slots["service"]),
        therapist=therapist_of(slots),
        **_details(slots, now),
    )
    return _waits(entry)
