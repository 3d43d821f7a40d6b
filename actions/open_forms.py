"""Forms that were begun and neither completed nor given up."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from assistant.policies.forms import TIMED_FORMS, offers_of


def begun(tracker: Tracker, form: str) -> dict[str, Any]:
    """The slot when a form runs: it is the latest."""
    others = [name for name in tracker.slots.get("open_forms") or [] if name != form]
    return {"open_forms": [*others, form]}


def ended(tracker: Tracker, form: str, dispatcher: CollectingDispatcher) -> dict[str, Any]:
    """The slot when a form has ended. One that it had interrupted is offered again.

    While a red flag is open no appointment is offered.
    """
    others = [name for name in tracker.slots.get("open_forms") or [] if name != form]
    alarm = tracker.slots.get("red_flag_level")
    offered = [name for name in others if not (alarm and name in TIMED_FORMS)]
    if offered:
        dispatcher.utter_message(response=offers_of(offered[-1])[0])
    return {"open_forms": others or None}
