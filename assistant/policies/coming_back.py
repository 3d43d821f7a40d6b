"""Back to what was interrupted or given up: a form offered again, a break, a draft."""

from __future__ import annotations

from assistant.nlu import clauses
from assistant.policies.answers import (
    MORE,
    NO_FORM_AFTER,
    NOT_UNDERSTOOD,
    answers_to,
    more_to_tell,
    topic_of,
    with_safety_net,
)
from assistant.policies.forms import FORMS, STOPS, form_to_offer, offers_of
from assistant.policies.outside_forms import outside_forms
from assistant.policies.situation import CLEAR, GIVEN, Situation, Turn
from assistant.policies.wishes import CANCELS, asks_something, reference_in, says

# Responses that end by offering something, which a yes asks for.
YES_TO = {
    "utter_booking_blocked_red_flag": "message_form",
    "utter_booking_cancelled": "booking_form",
    "utter_booking_not_saved": "booking_form",
    "utter_cancelled_already": "booking_form",
    "utter_details_are_sent": "message_form",
    "utter_change_not_saved": "change_form",
    "utter_delete_failed": "delete_form",
    "utter_distress": "message_form",
    "utter_feedback_noted": "message_form",
    "utter_message_not_saved": "message_form",
    "utter_offer_next_patient": "booking_form",
    "utter_not_understood_3": "message_form",
    "utter_offer_is_old": "booking_form",
    "utter_waiting_list_explained": "booking_form",
    "utter_walk_in": "booking_form",
    "utter_speak_french": "message_form",
    "utter_speak_other_language": "message_form",
    "utter_speak_spanish": "message_form",
}
# Buttons below times that are shown by no form any more.
OF_AN_OFFER = frozenset({"join_waiting_list", "more_times", "other_day", "pick_time"})


def is_resumed(now: Situation) -> bool:
    """A yes to a form that was offered again, or the button below an offer at any time."""
    if now.clicked:
        return now.intent == "resume_form" and now.details.get("form") in FORMS.values()
    if not now.offered:
        return False
    if says("goes_on", now.text):
        return True
    label, sure = now.acts[0]
    if label in ("affirm", "tell_me_more"):
        return sure >= CLEAR
    return FORMS.get(label) == now.offered and not clauses.is_question(now.text)


def go_on(form: str) -> Turn:
    """The form asks anew: a yes to the offer answers nothing that was asked before."""
    return Turn((form,), {"requested_slot": None})


def after_offer(now: Situation, form: str) -> Turn | None:
    """No yes: the offer is declined, or made once more after what the patient wants to know."""
    label, sure = now.acts[0]
    if label in ("deny", "stop", "skip") and sure >= CLEAR and not asks_something(now.text):
        return Turn(("action_leave_form",))
    if now.details.keys() & GIVEN and not asks_something(now.text):
        return go_on(form)
    answers = answers_to(now.acts, now)
    _, again = offers_of(form)
    if any(answer in FORMS.values() for answer in answers) or label in STOPS:
        return outside_forms(now)
    if now.last_said == again or label in NO_FORM_AFTER:
        return outside_forms(now)
    answers = tuple(answer for answer in answers if answer not in NOT_UNDERSTOOD)
    return Turn((*with_safety_net(answers, now), again))


def after_break(now: Situation) -> Turn | None:
    """A form that a long pause interrupted is offered with what it holds."""
    form = form_to_offer(now.open_forms, now.red_flag_level)
    assert form is not None
    label, _ = now.acts[0]
    if label in STOPS or label in NO_FORM_AFTER:
        return None
    offer = offers_of(form)[0]
    if now.details.keys() & GIVEN and not asks_something(now.text):
        return Turn(("action_read_details", offer), {"requested_slot": None})
    acts = tuple(act for act in now.acts if FORMS.get(act[0]) != form)
    answers = answers_to(acts, now)
    if any(answer in FORMS.values() for answer in answers):
        return outside_forms(now)
    answers = tuple(answer for answer in answers if answer not in NOT_UNDERSTOOD)
    return Turn((*with_safety_net(answers, now), offer), {"requested_slot": None})


def taken_up(now: Situation) -> Turn | None:
    """A yes to what the last response offered, or another day after a cancellation."""
    if _comes_another_day(now):
        return Turn(("booking_form",))
    if now.intent != "affirm" or now.last_said not in YES_TO:
        return None
    return go_on(YES_TO[now.last_said])


def _comes_another_day(now: Situation) -> bool:
    """ "Can I have Thursday instead?", said when an appointment was cancelled: a new one."""
    if now.clicked or now.last_said != "utter_appointment_cancelled" or reference_in(now.text):
        return False
    if CANCELS.search(now.text) or says("keeps_it", now.text):
        return False
    books = now.intent in ("book_appointment", "change_appointment", "correct_booking")
    return books or (now.tells_a_time and not asks_something(now.text))


def keeps_after_all(now: Situation) -> Turn | None:
    """ "Wait, I'll keep it", said right after it was given up."""
    if now.clicked or not says("keeps_it", now.text):
        return None
    if now.last_said == "utter_appointment_cancelled":
        return Turn(("utter_cancelled_already",))
    return go_on("booking_form") if now.last_said == "utter_booking_cancelled" else None


def about_the_draft(now: Situation) -> Turn | None:
    """ "Go on", said after booking was stopped; or a button below times from then."""
    if not now.has_draft:
        return None
    if now.clicked and now.intent in OF_AN_OFFER:
        return go_on("booking_form")
    if now.clicked or not says("goes_on", now.text):
        return None
    if now.last_said == "utter_booking_cancelled":
        return go_on("booking_form")
    forms = [form for form in now.open_forms if form != "booking_form"]
    more = more_to_tell(now.intent, now) if now.intent in MORE and topic_of(now.last_said) else None
    told = (more,) if more in now.responses and more != "utter_nothing_to_tell_more" else ()
    offer, _ = offers_of("booking_form")
    return Turn((*told, offer), {"open_forms": [*forms, "booking_form"]})
