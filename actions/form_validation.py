"""How every form reads a message: one mechanism for all of them."""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import lru_cache
from typing import Any, ClassVar

import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import open_forms, services, times
from actions.base import ClinicAction, Event
from actions.reading import (
    JUST_COMES,
    REFUSED,
    WOULD_CALL,
    Reading,
    doubted_addresses,
    entity_of,
    intent_of,
    is_correction,
    is_undecided,
    mentioned,
    read,
    slot_events,
    text_of,
)
from assistant.policies.forms import CHANGES, FREE_TEXT_SLOTS, LEFT_TO_US, offers_of
from assistant.policies.wishes import says
from assistant.project import DATA
from clinic import hours
from clinic.contacts import ContactProblem, contact_problem

# What is done when a form is complete; they start it again when the time has gone meanwhile.
LAST_STEPS = frozenset({"action_change_appointment", "action_submit_booking"})
# Actions that write the message that the message form then asks about.
WRITERS = frozenset({"action_pass_change_on", "action_write_complaint"})
# Intents that change what was given before also where any words are an answer.
CORRECTIONS = frozenset({"correct_booking"})
# A phone number or an address was given, and cannot be used.
CONTACT_PROBLEMS = frozenset(
    {
        "invalid_patient_contact_area_code_missing",
        "invalid_patient_contact_email_not_valid",
        "invalid_patient_contact_phone_not_valid",
    }
)
# Problems that answer the message, also one that asks for a booking or a change.
TOLD_ANYWAY = frozenset(
    {
        *(*REFUSED.values(), *CONTACT_PROBLEMS, JUST_COMES, WOULD_CALL),
        *("time_question", "utter_waiting_needs_time"),
    }
)
# Problems that are told also when the message answers another question.
TOLD_BESIDE = frozenset({*CONTACT_PROBLEMS, "time_question"})
# Asked once a time is chosen: what is no answer there, and a time, is another time.
AFTER_THE_TIME = frozenset({"new_or_returning", "patient_contact", "patient_name"})
# Kept from one request to the next, so no sign of a draft.
OF_THE_PATIENT = frozenset({"patient_name", "patient_contact", "therapist", "note"})


@lru_cache(maxsize=1)
def _field_words() -> dict[str, re.Pattern[str]]:
    """Which words name which slot, from data/fields.yml."""
    fields = yaml.safe_load((DATA / "fields.yml").read_text(encoding="utf-8"))["fields"]
    return {
        slot: re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
        for slot, words in fields.items()
    }


