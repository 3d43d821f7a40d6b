"""An appointment that was begun, set aside while another one is moved or cancelled.

Both forms fill the same slots with what is wished for. Those of the draft are kept in one slot
while the change has them, so that neither form takes the other's time for its own.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions.choosing import CHANGE_ENDED, WISHED

ASIDE = "draft_aside"


def is_aside(tracker: Tracker) -> bool:
    """What is wished for belongs to a change, and not to a new appointment."""
    return tracker.slots.get(ASIDE) is not None


def set_aside(tracker: Tracker) -> dict[str, Any]:
    """The slots when a change begins; none when it goes on."""
    if is_aside(tracker):
        return {}
    return {**WISHED, ASIDE: {slot: tracker.slots.get(slot) for slot in WISHED}}


def put_back(tracker: Tracker) -> dict[str, Any]:
    """The slots when the draft has them again; none when it had not been set aside."""
    if not is_aside(tracker):
        return {}
    return {**WISHED, **tracker.slots[ASIDE], ASIDE: None}


def change_ended(tracker: Tracker) -> dict[str, Any]:
    """The slots after an appointment was moved or cancelled, or was left as it is."""
    return {**CHANGE_ENDED, **put_back(tracker)}


def given_up(tracker: Tracker, done: dict[str, Any]) -> dict[str, Any]:
    """The slots after the draft was given up, which empties ``done``; a change keeps its own."""
    if not is_aside(tracker):
        return done
    return {slot: value for slot, value in done.items() if slot not in WISHED} | {ASIDE: {}}
