"""Reading a patient's message as the answer to a form's question."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rasa_sdk import Tracker

from actions import services
from actions.times import ASAP, understood, understood_at_any_hour, words
from assistant.policies.wishes import (
    asks_something,
    refuses_contact,
    says,
    says_yes_beside,
    statements,
)
from clinic.contacts import (
    Contact,
    ContactProblem,
    contact_problem,
    read_contact,
    read_contacts,
    without_spoken_phones,
)
from clinic.mentions import find_name
from clinic.names import read_name
from clinic.opening import Interval
from clinic.references import ALPHABET, LENGTH

# The entity that holds a slot's value when it is said unasked.
ENTITY_OF = {
    "preferred_time": "time",
    "patient_name": "name",
    "patient_contact": "contact",
    "change_contact": "contact",
}
# One way to be reached is refused: the other is enough.
REFUSED = {
    "phone": "invalid_patient_contact_no_phone",
    "email": "invalid_patient_contact_no_email",
}
# Wants to come without a way to be reached.
JUST_COMES = "invalid_patient_contact_just_comes"
# Would call the clinic, or gives no way to be reached at all.
WOULD_CALL = "invalid_patient_contact_would_call"
# Questions that ask whether it is a first visit: "new" alone answers them.
ASKS_FOR_A_VISIT = frozenset({"patient_name", "new_or_returning"})
# What a typed yes must reach before something is sent or deleted.
CERTAIN = 0.5
# Punctuation and the like beside a name that stands alone.
LONGEST_BESIDE_A_NAME = 3
# "Is this your first visit?"
VISIT = "new_or_returning"
VISIT_BY_INTENT = {"affirm": "new", "deny": "returning"}
VISIT_BY_FIRST_WORD = {"yes_first": "new", "no_first": "returning"}
FEW_WORDS = 3
# "My mother in law Ana Costa".
MOST_WORDS_FOR_WHOM = 6
# Words of a plain no ("no thank you, nothing else").
LONGEST_NO = 5
# A phone number or an e-mail address, beside a name.
_CONTACT = r"\S+@\S+|\+?\(?\d[\d()+.\- ]{6,}"
_LENGTH = r"\d+ ?-?(?:min\w*|m\b|hours?|hrs?)?(?: *(?:each|apiece|per person))?"
# "Did you mean jo@gmail.com, or jo@gmial.com?": a yes takes the first.
LIKELY_AND_TYPED = 2
# An optional answer that was skipped: filled, and empty.
SKIPPED = ""


@dataclass(frozen=True)
class Reading:
    """A value, or the name of the response (without "utter_") that says what is wrong.

    ``text`` and ``choices`` (texts of buttons) belong to the problem, where the response has
    room for them; ``near`` are the open hours of the day of a time that is outside them. Of a time
    that cannot be had, ``instead`` are the stretches in which there may be free ones.
    """

    value: str | None = None
    problem: str | None = None
    text: str | None = None
    choices: tuple[str, ...] = ()
    near: tuple[Interval, ...] = ()
    instead: tuple[Interval, ...] = ()


def intent_of(tracker: Tracker) -> str:
    """The intent of the latest message."""
    return str(tracker.latest_message.get("intent", {}).get("name"))


def confidence_of(tracker: Tracker) -> float:
    """How sure the intent of the latest message is; 1 for a click on a button."""
    return float(tracker.latest_message.get("intent", {}).get("confidence") or 0.0)


def text_of(tracker: Tracker) -> str:
    """The text of the latest message; empty for a click on a button."""
    text = str(tracker.latest_message.get("text") or "").strip()
    return "" if text.startswith("/") else text


def entity_of(tracker: Tracker, name: str) -> str | None:
    """The value of an entity of the latest message, or None."""
    return next(tracker.get_latest_entity_values(name), None)


def mentioned(tracker: Tracker) -> dict[str, str]:
    """Slots whose value the latest message gives, asked or not."""
    text = text_of(tracker)
    found = {slot: entity_of(tracker, entity) for slot, entity in ENTITY_OF.items()}
    if found["patient_name"] is None:
        # "my names Lou Ferris been before"
        found["patient_name"] = find_name(services.without_visit(text))
    found["service"] = services.read_instead(text, tracker.slots.get("service"))
    found[VISIT] = services.read_visit(text, asked=_asks_for_a_visit(tracker))
    if found[VISIT] is None and tracker.slots.get("requested_slot") == VISIT:
        found[VISIT] = visit_beside_a_question(text)
    if found[VISIT] is None and _answers_the_visit(tracker):
        found[VISIT] = VISIT_BY_INTENT.get(intent_of(tracker))
    found["for_whom"] = services.read_for_whom(text)
    found["therapist"] = services.wished_therapist(text)
    if found["therapist"] == tracker.slots.get("therapist"):
        found["therapist"] = None
    if found["service"] and _is_a_length(text):
        found["preferred_time"] = None
    contacts = read_contacts(text)
    if len(contacts) > 1 and says("corrects", text):
        # "my phone is ..., but e-mail me instead at ..."
        found["patient_contact"] = found["change_contact"] = contacts[-1].shown
    elif len(contacts) > 1 and tracker.active_loop_name == "booking_form":
        found["patient_contact"] = _preferred(contacts).shown
    if doubted_addresses(tracker):
        found["patient_contact"] = None
    return {slot: value for slot, value in found.items() if value is not None}


def other_contacts(text: str, contact: str | None) -> list[str]:
    """The ways to reach the patient beside the one that is taken, None while that is asked about.

    "My phone is ..., but e-mail me instead at ..." tells one.
    """
    contacts = [] if says("corrects", text) else read_contacts(text)
    if contact is None:
        return [other.shown for other in contacts if not other.choices]
    return [other.shown for other in contacts if other.shown != contact]


def _preferred(contacts: list[Contact]) -> Contact:
    """Of a phone number and an address that address: the invitation goes there."""
    # one that may be mistyped reaches nobody
    certain = [contact for contact in contacts if not contact.choices] or contacts
    return next((contact for contact in certain if contact.kind == "email"), certain[0])


def _asks_for_a_visit(tracker: Tracker) -> bool:
    """Whether "new" alone is about the visit: where it is asked, right after, and at the end."""
    asked = tracker.slots.get("requested_slot")
    left_open = asked == "patient_contact" and not tracker.slots.get("new_or_returning")
    alone = asked == "confirm_booking" and says("visit_only", text_of(tracker))
    return asked in ASKS_FOR_A_VISIT or left_open or alone


def _answers_the_visit(tracker: Tracker) -> bool:
    """A yes or a no alone, to "what name, and is this your first visit?"."""
    asked = tracker.slots.get("requested_slot") == "patient_name"
    open_still = tracker.slots.get("new_or_returning") is None and not read_name(text_of(tracker))
    in_booking = tracker.active_loop.get("name") == "booking_form"
    words_said = text_of(tracker).lower().split()
    few = len(words_said) <= FEW_WORDS and "name" not in words_said
    # "wait no 11" is another hour
    return asked and open_still and in_booking and few and not re.search(r"\d", text_of(tracker))


def visit_beside_a_question(text: str) -> str | None:
    """Asked whether it is the first visit: what "yes and how much is it" says."""
    if not asks_something(text):
        return None
    said = [visit for words, visit in VISIT_BY_FIRST_WORD.items() if says(words, text)]
    return said[0] if said else None


def _is_a_length(text: str) -> bool:
    """ "30" is half an hour there, and not the 30th of the month."""
    alone = len(re.findall(r"\d+", text)) == 1
    return alone and not understood(re.sub(_LENGTH, " ", text, flags=re.IGNORECASE)).windows


def beside(tracker: Tracker, rest: str) -> Tracker:
    """The conversation as if the patient had written only a part of the latest message."""
    contact, name, time = read_contact(rest), find_name(rest), understood(rest)
    values = {
        "contact": contact.shown if contact else None,
        "name": name,
        "time": time.say if time.windows else None,
        "time_unclear": None if time.windows or time.status == "none" else time.say,
    }
    entities = [{"entity": entity, "value": value} for entity, value in values.items() if value]
    part = copy.copy(tracker)
    part.latest_message = {**tracker.latest_message, "text": rest, "entities": entities}
    return part


def is_undecided(text: str) -> bool:
    """ "You pick", "I don't mind"."""
    return re.search(words()["undecided"], text, re.IGNORECASE) is not None


def is_correction(text: str) -> bool:
    """ "Actually", "make it", "sorry, I meant"."""
    return re.search(words()["corrects"], text, re.IGNORECASE) is not None


def doubted_addresses(tracker: Tracker) -> list[str]:
    """The e-mail addresses that the one in the message may stand for, when that is in doubt.

    One that was chosen from such a list is in doubt no more.
    """
    chosen_from = tracker.slots.get("contact_choices") or []
    contact = read_contact(text_of(tracker))
    return list(contact.choices) if contact and contact.value not in chosen_from else []


def bare_name(text: str) -> str | None:
    """A first and a last name, each with a capital letter, and at most a contact beside them."""
    text = re.sub(_CONTACT, " ", text).strip(" ,;")
    name = read_name(text)
    words_of = name.split() if name else []
    alone = name is not None and len(text) - len(name) <= LONGEST_BESIDE_A_NAME
    return name if alone and len(words_of) > 1 and all(w[:1].isupper() for w in words_of) else None


def tells_who_only(text: str) -> bool:
    """ "It's Bo Park 416-555-0166": a name or a contact, and no word besides."""
    beside = without_contacts(text)
    if bare_name(text) or not re.search(r"[^\W\d_]", beside):
        return True
    name = read_name(beside)
    if name is None or (beside == text and not all(w[:1].isupper() for w in name.split())):
        # in small letters a name without a number may be anything
        return False
    return not re.sub(words()["around_a_name"], "", beside.replace(name, " "), flags=re.IGNORECASE)


def without_contacts(text: str) -> str:
    """The text without its phone numbers and addresses."""
    return re.sub(_CONTACT, " ", without_spoken_phones(text, " "))


def read(slot: str, tracker: Tracker) -> Reading:
    """Reads the latest message as the answer to the question for ``slot``."""
    said = mentioned(tracker).get(slot)
    if said is not None:
        return Reading(said)
    return _READERS[slot](tracker)


def _name(tracker: Tracker) -> Reading:
    text = text_of(tracker)
    # "I'm new here, Priya Nair": the question asks for both
    pieces = re.split(r"[,;:.?!]\s|\s-\s", text)
    parts = (part for part in pieces if not services.read_visit(part, asked=True))
    name = next(filter(None, map(read_name, (text, *parts, services.without_visit(text)))), None)
    return Reading(name) if name else Reading(problem="invalid_patient_name")


def _contact(tracker: Tracker) -> Reading:
    contact = read_contact(text_of(tracker)) or _number_completed(tracker)
    if contact:
        return Reading(contact.shown)
    choices = tracker.slots.get("contact_choices") or []
    picked = services.ordinal(text_of(tracker), len(choices))
    # "send" chooses no address
    sends = re.search(r"\b(?:send|submit)\b", text_of(tracker), re.IGNORECASE)
    agrees = intent_of(tracker) == "affirm" and confidence_of(tracker) >= CERTAIN
    if len(choices) == LIKELY_AND_TYPED and agrees and not sends:
        picked = 0
    if picked is None:
        picked = _by_ending(text_of(tracker), choices)
    if picked is not None:
        return Reading(choices[picked])
    if says("just_comes", text_of(tracker)):
        return Reading(problem=JUST_COMES)
    if says("would_call", text_of(tracker)) or says("refuses_both", text_of(tracker)):
        return Reading(problem=WOULD_CALL)
    refused = refuses_contact(text_of(tracker))
    if refused:
        return Reading(problem=REFUSED[refused])
    found = contact_problem(text_of(tracker))
    if choices and found is ContactProblem.NOTHING_FOUND:
        return Reading(problem="contact_question")
    kind = found.value if found else "nothing_found"
    return Reading(problem=f"invalid_patient_contact_{kind}")


def _by_ending(text: str, choices: list[str]) -> int | None:
    """ "The .ca one", "gmail": which of the addresses ends so, when one alone does."""
    domains = [address.rpartition("@")[2] for address in choices]
    for ends in (
        [one.rpartition(".")[2] for one in domains],
        [one.split(".")[0] for one in domains],
    ):
        said = [
            at
            for at, end in enumerate(ends)
            if re.search(rf"(?<!\w){re.escape(end)}\b", text, re.IGNORECASE)
        ]
        if len(said) == 1:
            return said[0]
    return None


def _number_completed(tracker: Tracker) -> Contact | None:
    """ "0144", after "905-555-014": the number with that end; "905", after "555-0144": with it."""
    if not str(tracker.slots.get("problem")).startswith("invalid_patient_contact_"):
        return None
    said = [str(event.get("text")) for event in tracker.events if event["event"] == "user"]
    if len(said) < LIKELY_AND_TYPED or re.search(r"[^\W\d_]", said[-1]):
        return None
    before, now = (re.sub(r"\D", "", text) for text in said[-2:])
    if len(now) == len("0144") and len("905555") <= len(before) < len("9055550144"):
        return read_contact(before[:6] + now)
    if len(now) == len("905") and len(before) == len("5550144"):
        return read_contact(now + before)
    return None


def _time(tracker: Tracker) -> Reading:
    if says("waiting_list", text_of(tracker)) and not understood(text_of(tracker)).windows:
        return Reading(problem="utter_waiting_needs_time")
    return read_time(picked_reading(tracker) or text_of(tracker))


def picked_reading(tracker: Tracker) -> str | None:
    """ "The second one", after it was asked which of two times is meant; "the 1st" is a date."""
    choices = tracker.slots.get("problem_choices") or []
    # "The second" alone is read as a day of the month, too, and is that only in figures.
    in_words = re.search(words()["picks"], text_of(tracker), re.IGNORECASE) is not None
    if entity_of(tracker, "time") is not None and (
        not in_words or re.search(r"\d", text_of(tracker))
    ):
        return None
    if len(choices) == 1 and (agrees(tracker) or _agrees_and_asks(tracker)):
        return str(choices[0])
    if len(choices) == 2 and says("later_of_two", text_of(tracker)):
        return str(choices[1])
    index = services.ordinal(text_of(tracker), len(choices))
    return None if index is None else str(choices[index])


def agrees(tracker: Tracker) -> bool:
    """The message is a yes, or holds one beside something else: "yes, but what does it cost?"."""
    acts = tracker.latest_message.get("acts") or []
    yes = any(act["label"] == "affirm" and act["confidence"] >= CERTAIN for act in acts)
    return yes or intent_of(tracker) == "affirm" or says("yes_to_that", text_of(tracker))


def _agrees_and_asks(tracker: Tracker) -> bool:
    """ "Yep. Is it a woman?": a yes, and a question that is about no other time."""
    text = text_of(tracker)
    other_time = entity_of(tracker, "time") or entity_of(tracker, "time_unclear")
    return not other_time and says("yes_first", text) and asks_something(text)


def read_time(text: str) -> Reading:
    """A text as the answer to "when would you like to come?"."""
    meant = understood(text)
    if meant.status == "none" and is_undecided(text):
        meant = understood(ASAP)
    if meant.windows:
        return Reading(meant.say)
    if meant.status == "none" and not meant.reason:
        return Reading(problem="invalid_preferred_time")
    choices = tuple(reading.say for reading in meant.readings)
    instead = tuple(meant.alternatives)
    near: tuple[Interval, ...] = ()
    if meant.reason == "outside_hours":
        near = instead
        asked = understood_at_any_hour(text)[:1]
        # nothing starts within it: what is nearest to that hour is looked for
        instead = tuple((start, start) for start, _ in asked) or instead
    return Reading(
        problem="time_question", text=meant.say, choices=choices, near=near, instead=instead
    )


def _chosen_time(tracker: Tracker) -> Reading:
    reading = _time(tracker)
    if reading.problem == "invalid_preferred_time":
        return Reading(problem="invalid_chosen_time")
    return reading


def _service(tracker: Tracker) -> Reading:
    text = text_of(tracker)
    told = statements(text) if asks_something(text) else text
    service = services.pick(told, undecided=is_undecided(text))
    return Reading(service) if service else Reading(problem="invalid_service")


def _visit(tracker: Tracker) -> Reading:
    """Whether it is the first visit: yes or no in words, too. It is not asked a third time."""
    said = services.read_visit(text_of(tracker), asked=True)
    said = said or VISIT_BY_INTENT.get(intent_of(tracker))
    return Reading(said or entity_of(tracker, "visit") or SKIPPED)


def _for_whom(tracker: Tracker) -> Reading:
    """ "My mother", "Omar Haddad"; for oneself it is left empty."""
    text = text_of(tracker)
    if not text or intent_of(tracker) == "skip":
        return Reading(SKIPPED)
    if says("for_oneself", text):
        return Reading(SKIPPED)
    who = re.sub(r"^\W*(?:it.?s |this is )?(?:for )?", "", text, flags=re.IGNORECASE).strip(" .,;!")
    few = who and len(who.split()) <= MOST_WORDS_FOR_WHOM
    return Reading(who) if few else Reading(problem="invalid_for_whom")


def _therapist(tracker: Tracker) -> Reading:
    therapist = services.read_therapist(text_of(tracker))
    if therapist is None and is_undecided(text_of(tracker)):
        therapist = services.ANYONE
    return Reading(therapist) if therapist else Reading(problem="invalid_therapist")


def _reference(tracker: Tracker) -> Reading:
    # six characters, perhaps with a space or a dash, a digit or a capital letter among them
    for match in re.finditer(r"\b[A-Za-z0-9]{3}[- ]?[A-Za-z0-9]{3}\b", text_of(tracker)):
        found = re.sub(r"[- ]", "", match[0])
        if any(c.isdigit() for c in found) or found.isupper():
            return Reading(found.upper())
    alone = re.sub(r"[\W_]", "", text_of(tracker)).upper()
    if len(alone) == LENGTH and (set(alone) <= set(ALPHABET) or text_of(tracker).isalnum()):
        return Reading(alone)
    return Reading(problem="invalid_change_reference")


def _kind(tracker: Tracker) -> Reading:
    return Reading(problem="invalid_change_kind")


def _note(tracker: Tracker) -> Reading:
    intent = intent_of(tracker)
    # "no allergies, but I am on blood thinners" begins with a no and is a note
    says_no = intent in ("deny", "affirm") and len(text_of(tracker).split()) <= LONGEST_NO
    if intent == "affirm" and len(text_of(tracker).split()) == 1:
        return Reading(problem="invalid_words")
    says_no = says_no or says("nothing_to_note", text_of(tracker))
    return Reading(SKIPPED) if intent == "skip" or says_no else _words(tracker)


def _words(tracker: Tracker) -> Reading:
    text = text_of(tracker)
    return Reading(text) if text else Reading(problem="invalid_words")


def _message(tracker: Tracker) -> Reading:
    text = text_of(tracker)
    if says("wants_person", text):
        return Reading(problem="invalid_message_person")
    if says("plain_yes", text):
        # "send it" is a command, and nothing to pass on
        return Reading(problem="invalid_words")
    # a name or a number is told for later, and is no message
    return Reading(problem="invalid_words") if tells_who_only(text) else _words(tracker)


def _confirmation(slot: str, denied: str) -> Callable[[Tracker], Reading]:
    def read_confirmation(tracker: Tracker) -> Reading:
        intent = intent_of(tracker)
        text = text_of(tracker)
        asked_which = denied.startswith("ask_which") and tracker.slots.get("problem") == denied
        agrees_only = asked_which and not says("names_sending", text)
        if slot != "confirm_delete" and says("plain_yes", text) and not agrees_only:
            return Reading("yes")
        if slot == "confirm_change" and says("says_no", text):
            # "no, go ahead with the other one": nothing beside it makes it a yes
            return Reading(problem=denied)
        if slot == "confirm_change" and says_yes_beside(text):
            return Reading("yes")
        if text and asked_which and not says("sends", text):
            # a yes to "what would you like to change?" is no yes to sending
            intent = "deny" if intent == "deny" else "nlu_fallback"
        if slot == "confirm_booking" and text and says("changes_something", text):
            # "other than that yes": what shall be otherwise was not read, and nothing is sent
            return Reading(problem=denied)
        if intent == "affirm" and confidence_of(tracker) >= CERTAIN:
            return Reading("yes")
        if slot == "confirm_booking" and says("denies_signs", text) and says("sends", text):
            # "none of these apply, send it"
            return Reading("yes")
        if intent in ("deny", "correct_booking", "change_appointment"):
            return Reading(problem=denied)
        return Reading(problem=f"invalid_{slot}")

    return read_confirmation


_READERS: dict[str, Callable[[Tracker], Reading]] = {
    "service": _service,
    "therapist": _therapist,
    "preferred_time": _time,
    "chosen_time": _chosen_time,
    "new_or_returning": _visit,
    "patient_name": _name,
    "patient_contact": _contact,
    "for_whom": _for_whom,
    "note": _note,
    "message_text": _message,
    "confirm_booking": _confirmation("confirm_booking", "ask_which_field"),
    "confirm_message": _confirmation("confirm_message", "ask_which_message_field"),
    "change_reference": _reference,
    "change_contact": _contact,
    "change_kind": _kind,
    "confirm_change": _confirmation("confirm_change", "invalid_confirm_change"),
    "confirm_delete": _confirmation("confirm_delete", "invalid_confirm_delete"),
}


def slot_events(values: dict[str, Any]) -> list[dict[str, Any]]:
    """SlotSet events as plain dictionaries."""
    return [
        {"event": "slot", "timestamp": None, "name": name, "value": value}
        for name, value in values.items()
    ]
