"""Choosing a time, for a new appointment or for one that is moved.

The wish ("thursday after 4") is kept as windows, the times shown as offers, and the chosen
one is held in the clinic's database while the patient finishes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import proposals, refining, services, times
from actions.form_validation import AFTER_THE_TIME, near, no_problem
from actions.reading import (
    Reading,
    entity_of,
    intent_of,
    is_correction,
    is_undecided,
    picked_reading,
    read_time,
    text_of,
)
from actions.refining import Before
from actions.times import Offer
from assistant.policies import wishes
from assistant.policies.forms import CHANGES
from clinic import clock
from clinic.booking.when import Understanding, say
from clinic.opening import Interval

# What else is told in a message may stand beside the time.
_PART = re.compile(r"[,.;\n]\s+|\s[-\u2013\u2014]\s")
# Where all that leans on a time ("later", "the day after") is about it; at other questions only
# what can be about nothing else is.
ABOUT_TIMES = frozenset({"preferred_time", "chosen_time", "confirm_booking", "confirm_change"})
# A yes there sends what was read back.
READ_BACK = frozenset({"confirm_booking", "confirm_change"})
# Asked after a yes to several times, which are then told with their numbers.
WHICH_TIME = "which_time"
# A no to all the times shown, and nothing else.
FEW_WORDS = 3
DAYS_OF_A_WEEK = 7
# Choices of which one is to be picked.
SEVERAL = 2
# A new wish replaces what was chosen from the old one.
UNCHOSEN = {
    "chosen_time": None,
    "chosen": None,
    "offered_times": None,
    "shown_times": None,
    "waiting_list": None,
}
NO_WISH = {"preferred_time": None, "windows": None, **UNCHOSEN}
# What is wished for, whichever form it is for.
WISHED = {"service": None, "therapist": None, **NO_WISH}
# Of the change itself, once it has ended: see actions/drafts.py.
CHANGE_ENDED = {
    "change_reference": None,
    "change_contact": None,
    "change_kind": None,
    "confirm_change": None,
    "found_request": None,
    "proposal": None,
    "unclear_time": None,
}


async def answer_to_offers(tracker: Tracker) -> dict[str, Any] | None:
    """A time picked from those shown, or a wish for others; None for anything else."""
    intent = intent_of(tracker)
    if intent == "more_times":
        return _more(tracker)
    days = refining.other_of_two_days(text_of(tracker), _before(tracker))
    other_day = intent == "other_day" or wishes.says("other_day", text_of(tracker))
    # "the other day, tues" names one; "other day" alone is a time that is not clear
    if other_day and not days and not times.understood(text_of(tracker)).windows:
        await times.let_go(tracker.sender_id)
        return {**NO_WISH, **no_problem()}
    if intent == "join_waiting_list":
        return _waiting(tracker)
    offer = await _latest(tracker) or _picked(tracker)
    if offer:
        return await _choose_as_long(tracker, offer)
    if picked_reading(tracker) is not None:
        # a yes to "Thursday at 11:30?", asked instead of the question which one
        return None
    if wishes.says("waiting_list", text_of(tracker)):
        return _waiting(tracker)
    if wishes.says("earliest", text_of(tracker)) and not _tells_time(tracker):
        return {"shown_times": None, **no_problem()}
    if refining.absolute(text_of(tracker), _before(tracker)):
        return None
    asks_for_others = re.search(times.words()["others"], text_of(tracker), re.IGNORECASE)
    if asks_for_others and not _tells_time(tracker):
        return _more(tracker)
    if intent == "deny" and not _tells_time(tracker) and len(text_of(tracker).split()) <= FEW_WORDS:
        return _more(tracker)
    offers = _offers(tracker)
    few_words = len(text_of(tracker).split()) <= FEW_WORDS
    if intent == "affirm" and few_words and len(offers) > 1 and not _tells_time(tracker):
        return {**no_problem(), "problem": WHICH_TIME, "problem_count": 1}
    meant = times.understood(text_of(tracker))
    # "Any day but Friday", where the Friday is a holiday, names one as well.
    closed = meant.status != "none" and not meant.windows
    names_one = meant.names_day or meant.names_time or closed
    if offers and is_undecided(text_of(tracker)) and not names_one:
        return await _choose(tracker, offers[0], moving(tracker))
    return None


async def _latest(tracker: Tracker) -> Offer | None:
    """ "The latest you have": the last free time of the day that is talked about.

    "On the Saturday" is that of the days talked about.
    """
    text = text_of(tracker)
    windows = _before(tracker).windows
    weekday = re.search(times.words()["weekday"], text, re.IGNORECASE)
    if weekday:
        named = weekday[0][:3].casefold()
        windows = [
            window
            for window in windows
            if say.day_words(times.local_day(window[0]))[:3].casefold() == named
        ]
    one_day = len({times.local_day(start) for start, _ in windows}) == 1
    tells_more = re.search(r"\d", text) if weekday else _tells_time(tracker)
    if not one_day or not wishes.says("latest_of_all", text) or tells_more:
        return None
    minutes, therapist = services.minutes_of(tracker.slots["service"]), therapist_of(tracker.slots)
    moved = moving(tracker)
    found = await times.free(tracker.sender_id, minutes, therapist, windows, moved)
    return found.offers[-1] if found.offers else None


def _waiting(tracker: Tracker) -> dict[str, Any]:
    chosen = times.words()["waiting"].format(wish=tracker.slots["preferred_time"])
    return {"chosen_time": chosen, "waiting_list": "yes", **no_problem()}


def _more(tracker: Tracker) -> dict[str, Any]:
    before = tracker.slots.get("shown_times") or []
    now = [offer.start.isoformat() for offer in _offers(tracker)]
    return {"shown_times": [*before, *now], **no_problem()}


def _tells_time(tracker: Tracker) -> bool:
    return entity_of(tracker, "time") is not None or entity_of(tracker, "time_unclear") is not None


def _offers(tracker: Tracker) -> list[Offer]:
    stored: list[dict[str, Any]] = tracker.slots.get("offered_times") or []
    return [Offer.from_dict(entry) for entry in stored]


async def picked_before(tracker: Tracker) -> dict[str, Any]:
    """A time picked by a button from before the form was stopped."""
    if entity_of(tracker, "option") is None:
        return {}
    offer = _picked(tracker)
    return await _choose(tracker, offer, moving(tracker)) if offer else {}


async def picked_instead(tracker: Tracker) -> dict[str, Any] | None:
    """One of the free times shown in the place of a time that cannot be had; None for another."""
    offer = _picked(tracker)
    if offer is None:
        return None
    wish = [(offer.start, offer.start + times.POINT)]
    said = f"{say.day_words(offer.local_start.date())}, {say.clock_words(offer.local_start)}"
    wished = {"preferred_time": said, "windows": times.stored(wish)}
    return {**UNCHOSEN, **wished, **await _choose(tracker, offer, moving(tracker))}


async def with_free_times(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Shows free times with the reason why the one that was asked for cannot be had.

    Without them it is told when the clinic is open: while the length is unknown, and while the
    connected calendar cannot be read.
    """
    values = _asked_of_the_day_before(tracker, values)
    windows = times.loaded(values.get("problem_times") or [])
    known = {**tracker.slots, **values}
    if not windows:
        return values
    shown = {**values, "problem_times": None}
    if not known.get("service") or known.get("problem_choices"):
        return shown
    minutes, moved = services.minutes_of(known["service"]), moving(tracker, values)
    conversation = tracker.sender_id
    found = await times.instead(conversation, minutes, therapist_of(known), windows, moved)
    if not found.certain:
        return shown
    why = re.sub(times.words()["told_hours"], "", known["problem_text"])
    text = times.words()["instead" if found.offers else "nothing_instead"]
    return {
        **shown,
        "problem_text": text.format(why=why),
        "problem_times": buttons_for(found.offers),
        "offered_times": [offer.as_dict() for offer in found.offers],
    }


