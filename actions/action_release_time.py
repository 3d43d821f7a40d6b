"""Gives back a time that was kept for the patient."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import times
from actions.base import ClinicAction, Event


class ActionReleaseTime(ClinicAction):
    """Says nothing, also when it fails: it follows a red flag, which must stand alone.

    A time that could not be given back is free again when it was kept for ten minutes.
    """

    NAME = "action_release_time"
    SORRY = None

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Releases the time; when booking goes on it is asked for again, if it is still free."""
        await times.let_go(tracker.sender_id)
        return []
