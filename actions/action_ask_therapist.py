"""Asks whom the patient would like to see."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services, times
from actions.base import ClinicAction, Event


class ActionAskTherapist(ClinicAction):
    """Shows the therapists of clinic.yml and "anyone" as buttons."""

    NAME = "action_ask_therapist"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Asks."""
        anyone = times.words()["buttons"]["anyone"]
        dispatcher.utter_message(
            response="utter_ask_therapist",
            buttons=[
                *({"title": name, "payload": name} for name in services.therapists()),
                {"title": anyone, "payload": anyone},
            ],
        )
        return []
