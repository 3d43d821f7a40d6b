"""Inside a form: what the message gives up, asks, wishes or answers there."""

from __future__ import annotations

import re

from assistant.nlu import clauses
from assistant.policies.answers import (
    OTHER_THERAPIST,
    SERIES,
    TELL_STATUS,
    WAITING_LIST,
    WALK_IN,
    answers_to,
    resume,
    take_note,
    topic_answers,
    with_safety_net,
)
from assistant.policies.forms import (
    CHANGES,
    DETAIL_OF,
    FORM_REPLIES,
    FORMS,
    FREE_TEXT_SLOTS,
    NOTES,
    STOPS,
    TAKES_DETAILS,
    WHICH_APPOINTMENT,
)
from assistant.policies.interruptions import changes_time, interrupts
from assistant.policies.situation import CLEAR, GIVEN, Situation, Turn
from assistant.policies.wishes import (
    about_the_second,
    asks_for_a_note,
    asks_something,
    begins_another,
    kind_of_change,
    note_in,
    reference_in,
    refuses_contact,
    says,
    says_yes_beside,
    somebody_wished,
    tells_length,
    therapist_wish,
    wishes_a_series,
)

# Read-backs: what is given there corrects what was given before.
CONFIRMATIONS = frozenset({"confirm_booking", "confirm_message", "confirm_change"})
# Asked for a reference that not everybody has.
REFERENCE = frozenset({"change_reference"})
# Asked of a change before it is known what shall become of which appointment.
BEFORE_THE_KIND = frozenset({*REFERENCE, "change_contact", "change_kind"})
# Asked while no time is chosen: what is to be moved then is an appointment from before.
BEFORE_A_TIME = frozenset({"preferred_time", "service", "therapist"})
# Done when a patient has no reference: a person finds the appointment.
PASS_CHANGE_ON = ("action_pass_change_on", "message_form")
# Said when the patient wonders what a name and a contact are for.
ABOUT_DETAILS = ("utter_why_patient_contact", "utter_why_patient_name")
# Tells what the clinic says about cancelling, where that is asked.
CANCELLING = "utter_faq/cost"


def in_form(now: Situation) -> Turn | None:
    """The turn while a form runs; None where the form reads the message itself."""
    if now.clicked and now.intent == "resume_form":
        return Turn((now.form or "",))
    if now.clicked and now.intent in FORM_REPLIES:
        return None
    read_back = now.requested_slot in CONFIRMATIONS and not now.clicked
    if read_back and says("plain_yes", now.text):
        return None
    if _changes_what_is_passed_on(now):
        return Turn(PASS_CHANGE_ON, stop_form=True)
    acts = tuple(act for act in now.acts if interrupts(act, now))
    stop = _stop(now, acts)
    if stop:
        return Turn((stop,))
    free_text = now.requested_slot in FREE_TEXT_SLOTS
    if now.form == "booking_form" and not free_text and not now.clicked:
        if says("clears_note", now.text):
            return None
        if asks_for_a_note(now.text):
            return Turn((*take_note(now), "booking_form"))
        beside = _beside_booking(now, acts)
        if beside:
            return beside
        denies = says("denies_signs", now.text) and not now.details.keys() & GIVEN
        if denies and now.requested_slot == "confirm_booking" and says("sends", now.text):
            return None
        if denies:
            return Turn(("utter_good_to_know", *resume(now)))
        if says("for_two", now.text) or about_the_second(now.text):
            return Turn(("action_read_details", "utter_one_at_a_time", *resume(now)))
        if wishes_a_series(now.text, books=now.intent == "book_appointment"):
            return Turn(("action_read_details", *SERIES, *resume(now)))
    if now.form == "booking_form" and now.requested and _has_one_already(now):
        others = [form for form in now.open_forms if form != now.form]
        return Turn((TELL_STATUS,), {"open_forms": others or None}, stop_form=True)
    other = _another_form(now)
    if other:
        return other
    if now.form == "change_form" and not now.clicked:
        if _asks_how_it_stands(now):
            return Turn((TELL_STATUS, *resume(now)))
        if _tells_which(now) or _says_yes_beside(now):
            return None
    if now.requested_slot in REFERENCE and _has_no_reference(now):
        still_open = [form for form in now.open_forms if form != now.form]
        return Turn(PASS_CHANGE_ON, {"open_forms": still_open or None}, stop_form=True)
    about = _about_the_question(now)
    if about:
        # "Lou. i wont give my number": the name stands beside it
        named = now.requested_slot == "patient_name" and refuses_contact(now.text)
        told = now.details.keys() & GIVEN or named
        read = ("action_read_details",) if told else ()
        return Turn((*read, about, *resume(now)))
    if _fits(now):
        answers = topic_answers(acts) if asks_something(now.text) else ()
        if not answers:
            return None
        return Turn(("action_read_details", *with_safety_net(answers, now), *resume(now)))
    if now.form == "booking_form" and _is_note(now):
        return Turn((*take_note(now), now.form))
    for label, _ in acts:
        if label in FORMS and FORMS[label] != now.form:
            return Turn((FORMS[label],), {"open_forms": now.open_once_stopped}, stop_form=True)
    answers = answers_to(acts, now)
    if not answers:
        return None
    read = ("action_read_details",) if _tells_besides(now) else ()
    return Turn((*read, *with_safety_net(answers, now), *resume(now, *answers)))


