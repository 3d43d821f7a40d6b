"""Choosing a time, for a new appointment or for one that is moved.

The wish ("thursday after 4") is kept as windows, the times shown as offers, and the chosen
one is held in the clinic's database while the patient finishes.
"""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Tracker

from actions import services, times
from actions.form_validation import no_problem
from actions.reading import entity_of, intent_of, text_of
from actions.times import Offer
from clinic.opening import Interval

# A new wish replaces what was chosen from the old one.
UNCHOSEN = {
    "chosen_time": None,
    "chosen": None,
    "offered_times": None,
    "shown_times": None,
    "waiting_list": None,
}
NO_WISH = {"preferred_time": None, "windows": None, **UNCHOSEN}
# After an appointment was moved or cancelled, or was left as it is.
CHANGE_ENDED = {
    "change_reference": None,
    "change_contact": None,
    "change_kind": None,
    "confirm_change": None,
    "found_request": None,
    "service": None,
    "therapist": None,
    **NO_WISH,
}


async def answer_to_offers(tracker: Tracker) -> dict[str, Any] | None:
    """A time picked from those shown, or a wish for others; None for anything else."""
    intent = intent_of(tracker)
    if intent in ("more_times", "tell_me_more"):
        before = tracker.slots.get("shown_times") or []
        now = [offer["start"] for offer in tracker.slots.get("offered_times") or []]
        return {"shown_times": [*before, *now], **no_problem()}
    if intent == "other_day":
        await times.let_go(tracker.sender_id)
        return {**NO_WISH, **no_problem()}
    if intent == "join_waiting_list":
        return {"chosen_time": times.words()["waiting"], "waiting_list": "yes", **no_problem()}
    offer = _picked(tracker)
    return await _choose(tracker, offer) if offer else None


async def with_time(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Adds what follows from a new wish for a time, a length or a therapist."""
    wish = values.get("preferred_time")
    if wish:
        windows = _narrowed(tracker, times.understood(text_of(tracker)).windows)
        values = {**UNCHOSEN, **values, **no_problem(), "windows": times.stored(windows)}
    elif values.get("service") or values.get("therapist"):
        values = {**UNCHOSEN, **values}
    elif "preferred_time" in values:
        values = {**NO_WISH, **values}
    elif "chosen_time" in values:
        values = {**UNCHOSEN, **values}
    else:
        return values
    await times.let_go(tracker.sender_id)
    known = {**tracker.slots, **values}
    if not wish or not known.get("service"):
        return values
    windows = times.loaded(values["windows"])
    exact = times.point(text_of(tracker), windows)
    if exact is None:
        return values
    minutes = services.minutes_of(known["service"])
    free = await times.free(
        tracker.sender_id, minutes, therapist_of(known), windows, moving(tracker)
    )
    offer = next((offer for offer in free.offers if offer.start == exact), None)
    return {**values, **(await _choose(tracker, offer) if offer else {})}


def _narrowed(tracker: Tracker, windows: list[Interval]) -> list[Interval]:
    """ "10 am", said to times on Monday, means Monday at 10."""
    if tracker.slots.get("requested_slot") != "chosen_time":
        return windows
    shown = times.loaded(tracker.slots.get("windows") or [])
    both = [
        (max(start, first), min(end, last))
        for start, end in windows
        for first, last in shown
        if max(start, first) < min(end, last)
    ]
    return both or windows


def therapist_of(slots: dict[str, Any]) -> str | None:
    """The therapist wished for, None for anyone."""
    therapist = slots.get("therapist")
    return None if therapist in (None, services.ANYONE) else str(therapist)


def moving(tracker: Tracker) -> str | None:
    """The reference of the request that is being moved, None for a new one."""
    if tracker.active_loop.get("name") != "change_form":
        return None
    return tracker.slots.get("change_reference")


def _picked(tracker: Tracker) -> Offer | None:
    """The offer that the message picks, by its button, its number or its time."""
    stored: list[dict[str, Any]] = tracker.slots.get("offered_times") or []
    offers = [Offer.from_dict(entry) for entry in stored]
    option = entity_of(tracker, "option")
    if option is not None:
        return next((offer for offer in offers if offer.start.isoformat() == option), None)
    text = text_of(tracker)
    if len(offers) == 1 and intent_of(tracker) == "affirm":
        return offers[0]
    for offer, ordinal in zip(offers, times.words()["ordinals"], strict=False):
        rest, found = re.subn(ordinal, "", text, flags=re.IGNORECASE)
        if found and re.match(times.words()["around_ordinals"], rest.strip(), re.IGNORECASE):
            return offer
    windows = times.understood(text).windows
    inside = [
        offer for offer in offers if any(start <= offer.start < end for start, end in windows)
    ]
    return inside[0] if len(inside) == 1 and times.point(text, windows[:1]) else None


async def _choose(tracker: Tracker, offer: Offer) -> dict[str, Any]:
    """Holds the time, or says that somebody else was quicker."""
    if not await times.keep(tracker.sender_id, offer, moving(tracker)):
        return {"chosen_time": None, "chosen": None, "problem": "time_taken", "problem_count": 1}
    return {"chosen_time": offer.read_back(), "chosen": offer.as_dict(), **no_problem()}
