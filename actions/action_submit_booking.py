"""Stores an appointment request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms, services, times
from actions.base import ClinicAction, Event
from actions.cards import card_of
from actions.choosing import NO_WISH, UNCHOSEN, therapist_of
from actions.reading import slot_events
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
        reference = await setup.call(stored_before, tracker.sender_id, key)
        if reference is None and (waits or not await _taken_elsewhere(tracker)):
            reference = await setup.call(
                _join_waiting_list if waits else _store,
                tracker.sender_id,
                dict(tracker.slots),
                key,
            )
        if reference is None:
            gone = {**UNCHOSEN, **AGAIN, "problem": "time_taken", "problem_count": 1}
            return [*slot_events(gone), FollowupAction("booking_form")]
        dispatcher.utter_message(
            response="utter_waiting_list_joined" if waits else "utter_booking_requested",
            reference=reference,
            chosen_time=tracker.slots["chosen_time"],
            card=None if waits else await card_of(reference),
        )
        if tracker.slots.get("next_patient"):
            dispatcher.utter_message(response="utter_offer_next_patient")
        ended = open_forms.ended(tracker, "booking_form", dispatcher)
        done = {**DONE, **ended}
        if waits:
            # the reference of a request, which can be moved and cancelled, stays
            return slot_events({**done, "waiting_reference": reference})
        chosen = {**tracker.slots["chosen"], "service": tracker.slots["service"]}
        return slot_events({**done, "reference": reference, "last_appointment": chosen})

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """Everything stays for another try; only the yes is asked for again."""
        return slot_events(AGAIN)


def stored_before(conversation: str, key: str) -> str | None:
    """The reference of what was stored with this key in a conversation, None when nothing was."""
    from clinic.booking.models import AppointmentRequest, WaitingEntry

    for model in (AppointmentRequest, WaitingEntry):
        stored = model.objects.filter(conversation_id=conversation, idempotency_key=key).first()
        if stored is not None:
            return str(stored.reference)
    return None


async def _taken_elsewhere(tracker: Tracker) -> bool:
    """Whether somebody at the clinic has filled the time meanwhile; then it is given back."""
    taken = await times.taken_elsewhere(times.Offer.from_dict(tracker.slots["chosen"]))
    if taken:
        await times.let_go(tracker.sender_id)
    return taken


def _store(conversation: str, slots: dict[str, Any], key: str) -> str | None:
    from clinic.booking.holds import held, hold
    from clinic.booking.requests import TimeGone, create_request

    now = clock.now()
    offer = times.Offer.from_dict(slots["chosen"])
    kept = held(conversation, now) or hold(
        offer.therapist, offer.start, offer.minutes, conversation, now
    )
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
    return str(request.reference)


def _details(slots: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What belongs to a request and to a place on the waiting list alike."""
    return {
        "note": slots.get("note") or None,
        "new_or_returning": slots.get("new_or_returning") or None,
        "for_whom": slots.get("for_whom"),
        "consent_version": times.words()["consent_version"],
        "consent_at": now,
    }


def _join_waiting_list(conversation: str, slots: dict[str, Any], key: str) -> str:
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
    return str(entry.reference)
