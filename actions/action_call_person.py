"""Asks for someone at the clinic to join the chat."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import ClinicAction, Event
from clinic import clock, setup


class ActionCallPerson(ClinicAction):
    """Puts the patient on the list of those who wait for a person, and says so."""

    NAME = "action_call_person"
    SORRY = "utter_person_not_called"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Asks once, however often the patient does."""
        from clinic.live.chats import ask

        now = clock.now()
        chat = await setup.call(ask, tracker.sender_id, now)
        asked_before = chat.asked_at != now
        response = "utter_person_called_again" if asked_before else "utter_person_called"
        dispatcher.utter_message(response=response)
        return []
