"""Sends a patient to the booking program the clinic already has (``way: link``)."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.base import ClinicAction, Event
from actions.choosing import therapist_of
from actions.reading import intent_of, mentioned, slot_events, text_of
from clinic import setup
from clinic.contacts import read_contact

CHANGES = "change_appointment"


class ActionGiveLink(ClinicAction):
    """Gives the address, filled in as far as the patient has said things and the program can.

    That it was given is noted for the clinic. Nothing is asked: the program asks it again anyway.
    """

    NAME = "action_give_link"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says where to book, or where to move and cancel."""
        from clinic.booking.handoff import hand_over

        known = {**tracker.slots, **mentioned(tracker)}
        service = known.get("service")
        contact = read_contact(known.get("patient_contact") or "")
        link = await setup.call(
            hand_over,
            tracker.sender_id,
            service=services.name_of(service) if service else None,
            minutes=services.minutes_of(service) if service else None,
            therapist=_therapist(known, tracker),
            name=known.get("patient_name"),
            email=contact.value if contact and contact.kind == "email" else None,
            phone=contact.value if contact and contact.kind == "phone" else None,
        )
        changes = intent_of(tracker) == CHANGES
        dispatcher.utter_message(
            response="utter_link_to_change" if changes else "utter_link_to_book",
            booking_link=link.address,
        )
        return slot_events({"booking_link": link.address})


def _therapist(known: dict[str, Any], tracker: Tracker) -> str | None:
    """Whom the patient wants to see, or the only one there is; None for anyone."""
    named = known.get("therapist") or services.read_therapist(text_of(tracker))
    everyone = services.therapists()
    return therapist_of({"therapist": named}) or (everyone[0] if len(everyone) == 1 else None)
