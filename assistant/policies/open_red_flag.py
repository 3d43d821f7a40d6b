"""While a red flag is open: the advice again, and what closes it."""

from __future__ import annotations

from assistant.nlu import clauses
from assistant.policies import alarm, checked
from assistant.policies.answers import COURTESIES, MORE, answers_to, resume, topic_answers
from assistant.policies.coming_back import YES_TO, is_resumed
from assistant.policies.forms import (
    BOOKING,
    FORM_REPLIES,
    FREE_TEXT_SLOTS,
    TIMED_FORMS,
    form_to_offer,
)
from assistant.policies.interruptions import interrupts
from assistant.policies.red_flag import CLOSED, HELPED, once_checked
from assistant.policies.sent_request import about_the_proposal, answer_to_proposal
from assistant.policies.situation import CLEAR, CLEAR_IN_FREE_TEXT, GIVEN, Situation, Turn
from assistant.policies.wishes import says

# What a message is taken for that is nothing but a name or a number.
BARE = frozenset({"affirm", "nlu_fallback", "out_of_scope", "speak_to_human"})
# Answered while it is open, with a line that reminds of it. All else is met by the advice again.
PLAIN_BESIDE_ALARM = frozenset(
    {
        *("abuse", "goodbye", "greet", "help", "thank", "write_for_other"),
        *("faq/bot_identity", "faq/cost", "faq/insurance", "faq/location", "faq/opening_hours"),
        *("faq/privacy", "faq/therapist_info", "faq/what_is_sciatica", "faq/what_to_wear"),
    }
)
# Done while it is open as at any other time.
UNTOUCHED_BY_ALARM = frozenset(
    {
        *("delete_my_data", "feedback", "leave_form", "speak_french", "speak_spanish"),
        *("speak_to_human", "start_over"),
    }
)
# What is answered to what is said back to an alarm (data/alarm.yml).
ADVICE_AGAIN = {
    "drive": "utter_alarm_drive",
    "going": "utter_alarm_going",
    "gone": "utter_alarm_gone",
    "joke": "utter_alarm_joke",
    "massage": "utter_alarm_massage",
    "own_reason": "utter_alarm_own_reason",
    "refuses": "utter_alarm_refuses",
    "there": "utter_alarm_there",
    "wait": "utter_alarm_wait",
    "which": "utter_alarm_which",
}
# What is said about getting there resembles the wish to speak with somebody, or to stop.
ABOUT_THE_WAY = frozenset({"drive", "going", "gone", "joke", "there", "which"})
# Said to whoever is on the way: a thank-you after it needs no advice once more.
ON_THE_WAY = frozenset({"utter_alarm_going", "utter_alarm_there"})
# Asked once of whoever takes back what the alarm was for ("I was joking, I'm just sore from the
# gym"), and said after a clear no to it. An overdose is not for a chat to judge. Words of despair
# are asked about only where there were means to act on them; else they are simply taken back.
TAKEN_BACK_QUESTIONS = {
    "crisis": "utter_check_mood",
    "ambulance": "utter_check_taken_back",
    "medical": "utter_check_taken_back",
    "violence": "utter_check_safety",
}
# Signs of such means (data/safety).
MEANS = frozenset({"means_at_hand", "means_in_reach"})
# Intents of a message by which the patient may take a sign back: "no, I have had that for years".
TAKEN_BACK = frozenset({"deny", "nlu_fallback", "faq/symptoms"})
# Asked of whoever says that they were checked.
CHECKED_QUESTION = "utter_seen_question"
# One line of the advice.
REMINDER = "utter_alarm_line"