def _tells_besides(now: Situation) -> bool:
    """Beside a question, something is told that the form keeps, or the form's question answered.

    A time is mostly part of the question: "are you open on monday?".
    """
    agrees = any(label == "affirm" for label, _ in now.acts) or says("yes_first", now.text)
    says_yes = agrees and now.requested_slot in ("preferred_time", "chosen_time")
    if now.requested_slot == "chosen_time" and not now.clicked:
        # "the last one. whats your cancelation policy"
        picks = any(says("picks", part) for part in re.split(r"[,.;!?]\s+", now.text))
        if picks or says_yes:
            return True
    if now.requested_slot in CONFIRMATIONS and not now.clicked and tells_length(now.text):
        # "no, a full hour. and what does it cost"
        return True
    if now.requested_slot == "patient_contact" and says("names_provider", now.text):
        # "gmail of course. does it hurt?", said to two addresses
        return True
    visit = now.requested_slot == "new_or_returning" and not now.clicked
    if visit and (says("yes_first", now.text) or says("no_first", now.text)):
        return True
    in_form = now.form in TAKES_DETAILS and not now.clicked
    return in_form and bool(now.details.keys() & {"contact", "name"} or says_yes)


def _stop(now: Situation, acts: tuple[tuple[str, float], ...]) -> str | None:
    """The action that ends the form, when the message gives it up."""
    for label, _ in acts:
        if label in STOPS:
            return STOPS[label]
    free_text = now.requested_slot in FREE_TEXT_SLOTS
    # "cancel it pls" resembles the wish to cancel an appointment
    cancels = now.form == "booking_form" and not free_text and says("cancels_this", now.text)
    # "actually nvm" could be a name
    gives_up = not free_text and says("gives_up", now.text)
    keeps_it = now.form == "change_form" and not now.clicked and says("keeps_it", now.text)
    keeps_it = keeps_it or _is_not_to_be_cancelled(now)
    denies = now.requested_slot == "confirm_delete" and now.intent == "deny"
    return STOPS["stop"] if cancels or gives_up or keeps_it or denies else None


def _is_not_to_be_cancelled(now: Situation) -> bool:
    """ "Please don't cancel it", with no word of which other one or of another time."""
    if now.form != "change_form" or now.clicked or now.tells_a_time:
        return False
    return says("not_cancelling", now.text) and kind_of_change(now.text) is None


def _has_one_already(now: Situation) -> bool:
    """ "No, I've already booked", said to the questions of a booking that nobody wanted."""
    early = now.requested_slot in (*BEFORE_A_TIME, "chosen_time") and not now.clicked
    return early and says("booked_already", now.text)


def _asks_how_it_stands(now: Situation) -> bool:
    """ "When is it now?", "is the 10 am still booked?", before anything is changed."""
    return says("asks_how_it_stands", now.text) and not says("yes_first", now.text)


def _tells_which(now: Situation) -> bool:
    """ "The 14th", "the one for Omar", said to the list of those there are."""
    asked = now.requested_slot in REFERENCE and now.last_said in WHICH_APPOINTMENT
    return asked and not asks_something(now.text) and not _has_no_reference(now)


def _says_yes_beside(now: Situation) -> bool:
    """ "Yes, is it confirmed now?": the answer to the question is what becomes of it."""
    if now.requested_slot != "confirm_change" or now.details.keys() & GIVEN:
        return False
    return says_yes_beside(now.text) and not topic_answers(now.acts)


