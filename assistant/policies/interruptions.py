"""Whether what a message asks for interrupts the form that runs, or only resembles it."""

from __future__ import annotations

import re

from assistant.nlu import clauses, english
from assistant.policies.answers import COURTESIES, HOURS_TOPIC, MORE, answers_to
from assistant.policies.forms import (
    DETAIL_OF,
    FORM_REPLIES,
    FORMS,
    FREE_TEXT_SLOTS,
    LEFT_TO_US,
    STOPS,
    TAKES_DETAILS,
    TIMED_FORMS,
)
from assistant.policies.situation import CLEAR, CLEAR_IN_FREE_TEXT, GIVEN, Situation
from assistant.policies.wishes import (
    CANCELS,
    asks_something,
    is_for_a_grown_up,
    refuses_contact,
    says,
    tells_length,
)

# Commands that interrupt also where any words are taken.
COMMANDS = frozenset({"stop", "start_over", "help", "goodbye", "delete_my_data"})
# Slots with few possible answers, which look like topics: "30 minutes".
CHOICES = frozenset(
    {
        "change_kind",
        "change_reference",
        "chosen_time",
        "new_or_returning",
        "service",
        "therapist",
    }
)
# Where "later" or "the same time" is about the time.
HEAR_OF_TIMES = frozenset(
    {
        "chosen_time",
        "confirm_booking",
        "confirm_change",
        "new_or_returning",
        "patient_contact",
        "patient_name",
        "preferred_time",
    }
)
# "Grace Park" resembles a question about the place, "Priya Ellis" one about the therapist, and
# "I'm Sam, 416-555-0188" the wish to be called by a person.
CLEAR_BESIDE_A_NAME = CLEAR_BESIDE_DETAILS = 0.85


def interrupts(act: tuple[str, float], now: Situation) -> bool:
    """Whether an act is dealt with before the form asks again; else it belongs to the answer."""
    label, confidence = act
    if label in FORM_REPLIES or FORMS.get(label) == now.form:
        return False
    if now.clicked:
        return True
    if now.requested_slot in FREE_TEXT_SLOTS:
        return _interrupts_free_text(act, now)
    told = _told_by_its_words(label, now)
    return _is_sure_enough(label, confidence, now) if told is None else told


def _interrupts_free_text(act: tuple[str, float], now: Situation) -> bool:
    label, confidence = act
    if label in ("nlu_fallback", "out_of_scope", "no_words"):
        return False
    if label in COMMANDS:
        return confidence >= CLEAR_IN_FREE_TEXT
    # asked once more, right after its answer, it is meant for the clinic
    answered = any(answer in now.said_before for answer in answers_to((act,), now))
    return clauses.is_question(now.text) and confidence >= CLEAR_IN_FREE_TEXT and not answered


def _told_by_its_words(label: str, now: Situation) -> bool | None:
    """Whether words that the ranking may mistake interrupt the form; None where there are none."""
    if label in ("nlu_fallback", "no_words") or (label not in STOPS and changes_time(now)):
        return False
    if now.requested_slot == "chosen_time" and label in MORE and says("others", now.text):
        return False
    if label == HOURS_TOPIC and now.form in TIMED_FORMS and now.tells_a_time:
        # "is there evening", "same time but the friday"
        return says("asks_hours", now.text)
    asks_whether_free = now.tells_a_time and says("asks_whether_free", now.text)
    if now.form in TIMED_FORMS and label.startswith("faq/") and asks_whether_free:
        # "is 7:30 not free?" resembles a question for the prices
        return False
    other_length = says("not_this_length", now.text) or says("no_between_lengths", now.text)
    corrects_length = now.form == "booking_form" and other_length
    if corrects_length and label not in STOPS and _tells_length(now.text):
        # "30 mins not 60" resembles a question for the lengths there are
        return False
    asks_or_reads_back = now.requested_slot in ("service", "confirm_booking")
    if asks_or_reads_back and label not in STOPS and _names_length(now.text):
        # "an hour" resembles a question for the opening hours
        return False
    if now.requested_slot == "chosen_time" and label.startswith("faq/") and _tells_length(now.text):
        # "the second one, but only half an hour"
        return False
    if label == "write_for_other" and says("for_me_after_all", now.text):
        # "this one is for me, not my wife"
        return False
    if label == "minor" and is_for_a_grown_up(now.text):
        return False
    if now.requested_slot == "therapist" and says("only_therapist", now.text):
        # "Natalie?" resembles a question about her
        return False
    tells_visit = _tells_visit(now.text) and not asks_something(now.text)
    if now.form == "booking_form" and label not in STOPS and tells_visit:
        # "she's 71, been before" resembles a question about the therapist
        return False
    if now.form == "change_form" and label == "book_appointment" and says("books_anew", now.text):
        return True
    would_call = says("would_call", now.text) or says("refuses_both", now.text)
    if now.requested_slot == "patient_contact" and (would_call or refuses_contact(now.text)):
        return False
    if now.form in TAKES_DETAILS and label == "speak_to_human" and _is_an_address(now.text):
        # also one that cannot be used
        return False
    if now.requested_slot in LEFT_TO_US and label == "stop" and says("undecided", now.text):
        # "I don't mind" resembles "never mind"
        return says("stops", now.text)
    if now.requested_slot in LEFT_TO_US and label not in (*STOPS, *FORMS):
        about_the_choice = says("undecided", now.text) or says("about_times", now.text)
        if about_the_choice and (label == "out_of_scope" or not clauses.is_question(now.text)):
            return False
    picked_from = (*CHOICES, "patient_contact", "preferred_time")
    if now.requested_slot in picked_from and says("picks", now.text):
        # "the first one" resembles a question about a first visit
        return False
    if label == "out_of_scope" and now.form in TIMED_FORMS and now.tells_a_time:
        # "can we do christmas day", at any question
        return False
    return None


