"""Chooses the wording of a response and fills in the clinic's facts.

Rasa's own generator picks a wording at random and knows only slots. Here

- ``{clinic_phone}`` and the like come from ``clinic.yml``;
- a wording with ``metadata.needs`` is used only when the owner has filled in those facts, slots of
  these names are filled, the patient has named a day, or an alarm is about another person;
- a wording with ``metadata.about`` is used only when the patient has mentioned that (see
  ``assistant.nlu.mentions``), and then before any other;
- of several that fit, one with ``metadata.first`` is said before all others;
- a wording that this conversation has not read yet is preferred, in the order written, and when the
  same would be read twice within a few turns, more of the topic is told; of something particular,
  or when there is no more, its first sentence and that no more is known;
- a form whose question was not answered well asks in other words (slot ``problem``);
- buttons that lead to booking are left out while a red flag is open;
- an answer to a question can be rated.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml
from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from assistant import asked_day
from assistant.nlu import clauses, mentions, understanding
from assistant.policies import alarm
from assistant.policies.answers import topic_of
from assistant.policies.forms import WHICH_APPOINTMENT, offers_of
from assistant.project import DATA
from clinic import clock, facts, hours

# Variables that a patient's message gives, beside the clinic's facts: whether it is open on a day
# that is named, and what is mentioned when it is several things.
ASKED_HOURS = "asked_hours"
MENTIONED = "mentioned"
# When a therapist is in who is named, or the name where clinic.yml does not say when.
THERAPIST_HOURS = "asked_therapist_hours"
THERAPIST_WITHOUT_HOURS = "therapist_without_hours"
FROM_THE_MESSAGE = frozenset({ASKED_HOURS, MENTIONED, THERAPIST_HOURS, THERAPIST_WITHOUT_HOURS})
# What the generator itself works out: addresses to choose from, the heart of what was said before.
FROM_THE_CHAT = frozenset({"addresses", "said"})
# Variables that the open alarm gives: its signs in a list and in a sentence, the patient ("you",
# "your mother"), the same only when it is not the one who writes, what to do at once, and that it
# can go on later; "about" is what a check question asks about.
FROM_THE_ALARM = frozenset(
    {"about", "signs", "told", "patient", "other_person", "get_help", "later"}
)
# Slots of which one is filled when something was told for an appointment.
OF_AN_APPOINTMENT = ("preferred_time", "service", "chosen_time", "patient_name", "patient_contact")
# They read out what was begun.
OF_THE_DRAFT = frozenset({*offers_of("booking_form"), "utter_kept_booking_form"})
BOOKING_PAYLOADS = ("/book_appointment",)
ASKS_FOR_A_CONTACT = ("utter_ask_patient_contact", "utter_ask_message_form_patient_contact")
# Questions with one button for each of what may be meant, by the slot that holds these.
TIME_QUESTION = "utter_time_question"
CHOICES_OF = {
    **dict.fromkeys((TIME_QUESTION, *WHICH_APPOINTMENT), "problem_choices"),
    "utter_contact_question": "contact_choices",
}
SUGGESTED_TOPICS = 3
# Questions on one topic that are answered together.
MOST_QUESTIONS = 3
# Shown as choices when a message was not understood; a choice this unlikely helps nobody.
LIKELY_ENOUGH = 0.03
# Turns back in which the same text is not said again.
LATELY = 3
# From this many answers in a row that could not be used, the question offers a way out.
STUCK = 3
# A question that was read so often is asked in other words: shorter, and then with a way out.
TWICE = 2
QUESTIONS = ("utter_ask_", "utter_invalid_")
IN_OTHER_WORDS = ("utter_ask_{slot}_shorter", "utter_ask_{slot}_stuck", "utter_ask_{slot}")
# Turns back in which that is counted.
OF_A_QUESTION = 20

_VARIABLE = re.compile(r"{(\w+)}")
_SENTENCE = re.compile(r".+?[.?!](?=\s|$)", re.DOTALL)
_GAP = re.compile(r"\n{3,}")
# A line of a read-back: "Note: {note}".
_LABELLED = re.compile(r"^[^{}]+: {(\w+)}$")


@lru_cache(maxsize=1)
def _titles() -> dict[str, Any]:
    return yaml.safe_load((DATA / "titles.yml").read_text(encoding="utf-8"))


class ResponseGenerator(TemplatedNaturalLanguageGenerator):
    """Rasa's template generator with the clinic's facts and better choices."""

    def __init__(
        self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None
    ) -> None:
        """Reads ``clinic.yml``; raises ``clinic.facts.ClinicFileError`` if it is wrong."""
        super().__init__((domain or Domain.empty()).responses)
        facts.load()

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any] | None:
        """Returns text, buttons and metadata of one message, or None if there is no wording.

        ``metadata`` holds what the response file says (sources) and ``response``, the name
        of what was really said.
        """
        # a question in other words is not put into other words once more
        settled = bool(kwargs.pop("settled", False))
        name = utter_action if settled else self._said_instead(utter_action, tracker)
        slots = tracker.current_slot_values()
        if name in OF_THE_DRAFT:
            # set aside while an appointment is changed, which fills the same slots
            slots |= slots.get("draft_aside") or {}
        clinic = facts.current().variables()
        known = clinic | _of_the_alarm(slots, clinic)
        suitable = self._suitable(name, output_channel, slots)
        mentioned = self._mentioned(suitable, tracker)
        known |= self._asked(suitable, mentioned, tracker)
        *others, last = slots.get("contact_choices") or [""]
        addresses = " or ".join(filter(None, (", ".join(others), last)))
        # of a time that is chosen it is known with whom, also when anyone would do
        therapist = (slots.get("chosen") or slots).get("therapist")
        said = {"addresses": addresses, "therapist": therapist}
        variables = {**known, **slots, **said, **kwargs}
        wording = self._choose(name, tracker, suitable, known, mentioned)
        if wording is None:
            return None
        message = copy.deepcopy(wording)
        others = self._asked_too(wording, suitable, known, tracker)
        text = "\n\n".join(one.get("text", "") for one in (wording, *others))
        message["text"] = _fill(text, variables)
        again = f"{name}_again"
        shorter = _without_what_was_said(message["text"], tracker)
        same = {message["text"], shorter}
        if again in self.responses and same & set(_said_in(tracker, turns=1)):
            return await self.generate(again, tracker, output_channel, **kwargs)
        times_read = sum(said in same for said in _said_in(tracker, OF_A_QUESTION))
        if not settled and times_read >= TWICE:
            other = self._asked_otherwise(name, tracker)
            if other:
                return await self.generate(other, tracker, output_channel, settled=True, **kwargs)
        topic = topic_of(name)
        if topic and name == f"utter_faq/{topic}" and message["text"] in _said_in(tracker, LATELY):
            # more of the topic would be about something else than what is asked in particular
            more_of = None if _about(wording) else topic
            return await self._beyond(more_of, message, tracker, output_channel)
        message["text"] = shorter
        message["metadata"] = {**message.get("metadata", {}), "response": name}
        warned = tracker.get_slot("red_flag_level")
        message["buttons"] = [
            button
            for button in self._buttons(name, message, tracker, variables)
            if not (warned and button["payload"].startswith(BOOKING_PAYLOADS))
        ]
        return message

    async def _beyond(
        self,
        topic: str | None,
        message: dict[str, Any],
        tracker: DialogueStateTracker,
        output_channel: str,
    ) -> dict[str, Any] | None:
        """What is said instead of the same once more: more of it, or its heart and no more.

        ``topic`` is None where more of it would be beside the question.
        """
        parts = (f"utter_more_{topic}", f"utter_because_{topic}") if topic else ()
        for part in parts:
            if part in self.responses and not _times_said(part, tracker):
                return await self.generate(part, tracker, output_channel)
        heart = _SENTENCE.match(message["text"])
        said = heart[0] if heart else message["text"]
        short = await self.generate("utter_as_said", tracker, output_channel, said=said)
        return {**short, "buttons": message.get("buttons") or []} if short else None

    def _asked_otherwise(self, name: str, tracker: DialogueStateTracker) -> str | None:
        """What a form's question that was read twice is asked by: what was said least so far.

        None for other responses.
        """
        slot = tracker.get_slot("requested_slot")
        if not slot or slot not in name or not name.startswith(QUESTIONS):
            return None
        others = [other.format(slot=slot) for other in IN_OTHER_WORDS]
        there = [other for other in others if other in self.responses and other != name]
        return min(there, key=lambda other: _times_said(other, tracker), default=None)

    def _said_instead(self, name: str, tracker: DialogueStateTracker) -> str:
        """The question of a form in other words, after an answer it could not use."""
        problem = tracker.get_slot("problem")
        slot = tracker.get_slot("requested_slot")
        # asked for the first time, it is not yet the slot that is requested
        plain = slot != "patient_contact" or not problem
        if name in ASKS_FOR_A_CONTACT and plain and tracker.get_slot("contact_choices"):
            return "utter_contact_question"
        # Rasa prefers a question written for one form
        asks = (f"utter_ask_{slot}", f"utter_ask_{tracker.active_loop_name}_{slot}")
        if not problem or name not in asks:
            return name
        stuck = f"utter_ask_{slot}_stuck"
        if (tracker.get_slot("problem_count") or 0) >= STUCK and stuck in self.responses:
            return stuck
        instead = problem if problem.startswith("utter_") else f"utter_{problem}"
        return instead if instead in self.responses else name

    def _choose(
        self,
        name: str,
        tracker: DialogueStateTracker,
        suitable: list[dict[str, Any]],
        variables: dict[str, Any],
        mentioned: dict[str, str],
    ) -> dict[str, Any] | None:
        known = {variable for variable, value in variables.items() if value is not None}
        allowed = [wording for wording in suitable if set(_needs(wording)) <= known]
        foremost = [w for w in allowed if _is_first(w) and _about(w) in mentioned]
        if foremost:
            allowed = foremost
        elif MENTIONED in variables:
            several = [wording for wording in allowed if MENTIONED in _needs(wording)]
            allowed = several or allowed
        else:
            first = next((_about(w) for w in allowed if _about(w) in mentioned), None)
            allowed = [wording for wording in allowed if _about(wording) == first]
        if not allowed:
            return None
        # what the owner has filled in is told before "I don't have that"
        most = max(len(_needs(wording)) for wording in allowed)
        best = [wording for wording in allowed if len(_needs(wording)) == most]
        return best[_times_said(name, tracker) % len(best)]

    @staticmethod
    def _mentioned(wordings: list[dict[str, Any]], tracker: DialogueStateTracker) -> dict[str, str]:
        """What the patient's message mentions of what these wordings are about."""
        subjects = {about for wording in wordings if (about := _about(wording))}
        text = _last_text(tracker)
        if not subjects or not text:
            return {}
        # what is asked goes before what is told on the way, where the two are not to be added up
        as_read = _last_as_read(tracker)
        asked = _questions_in(text)
        adds_up = any(MENTIONED in _needs(wording) for wording in wordings)
        # what was typed may name what no word list knows, or have a slip in what it names
        parts = [asked, text, as_read]
        if adds_up:
            parts = [f"{text}\n{as_read}"]
        elif asked and len(text.split()) >= understanding.LONG:
            parts = [asked, _questions_in(as_read)]
        for part in parts:
            if found := mentions.find(part, subjects):
                return found
        return {}

    @staticmethod
    def _asked_too(
        wording: dict[str, Any],
        wordings: list[dict[str, Any]],
        variables: dict[str, Any],
        tracker: DialogueStateTracker,
    ) -> list[dict[str, Any]]:
        """What answers the other questions on the same topic: "is there parking? an elevator?"."""
        about = _about(wording)
        if about is None or any(MENTIONED in _needs(one) for one in wordings):
            return []
        known = {name for name, value in variables.items() if value is not None}
        particular = [one for one in wordings if _about(one) and set(_needs(one)) <= known]
        others: dict[str | None, dict[str, Any]] = {}
        for part in clauses.split(_last_text(tracker)):
            found = mentions.find(part) if clauses.is_question(part) else {}
            asked = next((_about(one) for one in particular if _about(one) in found), None)
            if asked not in (None, about):
                of_it = [one for one in particular if _about(one) == asked]
                # what the owner has filled in is told before "I don't have that"
                others.setdefault(asked, max(of_it, key=lambda one: len(_needs(one))))
        return list(others.values())[: MOST_QUESTIONS - 1]

    @staticmethod
    def _asked(
        wordings: list[dict[str, Any]], mentioned: dict[str, str], tracker: DialogueStateTracker
    ) -> dict[str, str | None]:
        """Variables that the patient's message gives, of those that these wordings need."""
        needs = {need for wording in wordings for need in _needs(wording)}
        found: dict[str, str | None] = {}
        if MENTIONED in needs and len(mentioned) > 1:
            found[MENTIONED] = hours.join(list(mentioned.values()))
        text = _last_text(tracker)
        if ASKED_HOURS in needs:
            found[ASKED_HOURS] = asked_day.hours_on(text, facts.current(), clock.now())
        if THERAPIST_HOURS in needs:
            clinic = facts.current()
            hours_of = asked_day.therapist_hours_on(text, clinic, clock.now())
            named = asked_day.named_therapist(text, clinic)
            found[THERAPIST_HOURS] = hours_of
            found[THERAPIST_WITHOUT_HOURS] = named.name if named and not hours_of else None
        return found

    def _suitable(self, name: str, channel: str, slots: dict[str, Any]) -> list[dict[str, Any]]:
        if name not in self.responses:
            return []
        suitable = ResponseVariationFilter(self.responses)
        return suitable.responses_for_utter_action(name, channel, slots)

    def _buttons(
        self,
        name: str,
        message: dict[str, Any],
        tracker: DialogueStateTracker,
        variables: dict[str, Any],
    ) -> Iterator[dict[str, Any]]:
        for button in message.get("buttons") or []:
            # Rasa's notation doubles the braces of a payload
            payload = button["payload"].replace("{{", "{").replace("}}", "}")
            needs = button.get("needs")
            if _says_nothing(button["title"], variables) or (needs and not variables.get(needs)):
                continue
            yield {"title": _fill(button["title"], variables), "payload": payload}
        for choice in tracker.get_slot(CHOICES_OF.get(name, "")) or []:
            yield {"title": choice, "payload": choice}
        if name == TIME_QUESTION:
            yield from tracker.get_slot("problem_times") or []
        if name == "utter_not_understood_1":
            yield from self._suggestions(tracker)
        topic = topic_of(name)
        if topic and name.startswith("utter_faq/"):
            for rating in _titles()["ratings"]:
                rated = json.dumps({"value": rating["value"], "answer": topic})
                payload = f"/feedback{rated}"
                yield {"title": rating["title"], "payload": payload, "kind": "rating"}

    def _suggestions(self, tracker: DialogueStateTracker) -> Iterator[dict[str, Any]]:
        """The likeliest topics of a message that was not understood, in plain words."""
        titles = _titles()["topics"]
        message = tracker.latest_message
        ranking = message.parse_data.get("intent_ranking", []) if message else []
        likely = [
            entry["name"]
            for entry in ranking
            if entry["name"] in titles and entry["confidence"] >= LIKELY_ENOUGH
        ]
        for label in (likely or _titles()["popular"])[:SUGGESTED_TOPICS]:
            yield {"title": titles[label], "payload": f"/{label}"}