def while_red_flag_is_open(now: Situation) -> Turn | None:
    """The turn while the patient has been told to get help; None where nothing is different."""
    answer = answer_to_proposal(now) if now.proposal and not now.clicked else None
    if answer == "accept_time":
        return Turn(("utter_booking_blocked_red_flag", *resume(now)))
    if answer:
        return about_the_proposal(now)
    was_checked = _answer_to_being_checked(now)
    if was_checked:
        return was_checked
    to_the_clinic = now.requested_slot in FREE_TEXT_SLOTS and not now.clicked
    kind = now.alarm_kind or "medical"
    words = None if now.clicked or to_the_clinic else alarm.said(now.text, kind)
    if words == "taken_back":
        if now.alarm_person is None and not _has_means(now):
            return _taken_back(now)
        if now.alarm_person is None and _takes_back(now):
            return _ask_whether_meant(now, kind)
        # nobody can take back what somebody else said
        words = None
    if not (to_the_clinic or now.clicked) and says("contact_wish", now.text):
        return Turn(("utter_contact_wish", REMINDER, *resume(now)))
    if not to_the_clinic and _takes_back(now):
        return _ask_whether_meant(now, kind)
    if not to_the_clinic:
        report = _reported(now, words)
        if report:
            return report
    # in a form, a message for the clinic may be about an appointment; a wish to book is refused
    acts = tuple(act for act in now.acts if now.form is None or interrupts(act, now))
    kept = _details_for_later(now)
    if words == "wait" and alarm.asks_to_wait(now.text):
        return Turn((ADVICE_AGAIN[words], *resume(now)))
    if _wishes_to_book(now, acts) or _resumes_booking(now):
        plain = tuple(act for act in acts if act[0] in PLAIN_BESIDE_ALARM)
        refused = ("utter_booking_blocked_red_flag", *kept, *resume(now))
        return Turn((*topic_answers(plain), *refused))
    if kept and now.intent in BARE and not words:
        return Turn(("utter_booking_blocked_red_flag", *kept))
    if now.form and not acts:
        return None
    if now.back_after_a_break and form_to_offer(now.open_forms, now.red_flag_level):
        return None
    not_yet = checked.read(now.text) == "not_checked"
    # "no, it was only pins and needles" names a sign and takes none back
    names_one = now.triage.get("speaks") and not now.triage.get("safety_net")
    says_no = now.triage.get("reply") in ("old", "gone") and not names_one
    if says_no and now.intent in TAKEN_BACK and not (words or not_yet):
        return Turn(("utter_red_flag_stays", *resume(now)))
    return _advice_again(now, acts, words)


def _answer_to_being_checked(now: Situation) -> Turn | None:
    """The turn after a yes or a no to whether a doctor has looked; only a clear yes closes."""
    if CHECKED_QUESTION not in now.said_before or now.proposal:
        return None
    given = checked.answer(now.text)
    if given == "yes":
        acts = tuple(act for act in now.acts if act[0] not in ("affirm", "been_checked"))
        return _closed(now, (*now.after_checked, *acts))
    said_no = given == "no" and not clauses.is_question(now.text)
    if said_no or now.intent in ("affirm", "deny"):
        return Turn(("utter_booking_blocked_red_flag", *resume(now)))
    return None


def _takes_back(now: Situation) -> bool:
    """Says that what the alarm was for was not meant, and has not said the contrary since."""
    taken_back = alarm.corrects(now.text) or alarm.said(now.text, "crisis") == "taken_back"
    in_words = taken_back if _has_means(now) else alarm.corrects(now.text)
    if now.clicked or not in_words or not now.alarms:
        return False
    return all(one["kind"] in TAKEN_BACK_QUESTIONS and "confirmed" not in one for one in now.alarms)


def _has_means(now: Situation) -> bool:
    """Pills or a weapon at hand were told of."""
    return any(one["sign"] in MEANS for one in now.alarms)


def _ask_whether_meant(now: Situation, kind: str) -> Turn:
    """One question about the open signs; only a clear no to it closes the alarm."""
    question = TAKEN_BACK_QUESTIONS.get(kind, TAKEN_BACK_QUESTIONS["medical"])
    waiting = {
        "level": now.red_flag_level,
        "kind": kind,
        "acts": [list(act) for act in now.acts],
        "question": question,
        "takes_back": True,
    }
    return Turn((question,), {"safety_check": waiting})


def _wishes_to_book(now: Situation, acts: tuple[tuple[str, float], ...]) -> bool:
    """A wish to book, clearly or beside what is done as at any other time."""
    labels = {label for label, _ in acts}
    clear = any(label in BOOKING and (now.clicked or sure >= CLEAR) for label, sure in acts)
    return clear or (bool(labels & BOOKING) and len(labels) > 1)