class FormValidation(ClinicAction):
    """Reads the latest message for the running form.

    What the message mentions fills the slots that are empty, the slot that is asked for
    takes the whole message, and at the read-back a mention replaces what was there.
    """

    CONFIRMATION: ClassVar[str]
    # Slots at whose question a mention replaces what was given before.
    REPLACED: ClassVar[frozenset[str]] = frozenset()
    # Slots that are left empty unless the patient tells, which may be at any time.
    VOLUNTEERED: ClassVar[frozenset[str]] = frozenset()
    # What is told when the form is taken up again with what it holds.
    KEPT: ClassVar[str | None] = None

    @property
    @abstractmethod
    def SLOTS(self) -> tuple[str, ...]:
        """The form's slots, in the order they are asked for; a class attribute of each form."""

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """Returns the slots to set; always one at least, so that the form goes on.

        After an interruption Rasa asks for the validation again, although the message was
        dealt with: then there is nothing to read.
        """
        if begun_again(tracker):
            # What was wrong is still to be said with the next question.
            return slot_events({slot: tracker.slots.get(slot) for slot in no_problem()})
        form = self.NAME.removeprefix("validate_")
        if dealt_with(tracker):
            return slot_events(no_problem_but(tracker))
        if starting(tracker):
            # a yes to what was read back before is no yes to what the form holds now
            values = {self.CONFIRMATION: None, **await self.take_up(dispatcher, tracker)}
            told = _was_offered(tracker, form) or _was_written(tracker)
            told = told or values[self.CONFIRMATION] is not None
            if self.KEPT and self._is_draft(tracker) and not told:
                dispatcher.utter_message(response=self.KEPT)
        else:
            values = await self.values_from(tracker)
            asked = tracker.slots.get("requested_slot")
            left_to_us = asked in LEFT_TO_US and is_undecided(text_of(tracker))
            if left_to_us and asked != "preferred_time" and values.get(asked):
                dispatcher.utter_message(response="utter_picked", picked=values[asked])
            elif values.get("service") and asked == "chosen_time":
                dispatcher.utter_message(response="utter_picked", picked=values["service"])
            elif _is_new(tracker, values) and not _is_one_of_those_shown(tracker, values):
                dispatcher.utter_message(response="utter_picked", picked=values["chosen_time"])
            else:
                besides = self._told_besides(asked, values)
                if besides:
                    noted = hours.join([_noted(slot, values[slot]) for slot in besides])
                    dispatcher.utter_message(response="utter_noted", noted=noted)
        if self._has_unread_contact(tracker, values):
            dispatcher.utter_message(response="utter_contact_unread")
        return slot_events({**values, **open_forms.begun(tracker, form)})

    def _has_unread_contact(self, tracker: Tracker, values: dict[str, Any]) -> bool:
        """Before its turn, a number or an address was told that cannot be used."""
        asked, text = asked_in(tracker), text_of(tracker)
        known = {**tracker.slots, **values}
        early = asked not in ("patient_contact", *FREE_TEXT_SLOTS)
        if not early or "patient_contact" not in self.SLOTS:
            return False
        if known.get("patient_contact") or known.get("contact_choices"):
            return False
        if entity_of(tracker, "time") and not says("names_contact", text):
            # "december 10 2026" has many digits
            return False
        problem = contact_problem(text)
        return problem not in (None, ContactProblem.NOTHING_FOUND)

    def _told_besides(self, asked: str | None, values: dict[str, Any]) -> list[str]:
        """The slots of what was told, when the same is asked again."""
        said_by_itself = {asked, "note"}
        if asked in AFTER_THE_TIME:
            # new times to choose from follow
            said_by_itself.add("preferred_time")
        told = [slot for slot in self.SLOTS if slot not in said_by_itself and values.get(slot)]
        asked_again = asked not in (None, self.CONFIRMATION) and values.get(str(asked)) is None
        # new times to choose from say by themselves that the wish was heard
        shows = asked == "chosen_time" and bool({"service", "preferred_time"} & set(told))
        refused = values.get("problem") in CONTACT_PROBLEMS
        silent = shows or refused or not asked_again or asked in FREE_TEXT_SLOTS
        return [] if silent else told

    async def take_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        """The slots to set when the form starts, with what it held before or without."""
        return await self.values_from(tracker)

    def _is_draft(self, tracker: Tracker) -> bool:
        return any(
            tracker.slots.get(slot) not in (None, "")
            for slot in self.SLOTS
            if slot not in OF_THE_PATIENT
        )

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the latest message sets; forms that keep times add to it."""
        return self.read_message(tracker)

    def after_failure(self, tracker: Tracker) -> list[Event]:
        """The form asks again instead of handing the message to the rules."""
        return slot_events(no_problem())

    def read_message(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the latest message sets."""
        asked = asked_in(tracker)
        asked = asked if asked in self.SLOTS else None
        said = {slot: value for slot, value in mentioned(tracker).items() if slot in self.SLOTS}
        to_change = self._field_to_change(tracker, asked, said)
        if to_change:
            return {to_change: None, self.CONFIRMATION: None, **no_problem()}
        # "cancel on Thursday, my number is ..." is what the clinic should read, not a change here
        changes = intent_of(tracker) in (CORRECTIONS if asked in FREE_TEXT_SLOTS else CHANGES)
        is_corrected = is_correction(text_of(tracker)) or _corrects_length(tracker, said)
        corrects = bool(said) and asked not in FREE_TEXT_SLOTS and is_corrected
        resumes = starting(tracker) and _was_offered(tracker, str(tracker.active_loop.get("name")))
        may_replace = (
            changes or corrects or resumes or asked == self.CONFIRMATION or asked in self.REPLACED
        )
        values: dict[str, Any] = {
            slot: value
            for slot, value in said.items()
            if may_replace
            or slot == asked
            or tracker.slots.get(slot) is None
            or (slot in self.VOLUNTEERED and not tracker.slots.get(slot))
        }
        doubted = doubted_addresses(tracker) if "patient_contact" in self.SLOTS else []
        if doubted:
            # asked about before anything is sent there
            values |= {"patient_contact": None, "contact_choices": doubted}
        elif "patient_contact" in values and tracker.slots.get("contact_choices"):
            values["contact_choices"] = None
        closed = asked not in (self.CONFIRMATION, *FREE_TEXT_SLOTS)
        # "I want to book" in the middle of booking is no answer, and no mistake either
        if asked is None or asked in values:
            return {**values, **no_problem()}
        reading = read(asked, tracker)
        if asked == "patient_contact" and reading.value and tracker.slots.get("contact_choices"):
            values["contact_choices"] = None
        if may_replace and said and reading.problem not in TOLD_BESIDE:
            # "lee wong, new" may be taken for a wish to book
            named = asked in ("patient_name", "change_reference") and reading.problem is None
            if named:
                return {**values, asked: reading.value, **no_problem()}
            return {**values, **no_problem_but(tracker)}
        another = asked in AFTER_THE_TIME and not says("names_contact", text_of(tracker))
        if another and not reading.value and "preferred_time" in said:
            # "no 1pm", said to the question for a name: a change of mind
            values["preferred_time"] = said["preferred_time"]
        if reading.problem is None:
            return {**values, asked: reading.value, **no_problem()}
        if changes and closed and reading.problem not in TOLD_ANYWAY:
            return {**values, **no_problem_but(tracker)}
        if asked in LEFT_TO_US and said and not values:
            # "nvm thurs", said to the question for a length: a change of mind, and no answer
            values = {**said}
        if values and closed and reading.problem not in TOLD_BESIDE:
            # the answer to another question: this one is asked again, plainly
            return {**values, **no_problem_but(tracker)}
        return {
            **values,
            "problem_times": None,
            **near(reading),
            "problem": reading.problem,
            "problem_count": _count(tracker, reading),
            "problem_text": reading.text,
            "problem_choices": list(reading.choices) or None,
        }

    def _field_to_change(
        self, tracker: Tracker, asked: str | None, said: dict[str, str]
    ) -> str | None:
        """The slot to ask again, when the patient says which one was wrong."""
        field = entity_of(tracker, "field")
        if field in self.SLOTS:
            return field
        corrects = intent_of(tracker) in ("correct_booking", "deny", "change_appointment")
        which = said_before(tracker, "utter_ask_which_field")
        if says("at_that_time", text_of(tracker)) or says("same_details", text_of(tracker)):
            # "same time", "same email" change nothing
            return None
        if said or not text_of(tracker) or not (which or corrects or asked == self.CONFIRMATION):
            return None
        told = which or intent_of(tracker) == "correct_booking"
        if asked != self.CONFIRMATION and not told:
            return None
        named = [
            slot
            for slot, words in _field_words().items()
            if slot in self.SLOTS
            and words.search(text_of(tracker))
            # with one therapist, the word is about the note for that one
            and (slot != "therapist" or len(services.therapists()) > 1)
        ]
        # words about what is being asked for are a reply, not a change
        return named[0] if len(named) == 1 and named != [asked] else None


