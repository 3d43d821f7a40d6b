"""What is said to what a message asks for, beside the question of a form that runs."""

from __future__ import annotations

import re

from assistant.policies.forms import FORMS
from assistant.policies.situation import Situation
from assistant.policies.wishes import note_in, says

# Tells how a request stands, and asks whether a time that the clinic proposes suits.
TELL_STATUS = "action_tell_status"
# What is said or done, by the intent that asks for it.
ANSWERS = {
    "abuse": "utter_abuse",
    "ask_status": TELL_STATUS,
    "been_checked": "utter_been_checked",
    "distress": "utter_distress",
    "feedback": "action_save_feedback",
    "goodbye": "utter_goodbye",
    "greet": "utter_greet_again",
    "help": "utter_help",
    "ignore_rules": "utter_ignore_rules",
    "minor": "utter_minor",
    "out_of_scope": "utter_out_of_scope",
    "speak_french": "utter_speak_french",
    "speak_other_language": "utter_speak_other_language",
    "speak_spanish": "utter_speak_spanish",
    "thank": "utter_thank_briefly",
    "write_for_other": "utter_write_for_other",
}
# They lean on the last answer.
MORE = ("tell_me_more", "ask_why")
# One step further each time in a row.
NOT_UNDERSTOOD = ("utter_not_understood_1", "utter_not_understood_2", "utter_not_understood_3")
COURTESIES = frozenset({"goodbye", "greet", "thank"})
# Said and done: these turns end without anything more.
NO_FORM_AFTER = frozenset({"goodbye"})
HOURS_TOPIC = "faq/opening_hours"
CAREFUL_TOPIC = "faq/safety_contraindications"
# Says who should be careful with massage, a child too.
CAREFUL = f"utter_{CAREFUL_TOPIC}"
# What the waiting list is.
WAITING_LIST = "utter_waiting_list_explained"
# Asked whether one can come without an appointment.
WALK_IN = "utter_walk_in"
# Asked for somebody else than the therapist there is.
OTHER_THERAPIST = "utter_faq/therapist_info"
# Several appointments are wished for: what can be done, and the wish goes into the note.
SERIES = ("utter_series", "action_add_note")


def topic_of(response: str) -> str | None:
    """The topic that a response answers: "cost" for "utter_faq/cost", else None."""
    match = re.match(r"utter_(?:faq/|more_|because_|how_long_)([a-z_]+)$", response)
    return match[1] if match else None


def answers_to(acts: tuple[tuple[str, float], ...], now: Situation) -> tuple[str, ...]:
    """What is said or done about each of these acts, once; a form that starts comes last.

    A wish for a form that runs, or while one runs, is not among it.
    """
    actions: list[str] = []
    for label, _ in acts:
        if label.startswith("faq/"):
            action = f"utter_{label}"
        elif label in FORMS and now.form is None:
            action = FORMS[label]
        elif label == "nlu_fallback":
            action = _not_understood(now)
        elif label in MORE:
            action = more_to_tell(label, now)
        elif label in ANSWERS:
            action = ANSWERS[label]
        else:
            continue
        if action not in actions:
            actions.append(action)
    # one form at a time, and it asks its question last
    forms = [action for action in actions if action in FORMS.values()]
    return (*(action for action in actions if action not in forms), *forms[:1])


def topic_answers(acts: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    """What is said about the topics (``faq/...``) among these acts."""
    return tuple(f"utter_{label}" for label, _ in acts if label.startswith("faq/"))


def with_safety_net(answers: tuple[str, ...], now: Situation) -> tuple[str, ...]:
    """The answers, and when to get help; before the question of a form that starts."""
    if not now.triage.get("safety_net"):
        return answers
    forms = tuple(answer for answer in answers if answer in FORMS.values())
    said = tuple(answer for answer in answers if answer not in forms)
    return (*said, "utter_safety_net", *forms)


def resume(now: Situation, *answers: str) -> tuple[str, ...]:
    """The running form asks again, unless a form starts or the patient said goodbye."""
    starts_form = any(answer in FORMS.values() for answer in answers)
    if now.form is None or starts_form or now.intent in NO_FORM_AFTER:
        return ()
    return (now.form,)


def more_to_tell(label: str, now: Situation) -> str:
    """The reason for the last answer or its second part, neither of them twice in a row."""
    if not now.last_topic:
        return "utter_what_first"
    more = f"utter_more_{now.last_topic}"
    parts = (f"utter_because_{now.last_topic}", more) if label == "ask_why" else (more,)
    untold = [part for part in parts if part in now.responses and part not in now.said_before]
    return untold[0] if untold else "utter_nothing_to_tell_more"


def _not_understood(now: Situation) -> str:
    """Topics to choose, then examples, then a person."""
    before = [name for name in now.said_before if name in NOT_UNDERSTOOD]
    if not before:
        return NOT_UNDERSTOOD[0]
    step = NOT_UNDERSTOOD.index(before[-1]) + 1
    return NOT_UNDERSTOOD[min(step, len(NOT_UNDERSTOOD) - 1)]


def take_note(now: Situation) -> tuple[str, ...]:
    """The note is taken, and who should be careful is told whom it concerns."""
    asked = CAREFUL_TOPIC in [label for label, _ in now.acts]
    warned = asked or says("careful", note_in(now.text) or "")
    return (*((CAREFUL,) if warned else ()), "action_add_note")
