"""Asks which length of appointment is wanted."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.base import ClinicAction, Event
from actions.reading import text_of
from clinic import hours


class ActionAskService(ClinicAction):
    """Shows the services and lengths of clinic.yml as buttons."""

    NAME = "action_ask_service"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Asks, in other words after an answer that named another length."""
        names = services.offered()
        minutes = services.not_offered(text_of(tracker))
        one_service = len({name.rsplit(", ", 1)[0] for name in names}) == 1
        lengths = sorted({services.minutes_of(name) for name in names})
        dispatcher.utter_message(
            response="utter_length_not_offered" if minutes else "utter_ask_service",
            minutes=minutes,
            lengths=hours.join([str(length) for length in lengths], "list_or"),
            usual=services.minutes_of(names[len(names) // 2]),
            buttons=[
                {"title": name.rsplit(", ", 1)[1] if one_service else name, "payload": name}
                for name in names
            ],
        )
        return []
