"""A time that the clinic proposes in place of the one asked for, and the patient's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import times
from actions.cards import card_of
from actions.reading import entity_of
from actions.request_status import about, status_of
from assistant.policies.proposals import PROPOSAL, proposal_in

# The kinds of a change by which such a time is answered.
ACCEPT, LEAVE = "accept", "leave"
ACCEPTED = "utter_proposal_accepted"


def answered(tracker: Tracker) -> str | None:
    """The proposal that the message answers: by its button, or in words right after it."""
    return entity_of(tracker, PROPOSAL) or told_before(tracker)


def told_before(tracker: Tracker) -> str | None:
    """The proposal that the patient read of last, right before the message."""
    messages = 0
    for event in reversed(tracker.events):
        messages += event["event"] == "user"
        if messages > 1:
            break
        if event["event"] == "bot" and messages:
            return proposal_in((event.get("data") or {}).get("buttons"))
    return None


def of_conversation(conversation: str, proposal: str | None) -> Any:
    """The request whose time is proposed, when it was made in this conversation; else None."""
    from clinic.booking.models import AppointmentRequest

    reference = (proposal or "").partition("-")[0]
    return AppointmentRequest.objects.filter(
        reference=reference, conversation_id=conversation, erased_at=None
    ).first()


def number_of(proposal: str) -> int:
    """The change by which it was proposed; 0, which is none, in a payload somebody made up."""
    number = proposal.partition("-")[2]
    return int(number) if number.isdecimal() else 0


def names_another_time(text: str, start: datetime) -> bool:
    """ "Yes, wednesday is good", said to a Thursday. ``start`` is aware."""
    meant = times.understood(text)
    named = meant.status != "none" and (meant.names_day or meant.names_time)
    return named and not any(first <= start < last for first, last in meant.windows)


def answer(kind: str, request: Any, number: int) -> list[dict[str, Any]]:
    """Accepts the proposal, or leaves it to the clinic to find another time.

    ``number`` is the change by which the time was proposed. Returns what to say, as arguments of
    ``utter_message``: of what does not stand any more, how it is now.
    """
    from clinic.booking.requests import ProposalOver, accept_proposal, refuse_proposal

    done: dict[str, tuple[Callable[[Any, int], Any], str]] = {
        ACCEPT: (accept_proposal, ACCEPTED),
        LEAVE: (refuse_proposal, "utter_left_to_clinic"),
    }
    act, response = done[kind]
    try:
        return [about(act(request, number), response)]
    except ProposalOver:
        request.refresh_from_db()
        return [{"response": "utter_proposal_over"}, status_of(request)]


async def say(dispatcher: CollectingDispatcher, said: Iterable[dict[str, Any]]) -> None:
    """Says what :func:`answer` gave; an appointment that is confirmed comes with its card."""
    for message in said:
        accepted = message["response"] == ACCEPTED
        card = await card_of(message["reference"]) if accepted else None
        dispatcher.utter_message(**message, card=card)
