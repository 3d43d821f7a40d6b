"""Gives back the time that the clinic proposes, and leaves it to the clinic to find another."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import proposals
from actions.base import ClinicAction, Event
from clinic import setup


class ActionLeaveToClinic(ClinicAction):
    """The request waits as a wish, and the clinic is told to get in touch."""

    NAME = "action_leave_to_clinic"
    SORRY = "utter_answer_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Once, however often it is pressed."""
        proposal = proposals.answered(tracker)
        await proposals.say(dispatcher, await setup.call(_leave, tracker.sender_id, proposal))
        return []


def _leave(conversation: str, proposal: str | None) -> list[dict[str, Any]]:
    request = proposals.of_conversation(conversation, proposal)
    if request is None or proposal is None:
        return [{"response": "utter_status_nothing"}]
    return proposals.answer(proposals.LEAVE, request, proposals.number_of(proposal))