def _beside_booking(now: Situation, acts: tuple[tuple[str, float], ...]) -> Turn | None:
    """What is asked or wished for in words of its own, beside the question of the booking."""
    if says("asks_cant_make", now.text):
        return Turn((CANCELLING, *resume(now)))
    if therapist_wish(now.text) or somebody_wished(now.text):
        others = tuple(act for act in acts if act[0] != "faq/therapist_info")
        answers = ("action_answer_wish", *topic_answers(others))
        return Turn(("action_read_details", *answers, *resume(now)))
    if not now.several_therapists and says("other_therapist", now.text):
        return Turn((OTHER_THERAPIST, *resume(now)))
    if says("goes_back", now.text):
        return Turn(("utter_ask_which_field",))
    if says("asks_waiting_list", now.text):
        return Turn((WAITING_LIST, *resume(now)))
    # asked for a way to be reached, the form has an answer of its own to "can I just show up"
    shows_up = now.requested_slot == "patient_contact" and says("just_comes", now.text)
    if says("asks_walk_in", now.text) and not shows_up:
        return Turn(("action_read_details", WALK_IN, *resume(now)))
    if says("asks_what_next", now.text):
        return Turn(("utter_what_happens_now", *resume(now)))
    return None


def _another_form(now: Situation) -> Turn | None:
    """ "It's about my appointment K7M3QX", "a new booking": this form was begun by mistake.

    What it was given is kept for later; where it holds nothing, it is not offered again.
    """
    if now.clicked or now.requested_slot in FREE_TEXT_SLOTS:
        return None
    others = [form for form in now.open_forms if form != now.form]
    finds = now.requested_slot in BEFORE_THE_KIND and not reference_in(now.text)
    if now.form == "change_form" and finds and begins_another(now.text):
        slots = {"open_forms": others or None, "unclear_time": None}
        return Turn(("booking_form",), slots, stop_form=True)
    if now.form not in TAKES_DETAILS:
        return None
    early = now.requested_slot in BEFORE_A_TIME
    moves = now.form == "booking_form" and (
        says("moves_mine", now.text) or (early and says("moves_only", now.text))
    )
    if not (moves or reference_in(now.text)):
        return None
    keeps = now.form == "message_form" or now.has_draft
    still_open = now.open_once_stopped if keeps else others or None
    return Turn(("change_form",), {"open_forms": still_open}, stop_form=True)


def _changes_what_is_passed_on(now: Situation) -> bool:
    """ "Don't cancel, can I just move it?", said while a person is asked to cancel.

    There was no reference before, and there is none now: the message is begun anew.
    """
    if now.form != "message_form" or now.clicked or not now.passes_change_on:
        return False
    if now.requested_slot in FREE_TEXT_SLOTS or now.details.keys() & {"name", "contact", "field"}:
        return False
    changes = now.tells_a_time or now.intent in ("change_appointment", "book_appointment", "stop")
    return changes and kind_of_change(now.text) is not None and not says("cancels_this", now.text)


def _has_no_reference(now: Situation) -> bool:
    """The patient has none, or takes up the offer of a message to the clinic."""
    if now.clicked:
        return now.intent == "speak_to_human"
    return now.intent == "affirm" or says("has_no_reference", now.text)


def _about_the_question(now: Situation) -> str | None:
    """The response to "why do you need my number?" and the like, while details are asked for."""
    if now.clicked or now.form not in TAKES_DETAILS or now.requested_slot in FREE_TEXT_SLOTS:
        return None
    for response in ABOUT_DETAILS:
        if response == "utter_why_patient_name" and now.could_be_a_name:
            # "Jo Park is my full name"
            continue
        if says(response, now.text):
            return response
    if now.requested_slot != "patient_contact" and refuses_contact(now.text):
        return None if now.details.keys() & GIVEN else "utter_one_contact_is_enough"
    return None


def _is_note(now: Situation) -> bool:
    if now.requested_slot in FREE_TEXT_SLOTS or now.clicked or clauses.is_question(now.text):
        return False
    if changes_time(now):
        return False
    if note_in(now.text):
        return not now.details.keys() & GIVEN
    # "lou. lou ferris" resembles anything
    return now.intent in NOTES and now.acts[0][1] >= CLEAR and not now.could_be_a_name


def _fits(now: Situation) -> bool:
    """The message holds an answer to the form's question, or changes one given before."""
    given = now.details.keys() & GIVEN
    corrects = any(label in CHANGES for label, _ in now.acts)
    if given and (corrects or now.requested_slot in CONFIRMATIONS):
        return True
    if now.requested_slot == "service" and tells_length(now.text):
        return True
    if now.requested_slot == "chosen_time" and says("picks", now.text):
        return True
    wanted = DETAIL_OF.get(now.requested_slot or "", ())
    return any(now.details.get(detail) is not None for detail in wanted)
