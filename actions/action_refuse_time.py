"""Asks what shall be done when the time that the clinic proposes does not suit."""

from __future__ import annotations

import json
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import proposals, times
from actions.base import ClinicAction, Event
from actions.request_status import about, status_of
from clinic import setup


class ActionRefuseTime(ClinicAction):
    """Offers another time, a call of the clinic, or to cancel. Nothing is changed yet."""

    NAME = "action_refuse_time"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Asks, or says how it stands when there is nothing to refuse any more."""
        proposal = proposals.answered(tracker)
        dispatcher.utter_message(**await setup.call(_ask, tracker.sender_id, proposal))
        return []


def _ask(conversation: str, proposal: str | None) -> dict[str, Any]:
    from clinic.booking.requests import standing_proposal

    request = proposals.of_conversation(conversation, proposal)
    if request is None or proposal is None:
        return {"response": "utter_status_nothing"}
    standing = standing_proposal(request)
    if standing is None or standing.pk != proposals.number_of(proposal):
        return status_of(request)
    titles = times.words()["buttons"]
    about_it = {proposals.PROPOSAL: proposal}
    payloads = {
        "other_time": "/change_appointment" + json.dumps({"kind": "move", **about_it}),
        "leave_to_clinic": "/leave_to_clinic" + json.dumps(about_it),
        "cancel_it": "/change_appointment" + json.dumps({"kind": "cancel", **about_it}),
    }
    buttons = [{"title": titles[name], "payload": load} for name, load in payloads.items()]
    return {**about(request, "utter_time_refused"), "buttons": buttons}