def _of_the_alarm(slots: dict[str, Any], clinic: dict[str, Any]) -> dict[str, str | None]:
    person = slots.get("alarm_person")
    alarms = slots.get("alarms") or ()
    named = alarm.names(alarms)
    words = alarm.words()
    told = any(slots.get(slot) for slot in OF_AN_APPOINTMENT)
    get_help = words["get_help_for_other" if person else "get_help"][alarm.most_pressing(alarms)]
    return {
        "get_help": _fill(get_help, {**clinic, "other_person": person}),
        "signs": hours.join(named) if named else words["signs_unnamed"],
        "told": words["signs_told"].format(signs=hours.join(named)) if named else "",
        "patient": person or words["patient_unnamed"],
        "other_person": person,
        "later": words["later"]["kept" if told else "nothing"],
        "about": (slots.get("safety_check") or {}).get("about") or None,
    }


def _needs(wording: dict[str, Any]) -> list[str]:
    return list(wording.get("metadata", {}).get("needs", []))


def _about(wording: dict[str, Any]) -> str | None:
    about: str | None = wording.get("metadata", {}).get("about")
    return about


def _is_first(wording: dict[str, Any]) -> bool:
    return bool(wording.get("metadata", {}).get("first"))


def _questions_in(text: str) -> str:
    return " ".join(part for part in clauses.split(text) if clauses.is_question(part))


