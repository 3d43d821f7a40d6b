"""Asks which length of appointment is wanted."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.base import ClinicAction, Event
from actions.reading import text_of


class ActionAskService(ClinicAction):
    """Shows the services and lengths of clinic.yml as buttons."""

    NAME = "action_ask_service"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Asks, in other words after an answer that named none of them or another length."""
        names = services.offered()
        minutes = services.not_offered(text_of(tracker))
        one_service = len({name.rsplit(", ", 1)[0] for name in names}) == 1
        failed = tracker.slots.get("problem") == "invalid_service"
        response = "utter_invalid_service" if failed else "utter_ask_service"
        dispatcher.utter_message(
            response="utter_length_not_offered" if minutes else response,
            minutes=minutes,
            buttons=[
                {"title": name.rsplit(", ", 1)[1] if one_service else name, "payload": name}
                for name in names
            ],
        )
        return []