def _reported(now: Situation, words: alarm.Said | None) -> Turn | None:
    """What follows when the message says something of having been checked."""
    said = checked.read(now.text, sure=_sure_of(now, "been_checked"), clicked=now.clicked)
    if said == "checked":
        acts = tuple(act for act in now.acts if act[0] != "been_checked")
        if not now.clicked and checked.tells_all(now.text):
            return _closed(now, acts)
        if not now.clicked and checked.wants_appointment(now.text):
            acts = (*acts, ("book_appointment", 1.0))
        given = now.form is None and now.details.keys() & GIVEN and now.open_forms
        read = ("action_read_details",) if given else ()
        waiting = [list(act) for act in acts if act[0] in BOOKING or act[0].startswith("faq/")]
        return Turn((*read, CHECKED_QUESTION), {"after_checked": waiting or None})
    if not words and now.form is None and _sure_of(now, "been_checked") >= CLEAR:
        return Turn(("utter_booking_blocked_red_flag",))
    return None


def _details_for_later(now: Situation) -> tuple[str, ...]:
    """A name or a contact given while nothing is booked goes to the draft that waits."""
    given = now.details.keys() & {"name", "contact"} or now.could_be_a_name
    waits = now.form is None and "booking_form" in now.open_forms
    return ("action_keep_details",) if given and waits and not now.clicked else ()


def _closed(now: Situation, acts: tuple[tuple[str, float], ...]) -> Turn:
    return Turn(
        (HELPED.get(now.alarm_kind or "medical", HELPED["medical"]), *once_checked(now, acts)),
        CLOSED,
    )


def _taken_back(now: Situation) -> Turn:
    """Words of despair were not meant: 9-8-8 once more; a sign of the body stays open."""
    rest = alarm.without_crisis(now.alarms)
    if not rest:
        return Turn(("utter_crisis_taken_back", *resume(now)), CLOSED)
    level = "emergency" if any(one["level"] == "emergency" for one in rest) else "urgent"
    kept = {"alarms": rest, "alarm_kind": rest[-1]["kind"], "red_flag_level": level}
    return Turn(("utter_crisis_taken_back", "utter_alarm_again", *resume(now)), kept)


def _advice_again(
    now: Situation, acts: tuple[tuple[str, float], ...], words: alarm.Said | None
) -> Turn | None:
    """The advice in other words; beside a plain answer one line of it."""
    labels = {label for label, _ in acts}
    asked = now.offered or now.last_said in YES_TO
    if now.clicked and not now.intent.startswith("faq/"):
        return None
    if now.form is None and not now.clicked and alarm.only_consents(now.text):
        # "ok" is said to the advice, and does not ask for the message that was offered beside it
        take_care = ON_THE_WAY & set(now.said_before)
        return Turn(("utter_alarm_take_care" if take_care else "utter_alarm_going",))
    if labels & FORM_REPLIES and (now.form or asked):
        return None
    if "no_words" in labels or (labels & UNTOUCHED_BY_ALARM and words not in ABOUT_THE_WAY):
        return None
    if "stop" in labels and now.form:
        return None
    if not words and labels <= COURTESIES and ON_THE_WAY & set(now.said_before):
        return Turn(("utter_alarm_take_care", *resume(now)))
    needed = CLEAR if clauses.is_question(now.text) else CLEAR_IN_FREE_TEXT
    plain = labels <= PLAIN_BESIDE_ALARM and all(sure >= needed for _, sure in acts)
    if now.clicked or (plain and words in (None, "massage")):
        answers = answers_to(acts, now)
        return Turn((*answers, REMINDER, *resume(now, *answers)))
    if words is None and now.intent == "affirm" and not now.triage.get("speaks"):
        # "yes both" tells of the sign once more
        words = "going"
    if words in (None, "own_reason") and _feels_ill(now):
        again = "utter_alarm_unwell"
    elif words:
        again = ADVICE_AGAIN[words]
    elif now.intent in MORE:
        again = "utter_alarm_why"
    else:
        again = "utter_alarm_again"
    return Turn((again, *resume(now)))


def _feels_ill(now: Situation) -> bool:
    """ "I feel ok, just a bit sick": told after an alarm of the body, it is a warning."""
    return now.alarm_kind not in alarm.ASKED_ONCE and alarm.feels_unwell(now.text)


def _resumes_booking(now: Situation) -> bool:
    form = now.details.get("form") or now.offered
    return form in TIMED_FORMS and is_resumed(now)


def _sure_of(now: Situation, label: str) -> float:
    return max((sure for name, sure in now.acts if name == label), default=0.0)
