"""Shows free times to choose from."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services, times
from actions.base import ClinicAction, Event
from actions.choosing import buttons_for, moving, therapist_of
from actions.reading import slot_events, text_of
from actions.times import Offer
from assistant.policies.wishes import says

MORE = "more_times"
OTHER_DAY = "other_day"
# What is said instead of the question, by the problem with the last answer.
PROBLEMS = {
    "invalid_chosen_time": "utter_invalid_chosen_time",
    "time_question": "utter_time_question",
    "time_taken": "utter_time_taken",
    "which_time": "utter_which_time",
}
# A wish with more stretches than this is not repeated in the question.
FEW_WINDOWS = 2


class ActionAskChosenTime(ClinicAction):
    """Offers at most three free times inside what the patient asked for.

    When nothing is free there, the nearest times are offered and a place on the waiting list.
    """

    NAME = "action_ask_chosen_time"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Says which times there are and keeps them for the answer."""
        slots = tracker.slots
        if slots.get("problem_times"):
            # those shown with the reason why another time cannot be had
            buttons = _buttons([], more=False, waiting=False)
            dispatcher.utter_message(
                response=PROBLEMS["time_question"],
                buttons=buttons,
                problem_text=slots["problem_text"],
            )
            return []
        minutes = services.minutes_of(slots["service"])
        windows = times.loaded(slots["windows"])
        therapist = therapist_of(slots)
        deadline = times.patience()
        free, certain = await times.free(
            tracker.sender_id, minutes, therapist, windows, moving(tracker), deadline
        )
        wished: dict[str, Any] = {}
        if _asks_for_later(text_of(tracker)) and free:
            windows = times.clearly_later(windows, free)
            free = [offer for offer in free if offer.start >= windows[0][0]]
            wished = {"windows": times.stored(windows), "preferred_time": times.said(windows)}
        shown: list[str] | None = slots.get("shown_times")
        fresh = [offer for offer in free if offer.start.isoformat() not in (shown or [])]
        at_the_end = re.search(times.words()["end_of_the_day"], slots.get("preferred_time") or "")
        offers = times.choice(fresh, latest=bool(at_the_end))
        exact = times.point(slots.get("preferred_time") or "", windows)
        missed = exact is not None and not shown and all(offer.start != exact for offer in free)
        if offers and missed and slots.get("problem") not in PROBLEMS:
            # 7 pm was asked for, and 7:15 is not that
            response = "utter_nothing_free"
        elif offers:
            response = _question(slots)
        elif free:
            offers, shown, response = times.choice(free), None, "utter_no_more_times"
        else:
            around = windows[0][0]
            offers, certain = await times.nearest(
                tracker.sender_id, minutes, therapist, around, moving(tracker), deadline
            )
            response = "utter_nothing_free" if offers else "utter_nothing_free_at_all"
            if offers and slots.get("problem") == "time_taken":
                response = PROBLEMS["time_taken"]
        if not certain:
            dispatcher.utter_message(response="utter_times_unsure")
        kept = [offer.as_dict() for offer in offers]
        if kept and kept == slots.get("offered_times"):
            response = PROBLEMS.get(slots.get("problem") or "", "utter_ask_chosen_time_again")
        dispatcher.utter_message(
            response=response,
            buttons=_buttons(offers, more=len(fresh) > len(offers), waiting=not free),
            problem_text=slots.get("problem_text") or "",
            **{slot: said for slot, said in wished.items() if slot == "preferred_time"},
            listed=", ".join(
                f"{number}: {offer.on_button()}" for number, offer in enumerate(offers, start=1)
            ),
        )
        return slot_events({**wished, "offered_times": kept, "shown_times": shown})


def _asks_for_later(text: str) -> bool:
    """ "Later", with no hour of its own; "a bit later" is any time after."""
    named = re.search(r"\d", text) or says("sooner", text) or says("not_about_time", text)
    return says("later", text) and not named and not says("only_a_bit", text)


def _question(slots: dict[str, Any]) -> str:
    problem = slots.get("problem")
    if problem in PROBLEMS:
        return PROBLEMS[problem]
    few = len(slots["windows"]) <= FEW_WINDOWS
    return "utter_ask_chosen_time" if few else "utter_ask_chosen_time_next"


def _buttons(offers: list[Offer], more: bool, waiting: bool) -> list[dict[str, str]]:
    titles = times.words()["buttons"]
    buttons = buttons_for(offers)
    if more:
        buttons.append({"title": titles["more"], "payload": f"/{MORE}"})
    buttons.append({"title": titles["other_day"], "payload": f"/{OTHER_DAY}"})
    if waiting:
        buttons.append({"title": titles["waiting_list"], "payload": "/join_waiting_list"})
    return buttons
