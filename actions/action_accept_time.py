"""Takes the time that the clinic proposes."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from actions import proposals
from actions.base import ClinicAction, Event
from actions.reading import slot_events, text_of
from actions.request_status import status_of
from clinic import setup


class ActionAcceptTime(ClinicAction):
    """Confirms the appointment, when it is still the time that the patient was asked about."""

    NAME = "action_accept_time"
    SORRY = "utter_answer_not_saved"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Once, however often it is pressed. "Thursday is fine", said to a Friday, asks for it."""
        proposal, text = proposals.answered(tracker), text_of(tracker)
        said, other_time = await setup.call(_accept, tracker.sender_id, proposal, text)
        if other_time and tracker.active_loop.get("name") is None:
            return [FollowupAction("change_form")]
        await proposals.say(dispatcher, said)
        found = [message["reference"] for message in said if "reference" in message]
        return slot_events({"reference": found[-1]} if found else {})


def _accept(
    conversation: str, proposal: str | None, text: str
) -> tuple[list[dict[str, Any]], bool]:
    """What to say, and whether the words name another time; then nothing is accepted."""
    request = proposals.of_conversation(conversation, proposal)
    if request is None or proposal is None:
        return [{"response": "utter_status_nothing"}], False
    if request.starts_at and proposals.names_another_time(text, request.starts_at):
        return [status_of(request)], True
    return proposals.answer(proposals.ACCEPT, request, proposals.number_of(proposal)), False
