"""One question about what may be a sign of danger, and what follows the reply to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.nlu import english, texting
from assistant.policies import alarm, checked
from assistant.policies.answers import answers_to, resume
from assistant.policies.forms import BOOKING, FORMS
from assistant.policies.red_flag import CLOSED, NOT_SO, once_checked, raise_alarm, whom_it_is_about
from assistant.policies.situation import CLEAR, GIVEN, LONGEST_MESSAGE, Situation, Turn
from assistant.policies.wishes import asks_something

# Neither a yes nor a no to a check question, beside the topics.
BESIDE_A_CHECK = frozenset(
    {
        *("abuse", "accept_time", "ask_status", "book_appointment", "change_appointment"),
        *("greet", "help", "ignore_rules", "speak_to_human", "start_over", "thank"),
    }
)
# Taken for these, a reply may be a yes in other words, or tell more of the sign.
ANSWERS_A_CHECK = frozenset({"affirm", "been_checked", "deny", "distress", "sign_applies"})
ABOUT_SIGNS = frozenset(
    {
        *("faq/medical_advice", "faq/medication_question", "faq/safety_contraindications"),
        *("faq/symptoms", "faq/underlying_condition", "nlu_fallback", "out_of_scope"),
    }
)
MOST_WORDS_OF_AN_ANSWER = 3
# Asked where nothing more is known.
GENERAL = "utter_check_general"
# "Since I lifted a washing machine": an old pain and its cause are near to these.
RESEMBLED_BY_OLD_PAIN = frozenset({"resembles_injury_and_back_pain"})
# Said after a clear no to whether an alarm was meant.
NOT_MEANT = {"crisis": "utter_crisis_cleared", "violence": "utter_violence_cleared"}


def ask_check(now: Situation) -> Turn:
    """Asks about a possible sign; the slot ``safety_check`` keeps what a yes will need."""
    waiting: dict[str, Any] = {
        "level": now.triage.get("escalates_to") or "urgent",
        "why": now.triage.get("why"),
        "acts": [list(act) for act in _asked_beside(now)],
        "question": now.triage["response"],
    }
    for kept in ("signs", "named", "kind", "kinds", "about", "even_if_passed"):
        if now.triage.get(kept):
            waiting[kept] = now.triage[kept]
    if person := whom_it_is_about(now):
        waiting["person"] = person
    if now.triage.get("escalates_with"):
        waiting["response"] = now.triage["escalates_with"]
    asks = Turn((str(now.triage["response"]),), {"safety_check": waiting})
    return _with_details_kept(asks, now)


def _with_details_kept(turn: Turn, now: Situation) -> Turn:
    """What was told for an appointment in the same message is there once the question is closed."""
    books = any(label == "book_appointment" and sure >= CLEAR for label, sure in now.acts)
    told = now.details.keys() & {*GIVEN, "service"}
    if now.form or now.red_flag_level or not (books and told):
        return turn
    others = [form for form in now.open_forms if form != "booking_form"]
    slots = {**turn.slots, "open_forms": [*others, "booking_form"]}
    return Turn(("action_read_details", *turn.actions), slots)


def _asked_beside(now: Situation) -> tuple[tuple[str, float], ...]:
    """What the message asks for; "this hip makes me want to die lol" asks for no symptoms."""
    if now.triage.get("kind") not in alarm.ASKED_ONCE or asks_something(now.text):
        return now.acts
    return tuple(act for act in now.acts if act[0] in FORMS)


def after_check(now: Situation, waiting: Mapping[str, Any]) -> Turn:
    """The turn after the reply to a check question; ``waiting`` is what was kept for it."""
    kind = str(waiting.get("kind") or "medical")
    denied = now.text == "/deny" or (
        now.triage.get("level") is None
        and (
            now.triage.get("reply") in _settles(waiting)
            or alarm.said(now.text, kind) == "taken_back"
            or bool(waiting.get("takes_back") and alarm.corrects(now.text))
        )
    )
    denied = denied or _is_settled(now, waiting, kind)
    if alarm.only_resembles(waiting) and now.triage.get("level") in (None, "check"):
        if not waiting.get("asked_again") and alarm.names_another_place(now.text):
            return _ask_anew(waiting)
        denied = denied or _nobody_told(now)
    # a yes or a no may be meant for what the clinic has proposed meanwhile
    unclear = (
        _holds_no_words(now)
        or (now.proposal and not now.clicked and not now.triage.get("level"))
        or _says_something_else(now, kind)
    )
    if unclear and (not denied or now.proposal) and not waiting.get("asked_again"):
        again = {**waiting, "asked_again": True}
        question = str(waiting.get("question") or GENERAL)
        return Turn(("utter_answer_unclear", question), {"safety_check": again})
    if not denied and waiting.get("takes_back"):
        told = {"safety_check": None, "alarms": alarm.confirmed(now.alarms)}
        return Turn(("utter_alarm_again", *resume(now)), told)
    if not denied:
        return raise_alarm(now, str(waiting["level"]), waiting)
    cleared = {"safety_check": None}
    asked = tuple((str(label), float(sure)) for label, sure in waiting.get("acts", []))
    if now.red_flag_level and not waiting.get("takes_back"):
        asked = tuple(act for act in asked if act[0] not in BOOKING)
    # what was understood badly was understood well enough to ask about it
    clear = tuple(act for act in asked if act[0] != "nlu_fallback" and act[1] >= CLEAR)
    if waiting.get("takes_back"):
        said = NOT_MEANT.get(kind, "utter_taken_back_cleared")
        return Turn((said, *once_checked(now, clear)), {**CLOSED, **cleared})
    answers = answers_to(clear, now)
    following = (*answers, *resume(now, *answers))
    if not following and not now.red_flag_level:
        following = ("utter_what_next",)
    return Turn((NOT_SO.get(kind, NOT_SO["medical"]), *following), cleared)


def _ask_anew(waiting: Mapping[str, Any]) -> Turn:
    """ "No, not my leg, it's my back": what was told is asked about, and not what it resembles."""
    left_out = {"why", "about", "signs", "named", "kinds"}
    kept = {key: value for key, value in waiting.items() if key not in left_out}
    again = {**kept, "why": None, "question": GENERAL, "asked_again": True}
    return Turn(("utter_answer_unclear", GENERAL), {"safety_check": again})


def _nobody_told(now: Situation) -> bool:
    """ "What swelling? I never said so": not said of a sign that a message tells of."""
    resembles = now.triage.get("level") is None or alarm.only_resembles(now.triage)
    return resembles and alarm.never_told(now.text)


def _is_settled(now: Situation, waiting: Mapping[str, Any], kind: str) -> bool:
    """ "My doctor saw me last week", "the same since October": nothing new, and nobody in danger.

    Only of what would send the patient to a doctor today, or of an old pain that no more than
    resembles an injury; an emergency has to be denied.
    """
    told = now.triage.get("level")
    of_the_body = kind not in alarm.ASKED_ONCE and not waiting.get("takes_back")
    signs = set(waiting.get("signs") or ())
    mild = waiting.get("level") == "urgent" or (signs and signs <= RESEMBLED_BY_OLD_PAIN)
    if not (of_the_body and mild) or told not in (None, "check"):
        return False
    if told and not alarm.only_resembles(now.triage):
        return False
    seen = checked.read(now.text, clicked=now.clicked) == "checked"
    return seen or now.triage.get("reply") in _settles(waiting) or alarm.same_since(now.text)


def _settles(waiting: Mapping[str, Any]) -> tuple[str, ...]:
    """The replies that settle the question: a small stroke is not settled by being gone."""
    return ("old",) if waiting.get("even_if_passed") else ("old", "gone")


def _holds_no_words(now: Situation) -> bool:
    """Pictures or "aaaa": neither a yes nor a no to a check question."""
    if now.clicked or now.triage.get("level") or now.triage.get("reply"):
        return False
    if now.intent == "no_words":
        return True
    typed = texting.in_words(now.text).lower().split()
    return len(typed) == 1 and typed[0].isalpha() and typed[0] not in english.words()


def _says_something_else(now: Situation, kind: str) -> bool:
    """ "I just mean the insurance", "60 for me n 45 for her": not about what was asked.

    "I think so", "kind of" and "not sure" are answers, and of despair and violence nothing is
    asked twice.
    """
    if kind in alarm.ASKED_ONCE or now.triage.get("level") or now.triage.get("reply"):
        return False
    if now.clicked:
        return now.intent in BESIDE_A_CHECK or now.intent.startswith("faq/")
    labels = {label for label, _ in now.acts}
    if len(now.text) > LONGEST_MESSAGE or labels & ANSWERS_A_CHECK or alarm.half_yes(now.text):
        return False
    if alarm.misunderstood(now.text) or "service" in now.details:
        return True
    about_signs = now.triage.get("speaks") and labels & ABOUT_SIGNS
    topic = now.intent in BESIDE_A_CHECK or now.intent.startswith("faq/")
    # a word or two ("slightly", "the left one") may well be a yes
    told = len(now.text.split()) > MOST_WORDS_OF_AN_ANSWER and not now.triage.get("speaks")
    return not about_signs and (topic or told)
