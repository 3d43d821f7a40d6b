"""After a request was sent: the time that the clinic proposes for it, a yes, a correction."""

from __future__ import annotations

from assistant.policies.answers import (
    HOURS_TOPIC,
    TELL_STATUS,
    resume,
    topic_answers,
    with_safety_net,
)
from assistant.policies.situation import CLEAR, Situation, Turn
from assistant.policies.wishes import CANCELS, about_the_second, asks_something, next_person, says

# What answers a time that the clinic proposes: by its button at any time, in words right after it.
ANSWERS_A_PROPOSAL = {
    "accept_time": "action_accept_time",
    "leave_to_clinic": "action_leave_to_clinic",
    "refuse_time": "action_refuse_time",
}
# Asked when such a time does not suit, and the question whether it suits, asked once more.
REFUSED, ASKED_AGAIN = "utter_time_refused", "utter_status_proposed"
# Said when a request has been sent, moved or asked about: a yes after it asks whether that is so,
# and a correction is a change of that request.
TELL_OF_A_REQUEST = frozenset(
    {
        "utter_appointment_moved",
        "utter_booking_requested",
        "utter_proposal_accepted",
        "utter_status_changed",
        "utter_status_confirmed",
        "utter_status_requested",
        "utter_status_waiting",
        "utter_waiting_list_joined",
    }
)
# Words to which it is told how the request stands.
ABOUT_HOW_IT_STANDS = ("accepts_a_time", "asks_how_it_stands", "asks_what_next", "booked_already")
# What "scrap it, cancel the whole thing" may be taken for.
GIVES_UP = frozenset(
    {
        *("change_appointment", "correct_booking", "deny", "nlu_fallback", "out_of_scope"),
        *("start_over", "stop"),
    }
)


def about_the_proposal(now: Situation) -> Turn | None:
    """The answer to a time that the clinic proposes, also in the middle of a form."""
    if now.intent in ANSWERS_A_PROPOSAL:
        return Turn((ANSWERS_A_PROPOSAL[now.intent], *resume(now)))
    if now.clicked or now.proposal is None:
        return None
    answer = answer_to_proposal(now)
    if answer:
        return Turn((ANSWERS_A_PROPOSAL[answer], *resume(now)))
    if now.form:
        return None
    if now.tells_a_time or _leans_on_a_time(now.text):
        return Turn(("change_form",))
    if CANCELS.search(now.text) or says("other_day", now.text) or says("others", now.text):
        return Turn(("change_form",))
    answers = topic_answers(now.acts)
    if answers and now.last_said != ASKED_AGAIN:
        return Turn((*with_safety_net(answers, now), TELL_STATUS))
    return None


def answer_to_proposal(now: Situation) -> str | None:
    """The intent of the button that the words stand for."""
    text = now.text
    label, sure = now.acts[0]
    if CANCELS.search(text) or asks_something(text):
        return None
    if says("wants_call", text):
        return "leave_to_clinic"
    refuses = says("refuses_time", text)
    # "no, thursday at 3 please" asks for another time
    other = now.tells_a_time or _leans_on_a_time(text)
    if refuses:
        return None if other or REFUSED in now.said_before else "refuse_time"
    if says("accepts_time", text):
        return "accept_time"
    if other or REFUSED in now.said_before or sure < CLEAR:
        return None
    return {"affirm": "accept_time", "deny": "refuse_time"}.get(label)


def about_the_request(now: Situation) -> Turn | None:
    """A yes, or a correction, after a request was sent or a place on the waiting list taken."""
    if not (now.requested or now.waits):
        return None
    label, sure = now.acts[0]
    just_told = now.last_said in TELL_OF_A_REQUEST
    if just_told and label == "affirm" and sure >= CLEAR:
        return Turn((TELL_STATUS,))
    if now.clicked:
        return None
    if any(says(asked, now.text) for asked in ABOUT_HOW_IT_STANDS):
        return Turn((TELL_STATUS,))
    moves = CANCELS.search(now.text) or says("move", now.text)
    one_more = just_told and says("one_more_for", now.text)
    another = next_person(now.text) or about_the_second(now.text)
    if another or (one_more and not moves and not asks_something(now.text)):
        return Turn(("booking_form",))
    cancels = label in ("stop", "change_appointment") and CANCELS.search(now.text)
    gives_up = just_told and label in GIVES_UP and says("cancel", now.text)
    if cancels or gives_up:
        # "never mind, cancel it", "scrap it"
        leaves = "change_form" if now.requested else "action_leave_waiting_list"
        return Turn((leaves,)) if not asks_something(now.text) else None
    if says("books_anew", now.text) or says("one_more", now.text) or not now.requested:
        return None
    corrects = says("corrects", now.text)
    if label == "correct_booking" or (just_told and corrects and not _asks_a_topic(now)):
        if now.details.keys() & {"name", "contact"}:
            return Turn(("utter_details_are_sent",))
        if label == "correct_booking" or "time" in now.details or _leans_on_a_time(now.text):
            return Turn(("change_form",))
    if just_told and _leans_on_a_time(now.text):
        return Turn(("change_form",))
    return None


def _asks_a_topic(now: Situation) -> bool:
    label, sure = now.acts[0]
    return label.startswith("faq/") and label != HOURS_TOPIC and sure >= CLEAR


def _leans_on_a_time(text: str) -> bool:
    """ "Earlier please": another time than the one that was just told."""
    return (says("sooner", text) or says("later", text)) and not says("not_about_time", text)