def _noted(slot: str, value: str) -> str:
    """What was told, as it is said back."""
    words = times.words()["noted"]
    return str(words.get(f"{slot} {value}") or words.get(slot) or words["other"]).format(value)


def _corrects_length(tracker: Tracker, said: dict[str, str]) -> bool:
    """ "30 mins, not 60"."""
    return "service" in said and says("not_this_length", text_of(tracker))


def _is_one_of_those_shown(tracker: Tracker, values: dict[str, Any]) -> bool:
    """The time was picked where it was asked for: a day and an hour told, or one of those shown."""
    asked = tracker.slots.get("requested_slot")
    start = (values.get("chosen") or {}).get("start")
    shown = [offer["start"] for offer in tracker.slots.get("offered_times") or []]
    return asked == "preferred_time" or (asked == "chosen_time" and start in (None, *shown))


def _is_new(tracker: Tracker, values: dict[str, Any]) -> bool:
    """A time was picked that is not the one picked before."""
    chosen = values.get("chosen_time")
    return bool(chosen) and chosen != tracker.slots.get("chosen_time")


def starting(tracker: Tracker) -> bool:
    """The form begins with this message, or is taken up again."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            return False
        if event["event"] == "active_loop" and event.get("name"):
            return True
    return False


def asked_in(tracker: Tracker) -> str | None:
    """The slot that the message answers; a form that starts has asked nothing yet."""
    return None if starting(tracker) else tracker.slots.get("requested_slot")


def goes_on(tracker: Tracker, form: str) -> bool:
    """The patient goes on with the form that was offered, now or by a button from before."""
    return _was_offered(tracker, form) or intent_of(tracker) == "resume_form"


def _was_offered(tracker: Tracker, form: str) -> bool:
    """The turn before ended by offering the form, with what it holds."""
    return said_before(tracker, *offers_of(form))


def said_before(tracker: Tracker, *responses: str) -> bool:
    """The turn before ended with one of these."""
    messages = 0
    for event in reversed(tracker.events):
        messages += event["event"] == "user"
        if event["event"] == "bot" and messages:
            said = (event.get("metadata") or {}).get("utter_action")
            return messages == 1 and said in responses
    return False


def _was_written(tracker: Tracker) -> bool:
    """What the form holds was put there, and said, by an action before it."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            return False
        if event["event"] == "action" and event.get("name") in WRITERS:
            return True
    return False


