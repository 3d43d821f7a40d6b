"""Forgets what was given in this chat and greets again."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop
from rasa_sdk.executor import CollectingDispatcher

from actions import times
from actions.base import ClinicAction, Event
from actions.reading import slot_events

# An open red flag is not forgotten: it ends when the patient says they have been checked.
KEPT = frozenset(
    {
        *("red_flag_level", "why", "alarms", "alarm_kind", "alarm_person"),
        *("turn_plan", "session_started_metadata"),
    }
)


class ActionStartOver(ClinicAction):
    """Starts the conversation afresh."""

    NAME = "action_start_over"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Empties the forms."""
        await times.let_go(tracker.sender_id)
        dispatcher.utter_message(response="utter_start_over")
        emptied = {name: None for name in tracker.slots if name not in KEPT}
        return [ActiveLoop(None), *slot_events({**emptied, "problem_count": 0})]