def _is_sure_enough(label: str, confidence: float, now: Situation) -> bool:
    """Whether the ranking is sure enough for the question that the form asks."""
    if label == "out_of_scope":
        # "Sam Lee", "45": what is no question is an answer before it is beside the point
        return clauses.is_question(now.text) and confidence >= CLEAR_IN_FREE_TEXT
    volunteered = now.details.keys() & GIVEN and not asks_something(now.text)
    if volunteered and label not in STOPS and confidence < CLEAR_BESIDE_DETAILS:
        return False
    if now.requested_slot == "change_reference" and not asks_something(now.text):
        # six random letters resemble anything
        return confidence >= CLEAR_BESIDE_A_NAME
    if now.requested_slot in CHOICES and label.startswith("faq/") and not now.could_be_a_name:
        return confidence >= (CLEAR if asks_something(now.text) else CLEAR_IN_FREE_TEXT)
    if label == "greet" and "name" in now.details:
        # "I'm Priya" answers the form
        return False
    named = now.requested_slot == "patient_name" and now.could_be_a_name
    if label == "greet" and named and now.text[:1].isupper():
        # "Margaret" resembles a greeting
        return False
    if label in COURTESIES or label in MORE:
        # "sam, returning" resembles a goodbye
        return confidence >= CLEAR_IN_FREE_TEXT
    if label == "stop" and now.form in TIMED_FORMS and _other_time(now):
        return False
    if label == "stop" and now.form == "change_form" and CANCELS.search(now.text):
        # "cancel it" is about the appointment
        return False
    if now.requested_slot == "patient_name" and _reads_as_a_name(label, now):
        return False
    if label == "speak_other_language" and now.requested_slot in LEFT_TO_US and _is_titled(now):
        # names are in every language
        return False
    if now.requested_slot in (*LEFT_TO_US, "patient_name") and now.could_be_a_name:
        return confidence >= CLEAR_BESIDE_A_NAME
    if now.requested_slot in DETAIL_OF and label in ("distress", "minor"):
        return confidence >= CLEAR_IN_FREE_TEXT
    if label == "change_appointment" and now.form == "message_form":
        # the message may be about it: "just tell them to cancel"
        return confidence >= CLEAR_IN_FREE_TEXT
    if label in ("book_appointment", "change_appointment") and now.form in TIMED_FORMS:
        # "change it to 3" is about the time that is being asked for
        return False
    return confidence >= CLEAR


def changes_time(now: Situation) -> bool:
    """ "No, the other day, thurs", "same time friday": another time, whatever it resembles."""
    if now.clicked or now.form not in TIMED_FORMS or now.requested_slot in FREE_TEXT_SLOTS:
        return False
    if says("no_and_then", now.text):
        return True
    leans = says("at_that_time", now.text) or says("only_later", now.text)
    return leans and now.requested_slot in HEAR_OF_TIMES


def _other_time(now: Situation) -> bool:
    """ "Nvm thurs" takes back the time before, and is no end of the booking."""
    return now.tells_a_time and says("corrects", now.text) and not says("ends", now.text)


def _names_length(text: str) -> bool:
    return says("names_length", text) and not asks_something(text)


def _tells_length(text: str) -> bool:
    return tells_length(text) and not asks_something(text)


def _reads_as_a_name(label: str, now: Situation) -> bool:
    """Whether what could be a name is one, whatever it resembles.

    Names resemble questions about the therapist, who has one too, however sure the ranking is.
    """
    if not now.could_be_a_name or asks_something(now.text):
        return False
    if label == "speak_other_language":
        # "siobhan ni dhuill" is a name; a sentence in another language can be none
        return True
    if label not in STOPS and len(now.text.split()) > 1 and _is_foreign(now.text):
        # one strange word may be "siatica"
        return True
    return label == "faq/therapist_info" or (_is_titled(now) and label.startswith("faq/"))


def _is_foreign(text: str) -> bool:
    """A word of it is in no English dictionary: what can be a name then is one."""
    typed = re.findall(r"[^\W\d_]+", text.lower())
    return bool(typed) and any(word not in english.words() for word in typed)


def _is_an_address(text: str) -> bool:
    """One word with an @, and nothing beside it."""
    return "@" in text and len(text.split()) == 1


def _is_titled(now: Situation) -> bool:
    """Two words or more that can be a name, each with a capital letter."""
    words = now.text.split()
    return now.could_be_a_name and len(words) > 1 and all(word[:1].isupper() for word in words)


def _tells_visit(text: str) -> bool:
    return says("new", text) or says("returning", text)