def dealt_with(tracker: Tracker) -> bool:
    """The message interrupted a running form and was answered by another action."""
    others = False
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        if event["event"] == "active_loop" and event.get("name"):
            return False  # the message starts the form
        if event["event"] == "action":
            others = others or event.get("name") != tracker.active_loop.get("name")
    return others


def begun_again(tracker: Tracker) -> bool:
    """The message completed the form, and what was to be done then could not be done."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        if event["event"] == "action" and event.get("name") in LAST_STEPS:
            return True
    return False


def no_problem_but(tracker: Tracker) -> dict[str, Any]:
    """``no_problem``, unless it was asked which of two times is meant: that is asked again."""
    slots = tracker.slots
    stays = slots.get("problem") == "time_question" and slots.get("problem_choices")
    if stays and slots.get("requested_slot") in ("preferred_time", "chosen_time"):
        return {slot: slots.get(slot) for slot in no_problem()}
    return no_problem()


def _count(tracker: Tracker, reading: Reading) -> int:
    """How often in a row an answer could not be read. A time that cannot be had was read."""
    before = tracker.slots.get("problem_count") or 0
    return before or 1 if reading.problem == "time_question" else before + 1


def near(reading: Reading) -> dict[str, Any]:
    """What another hour is counted from, after one that is outside the hours of its day.

    And where free times are looked for in its place.
    """
    found = {"windows": reading.near, "problem_times": reading.instead}
    return {slot: times.stored(windows) for slot, windows in found.items() if windows}


def no_problem() -> dict[str, Any]:
    """The slots of a question that is asked plainly."""
    return {
        "problem": None,
        "problem_count": 0,
        "problem_text": None,
        "problem_choices": None,
        "problem_times": None,
    }