def _last_text(tracker: DialogueStateTracker) -> str:
    """What the patient wrote last; nothing when it was a button."""
    text = (tracker.latest_message.text or "") if tracker.latest_message else ""
    return "" if text.startswith("/") else text


def _last_as_read(tracker: DialogueStateTracker) -> str:
    """The same without shorthand and slips; nothing when it had none."""
    message = tracker.latest_message
    return str(message.parse_data.get("as_read") or "") if message else ""


def _times_said(name: str, tracker: DialogueStateTracker) -> int:
    return sum(
        isinstance(event, BotUttered) and event.metadata.get("metadata", {}).get("response") == name
        for event in tracker.events
    )


def _said_in(tracker: DialogueStateTracker, turns: int) -> list[str]:
    """The texts of so many turns before this one."""
    said: list[str] = []
    messages = 0
    for event in reversed(tracker.events):
        messages += isinstance(event, UserUttered)
        if messages > turns:
            break
        if isinstance(event, BotUttered) and messages:
            said.append(str(event.text))
    return said


def _without_what_was_said(text: str, tracker: DialogueStateTracker) -> str:
    """The text with what the running form has said before in its shorter words."""
    for once in _titles()["once"]:
        if once["whole"] in text and any(once["whole"] in said for said in _said_in_form(tracker)):
            text = text.replace(once["whole"], once["then"])
    return text


def _said_in_form(tracker: DialogueStateTracker) -> list[str]:
    """The texts since the running form began; the next request is read with new eyes."""
    said: list[str] = []
    for event in reversed(tracker.events):
        if isinstance(event, ActiveLoop):
            break
        if isinstance(event, BotUttered):
            said.append(str(event.text))
    return said


def _fill(text: str, variables: dict[str, Any]) -> str:
    """Puts values in the place of {names}; what is not known leaves nothing behind."""
    lines = [line for line in text.splitlines() if not _is_empty(line, variables)]
    text = "\n".join(lines)

    def value(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        return match[0] if match[1] not in variables else str(found if found is not None else "")

    # a paragraph of which nothing is known leaves no gap
    return _GAP.sub("\n\n", _VARIABLE.sub(value, text)).strip()


def _says_nothing(title: str, variables: dict[str, Any]) -> bool:
    """The title of a button for something that is not known."""
    return any(name in variables and not variables[name] for name in _VARIABLE.findall(title))


def _is_empty(line: str, variables: dict[str, Any]) -> bool:
    """A line of a read-back that has nothing to tell."""
    match = _LABELLED.match(line)
    return match is not None and match[1] in variables and not variables[match[1]]