def _asked_of_the_day_before(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """ "Half 11 if you can", said to Thursday's times: "Thursday at 11:30?", and not "any day"."""
    before = _before(tracker)
    meant = times.understood(text_of(tracker))
    hour_alone = meant.names_time and not meant.names_day and len(meant.readings) == 1
    if values.get("problem") != "time_question" or not before.days or not hour_alone:
        return values
    found = refining.refined(replace(meant, windows=meant.readings[0].windows), before)
    if not {times.local_day(start) for start, _ in found} <= set(before.days):
        return values
    choice = times.said(found)
    start = times.point(text_of(tracker), found)
    if start is not None:
        choice = (
            f"{say.day_words(times.local_day(start))}, at {say.clock_words(times.local(start))}"
        )
    return {**values, "problem_text": say.ask([choice], "unclear"), "problem_choices": [choice]}


def buttons_for(offers: Iterable[Offer]) -> list[dict[str, str]]:
    """One button for each time, which picks it."""
    return [
        {
            "title": offer.on_button(),
            "payload": "/pick_time" + json.dumps({"option": offer.start.isoformat()}),
        }
        for offer in offers
    ]


async def other_one(tracker: Tracker) -> dict[str, Any] | None:
    """ "No, the other one", said after a time was picked: that of two, or the choice again.

    "The second one" is that of the times shown last.
    """
    chosen = tracker.slots.get("chosen")
    if chosen and wishes.says("picks_again", text_of(tracker)):
        offers = _offers(tracker)
        index = services.ordinal(_without_correction(text_of(tracker)), len(offers))
        if index is not None:
            return await _choose(tracker, offers[index], moving(tracker))
    if not chosen or _tells_time(tracker):
        return None
    if not re.search(times.words()["other_one"], text_of(tracker), re.IGNORECASE):
        return None
    others = [offer for offer in _offers(tracker) if offer.start.isoformat() != chosen["start"]]
    if len(others) == 1:
        return await _choose(tracker, others[0], moving(tracker))
    await times.let_go(tracker.sender_id)
    return {"chosen_time": None, "chosen": None, "shown_times": None, **no_problem()}


async def _choose_as_long(tracker: Tracker, offer: Offer) -> dict[str, Any]:
    """The time picked, as long as it is told beside it: "the first one, but only half an hour"."""
    moved = moving(tracker)
    service = services.read(text_of(tracker)) if moved is None else None
    if service in (None, tracker.slots.get("service")):
        return await _choose(tracker, offer, moved)
    minutes, therapist = services.minutes_of(str(service)), therapist_of(tracker.slots)
    windows = [(offer.start, offer.start + times.step())]
    found = await times.free(tracker.sender_id, minutes, therapist, windows)
    same = next((other for other in found.offers if other.start == offer.start), None)
    if same is None:
        return {"service": service, **UNCHOSEN, "problem": "time_taken", "problem_count": 1}
    return {"service": service, **await _choose(tracker, same, None)}


def _without_correction(text: str) -> str:
    return re.sub(times.words()["corrects"], " ", text, flags=re.IGNORECASE)


async def take_up(dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
    """What became of the wish and of the time picked since the form was interrupted."""
    windows = times.loaded(tracker.slots.get("windows") or [])
    over = windows and all(end <= clock.now() for _, end in windows)
    chosen = tracker.slots.get("chosen")
    if not chosen:
        return dict(NO_WISH) if over else {}
    offer = Offer.from_dict(chosen)
    if await times.is_kept(tracker.sender_id, offer):
        return {}
    if await times.keep(tracker.sender_id, offer, moving(tracker)):
        dispatcher.utter_message(response="utter_time_kept_again", chosen_time=offer.read_back())
        return {}
    dispatcher.utter_message(response="utter_time_gone", chosen_time=offer.read_back())
    return dict(NO_WISH) if over else dict(UNCHOSEN)


async def with_time(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Adds what follows from a new wish for a time, a length or a therapist."""
    again = _same_time_again(tracker, values)
    before = _before(tracker, values)
    values = _wished_in_words(values)
    if not again:
        values = _leaning(tracker, values, before)
    unmet = {} if again else _unmet(tracker, values)
    if unmet:
        await times.let_go(tracker.sender_id)
        return {**values, **unmet}
    which = {} if again or not values.get("preferred_time") else which_day(tracker)
    if which:
        rest = {slot: value for slot, value in values.items() if slot != "preferred_time"}
        return {**rest, **which}
    text, meant = _wish(tracker, before)
    wish = values.get("preferred_time")
    if again:
        values = {**UNCHOSEN, **values, **again, **no_problem()}
    elif wish:
        windows = _of_the_readings(tracker, _refined(text, meant, before))
        # "the second", of two readings, is the second of December as well
        if windows != meant.windows or picked_reading(tracker) is not None:
            values["preferred_time"] = times.said(windows)
        values = {**UNCHOSEN, **values, **no_problem(), "windows": times.stored(windows)}
    elif values.get("service") or values.get("therapist"):
        values = {**UNCHOSEN, **values, **await _same_start(tracker, values)}
    elif "preferred_time" in values:
        # asked anew for the time: an hour alone is one of the day chosen before
        day = [times.stored(times.opening(day)) for day in before.days] if before.point else []
        values = {**NO_WISH, **values, "windows": day[0] if day else None}
    elif "chosen_time" in values:
        values = {**UNCHOSEN, **values}
    else:
        return values
    known = {**tracker.slots, **values}
    if not values.get("chosen"):
        await times.let_go(tracker.sender_id)
    if not (again or wish) or not known.get("service"):
        return values
    windows = times.loaded(values["windows"])
    exact = windows[0][0] if again else times.point(text, windows)
    if exact is None:
        return values
    minutes = services.minutes_of(known["service"])
    moved = moving(tracker, values)
    free = await times.free(tracker.sender_id, minutes, therapist_of(known), windows, moved)
    offer = next((offer for offer in free.offers if offer.start == exact), None)
    if offer and _denies(tracker, offer):
        that_day = times.stored(times.opening(times.local_day(offer.start)))
        asked = {"requested_slot": "preferred_time", "problem": "invalid_preferred_time"}
        return {**values, **NO_WISH, "windows": that_day, **asked, "problem_count": 1}
    return {**values, **(await _choose(tracker, offer, moved) if offer else {})}


def _wished_in_words(values: dict[str, Any]) -> dict[str, Any]:
    """A time that is agreed to in words is a wish until it is looked up: it may be taken."""
    agreed = values.get("chosen_time")
    if not agreed or values.get("chosen") or values.get("waiting_list"):
        return values
    rest = {slot: value for slot, value in values.items() if slot != "chosen_time"}
    return {"preferred_time": agreed, **rest}


def _denies(tracker: Tracker, offer: Offer) -> bool:
    """ "Not 6, 6 and a bit", said to 6: the other hour was not read, and 6 is not meant."""
    chosen = tracker.slots.get("chosen")
    same = chosen and Offer.from_dict(chosen).start == offer.start
    return (
        bool(same)
        and not services.read(text_of(tracker))
        and wishes.says("denies_the_hour", text_of(tracker))
    )


async def with_wish(tracker: Tracker, values: dict[str, Any], text: str) -> dict[str, Any]:
    """With a wish from before the appointment was found, which leans on its time."""
    before = _before(tracker, values)
    full = refining.absolute(text, before)
    meant = times.understood(full or "")
    if len(meant.readings) == 1:
        # what else was said beside it leaves it in doubt; it is read back
        meant = replace(meant, windows=meant.readings[0].windows)
    windows = _refined(full or "", meant, before)
    if not windows:
        return values
    wished = {"preferred_time": times.said(windows), "windows": times.stored(windows)}
    values = {**UNCHOSEN, **values, **wished, "change_kind": "move", "unclear_time": None}
    exact, known = times.point("", windows), {**tracker.slots, **values}
    if exact is None or not known.get("service"):
        return values
    minutes, moved = services.minutes_of(known["service"]), moving(tracker, values)
    found = await times.free(tracker.sender_id, minutes, therapist_of(known), windows, moved)
    offer = next((offer for offer in found.offers if offer.start == exact), None)
    return {**values, **(await _choose(tracker, offer, moved) if offer else {})}


async def _same_start(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """The time that was picked, with another length or therapist, when that is free, too."""
    chosen = tracker.slots.get("chosen")
    known = {**tracker.slots, **values}
    if not chosen or not known.get("service"):
        return {}
    start = Offer.from_dict(chosen).start
    await times.let_go(tracker.sender_id)
    moved = moving(tracker, values)
    minutes = services.minutes_of(known["service"])
    windows = [(start, start + times.step())]
    free = await times.free(tracker.sender_id, minutes, therapist_of(known), windows, moved)
    offer = next((offer for offer in free.offers if offer.start == start), None)
    return await _choose(tracker, offer, moved) if offer else {}


def _before(tracker: Tracker, values: dict[str, Any] | None = None) -> Before:
    moves = tracker.active_loop.get("name") == "change_form"
    known = {**tracker.slots, **(values or {})}
    asked_about = tracker.slots.get("problem_choices") or []
    if len(asked_about) == 1 and not known.get("chosen"):
        # "Do you mean Thursday at 3?" - "friday, same time"
        known["windows"] = times.stored(times.understood(asked_about[0]).windows)
    unclear = tracker.slots.get("unclear_time")
    if unclear and not known.get("windows") and not known.get("chosen"):
        # "Wednesday then, the 2nd", after "Wednesday the 31st at 3", which there is not
        readings = times.understood(unclear).readings
        known["windows"] = times.stored(one for reading in readings for one in reading.windows)
    return refining.before(known, moves)


def _unmet(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """A wish for a time that is not clear, or that there is not, once a time is chosen.

    The time is asked for anew, so that a yes after it never sends the one before.
    """
    asked = tracker.slots.get("requested_slot")
    # "make it sunday", said to the question for a number
    beside = asked in AFTER_THE_TIME and tracker.slots.get("chosen") and not values.get(asked)
    beside = beside and not wishes.says("names_contact", text_of(tracker))
    if not (asked in READ_BACK or beside) or values.get("preferred_time"):
        return {}
    problem: dict[str, Any] = {}
    if values.get("problem") != "time_question":
        unclear = entity_of(tracker, "time_unclear") and intent_of(tracker) != "affirm"
        reading = read_time(text_of(tracker)) if unclear else Reading()
        if reading.problem is None:
            return {}
        problem = _as_problem(reading)
    chosen = tracker.slots.get("chosen")
    start = Offer.from_dict(chosen).start if chosen else None
    windows = times.stored([(start, start + times.POINT)]) if start else None
    return {**NO_WISH, "windows": windows, **problem, "requested_slot": "preferred_time"}


def _as_problem(reading: Reading) -> dict[str, Any]:
    """The slots of a time that is told to be none."""
    return {
        "problem": reading.problem,
        "problem_count": 1,
        "problem_text": reading.text,
        "problem_choices": list(reading.choices) or None,
        **near(reading),
    }


def _wish(tracker: Tracker, before: Before) -> tuple[str, Understanding]:
    """The message as a wish that stands for itself, and what it means.

    Left to the assistant, it means as soon as possible.
    """
    text = _told_of_the_time(tracker)
    text = picked_reading(tracker) or refining.absolute(text, before) or text
    meant = times.understood(text)
    return text, meant if meant.windows else times.understood(times.ASAP)


def _told_of_the_time(tracker: Tracker) -> str:
    """Of "half 4. Jo Park jo@example.com never been" the part that is about the time.

    The whole message where it is clear, and where more than one part may be a time.
    """
    text = text_of(tracker)
    meant = times.understood(text)
    beside = (
        entity_of(tracker, "contact") or entity_of(tracker, "name") or services.read_visit(text)
    )
    if meant.reason != "unclear" or not beside:
        return text
    parts = [part for part in _PART.split(text) if times.understood(part).status != "none"]
    if len(parts) == 1 and times.understood(parts[0]).windows:
        return parts[0]
    # "monday 21 december 2pm Tom Reid 416-555-0181": what stands beside it leaves it in doubt
    certain = len(meant.readings) == 1 and meant.names_day and meant.names_time
    return meant.readings[0].say if certain else text


def _leaning(tracker: Tracker, values: dict[str, Any], before: Before) -> dict[str, Any]:
    """With the wish of a message that leans on a day or a time before, "earlier please"."""
    asked = tracker.slots.get("requested_slot")
    text = _told_of_the_time(tracker)
    hears = asked in ABOUT_TIMES or intent_of(tracker) in CHANGES or is_correction(text)
    hears = hears or wishes.says("no_and_then", text) or wishes.says("only_later", text)
    hears = hears or refining.corrects_the_hour(text)
    # "no, the day after", said to a time that the clinic proposes
    hears = hears or proposals.told_before(tracker) is not None
    full = refining.absolute(text, before) if hears else None
    if full is None and text != text_of(tracker):
        full = text
    if full is None:
        return values
    meant = times.understood(full)
    if meant.windows:
        return {**values, "preferred_time": meant.say}
    return {
        **{slot: value for slot, value in values.items() if slot != "preferred_time"},
        **no_problem(),
        "problem": "time_question",
        "problem_count": 1,
        "problem_text": meant.say,
        "problem_choices": [reading.say for reading in meant.readings] or None,
        "problem_times": times.stored(read_time(full).instead) or None,
    }


def _refined(text: str, meant: Understanding, before: Before) -> list[Interval]:
    # a weekday is that of the times on offer first: those may be few of the days wished for
    offered = {times.local_day(start) for start in before.shown}
    named = {times.local_day(start).weekday() for start, _ in meant.windows}
    on_offer = {day for day in offered if {day.weekday()} == named}
    moved = _same_weekday(text, meant.windows, on_offer or set(before.days))
    return refining.refined(replace(meant, windows=moved) if moved else meant, before)


def which_day(tracker: Tracker) -> dict[str, Any]:
    """The problem to ask about again, when an hour alone answers which of several days is meant.

    "8", said to "this Saturday or the next", is on either: both are asked about at 8. Where it is
    on one of them alone, or on none, nothing is in doubt, or the question stands as it was.
    """
    choices = [str(choice) for choice in tracker.slots.get("problem_choices") or []]
    meant = times.understood(text_of(tracker))
    hour_alone = meant.names_time and not meant.names_day and bool(meant.windows)
    if len(choices) < SEVERAL or not hour_alone or picked_reading(tracker) is not None:
        return {}
    both = [_meeting(meant.windows, times.understood(choice).windows) for choice in choices]
    fitting = [_in_words(text_of(tracker), windows) for windows in both if windows]
    if len(fitting) == 1:
        return {}
    choices = fitting or choices
    return {
        "problem": "time_question",
        "problem_count": 1,
        "problem_text": say.ask(choices, "unclear"),
        "problem_choices": choices,
    }


def _in_words(text: str, windows: list[Interval]) -> str:
    start = times.point(text, windows)
    if start is None:
        return times.said(windows)
    return f"{say.day_words(times.local_day(start))} at {say.clock_words(times.local(start))}"


def _meeting(some: list[Interval], others: list[Interval]) -> list[Interval]:
    """Where both are."""
    return [
        (max(start, first), min(end, last))
        for start, end in some
        for first, last in others
        if max(start, first) < min(end, last)
    ]


def _of_the_readings(tracker: Tracker, windows: list[Interval]) -> list[Interval]:
    """ "The 1st", said to "this afternoon or the afternoon of December 1", is that afternoon."""
    choices = tracker.slots.get("problem_choices") or []
    for meant in (times.understood(choice).windows for choice in choices):
        both = _meeting(windows, meant)
        if both:
            return both
    return windows


def _same_time_again(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """ "The same time next week", counted from the time picked, or the appointment before."""
    known = {**tracker.slots, **values}
    last = tracker.slots.get("chosen") or known.get("last_appointment")
    text = text_of(tracker)
    if not last or not re.search(times.words()["same_time"], text, re.IGNORECASE):
        return {}
    days = next(
        int(days)
        for days, pattern in times.words()["days_later"].items()
        if re.search(pattern, text, re.IGNORECASE)
    )
    # days later by the clock on the wall, also when the clocks change in between
    start = Offer.from_dict(last).local_start + timedelta(days=days)
    return {
        "service": known.get("service") or last["service"],
        "preferred_time": f"{say.day_words(start.date())}, {say.clock_words(start)}",
        "windows": times.stored([(start, start + times.POINT)]),
    }


def _same_weekday(text: str, windows: list[Interval], days: set[date]) -> list[Interval] | None:
    """ "Tuesday", said to times on Monday or Tuesday of next week, is that Tuesday."""
    named = {times.local_day(start) for start, _ in windows}
    dated = re.search(times.words()["dated"], text, re.IGNORECASE)
    if len(named) != 1 or dated:
        return None
    (day,) = named
    later = [shown - day for shown in sorted(days) if (shown - day).days % DAYS_OF_A_WEEK == 0]
    weeks = {shown - timedelta(days=shown.weekday()) for shown in days}
    if not later and len(weeks) == 1:
        # "the Thursday", said to a Monday in two weeks, is that week's
        there = weeks.pop() + timedelta(days=day.weekday())
        later = [there - day] if there > day else []
    return _moved(windows, later[0]) if later else None


def _moved(windows: list[Interval], by: timedelta) -> list[Interval]:
    """The same hours, by the clock on the wall, of days later."""
    return [
        (times.local(start) + by, times.local(end) + by) if by else (start, end)
        for start, end in windows
    ]


def therapist_of(slots: dict[str, Any]) -> str | None:
    """The therapist wished for, None for anyone, and for one who has left the clinic since."""
    therapist = slots.get("therapist")
    return therapist if therapist in services.therapists() else None


def moving(tracker: Tracker, values: dict[str, Any] | None = None) -> str | None:
    """The reference of the request that is being moved, None for a new one.

    ``values`` are slots that this message sets.
    """
    if tracker.active_loop.get("name") != "change_form":
        return None
    return {**tracker.slots, **(values or {})}.get("change_reference")


def _picked(tracker: Tracker) -> Offer | None:
    """The offer that the message picks, by its button, its number or its time."""
    offers = _offers(tracker)
    option = entity_of(tracker, "option")
    if option is not None:
        return next((offer for offer in offers if offer.start.isoformat() == option), None)
    if picked_reading(tracker) is not None:
        # "The second" of the two days asked about, and not of the times shown before
        return None
    text = text_of(tracker)
    if len(offers) == 1 and intent_of(tracker) == "affirm":
        return offers[0]
    # times shown without numbers: "3" is an hour
    hour = re.fullmatch(r"\W*\d\W*", text) and tracker.slots.get("problem") != WHICH_TIME
    index = None if hour else services.ordinal(text, len(offers))
    if index is None and not hour:
        # "The first. I'm Jo Park, first time"
        first = _PART.split(_before_a_length(text))[0]
        index = services.ordinal(first, len(offers)) if wishes.says("picks", first) else None
    if index is not None:
        return offers[index]
    text = refining.hour_said(text) or text
    windows = refining.refined(times.understood(text), _before(tracker))
    # "Half 8" is not the 9 o'clock that is shown: it may be free as well.
    named = [offer for offer in offers if any(start == offer.start for start, _ in windows)]
    return named[0] if len(named) == 1 and times.point(text, windows[:1]) else None


def _before_a_length(text: str) -> str:
    """What stands before "but only half an hour"; the whole text where more than that is told."""
    first, _, rest = text.partition(" but ")
    return first if services.read(rest) and not times.understood(rest).windows else text


async def _choose(tracker: Tracker, offer: Offer, moved: str | None) -> dict[str, Any]:
    """Holds the time, or says that somebody else was quicker."""
    if not await times.keep(tracker.sender_id, offer, moved):
        return {"chosen_time": None, "chosen": None, "problem": "time_taken", "problem_count": 1}
    return {"chosen_time": offer.read_back(), "chosen": offer.as_dict(), **no_problem()}
