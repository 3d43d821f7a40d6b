"""A red flag is raised: what is told, what is kept of it, and what follows once it is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.policies import alarm, checked
from assistant.policies.answers import topic_answers
from assistant.policies.forms import FORMS, TIMED_FORMS, offers_of
from assistant.policies.situation import Situation, Turn
from assistant.policies.wishes import says

# The level that stays open until the patient has been checked.
ALARMS = frozenset({"urgent", "emergency"})
# The slots of an alarm once it is closed.
CLOSED: Mapping[str, Any] = {
    "red_flag_level": None,
    "why": None,
    "alarms": None,
    "alarm_kind": None,
    "alarm_person": None,
    "alarm_language": None,
    "after_checked": None,
}
# Says which signs need a doctor first, with the link to the clinic's booking program.
LINK = "utter_link_to_book"
# After a clear no to a check question, and after a clear yes to the question of being checked.
NOT_SO = {
    "medical": "utter_check_cleared",
    "crisis": "utter_crisis_cleared",
    "violence": "utter_violence_cleared",
}
HELPED = {**NOT_SO, "medical": "utter_been_checked"}


def concerns_safety(now: Situation) -> bool:
    """Whether the assistant has to answer even while a person is in the chat."""
    signs = now.triage.get("level") in (*ALARMS, "check") or now.intent == "sign_applies"
    return bool(now.safety_check) or signs


def tells_a_sign_applies(now: Situation) -> bool:
    """The button below the signs that are named before a request is sent, or the same in words."""
    if now.clicked:
        return now.intent == "sign_applies"
    named = now.requested_slot == "confirm_booking" or LINK in now.said_before
    return named and says("signs_apply", now.text)


def is_known(now: Situation) -> bool:
    """The message tells of nothing that the patient was not warned of before."""
    level, kind = now.triage["level"], now.triage.get("kind") or "medical"
    despairs = kind == "crisis" and now.alarm_kind == "medical"
    if despairs and level == "check" and alarm.only_resembles(now.triage):
        # "I just didn't want you to send me to emerg" is no wish to die
        return alarm.fears_hospital(now.text)
    if _is_a_second_danger(now, kind):
        return False
    if kind != "crisis" and alarm.only_resembles(now.triage):
        # "he doesn't want to go", "he woke up": no other sign because it resembles one
        told_worse = now.red_flag_level == "emergency" or level == now.red_flag_level
        if told_worse or (level == "check" and alarm.said(now.text, "medical")):
            return True
    report = level == "check" or checked.read(now.text) == "checked"
    return report and alarm.covers(now.alarms, now.triage)


def _is_a_second_danger(now: Situation, kind: str) -> bool:
    """The body is in danger as well, after words of despair or of violence alone."""
    of_the_mind = all(one["kind"] in alarm.ASKED_ONCE for one in now.alarms)
    return (
        bool(now.alarms)
        and of_the_mind
        and kind not in alarm.ASKED_ONCE
        and (now.triage["level"] in ALARMS)
    )


def raise_alarm(now: Situation, level: str, found: Mapping[str, Any]) -> Turn:
    """Tells what to do. ``found`` is the assessment, or what a check question had kept of it."""
    # also one that a form keeps which something else has interrupted
    freed = ("action_release_time",) if TIMED_FORMS & {now.form, *now.open_forms} else ()
    told = found.get("response") or f"utter_{level}"
    if told == "utter_urgent" and _sent_to_emergency(now):
        told = "utter_emergency"
    return Turn(
        (told, *freed),
        {
            "red_flag_level": _higher(level, now.red_flag_level),
            "why": found.get("why"),
            "alarms": alarm.added(_still_so(now), found, level),
            "alarm_kind": found.get("kind") or "medical",
            "after_checked": None,
            "safety_check": None,
            "open_forms": now.open_once_stopped,
            **_person(now, found),
        },
        stop_form=now.form is not None,
    )


def _sent_to_emergency(now: Situation) -> bool:
    """Told to get help for the body at once: a milder sign beside it makes it no less urgent."""
    return any(
        one["level"] == "emergency" and one["kind"] not in alarm.ASKED_ONCE for one in now.alarms
    )


def _still_so(now: Situation) -> Sequence[alarm.Alarm]:
    """The open signs; told of again in answer to whether they were meant, they are."""
    asked = now.safety_check and now.safety_check.get("takes_back")
    return alarm.confirmed(now.alarms) if asked else now.alarms


def _higher(level: str, other: str | None) -> str:
    return "emergency" if "emergency" in (level, other) else level


def _person(now: Situation, found: Mapping[str, Any]) -> dict[str, str | None]:
    """Whom the alarm is about, which a later message ("and he cannot pee") need not say again."""
    if found.get("kind") == "violence":
        # "my husband hits me" is about the one who writes
        return {"alarm_person": None}
    person = found.get("person") or whom_it_is_about(now)
    own = alarm.is_own(now.text) or now.triage.get("of_the_writer")
    known = now.alarms and not own and person in (None, alarm.somebody())
    return {} if known else {"alarm_person": person}


def whom_it_is_about(now: Situation) -> str | None:
    """Whom the message is about; a "she" is who was named before, where she can be."""
    if now.triage.get("of_the_writer"):
        # "my son comes along. I can't pee": the son is only named
        return None
    person = alarm.person_in(now.text)
    if now.alarms:
        return person
    if person is None and _goes_on_about_somebody(now):
        return now.person_just_told
    told = now.person_told if alarm.could_be(now.person_told, now.text) else None
    return told or person if person == alarm.somebody() else person


def _goes_on_about_somebody(now: Situation) -> bool:
    """ "My dad has a bad back", and then: "sudden chest pain", which names nobody at all."""
    of_the_body = (now.triage.get("kind") or "medical") not in alarm.ASKED_ONCE
    signs = bool(now.triage.get("level")) and of_the_body and not now.safety_check
    if not signs or not alarm.could_be(now.person_just_told, now.text):
        return False
    return not (alarm.names_the_writer(now.text) or says("of_mine", now.text))


def once_checked(now: Situation, acts: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    """What follows the good news: the running form, what was asked for, or an offer."""
    if now.form:
        return (now.form,)
    answers = tuple(dict.fromkeys(topic_answers(acts)))
    wished = [FORMS[label] for label, _ in acts if label in FORMS]
    if not wished and not now.clicked and checked.wants_appointment(now.text):
        wished = ["booking_form"]
    if wished:
        return (*answers, wished[0])
    offered = now.open_forms[-1] if now.open_forms else None
    return (*answers, offers_of(offered)[0] if offered else "utter_what_next")
