"""Reads messages for the booking form."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import drafts, services, times
from actions.action_submit_booking import stored_before
from actions.base import Event
from actions.choosing import (
    NO_WISH,
    UNCHOSEN,
    answer_to_offers,
    other_one,
    picked_before,
    picked_instead,
    take_up,
    with_free_times,
    with_time,
)
from actions.form_validation import (
    AFTER_THE_TIME,
    FormValidation,
    asked_in,
    dealt_with,
    near,
    no_problem,
    no_problem_but,
    starting,
)
from actions.reading import (
    SKIPPED,
    bare_name,
    beside,
    doubted_addresses,
    entity_of,
    mentioned,
    other_contacts,
    read_time,
    text_of,
    without_contacts,
)
from actions.times import understood
from assistant.policies.wishes import about_the_second, asks_something, next_person, says
from clinic import clock, setup
from clinic.booking.when import say
from clinic.contacts import read_contact
from clinic.mentions import find_name, listed_names
from clinic.names import read_name, said_in_full

# "Jo Park 416-555-0177", at the end of a longer message.
_BEFORE_A_CONTACT = re.compile(
    r"([^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+)+)\W{0,3}"
    r"(?:(?:ph(?:one)?|cell|tel|e-?mail|at|on)\W{0,2})?(?=\S+@|[+(]?\d{3})"
)
_NAMES_ANEW = re.compile(
    r"^\W*(?:\w+\W+){0,2}(?:it'?s|i'?m|(?:name|nmae|naem)(?:'?s| is)?)\s", re.IGNORECASE
)
# "im dana reyes 416-555-0133", in small letters.
_SAID_BEFORE_A_CONTACT = re.compile(
    r"\b(?:i'?m|its|it's|name'?s?(?: is)?|this is|for)\s+"
    r"([a-z][a-z'-]+(?: [a-z][a-z'-]+){0,3})\W{1,3}(?=\S+@|[+(]?\d{3})",
    re.IGNORECASE,
)
# "mia fox mia@example.com"
_WORDS_BEFORE_A_CONTACT = re.compile(
    r"(?:^|\s)([^\W\d_][\w'-]+ [^\W\d_][\w'-]+)\W{1,3}(?=\S+@|[+(]?\d{3}[ .()-]{0,2}\d{3})"
)
# No answer to the question for a length or a therapist.
NO_ANSWERS = frozenset({"invalid_service", "invalid_therapist"})
# Asked before it is asked when.
TO_BOOK = frozenset({"service", "therapist"})
# Why there are no times on a day, told as soon as it is named in a short first message.
NO_SUCH_DAY = frozenset({"closed", "no_such_date"})
SHORT = 12
# A time and little else.
FEW_WORDS = 6
BESIDE_A_CHOICE = frozenset({"for_whom", "patient_contact", "patient_name"})
BEFORE_THE_NAME = frozenset({"service", "therapist", "preferred_time", "chosen_time"})


class ValidateBookingForm(FormValidation):
    """Fills the booking form's slots and holds the time that is chosen."""

    NAME = "validate_booking_form"
    SLOTS = (
        "service",
        "therapist",
        "preferred_time",
        "chosen_time",
        "patient_name",
        "patient_contact",
        "new_or_returning",
        "for_whom",
        "note",
        "confirm_booking",
    )
    CONFIRMATION = "confirm_booking"
    REPLACED = frozenset({"chosen_time"})
    VOLUNTEERED = frozenset({"for_whom", "new_or_returning"})
    KEPT = "utter_kept_booking_form"

    async def values_from(self, tracker: Tracker) -> dict[str, Any]:
        """The slots that the message sets, a time that is held included."""
        if says("clears_note", text_of(tracker)):
            return {"note": _cleared(tracker), "confirm_booking": None, **no_problem()}
        second = about_the_second(text_of(tracker))
        if second and not (starting(tracker) and _is_sent(tracker)):
            return await self._before_the_second(tracker, second)
        number, tracker = _number_corrected(tracker)
        if asked_in(tracker) == "chosen_time":
            answer = await answer_to_offers(tracker)
        elif asked_in(tracker) == "preferred_time" and tracker.slots.get("problem_times"):
            answer = await picked_instead(tracker)
        elif asked_in(tracker) == "patient_contact" and tracker.slots.get("contact_choices"):
            # "the first one" is an address
            answer = None
        else:
            answer = await other_one(tracker)
        if answer is not None:
            told = _beside_the_choice(tracker) if answer.get("chosen_time") else {}
            return {**told, **_visit(tracker), **answer}
        values = {**_not_asked(tracker), **self.read_message(tracker), **_name_unasked(tracker)}
        values |= _name_corrected(tracker) | _name_in_full(tracker)
        values = _without_who_writes(tracker, values)
        values |= _two_names(tracker) | _for_oneself(tracker) | _visit_corrected(tracker)
        values |= _visit_left_open(tracker, values)
        values |= _other_contact(tracker, values)
        values |= _told_wrong(tracker, values) | number
        values = _with_unclear_time(tracker, await with_time(tracker, values))
        return await with_free_times(tracker, values)

    async def _before_the_second(self, tracker: Tracker, second: re.Match[str]) -> dict[str, Any]:
        """What is told of the first of two, and the name of the second for the next request."""
        name = read_name(second["name"]) if second["name"] else None
        kept = {"next_patient": name} if name else {}
        first = text_of(tracker)[: second.start()]
        if not re.search(r"\w", first):
            return {**kept, **no_problem_but(tracker)}
        return {**await self.values_from(beside(tracker, first)), **kept}

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[Event]:
        """As in every form; of two people who come, the patient hears whose turn it is."""
        minutes = services.not_offered(text_of(tracker))
        service = tracker.slots.get("service")
        named = re.search(times.words()["minutes"], text_of(tracker), re.IGNORECASE)
        if minutes and named and service and not dealt_with(tracker):
            # while there is none, its question says so; "wait no 11" is an hour
            dispatcher.utter_message(
                response="utter_length_not_kept", minutes=minutes, service=service
            )
        events = await super().perform(dispatcher, tracker)
        values = {event["name"]: event["value"] for event in events}
        known = {**tracker.slots, **values}
        no_such_time = None if dealt_with(tracker) else _no_such_time(tracker)
        asks_on = not (known.get("service") and known.get("therapist"))
        if no_such_time and asks_on and not known.get("preferred_time"):
            dispatcher.utter_message(response="utter_time_question", problem_text=no_such_time)
        if values.get("next_patient") and values.get("patient_name"):
            dispatcher.utter_message(
                response="utter_next_patient_kept",
                patient_name=values["patient_name"],
                next_patient=values["next_patient"],
            )
        return events

    async def take_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        """What the message says comes before what was kept.

        What was sent, but not answered because the action server died, is not asked about again:
        the last step tells that it is sent.
        """
        draft = tracker.slots.get("draft")
        if draft and await setup.call(stored_before, tracker.sender_id, draft):
            return {self.CONFIRMATION: "yes"}
        before = drafts.put_back(tracker)
        if before:
            # length and time were those of the appointment that was to be changed
            await times.let_go(tracker.sender_id)
            tracker.slots.update(before)
        return {
            "draft": draft or uuid.uuid4().hex,
            **before,
            **await self._taken_up(dispatcher, tracker),
        }

    async def _taken_up(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
        values = {**await self.values_from(tracker), **await picked_before(tracker)}
        if _is_sent(tracker) and _is_for_another(tracker, values):
            # another appointment, for somebody else than the one before
            after = _right_after(tracker, values)
            values = {**after, **_for_the_second(tracker), **values}
            if says("right_after", text_of(tracker)):
                values |= after
        anew = {"preferred_time", "service", "chosen_time"} & values.keys()
        return values if anew else {**await take_up(dispatcher, tracker), **values}


def _name_unasked(tracker: Tracker) -> dict[str, Any]:
    """A name given while something else is asked, without "my name is"."""
    asked = asked_in(tracker)
    # in a message that begins a booking, a name stands beside a way to reach the patient
    for_another = services.read_for_whom(text_of(tracker))
    begins = asked is None and (entity_of(tracker, "contact") or for_another)
    expected = asked in BEFORE_THE_NAME or begins
    if not expected or tracker.slots.get("patient_name"):
        return {}
    parts = re.split(r"[,;.\n]\s+", text_of(tracker))
    beside_contact = _BEFORE_A_CONTACT.search(text_of(tracker))
    said = _SAID_BEFORE_A_CONTACT.search(text_of(tracker))
    named = read_name(services.without_visit(said[1]) or said[1]) if said else None
    if named:
        return {"patient_name": named, **no_problem_but(tracker)}
    text = text_of(tracker)
    before_contact = beside_contact[1] if beside_contact else ""
    candidates = (text, services.without_visit(text), *parts, before_contact)
    listed = listed_names(text) if entity_of(tracker, "contact") else []
    small = _in_small_letters(text)
    names = [
        name
        for name in (
            *map(bare_name, candidates),
            _beside_a_visit(text),
            *listed,
            small,
            said_in_full(text),
        )
        if name
    ]
    if not names or services.read_therapist(names[0]):
        return {}
    return {"patient_name": names[0], **no_problem_but(tracker)}


def _in_small_letters(text: str) -> str | None:
    """ "book mon 11 60min mia fox mia@example.com": the two words right before the contact."""
    match = _WORDS_BEFORE_A_CONTACT.search(text)
    if not match or understood(match[1]).status != "none":
        return None
    name = read_name(match[1])
    return name if name == match[1] else None


def _name_corrected(tracker: Tracker) -> dict[str, Any]:
    """ "Its jonathan smith actually", said to the read-back."""
    if asked_in(tracker) != "confirm_booking":
        return {}
    told = re.search(times.words()["name_told"], text_of(tracker), re.IGNORECASE)
    named = (read_name(told[1]) if told else None) or _name_spelled(text_of(tracker))
    if named and not entity_of(tracker, "name"):
        return {"patient_name": named, **no_problem()}
    if not _NAMES_ANEW.search(text_of(tracker)):
        return {}
    rest = re.sub(times.words()["corrects"], " ", text_of(tracker), flags=re.IGNORECASE)
    name = read_name(rest.strip())
    return {"patient_name": name, **no_problem()} if name and len(name.split()) > 1 else {}


def _name_spelled(text: str) -> str | None:
    """ "My name's spelt with one g, Greg Sanders": the part that is a name and nothing else."""
    return _bare_part(text) if says("about_the_name", text) else None


def _bare_part(text: str) -> str | None:
    """The part of the text that is a name and nothing else, and not that of a therapist."""
    names = filter(None, map(bare_name, re.split(r"[,;:.?!\n]+\s*", text)))
    return next((name for name in names if not services.read_therapist(name)), None)


def _for_oneself(tracker: Tracker) -> dict[str, Any]:
    """ "This one is for me, not my wife", after somebody else was told."""
    if not tracker.slots.get("for_whom") or not says("for_me_after_all", text_of(tracker)):
        return {}
    return {"for_whom": SKIPPED, **no_problem_but(tracker)}


def _visit_corrected(tracker: Tracker) -> dict[str, Any]:
    """ "Been before", told after a visit was told or taken for told, replaces it."""
    text = text_of(tracker)
    if asked_in(tracker) not in AFTER_THE_TIME or asks_something(text):
        return {}
    # "once again" is about no visit
    visit = services.read_visit(re.sub(r"\bagain\b", " ", text, flags=re.IGNORECASE))
    return {"new_or_returning": visit} if visit else {}


def _name_in_full(tracker: Tracker) -> dict[str, Any]:
    """The whole name of which a part was told before, and the name of who is to be treated."""
    text = text_of(tracker)
    known = tracker.slots.get("patient_name") or ""
    last = times.first_match("last_name", text)
    if known and last:
        # "last name is Doyle, you missed it"
        return {"patient_name": f"{known.split()[0]} {last[1]}", **no_problem_but(tracker)}
    told = find_name(text) or bare_name(text) or said_in_full(text)
    alone = without_contacts(text) if entity_of(tracker, "contact") else text
    told = told or (read_name(alone) if alone != text or says("full_name", text) else None)
    if not known or not told:
        return {}
    fuller = told.casefold().startswith(f"{known.casefold()} ")
    if fuller or says("name_of_the_patient", text):
        return {"patient_name": told, **no_problem_but(tracker)}
    return {}


def _without_who_writes(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """ "Use my number, I'm Kim", after the name of who is to be treated: that name stays."""
    text, known = text_of(tracker), tracker.slots.get("patient_name")
    another = known and tracker.slots.get("for_whom") and asked_in(tracker) != "patient_name"
    if not another or "patient_name" not in values or says("name_of_the_patient", text):
        return values
    if not says("introduces_oneself", text) or says("for_oneself", text):
        return values
    return {slot: value for slot, value in values.items() if slot != "patient_name"}


def _number_corrected(tracker: Tracker) -> tuple[dict[str, Any], Tracker]:
    """ "It's 0132 at the end": the number with that end, and the message without it."""
    text, known = text_of(tracker), tracker.slots.get("patient_contact") or ""
    phone = read_contact(known)
    match = times.first_match("number_ends", text)
    if not match or not phone or phone.kind != "phone":
        return {}, tracker
    digits = re.sub(r"\D", "", known)
    right = read_contact(f"+1{digits[-10 : -len(match[1])]}{match[1]}")
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    if right is None:
        return {}, tracker
    return {"patient_contact": right.shown, **no_problem()}, beside(tracker, rest)


def _told_wrong(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Told wrong beside another change, without the right one: it is asked for again."""
    if asked_in(tracker) != "confirm_booking":
        return {}
    wrong = times.words()["told_wrong"].items()
    return {
        slot: None
        for slot, pattern in wrong
        if slot not in values and re.search(pattern, text_of(tracker), re.IGNORECASE)
    }


def _cleared(tracker: Tracker) -> str:
    """The note without the name in it, when that is what shall go; else none at all."""
    lines = str(tracker.slots.get("note") or "").splitlines()
    if not says("name_in_note", text_of(tracker)):
        instead = re.search(times.words()["note_instead"], text_of(tracker), re.IGNORECASE)
        return instead[1] if instead else SKIPPED
    name = set(str(tracker.slots.get("patient_name") or "").casefold().split())
    kept = [line for line in lines if not set(re.findall(r"[\w'-]+", line.casefold())) <= name]
    return "\n".join(kept)


def _two_names(tracker: Tracker) -> dict[str, Any]:
    """ "Ana Costa and Rui Costa": the first is for this request, the second for the next."""
    asked = asked_in(tracker)
    match = re.match(times.words()["two_names"], text_of(tracker).strip(), re.IGNORECASE)
    if not match or asked not in (*BEFORE_THE_NAME, "patient_name"):
        return {}
    first, second = map(read_name, match.groups())
    if not first or not second:
        return {}
    if asked != "patient_name" and not (bare_name(first) and bare_name(second)):
        return {}
    return {"patient_name": first, "next_patient": second, **no_problem_but(tracker)}


def _is_sent(tracker: Tracker) -> bool:
    """A request of this conversation was sent."""
    return bool(tracker.slots.get("reference") or tracker.slots.get("waiting_reference"))


def _is_for_another(tracker: Tracker, values: dict[str, Any]) -> bool:
    """ "Another one", "and one for my wife", or the second of two who were named."""
    text = text_of(tracker)
    told = values.get("for_whom") or says("one_more_for", text) or says("books_for_another", text)
    told = told or next_person(text) or about_the_second(text)
    return bool(told or tracker.slots.get("next_patient"))


def _for_the_second(tracker: Tracker) -> dict[str, Any]:
    """Under the name that was kept for the second of two, or told now, or that is asked for."""
    text = text_of(tracker)
    kept, told, second = (
        tracker.slots.get("next_patient"),
        next_person(text),
        about_the_second(text),
    )
    name = kept or (read_name(told.title()) if told else None)
    name = name or (second["name"] if second else None) or _bare_part(text)
    return {"patient_name": name, "next_patient": None}


def _right_after(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """As long as the first one, and on its day when it is over; nothing while that is unknown."""
    last = tracker.slots.get("last_appointment") or {}
    if last.get("service") not in services.offered():
        return {}
    first = times.Offer.from_dict(last)
    over = first.start + timedelta(minutes=first.minutes)
    rest = [(max(start, over), end) for start, end in times.opening(times.local_day(over))]
    rest = [(start, end) for start, end in rest if start < end]
    wish = {**UNCHOSEN, "preferred_time": times.said(rest), "windows": times.stored(rest)}
    hour = re.search(times.words()["at_an_hour"], text_of(tracker), re.IGNORECASE)
    if next_person(text_of(tracker)) and hour and not values.get("preferred_time"):
        # "ok now carlos at 10": on the day of the first one
        meant = times.understood(f"{say.day_words(times.local_day(over))} {hour[0]}")
        rest, wish = meant.windows, {**UNCHOSEN, "preferred_time": meant.say}
        wish["windows"] = times.stored(rest)
    tells_when = values.get("preferred_time") or values.get("chosen_time")
    if says("right_after", text_of(tracker)):
        # "same day straight after mine" is more than the day
        tells_when = None
    free = rest and first.start > clock.now() and not tells_when
    return {"service": last["service"], **(wish if free else {})}


def _beside_a_visit(text: str) -> str | None:
    """ "omar haddad been before": two or three words, also in small letters, that can be a name."""
    rest = services.without_visit(text).strip(" ,.;-")
    if (
        rest == text.strip()
        or not 2 <= len(rest.split()) <= 3
        or services.ordinal(rest, 3) is not None
    ):
        return None
    name = read_name(rest)
    return name if name and len(name) == len(rest) else None


def _beside_the_choice(tracker: Tracker) -> dict[str, Any]:
    """ "The second one, Jo Park, jo@example.com": what is told with the time that is picked."""
    said = mentioned(tracker)
    told = {slot: said[slot] for slot in BESIDE_A_CHOICE if slot in said}
    known = {**_name_unasked(tracker), **told}
    values = {slot: known[slot] for slot in known.keys() & BESIDE_A_CHOICE}
    values = {slot: value for slot, value in values.items() if not tracker.slots.get(slot)}
    if "patient_name" in values:
        # "the second one, Jo Park, new"
        visits = (services.read_visit(part, asked=True) for part in text_of(tracker).split(","))
        visit = next(filter(None, visits), None)
        values |= {"new_or_returning": visit} if visit else {}
    doubted = doubted_addresses(tracker)
    return {**values, "contact_choices": doubted} if doubted else values


def _visit(tracker: Tracker) -> dict[str, Any]:
    visit = services.read_visit(text_of(tracker))
    return {"new_or_returning": visit} if visit else {}


def _visit_left_open(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Whether it is a first visit is asked with the name, once more alone, and then no more."""
    known = {**tracker.slots, **values}
    asked = asked_in(tracker)
    if "new_or_returning" in values:
        return {}
    if known.get("new_or_returning") is not None or not known.get("patient_name"):
        return {}
    if asked == "patient_name":
        return {}
    return {"new_or_returning": SKIPPED}


def _other_contact(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Of a phone number and an address, told at once, the other one goes into the note."""
    if not (values.get("patient_contact") or values.get("contact_choices")):
        return {}
    known = tracker.slots.get("patient_contact")
    kept: dict[str, Any] = {}
    new_one = values.get("patient_contact")
    if known and new_one not in (None, known) and says("reached_also", text_of(tracker)):
        # "e-mail me at ... too": the one before stays
        kept = {"patient_contact": known}
    note = {**tracker.slots, **values}.get("note") or ""
    also = times.words()["also_reachable"]
    others = other_contacts(text_of(tracker), known if kept else new_one)
    told = [also.format(contact=other) for other in others]
    new = [line for line in told if line not in note]
    return {**kept, "note": "\n".join(filter(None, (note, *new)))} if new else kept


def _with_unclear_time(tracker: Tracker, values: dict[str, Any]) -> dict[str, Any]:
    """Asks about a time said before its turn that may be one of two, or that there is not.

    It is kept until the length and the therapist are known.
    """
    asked = asked_in(tracker)
    unclear = entity_of(tracker, "time_unclear") and asked not in ("preferred_time", "chosen_time")
    said = text_of(tracker) if unclear else tracker.slots.get("unclear_time")
    known = {**tracker.slots, **values}
    wished = values.get("preferred_time") or (known.get("preferred_time") and asked not in TO_BOOK)
    if unclear and known.get("preferred_time") and not wished:
        # "Monday then, if the boss lets me", after another day was told
        return {**values, **NO_WISH, "unclear_time": said}
    if not said or known.get("preferred_time"):
        return {**values, "unclear_time": None} if tracker.slots.get("unclear_time") else values
    if not (known.get("service") and known.get("therapist")):
        if not unclear or starting(tracker) or not _no_such_time(tracker):
            return {**values, "unclear_time": said}
        # told at once; what was asked for is asked again, plainly
        plain = no_problem() if values.get("problem") in NO_ANSWERS else {}
        return {**values, **plain, **near(read_time(said)), "unclear_time": None}
    reading = read_time(said)
    problem = {
        # named, since the problem is told in the place of its question
        "requested_slot": "preferred_time",
        "problem": reading.problem,
        "problem_count": 1,
        "problem_text": reading.text,
        "problem_choices": list(reading.choices) or None,
    }
    told = {**near(reading), **problem} if reading.problem else {}
    return {**values, "unclear_time": None, **told}


def _no_such_time(tracker: Tracker) -> str | None:
    """Why the clinic has no such time ("february 30"), said in the place of a length."""
    text = text_of(tracker)
    words_said = len(text.split())
    if starting(tracker) and words_said <= SHORT:
        # "can I come on Sunday", which begins the booking
        meant = understood(text)
        told = meant.reason if not meant.windows else ""
        return re.split(r"(?<=\.)\s", meant.say)[0] if told in NO_SUCH_DAY else None
    if asked_in(tracker) not in ("service", "therapist") or words_said > FEW_WORDS:
        return None
    meant = understood(text)
    cannot_be = meant.status in ("understood", "past") and not meant.windows
    return meant.say if cannot_be else None


def _not_asked(tracker: Tracker) -> dict[str, Any]:
    """What need not be asked: the only choice there is, the note, and who it is for.

    The last two are asked for when the patient wants to change them; volunteered words go there.
    """
    given: dict[str, Any] = {}
    if len(services.offered()) == 1 and not tracker.slots.get("service"):
        given["service"] = services.offered()[0]
    if len(services.therapists()) == 1 and not tracker.slots.get("therapist"):
        given["therapist"] = services.therapists()[0]
    for slot in ("note", "for_whom"):
        if tracker.slots.get(slot) is None and asked_in(tracker) != slot:
            given[slot] = SKIPPED
    return given
