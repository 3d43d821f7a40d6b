"""The forms: what starts and stops them, what they read themselves, what they ask for."""

from __future__ import annotations

from collections.abc import Collection

# Actions that start a form, by the intent that asks for it.
FORMS = {
    "book_appointment": "booking_form",
    "change_appointment": "change_form",
    "speak_to_human": "message_form",
    "leave_message": "message_form",
    "delete_my_data": "delete_form",
}
# Intents that end or replace a running form.
STOPS = {"stop": "action_stop_form", "start_over": "action_start_over"}
# Intents that a form reads itself.
FORM_REPLIES = frozenset(
    {
        "affirm",
        "correct_booking",
        "deny",
        "join_waiting_list",
        "leave_form",
        "more_times",
        "other_day",
        "pick_time",
        "resume_form",
        "skip",
    }
)
# A form that keeps a time for the patient.
TIMED_FORMS = frozenset({"booking_form", "change_form"})
# Forms that ask for a name and a contact.
TAKES_DETAILS = frozenset({"booking_form", "message_form"})
# Intents that are about a time for an appointment: nothing of the kind is done beside a red flag.
BOOKING = frozenset({"accept_time", "book_appointment", "change_appointment"})
# With one of these, a detail in the message replaces what was given before.
CHANGES = frozenset({"book_appointment", "change_appointment", "correct_booking"})
# Slots that take any words. Only what is plainly a question or a command interrupts them: "I
# need to cancel on Thursday" is what the patient wants the clinic to read.
FREE_TEXT_SLOTS = frozenset({"for_whom", "note", "message_text"})
# Asked when several requests were sent in the chat, and the words tell none or none of these.
WHICH_APPOINTMENT = ("utter_which_appointment", "utter_none_of_these")
# Where "you pick" is an answer.
LEFT_TO_US = frozenset({"service", "therapist", "preferred_time", "chosen_time"})
# The detail (entity) that answers a slot's question.
DETAIL_OF = {
    "preferred_time": ("time", "time_unclear"),
    "chosen_time": ("time", "time_unclear"),
    "patient_name": ("name",),
    "patient_contact": ("contact",),
    "change_contact": ("contact",),
}
# Said without a question while booking, these are meant for the therapist.
NOTES = frozenset(
    {
        "faq/medical_advice",
        "faq/safety_contraindications",
        "faq/symptoms",
        "faq/underlying_condition",
    }
)


def offers_of(form: str) -> tuple[str, str]:
    """The response that offers to go on with a form, and the one that offers it once more."""
    return f"utter_offer_{form}", f"utter_offer_again_{form}"


def form_to_offer(open_forms: Collection[str], red_flag_level: str | None) -> str | None:
    """The form to offer again; while a red flag is open, none that books."""
    forms = [form for form in open_forms if not (red_flag_level and form in TIMED_FORMS)]
    return forms[-1] if forms else None
