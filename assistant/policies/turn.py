"""What to do in one turn, before any rule is asked.

``plan`` looks at the patient's message and at where the conversation is, and returns the
actions of the whole turn, or None when the rules in data/rules should decide. It is a
pure function; ``turn_policy`` connects it to Rasa.

The order of the questions is the order of importance:

1. Is somebody in danger? A red flag interrupts everything, also a form.
2. Does a check question wait for its answer? All but a clear "old and unchanged" escalates; what
   is no answer at all is met by the question once more.
3. Is a red flag still open? Then nothing is booked until the patient has been checked, and what is
   said about it is met by the advice again.
4. Was a form that was interrupted offered again, or is the patient back after a break? A yes goes
   on with it; nothing else does.
5. Is a form running? The message answers its question, or interrupts it: then it is dealt
   with as it would be outside, and the form asks again. Nothing given is lost.
6. Are there several things to do, or does the message lean on the last answer?
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.nlu import clauses, english, texting
from assistant.policies import alarm, checked
from assistant.policies.wishes import note_in, refuses_contact, says, therapist_wish

LONGEST_MESSAGE = 2000  # characters

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
# Said without a question while booking, these are meant for the therapist.
NOTES = frozenset(
    {
        "faq/medical_advice",
        "faq/safety_contraindications",
        "faq/symptoms",
        "faq/underlying_condition",
    }
)
# With one of these, a detail in the message replaces what was given before.
CHANGES = frozenset({"book_appointment", "change_appointment", "correct_booking"})
COURTESIES = frozenset({"goodbye", "greet", "thank"})
# Slots that take any words. Only what is plainly a question or a command interrupts them: "I
# need to cancel on Thursday" is what the patient wants the clinic to read.
FREE_TEXT_SLOTS = frozenset({"for_whom", "note", "message_text"})
COMMANDS = frozenset({"stop", "start_over", "help", "goodbye", "delete_my_data"})
# The detail (entity) that answers a slot's question.
DETAIL_OF = {
    "preferred_time": ("time", "time_unclear"),
    "chosen_time": ("time", "time_unclear"),
    "patient_name": ("name",),
    "patient_contact": ("contact",),
    "change_contact": ("contact",),
}
# Read-backs: what is given there corrects what was given before.
CONFIRMATIONS = frozenset({"confirm_booking", "confirm_message", "confirm_change"})
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
# Where "you pick" is an answer.
LEFT_TO_US = frozenset({"service", "therapist", "preferred_time", "chosen_time"})
# Asked for a reference that not everybody has.
REFERENCE = frozenset({"change_reference"})
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
    "utter_speak_french": "message_form",
    "utter_speak_other_language": "message_form",
    "utter_speak_spanish": "message_form",
}
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
# Forms that ask for a name and a contact, and what is said when the patient wonders why.
TAKES_DETAILS = frozenset({"booking_form", "message_form"})
ABOUT_DETAILS = ("utter_why_patient_contact", "utter_why_patient_name")
# Done when a patient has no reference: a person finds the appointment.
PASS_CHANGE_ON = ("action_pass_change_on", "message_form")
# What answers a time that the clinic proposes: by its button at any time, in words right after it.
ANSWERS_A_PROPOSAL = {
    "accept_time": "action_accept_time",
    "leave_to_clinic": "action_leave_to_clinic",
    "refuse_time": "action_refuse_time",
}
# Asked when such a time does not suit, and the question whether it suits, asked once more.
REFUSED, ASKED_AGAIN = "utter_time_refused", "utter_status_proposed"
TELL_STATUS = "action_tell_status"
# Buttons below times that are shown by no form any more.
OF_AN_OFFER = frozenset({"join_waiting_list", "more_times", "other_day", "pick_time"})
CANCELS = re.compile(r"\b(?:cancel|cancle|cansel|canel\b)", re.IGNORECASE)
# A question that begins in the middle: "wait whats the price first".
ASKS = re.compile(
    r"\b(?:what.?s|how (?:much|long|many|often)|(?:what|where|when|which|who) (?:is|are|do|does|r)|"
    r"(?:do|does|are|r) (?:you|u|it|they|she)|is (?:it|there|that))\b",
    re.IGNORECASE,
)
# Details that are values, not signs of a problem.
GIVEN = frozenset({"time", "name", "contact"})
# What an act must reach to interrupt a form, by what the form asks for.
CLEAR = 0.4
CLEAR_IN_FREE_TEXT = 0.6
# "Grace Park" resembles a question about the place, "Priya Ellis" one about the therapist, and
# "I'm Sam, 416-555-0188" the wish to be called by a person.
CLEAR_BESIDE_A_NAME = CLEAR_BESIDE_DETAILS = 0.85
# Said and done: these turns end without anything more.
NO_FORM_AFTER = frozenset({"goodbye"})
# The level that stays open until the patient has been checked.
ALARMS = frozenset({"urgent", "emergency"})
# What is not done while it is open.
BOOKING = frozenset({"accept_time", "book_appointment", "change_appointment"})
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
# The advice and the check questions for who writes in another language, said before the English.
ADVICE_IN = {"french": "utter_alarm_french", "spanish": "utter_alarm_spanish"}
CHECKS_IN = {
    "french": {
        "utter_check_fever": "utter_french_check_fever",
        "utter_check_general": "utter_french_check_general",
        "utter_check_joke": "utter_french_check_mood",
        "utter_check_mood": "utter_french_check_mood",
        "utter_check_overdose": "utter_french_check_overdose",
        "utter_check_safety": "utter_french_check_safety",
    },
    "spanish": {
        "utter_check_fever": "utter_spanish_check_fever",
        "utter_check_general": "utter_spanish_check_general",
        "utter_check_joke": "utter_spanish_check_mood",
        "utter_check_mood": "utter_spanish_check_mood",
        "utter_check_overdose": "utter_spanish_check_overdose",
        "utter_check_safety": "utter_spanish_check_safety",
    },
}
SPEAKS_ANOTHER = frozenset({"speak_french", "speak_spanish"})
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
# After a clear no to a check question, and after a clear yes to the question of being checked.
NOT_SO = {
    "medical": "utter_check_cleared",
    "crisis": "utter_crisis_cleared",
    "violence": "utter_violence_cleared",
}
HELPED = {**NOT_SO, "medical": "utter_been_checked"}
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
NOT_MEANT = {"crisis": "utter_crisis_cleared", "violence": "utter_violence_cleared"}
MEANS = frozenset({"means_at_hand", "means_in_reach"})
# Asked of whoever says that they were checked.
CHECKED_QUESTION = "utter_seen_question"
REMINDER = "utter_alarm_line"
# Done in the place of the forms that keep a time, where patients book in a program of the clinic's.
GIVE_LINK = "action_give_link"
LINK = "utter_link_to_book"
# Whether a person would come into the chat, what calls one, and what is said when nobody would.
THERE, AWAY = "there", "away"
CALL, NOBODY_THERE = "action_call_person", "utter_nobody_there"
# Intents of a message by which the patient may take a sign back: "no, I have had that for years".
TAKEN_BACK = frozenset({"deny", "nlu_fallback", "faq/symptoms"})

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
# Tells what the clinic says about cancelling, where that is asked.
CANCELLING = "utter_faq/cost"
# What "can I see a woman?" may be taken for.
WITH_A_WISH = frozenset(
    {"book_appointment", "faq/therapist_info", "nlu_fallback", "out_of_scope", "speak_to_human"}
)
# Asked for somebody else than the therapist there is.
OTHER_THERAPIST = "utter_faq/therapist_info"
# Says what holds for a child, where the message is about one.
CAREFUL = "utter_faq/safety_contraindications"
# The answer after which "what about monday?" is a question for the hours.
HOURS_TOPIC = "faq/opening_hours"
HOURS = f"utter_{HOURS_TOPIC}"
# What "I'm Priya" may be taken for.
INTRODUCING = frozenset({"greet", "nlu_fallback", "out_of_scope", "thank"})
# Several appointments are wished for: what can be done, and the wish goes into the note.
SERIES = ("utter_series", "action_add_note")
# What "book him friday" may be taken for.
TAKEN_FOR_A_BOOKING = frozenset({"change_appointment", "nlu_fallback", "out_of_scope"})
# What "and one for my husband", after a request was sent, may be taken for.
ONE_MORE = frozenset({"book_appointment", "nlu_fallback", "out_of_scope", "write_for_other"})
# What "nobody calls back" may be taken for, and what is done: it is written down for a person.
COMPLAINING = frozenset(
    {"abuse", "feedback", "nlu_fallback", "out_of_scope", "speak_to_human", "faq/location"}
)
COMPLAINT = ("action_write_complaint", "message_form")
# What "cancel" alone is taken for.
CANCELLED = frozenset({"change_appointment", "nlu_fallback", "stop"})
# Topics about what is done again and again, so that "how often?" leans on their answer.
DOSED = frozenset({"home_exercises", "medication_question"})
# Said to "n 90", after the prices.
LENGTH_PRICES = "utter_cost_of_length"
# Topics whose answers name things to do or to use at home.
AT_HOME = frozenset({"home_exercises", "medication_or_surgery_alternative"})
# What the waiting list is, and what the wish to be put on it may be taken for.
WAITING_LIST = "utter_waiting_list_explained"
ABOUT_THE_LIST = frozenset(
    {
        *("affirm", "book_appointment", "change_appointment", "nlu_fallback", "out_of_scope"),
        *("leave_message", "speak_to_human"),
    }
)
# What "Natalie please" may be taken for.
NAMING = frozenset({"faq/therapist_info", "nlu_fallback", "out_of_scope", "speak_to_human"})
# What "it's for my mom, she's 67" may be taken for.
OF_A_GROWN_UP = frozenset({"minor", "nlu_fallback", "out_of_scope"})
# What "do you treat kids, my son is 14" may be taken for.
OF_A_CHILD = frozenset({"faq/therapist_info", "nlu_fallback", "out_of_scope", "write_for_other"})
# What "how long is the wait" and "is there a washroom, I always need one" may be taken for.
BESIDE_A_WAIT = frozenset(
    {"nlu_fallback", "out_of_scope", "faq/how_many_sessions", "faq/opening_hours"}
)
BESIDE_A_ROOM = frozenset({"nlu_fallback", "out_of_scope", "faq/what_to_wear"})
# They lean on the last answer.
MORE = ("tell_me_more", "ask_why")
NOT_UNDERSTOOD = ("utter_not_understood_1", "utter_not_understood_2", "utter_not_understood_3")


@dataclass(frozen=True)
class Situation:
    """A message and where the conversation is.

    ``acts`` are (label, confidence) pairs in the order asked; ``details`` maps what was found in
    the message ("time", "name", "contact") to its value. ``name`` is the whole message read as a
    person's name, when it can be. ``said_before`` are the names of the responses of the turn
    before, oldest first; ``last_topic`` is the topic last answered. ``requested`` is whether a
    request was sent in this conversation, ``has_draft`` whether one was begun that was not,
    ``waits`` whether the patient joined the waiting list, ``several_therapists`` whether there is
    one to choose. ``open_forms`` were begun and neither completed nor given up, the latest last.
    ``back_after_a_break`` is whether nothing was written before it in this session, or for long.
    ``alarms`` are the signs of the open red flag (see ``alarm.Alarm``), ``alarm_kind`` what the
    latest is, ``alarm_person`` whom it is about when not the patient, ``person_told`` the
    person that the patient's words named last ("your mother"), ``person_just_told`` whom alone the
    message before was about, ``alarm_language`` the language it
    was told in when that is "french" or "spanish", ``after_checked`` what the message asked for
    that said the patient was checked. ``responses`` are the names of all responses
    there are. ``books_elsewhere`` is whether the clinic sends its patients to a booking program
    of its own. ``proposal`` is the time that the clinic proposes, when the words before the
    message asked about it. ``person`` is whether someone at the clinic would come into this chat
    (THERE) or nobody now (AWAY), None where that is not possible.
    """

    text: str
    acts: tuple[tuple[str, float], ...]
    triage: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    form: str | None = None
    requested_slot: str | None = None
    red_flag_level: str | None = None
    alarms: tuple[alarm.Alarm, ...] = ()
    alarm_kind: str | None = None
    alarm_person: str | None = None
    person_told: str | None = None
    person_just_told: str | None = None
    alarm_language: str | None = None
    after_checked: tuple[tuple[str, float], ...] = ()
    open_forms: tuple[str, ...] = ()
    back_after_a_break: bool = False
    safety_check: Mapping[str, Any] | None = None
    said_before: tuple[str, ...] = ()
    last_topic: str | None = None
    requested: bool = False
    waits: bool = False
    several_therapists: bool = False
    has_draft: bool = False
    responses: Collection[str] = ()
    books_elsewhere: bool = False
    proposal: str | None = None
    person: str | None = None

    @property
    def clicked(self) -> bool:
        """The message is the payload of a button."""
        return self.text.startswith("/")

    @property
    def could_be_a_name(self) -> bool:
        """The whole message can be read as a person's name."""
        return self.name is not None

    @property
    def intent(self) -> str:
        """Label of the first act."""
        return self.acts[0][0] if self.acts else "nlu_fallback"

    @property
    def offered(self) -> str | None:
        """The form that the turn before ended by offering again."""
        last = self.said_before[-1] if self.said_before else ""
        return next((form for form in self.open_forms if last in offers_of(form)), None)


@dataclass(frozen=True)
class Turn:
    """The actions of a turn, and the slots to set before the first of them.

    ``stop_form`` ends the running form; what it holds is kept.
    """

    actions: tuple[str, ...]
    slots: Mapping[str, Any] = field(default_factory=dict)
    stop_form: bool = False


def offers_of(form: str) -> tuple[str, str]:
    """The response that offers to go on with a form, and the one that offers it once more."""
    return f"utter_offer_{form}", f"utter_offer_again_{form}"


def plan(now: Situation) -> Turn | None:
    """Returns the turn, or None when the rules should decide."""
    turn = _form_after_break(now) or _plan(now)
    turn = _sent_elsewhere(turn, now) if now.books_elsewhere else turn
    turn = _called(turn, now) if now.person else turn
    return _in_their_language(turn, now)


def _form_after_break(now: Situation) -> Turn | None:
    """A form that runs, after a long silence, is offered before it goes on.

    None where the message is about something else: then the form asks its question anew.
    """
    if not (now.form and now.back_after_a_break) or now.safety_check:
        return None
    waiting = _open_forms(now) or []
    outside = replace(now, form=None, requested_slot=None, open_forms=tuple(waiting))
    turn = _plan(outside)
    starts = {*FORMS.values(), *(offer for form in waiting for offer in offers_of(form))}
    if turn is None or not (starts & {*turn.actions} or turn.slots.get("red_flag_level")):
        return None
    return replace(turn, slots={"open_forms": waiting, **turn.slots}, stop_form=True)


def _in_their_language(turn: Turn | None, now: Situation) -> Turn | None:
    """The same turn with the advice in French or Spanish first, for who writes in it."""
    language = alarm.language_of(now.text) or now.alarm_language
    if language is None:
        return turn
    asks = turn.slots.get("safety_check") if turn else None
    raised = turn.slots.get("red_flag_level") if turn else None
    closed = turn is not None and "red_flag_level" in turn.slots and not raised
    if turn and asks:
        questions = CHECKS_IN[language]
        said = questions.get(str(asks.get("question")), questions["utter_check_general"])
    elif (raised or now.red_flag_level) and not closed:
        said = ADVICE_IN[language]
    else:
        return turn
    if turn is None and now.intent not in SPEAKS_ANOTHER:
        return None
    actions = turn.actions if turn else ("utter_alarm_again",)
    kept = tuple(action for action in actions if action != f"utter_speak_{language}")
    slots = {**(turn.slots if turn else {}), "alarm_language": language}
    return Turn((said, *kept), slots, stop_form=turn.stop_form if turn else False)


def concerns_safety(now: Situation) -> bool:
    """Whether the assistant has to answer even while a person is in the chat."""
    signs = now.triage.get("level") in (*ALARMS, "check") or now.intent == "sign_applies"
    return bool(now.safety_check) or signs


def _sent_elsewhere(turn: Turn | None, now: Situation) -> Turn | None:
    """The same turn with the link to the clinic's booking program where a form would start."""
    if turn is None:
        starts = now.form is None and now.intent in BOOKING
        return Turn((GIVE_LINK,)) if starts else None
    started = [action for action in turn.actions if action in TIMED_FORMS and action != now.form]
    if not started:
        return turn
    actions = tuple(GIVE_LINK if action in started else action for action in turn.actions)
    if not turn.stop_form:
        return Turn(actions, turn.slots)
    # Another form runs, and nothing has come to replace it.
    slots = {name: value for name, value in turn.slots.items() if name != "open_forms"}
    return Turn((*actions, *_resume(now)), slots)


def _called(turn: Turn | None, now: Situation) -> Turn | None:
    """The same turn with a person called where a message to the clinic would start.

    When nobody would come, the patient hears so before the message's first question.
    """
    if not any(label == "speak_to_human" for label, _ in now.acts) or now.form == "message_form":
        return turn
    if turn is None and now.form is None:
        turn = Turn(("message_form",))
    if turn is None or "message_form" not in turn.actions:
        return turn
    instead = (CALL,) if now.person == THERE else (NOBODY_THERE, "message_form")
    place = turn.actions.index("message_form")
    return replace(turn, actions=(*turn.actions[:place], *instead, *turn.actions[place + 1 :]))


def _plan(now: Situation) -> Turn | None:
    books = now.intent in TAKEN_FOR_A_BOOKING and not now.clicked and _books(now)
    if now.red_flag_level and now.intent != "change_appointment":
        books = False
    if books:
        # "I want to make another appointment", "book tomorrow at 3, no, 4"
        now = replace(now, acts=(("book_appointment", now.acts[0][1]), *now.acts[1:]))
    level = now.triage.get("level")
    if level and now.red_flag_level and not now.safety_check and _is_known(now):
        # "I was in hospital for the numbness": told before, and no new alarm
        now = replace(now, triage={**now.triage, "level": None})
        level = None
    if level in ALARMS:
        return _alarm(now, level, now.triage)
    if now.safety_check:
        return _after_check(now, now.safety_check)
    if level == "check":
        return _ask_check(now)
    if _tells_a_sign_applies(now):
        return _alarm(now, "emergency", {"response": "utter_signs_apply"})
    if now.red_flag_level:
        turn = _while_red_flag_is_open(now)
        if turn:
            return turn
    if len(now.text) > LONGEST_MESSAGE:
        return Turn(("utter_too_long", *_resume(now)))
    free_text = now.requested_slot in FREE_TEXT_SLOTS
    if not (now.clicked or free_text) and says("poses_as_program", now.text):
        # no time or name is read from what claims to be an order
        return Turn(("utter_ignore_rules", *_resume(now)))
    if not (now.clicked or free_text) and _wishes_to_be_reached_so(now):
        return _reached_so(now)
    turn = _about_the_proposal(now)
    if turn:
        return turn
    if not now.clicked and says("leaves_waiting_list", now.text):
        return Turn(("action_leave_waiting_list", *_resume(now)))
    if now.form:
        return _in_form(now)
    if _is_resumed(now):
        return _go_on(now, str(now.details.get("form") or now.offered))
    if now.clicked and now.intent == "leave_form":
        return Turn(("action_leave_form",))
    if now.offered:
        return _after_offer(now, now.offered)
    if now.said_before and now.said_before[-1] in YES_TO and now.intent == "affirm":
        return _go_on(now, YES_TO[now.said_before[-1]])
    if not now.clicked and says("keeps_it", now.text):
        # said right after it was given up
        if _last(now) == "utter_appointment_cancelled":
            return Turn(("utter_cancelled_already",))
        if _last(now) == "utter_booking_cancelled":
            return _go_on(now, "booking_form")
    if now.requested or now.waits:
        turn = _about_the_request(now)
        if turn:
            return turn
    if now.has_draft:
        turn = _about_the_draft(now)
        if turn:
            return turn
    if now.back_after_a_break and form_to_offer(now.open_forms, now.red_flag_level):
        return _after_break(now)
    turn = _outside_forms(now)
    # the rules know the message by its first intent
    return Turn(("booking_form",)) if turn is None and books else turn


def _tells_a_sign_applies(now: Situation) -> bool:
    """The button below the signs that are named before a request is sent, or the same in words."""
    if now.clicked:
        return now.intent == "sign_applies"
    named = now.requested_slot == "confirm_booking" or LINK in now.said_before
    return named and says("signs_apply", now.text)


def _wishes_to_be_reached_so(now: Situation) -> bool:
    """ "Don't call the house"; "no phone, only email" in a form is about what it asks for."""
    if now.form not in (None, *TAKES_DETAILS) or not says("contact_wish", now.text):
        return False
    refuses = now.form and refuses_contact(now.text)
    return not refuses or says("names_a_line", now.text)


def _reached_so(now: Situation) -> Turn:
    """How the clinic may reach the patient goes with the request, or as a message after it."""
    if now.form is None and now.requested:
        return Turn(("utter_contact_wish_after", "message_form"), {"message_text": now.text})
    given = now.form and now.details.keys() & GIVEN
    read = ("action_read_details",) if given else ()
    books = now.form is None and any(
        label == "book_appointment" and sure >= CLEAR for label, sure in now.acts
    )
    begins = ("booking_form",) if books else ()
    return Turn((*read, "utter_contact_wish", "action_add_note", *begins, *_resume(now)))


def _books(now: Situation) -> bool:
    begins = not now.requested and now.form is None and says("begins_booking", now.text)
    if now.intent != "change_appointment":
        # "book him fri after school", "massage wed"; "book a table" names no time of the clinic's
        begins = begins or (now.form is None and says("begins_with_a_visit", now.text))
        return begins and bool(now.details.keys() & {"time", "time_unclear"})
    told_a_time = now.details.keys() & {"time", "time_unclear"}
    comes = not now.requested and now.form is None and told_a_time
    return begins or says("books_anew", now.text) or bool(comes and says("would_come", now.text))


def _is_known(now: Situation) -> bool:
    """The message tells of nothing that the patient was not warned of before."""
    level, kind = now.triage["level"], now.triage.get("kind") or "medical"
    despairs = kind == "crisis" and now.alarm_kind == "medical"
    if despairs and level == "check" and alarm.only_resembles(now.triage):
        # "I just didn't want you to send me to emerg" is no wish to die
        return alarm.fears_hospital(now.text)
    if kind != "crisis" and alarm.only_resembles(now.triage):
        # "he doesn't want to go", "he woke up": no other sign because it resembles one
        told_worse = now.red_flag_level == "emergency" or level == now.red_flag_level
        if told_worse or (level == "check" and alarm.said(now.text, "medical")):
            return True
    report = level == "check" or checked.read(now.text) == "checked"
    return report and alarm.covers(now.alarms, now.triage)


def _alarm(now: Situation, level: str, found: Mapping[str, Any]) -> Turn:
    """Tells what to do. ``found`` is the assessment, or what a check question had kept of it."""
    # also one that a form keeps which something else has interrupted
    freed = ("action_release_time",) if TIMED_FORMS & {now.form, *now.open_forms} else ()
    return Turn(
        (found.get("response") or f"utter_{level}", *freed),
        {
            "red_flag_level": _higher(level, now.red_flag_level),
            "why": found.get("why"),
            "alarms": alarm.added(_still_so(now), found, level),
            "alarm_kind": found.get("kind") or "medical",
            "after_checked": None,
            "safety_check": None,
            "open_forms": _open_forms(now),
            **_person(now, found),
        },
        stop_form=now.form is not None,
    )


def _still_so(now: Situation) -> Sequence[alarm.Alarm]:
    """The open signs; told of again in answer to whether they were meant, they are."""
    asked = now.safety_check and now.safety_check.get("takes_back")
    return alarm.confirmed(now.alarms) if asked else now.alarms


def _person(now: Situation, found: Mapping[str, Any]) -> dict[str, str | None]:
    """Whom the alarm is about, which a later message ("and he cannot pee") need not say again."""
    if found.get("kind") == "violence":
        # "my husband hits me" is about the one who writes
        return {"alarm_person": None}
    person = found.get("person") or _person_in(now)
    known = now.alarms and not alarm.is_own(now.text) and person in (None, alarm.somebody())
    return {} if known else {"alarm_person": person}


def _person_in(now: Situation) -> str | None:
    """Whom the message is about; a "she" is who was named before, where she can be."""
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


def _open_forms(now: Situation) -> list[str] | None:
    """The forms that are open when the running one stops."""
    others = [form for form in now.open_forms if form != now.form]
    return [*others, now.form] if now.form else others or None


def _higher(level: str, other: str | None) -> str:
    return "emergency" if "emergency" in (level, other) else level


def _ask_check(now: Situation) -> Turn:
    waiting: dict[str, Any] = {
        "level": now.triage.get("escalates_to") or "urgent",
        "why": now.triage.get("why"),
        "acts": [list(act) for act in _asked_beside(now)],
        "question": now.triage["response"],
    }
    for kept in ("signs", "named", "kind", "kinds"):
        if now.triage.get(kept):
            waiting[kept] = now.triage[kept]
    if person := _person_in(now):
        waiting["person"] = person
    if now.triage.get("escalates_with"):
        waiting["response"] = now.triage["escalates_with"]
    return Turn((str(now.triage["response"]),), {"safety_check": waiting})


def _asked_beside(now: Situation) -> tuple[tuple[str, float], ...]:
    """What the message asks for; "this hip makes me want to die lol" asks for no symptoms."""
    if now.triage.get("kind") not in alarm.ASKED_ONCE or _asks_something(now.text):
        return now.acts
    return tuple(act for act in now.acts if act[0] in FORMS)


def _after_check(now: Situation, waiting: Mapping[str, Any]) -> Turn:
    kind = str(waiting.get("kind") or "medical")
    denied = now.text == "/deny" or (
        now.triage.get("level") is None
        and (
            now.triage.get("reply") == "old"
            or alarm.said(now.text, kind) == "taken_back"
            or bool(waiting.get("takes_back") and alarm.corrects(now.text))
        )
    )
    # a yes or a no may be meant for what the clinic has proposed meanwhile
    unclear = (
        _holds_no_words(now)
        or (now.proposal and not now.clicked and not now.triage.get("level"))
        or _says_something_else(now, kind)
    )
    if unclear and (not denied or now.proposal) and not waiting.get("asked_again"):
        again = {**waiting, "asked_again": True}
        question = str(waiting.get("question") or "utter_check_general")
        return Turn(("utter_answer_unclear", question), {"safety_check": again})
    if not denied and waiting.get("takes_back"):
        told = {"safety_check": None, "alarms": alarm.confirmed(now.alarms)}
        return Turn(("utter_alarm_again", *_resume(now)), told)
    if not denied:
        return _alarm(now, str(waiting["level"]), waiting)
    cleared = {"safety_check": None}
    asked = tuple((str(label), float(sure)) for label, sure in waiting.get("acts", []))
    if now.red_flag_level and not waiting.get("takes_back"):
        asked = tuple(act for act in asked if act[0] not in BOOKING)
    # what was understood badly was understood well enough to ask about it
    clear = tuple(act for act in asked if act[0] != "nlu_fallback" and act[1] >= CLEAR)
    if waiting.get("takes_back"):
        said = NOT_MEANT.get(kind, "utter_taken_back_cleared")
        return Turn((said, *_once_checked(now, clear)), {**CLOSED, **cleared})
    answers = _answers_to(clear, now)
    following = (*answers, *_resume(now, *answers))
    if not following and not now.red_flag_level:
        following = ("utter_what_next",)
    return Turn((NOT_SO.get(kind, NOT_SO["medical"]), *following), cleared)


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


def _while_red_flag_is_open(now: Situation) -> Turn | None:
    """The turn while the patient has been told to get help; None where nothing is different."""
    answer = _answer_to_proposal(now) if now.proposal and not now.clicked else None
    if answer == "accept_time":
        return Turn(("utter_booking_blocked_red_flag", *_resume(now)))
    if answer:
        return _about_the_proposal(now)
    if CHECKED_QUESTION in now.said_before and not now.proposal:
        given = checked.answer(now.text)
        if given == "yes":
            acts = tuple(act for act in now.acts if act[0] not in ("affirm", "been_checked"))
            return _closed(now, (*now.after_checked, *acts))
        said_no = given == "no" and not clauses.is_question(now.text)
        if said_no or now.intent in ("affirm", "deny"):
            return Turn(("utter_booking_blocked_red_flag", *_resume(now)))
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
        return Turn(("utter_contact_wish", REMINDER, *_resume(now)))
    if not to_the_clinic and _takes_back(now):
        return _ask_whether_meant(now, kind)
    if not to_the_clinic:
        report = _reported(now, words)
        if report:
            return report
    # in a form, a message for the clinic may be about an appointment; a wish to book is refused
    acts = tuple(act for act in now.acts if now.form is None or _interrupts(act, now))
    kept = _details_for_later(now)
    if words == "wait" and alarm.asks_to_wait(now.text):
        return Turn((ADVICE_AGAIN[words], *_resume(now)))
    if _wishes_to_book(now, acts) or _resumes_booking(now):
        plain = tuple(act for act in acts if act[0] in PLAIN_BESIDE_ALARM)
        refused = ("utter_booking_blocked_red_flag", *kept, *_resume(now))
        return Turn((*_topic_answers(plain), *refused))
    if kept and now.intent in BARE and not words:
        return Turn(("utter_booking_blocked_red_flag", *kept))
    if now.form and not acts:
        return None
    if now.back_after_a_break and form_to_offer(now.open_forms, now.red_flag_level):
        return None
    not_yet = checked.read(now.text) == "not_checked"
    # "no, it was only pins and needles" names a sign and takes none back
    names_one = now.triage.get("speaks") and not now.triage.get("safety_net")
    taken_back = now.triage.get("reply") == "old" and now.intent in TAKEN_BACK and not names_one
    if taken_back and not (words or not_yet):
        return Turn(("utter_red_flag_stays", *_resume(now)))
    return _advice_again(now, acts, words)


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
        (HELPED.get(now.alarm_kind or "medical", HELPED["medical"]), *_once_checked(now, acts)),
        CLOSED,
    )


def _taken_back(now: Situation) -> Turn:
    """Words of despair were not meant: 9-8-8 once more; a sign of the body stays open."""
    rest = alarm.without_crisis(now.alarms)
    if not rest:
        return Turn(("utter_crisis_taken_back", *_resume(now)), CLOSED)
    level = "emergency" if any(one["level"] == "emergency" for one in rest) else "urgent"
    kept = {"alarms": rest, "alarm_kind": rest[-1]["kind"], "red_flag_level": level}
    return Turn(("utter_crisis_taken_back", "utter_alarm_again", *_resume(now)), kept)


def _advice_again(
    now: Situation, acts: tuple[tuple[str, float], ...], words: alarm.Said | None
) -> Turn | None:
    """The advice in other words; beside a plain answer one line of it."""
    labels = {label for label, _ in acts}
    asked = now.offered or (now.said_before and now.said_before[-1] in YES_TO)
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
        return Turn(("utter_alarm_take_care", *_resume(now)))
    needed = CLEAR if clauses.is_question(now.text) else CLEAR_IN_FREE_TEXT
    plain = labels <= PLAIN_BESIDE_ALARM and all(sure >= needed for _, sure in acts)
    if now.clicked or (plain and words in (None, "massage")):
        answers = _answers_to(acts, now)
        return Turn((*answers, REMINDER, *_resume(now, *answers)))
    if words is None and now.intent == "affirm" and not now.triage.get("speaks"):
        # "yes both" tells of the sign once more
        words = "going"
    if words:
        again = ADVICE_AGAIN[words]
    elif now.intent in MORE:
        again = "utter_alarm_why"
    else:
        again = "utter_alarm_again"
    return Turn((again, *_resume(now)))


def _resumes_booking(now: Situation) -> bool:
    form = now.details.get("form") or now.offered
    return form in TIMED_FORMS and _is_resumed(now)


def _sure_of(now: Situation, label: str) -> float:
    return max((sure for name, sure in now.acts if name == label), default=0.0)


def _once_checked(now: Situation, acts: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    """What follows the good news: the running form, what was asked for, or an offer."""
    if now.form:
        return (now.form,)
    answers = tuple(dict.fromkeys(_topic_answers(acts)))
    wished = [FORMS[label] for label, _ in acts if label in FORMS]
    if not wished and not now.clicked and checked.wants_appointment(now.text):
        wished = ["booking_form"]
    if wished:
        return (*answers, wished[0])
    offered = now.open_forms[-1] if now.open_forms else None
    return (*answers, offers_of(offered)[0] if offered else "utter_what_next")


def form_to_offer(open_forms: Collection[str], red_flag_level: str | None) -> str | None:
    """The form to offer again; while a red flag is open, none that books."""
    forms = [form for form in open_forms if not (red_flag_level and form in TIMED_FORMS)]
    return forms[-1] if forms else None


def _is_resumed(now: Situation) -> bool:
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


def _go_on(now: Situation, form: str) -> Turn:
    # the form asks anew: a yes to the offer answers nothing that was asked before
    return Turn((form,), {"requested_slot": None})


def _after_offer(now: Situation, form: str) -> Turn | None:
    """No yes: the offer is declined, or made once more after what the patient wants to know."""
    label, sure = now.acts[0]
    if label in ("deny", "stop", "skip") and sure >= CLEAR and not _asks_something(now.text):
        return Turn(("action_leave_form",))
    if now.details.keys() & GIVEN and not _asks_something(now.text):
        return _go_on(now, form)
    answers = _answers_to(now.acts, now)
    _, again = offers_of(form)
    if any(answer in FORMS.values() for answer in answers) or label in STOPS:
        return _outside_forms(now)
    if now.said_before[-1] == again or label in NO_FORM_AFTER:
        return _outside_forms(now)
    answers = tuple(answer for answer in answers if answer not in NOT_UNDERSTOOD)
    return Turn((*_with_safety_net(answers, now), again))


def _after_break(now: Situation) -> Turn | None:
    """A form that a long pause interrupted is offered with what it holds."""
    form = form_to_offer(now.open_forms, now.red_flag_level)
    assert form is not None
    label, _ = now.acts[0]
    if label in STOPS or label in NO_FORM_AFTER:
        return None
    offer = offers_of(form)[0]
    if now.details.keys() & GIVEN and not _asks_something(now.text):
        return Turn(("action_read_details", offer), {"requested_slot": None})
    acts = tuple(act for act in now.acts if FORMS.get(act[0]) != form)
    answers = _answers_to(acts, now)
    if any(answer in FORMS.values() for answer in answers):
        return _outside_forms(now)
    answers = tuple(answer for answer in answers if answer not in NOT_UNDERSTOOD)
    return Turn((*_with_safety_net(answers, now), offer), {"requested_slot": None})


def _about_the_proposal(now: Situation) -> Turn | None:
    """The answer to a time that the clinic proposes, also in the middle of a form."""
    if now.intent in ANSWERS_A_PROPOSAL:
        return Turn((ANSWERS_A_PROPOSAL[now.intent], *_resume(now)))
    if now.clicked or now.proposal is None:
        return None
    answer = _answer_to_proposal(now)
    if answer:
        return Turn((ANSWERS_A_PROPOSAL[answer], *_resume(now)))
    if now.form:
        return None
    if now.details.keys() & {"time", "time_unclear"} or _leans_on_a_time(now.text):
        return Turn(("change_form",))
    if CANCELS.search(now.text) or says("other_day", now.text) or says("others", now.text):
        return Turn(("change_form",))
    answers = _topic_answers(now.acts)
    if answers and now.said_before[-1] != ASKED_AGAIN:
        return Turn((*_with_safety_net(answers, now), TELL_STATUS))
    return None


def _answer_to_proposal(now: Situation) -> str | None:
    """The intent of the button that the words stand for."""
    text = now.text
    label, sure = now.acts[0]
    if CANCELS.search(text) or _asks_something(text):
        return None
    if says("wants_call", text):
        return "leave_to_clinic"
    refuses = says("refuses_time", text)
    # "no, thursday at 3 please" asks for another time
    other = now.details.keys() & {"time", "time_unclear"} or _leans_on_a_time(text)
    if refuses:
        return None if other or REFUSED in now.said_before else "refuse_time"
    if says("accepts_time", text):
        return "accept_time"
    if other or REFUSED in now.said_before or sure < CLEAR:
        return None
    return {"affirm": "accept_time", "deny": "refuse_time"}.get(label)


def _about_the_request(now: Situation) -> Turn | None:
    """A yes, or a correction, after a request was sent or a place on the waiting list taken."""
    label, sure = now.acts[0]
    just_told = bool(now.said_before) and now.said_before[-1] in TELL_OF_A_REQUEST
    if just_told and label == "affirm" and sure >= CLEAR:
        return Turn((TELL_STATUS,))
    if now.clicked:
        return None
    if says("asks_what_next", now.text) or says("accepts_a_time", now.text):
        return Turn((TELL_STATUS,))
    if label in ("stop", "change_appointment") and CANCELS.search(now.text):
        # "never mind, cancel it"
        cancels = "change_form" if now.requested else "action_leave_waiting_list"
        return Turn((cancels,)) if not _asks_something(now.text) else None
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


def _leans_on_a_time(text: str) -> bool:
    """ "Earlier please": another time than the one that was just told."""
    return (says("sooner", text) or says("later", text)) and not says("not_about_time", text)


def _asks_a_topic(now: Situation) -> bool:
    label, sure = now.acts[0]
    return label.startswith("faq/") and label != "faq/opening_hours" and sure >= CLEAR


def _about_the_draft(now: Situation) -> Turn | None:
    """ "Go on", said after booking was stopped; or a button below times from then."""
    if now.clicked and now.intent in OF_AN_OFFER:
        return _go_on(now, "booking_form")
    if now.clicked or not says("goes_on", now.text):
        return None
    if now.said_before and now.said_before[-1] == "utter_booking_cancelled":
        return _go_on(now, "booking_form")
    forms = [form for form in now.open_forms if form != "booking_form"]
    more = _more(now.intent, now) if now.intent in MORE and topic_of(_last(now)) else None
    told = (more,) if more in now.responses and more != "utter_nothing_to_tell_more" else ()
    offer, _ = offers_of("booking_form")
    return Turn((*told, offer), {"open_forms": [*forms, "booking_form"]})


def _last(now: Situation) -> str:
    return now.said_before[-1] if now.said_before else ""


def _outside_forms(now: Situation) -> Turn | None:
    about_hours = _last(now) == HOURS and now.details.keys() & {"time", "time_unclear"}
    if about_hours and says("what_about", now.text):
        # "what about monday?" asks when it is open then
        return Turn((HOURS,))
    name = _introduced(now)
    if name:
        greeting = "utter_greet_by_name" if now.back_after_a_break else "utter_nice_to_meet"
        return Turn((greeting,), {"patient_name": name})
    if _reason_is_given(now):
        return Turn(("action_save_reason",))
    books = any(label == "book_appointment" for label, _ in now.acts)
    if books and therapist_wish(now.text) and now.intent in WITH_A_WISH:
        # without a booking there is no note to put the wish into: the topic's answer tells
        return Turn(("action_answer_wish", "booking_form"))
    wishes = now.intent == "book_appointment" or (
        # "an appointment for my father, who is on warfarin"
        now.intent in NOTES and checked.wants_appointment(now.text)
    )
    wish = None if now.clicked or now.red_flag_level else _particular_wish(now, books)
    if wish:
        return wish
    if wishes and not now.clicked and note_in(now.text):
        said = dict.fromkeys((*_topic_answers(now.acts), *_note(now)))
        return Turn((*said, "booking_form"))
    follows = None if now.clicked else _follows_an_answer(now)
    if follows:
        return Turn(_with_safety_net((follows,), now))
    how_long = _how_long(now)
    if how_long:
        return Turn(_with_safety_net(how_long, now))
    planned = len(now.acts) > 1 or now.intent in (*MORE, "nlu_fallback")
    if planned or now.triage.get("safety_net"):
        return Turn(_with_safety_net(_answers_to(now.acts, now), now))
    return None


def _follows_an_answer(now: Situation) -> str | None:
    """The response to a question that only the last answer explains: "n 90", "seniors?"."""
    if now.last_topic == "cost" and says("length_after_prices", now.text):
        return LENGTH_PRICES
    if now.last_topic == "cost" and says("discount_after_prices", now.text):
        return "utter_faq/cost"
    if now.last_topic in AT_HOME and says("which_at_home", now.text):
        return "utter_faq/home_exercises"
    return None


def _how_long(now: Situation) -> tuple[str, ...]:
    """What is said to "for how long?" after an answer; of what is done again also to "how often?".

    Said alone, it would be taken for a question how often to come.
    """
    if now.clicked or len(now.acts) > 1:
        return ()
    if says("how_long_sore", now.text):
        return ("utter_how_long_does_it_hurt",)
    if not says("leans_how_long", now.text):
        return ()
    if says("leans_how_often", now.text) and now.last_topic not in DOSED:
        return ()
    told = f"utter_how_long_{now.last_topic}"
    return (told,) if told in now.responses and told not in now.said_before else ()


def _particular_wish(now: Situation, books: bool) -> Turn | None:
    """What the words say is wanted, whatever the ranking takes them for."""
    if says("asks_waiting_list", now.text) and not now.waits:
        return Turn((WAITING_LIST,))
    if now.intent in ABOUT_THE_LIST and says("joins_waiting_list", now.text):
        # there has to be something to wait for
        return Turn(("utter_waiting_list_begins", "booking_form"))
    only_one = not now.several_therapists
    if only_one and says("other_therapist", now.text) and now.intent in WITH_A_WISH:
        # with one therapist there is nothing to choose: the topic's answer tells
        return Turn((OTHER_THERAPIST,))
    told = now.intent == "minor" or not clauses.is_question(now.text)
    if now.intent in OF_A_GROWN_UP and told and _is_for_a_grown_up(now):
        return Turn((ANSWERS["write_for_other"],))
    if now.intent in BESIDE_A_WAIT and says("asks_earliest", now.text):
        return Turn(("booking_form",))
    if now.intent in BESIDE_A_ROOM and says("asks_for_a_room", now.text):
        return Turn(_with_safety_net(("utter_faq/location",), now))
    if now.intent in OF_A_CHILD and says("about_a_child", now.text):
        return Turn((CAREFUL,))
    if now.intent in NAMING and says("names_therapist", now.text):
        # an appointment or a message: both resemble it
        return Turn(("utter_ask_why_named",))
    if _wishes_a_series(now):
        return Turn((*SERIES, "booking_form"))
    if now.requested and now.intent in ONE_MORE and says("one_more_for", now.text):
        return Turn(("booking_form",))
    if books and says("under_16", now.text):
        return Turn((CAREFUL, "booking_form"))
    if books and says("for_two", now.text):
        return Turn(("utter_one_at_a_time", "booking_form"))
    undecided = says("wants_undecided", now.text) and not note_in(now.text)
    if undecided or (says("craves", now.text) and not _asks_something(now.text)):
        # resembles a question when to come
        return Turn(("booking_form",))
    if says("gives_reference", now.text) or _answers_a_letter(now):
        return Turn(("change_form",))
    if now.intent in COMPLAINING and says("complains", now.text):
        return Turn(COMPLAINT)
    if now.intent in CANCELLED and says("cancels_this", now.text) and not now.has_draft:
        # nothing is going on that could be stopped: it is about an appointment
        return Turn(("change_form",))
    return None


def _is_for_a_grown_up(now: Situation) -> bool:
    """ "It's for my mom, she's 67", with nobody's child."""
    somebody = alarm.person_in(now.text) is not None
    return somebody and says("grown_up", now.text) and not says("under_16", now.text)


def _introduced(now: Situation) -> str | None:
    """The name in "hi, I'm Priya", which says nothing else; it is kept for a request."""
    if now.clicked or now.red_flag_level or now.name is None or now.details.keys() - {"name"}:
        return None
    if "name" in now.details:
        return now.name if now.intent in INTRODUCING else None
    # in small letters it may be anything: "hi im worn out"
    return now.name if now.intent == "greet" and says("introduces", now.text) else None


def _answers_a_letter(now: Situation) -> bool:
    """ "I got your email, tuesday is fine"."""
    says_whether = says("accepts_time", now.text) or says("refuses_time", now.text)
    return says("answers_a_letter", now.text) and says_whether and not _asks_something(now.text)


def _reason_is_given(now: Situation) -> bool:
    """Words, or a button, after "what was missing?"."""
    if "utter_feedback_thanks_down" not in now.said_before:
        return False
    if now.clicked:
        return now.intent == "feedback" and {"reason", "value"} & now.details.keys() == {"reason"}
    label, sure = now.acts[0]
    asks_for_more = label in FORMS or label in STOPS or label in FORM_REPLIES
    asks = any(clauses.is_question(part) for part in (now.text, *clauses.split(now.text)))
    return not (asks or (asks_for_more and sure >= CLEAR))


def _in_form(now: Situation) -> Turn | None:
    if now.clicked and now.intent == "resume_form":
        return Turn((now.form or "",))
    if now.clicked and now.intent in FORM_REPLIES:
        return None
    acts = tuple(act for act in now.acts if _interrupts(act, now))
    for label, _ in acts:
        if label in STOPS:
            return Turn((STOPS[label],))
    free_text = now.requested_slot in FREE_TEXT_SLOTS
    if now.form == "booking_form" and not free_text and says("cancels_this", now.text):
        # "cancel it pls" resembles the wish to cancel an appointment
        return Turn((STOPS["stop"],))
    if not free_text and says("gives_up", now.text):
        # "actually nvm" could be a name
        return Turn((STOPS["stop"],))
    if now.form == "change_form" and not now.clicked and says("keeps_it", now.text):
        return Turn((STOPS["stop"],))
    told = now.form == "booking_form" and not (free_text or now.clicked)
    if told and says("asks_cant_make", now.text):
        return Turn((CANCELLING, *_resume(now)))
    if now.requested_slot == "confirm_delete" and now.intent == "deny":
        return Turn((STOPS["stop"],))
    if now.form == "booking_form" and _wishes_a_therapist(now):
        others = tuple(act for act in acts if act[0] != "faq/therapist_info")
        answers = ("action_answer_wish", *_topic_answers(others))
        return Turn(("action_read_details", *answers, *_resume(now)))
    if now.form == "booking_form" and not free_text and not now.clicked:
        if not now.several_therapists and says("other_therapist", now.text):
            return Turn((OTHER_THERAPIST, *_resume(now)))
        if says("goes_back", now.text):
            return Turn(("utter_ask_which_field",))
        if says("asks_waiting_list", now.text):
            return Turn((WAITING_LIST, *_resume(now)))
        if says("asks_what_next", now.text):
            return Turn(("utter_what_happens_now", *_resume(now)))
        denies = says("denies_signs", now.text) and not now.details.keys() & GIVEN
        if denies and now.requested_slot == "confirm_booking" and says("sends", now.text):
            return None
        if denies:
            return Turn(("utter_good_to_know", *_resume(now)))
        if says("for_two", now.text):
            return Turn(("action_read_details", "utter_one_at_a_time", *_resume(now)))
        if _wishes_a_series(now):
            return Turn(("action_read_details", *SERIES, *_resume(now)))
    if now.requested_slot in REFERENCE and _has_no_reference(now):
        still_open = [form for form in now.open_forms if form != now.form]
        return Turn(PASS_CHANGE_ON, {"open_forms": still_open or None}, stop_form=True)
    about = _about_the_question(now)
    if about:
        read = ("action_read_details",) if now.details.keys() & GIVEN else ()
        return Turn((*read, about, *_resume(now)))
    if _fits(now):
        answers = _topic_answers(acts) if _asks_something(now.text) else ()
        if not answers:
            return None
        return Turn(("action_read_details", *_with_safety_net(answers, now), *_resume(now)))
    if now.form == "booking_form" and _is_note(now):
        return Turn((*_note(now), now.form))
    for label, _ in acts:
        if label in FORMS and FORMS[label] != now.form:
            return Turn((FORMS[label],), {"open_forms": _open_forms(now)}, stop_form=True)
    answers = _answers_to(acts, now)
    if not answers:
        return None
    return Turn((*_with_safety_net(answers, now), *_resume(now, *answers)))


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
        if says(response, now.text):
            return response
    if now.requested_slot != "patient_contact" and refuses_contact(now.text):
        return None if now.details.keys() & GIVEN else "utter_one_contact_is_enough"
    return None


def _wishes_a_series(now: Situation) -> bool:
    """ "Twice a week for a month": more than one request, but no question how often to come."""
    if not says("series", now.text):
        return False
    wants = now.intent == "book_appointment" or checked.wants_appointment(now.text)
    return wants or not _asks_something(now.text)


def _wishes_a_therapist(now: Situation) -> bool:
    free_text = now.requested_slot in FREE_TEXT_SLOTS
    return not now.clicked and not free_text and therapist_wish(now.text) is not None


def _asks_something(text: str) -> bool:
    asks = any(clauses.is_question(part) for part in (text, *clauses.split(text)))
    return asks or ASKS.search(text) is not None


def _is_note(now: Situation) -> bool:
    if now.requested_slot in FREE_TEXT_SLOTS or now.clicked or clauses.is_question(now.text):
        return False
    if _changes_time(now):
        return False
    if note_in(now.text):
        return not now.details.keys() & GIVEN
    return now.intent in NOTES and now.acts[0][1] >= CLEAR


def _note(now: Situation) -> tuple[str, ...]:
    """The note is taken, and who should be careful is told whom it concerns."""
    careful = "faq/safety_contraindications"
    warned = says("careful", note_in(now.text) or "") or careful in [act[0] for act in now.acts]
    return (*((f"utter_{careful}",) if warned else ()), "action_add_note")


def _interrupts(act: tuple[str, float], now: Situation) -> bool:
    label, confidence = act
    if label in FORM_REPLIES or FORMS.get(label) == now.form:
        return False
    if now.clicked:
        return True
    if now.requested_slot in FREE_TEXT_SLOTS:
        if label in ("nlu_fallback", "out_of_scope", "no_words"):
            return False
        if label in COMMANDS:
            return confidence >= CLEAR_IN_FREE_TEXT
        # asked once more, right after its answer, it is meant for the clinic
        answered = any(answer in now.said_before for answer in _answers_to((act,), now))
        return clauses.is_question(now.text) and confidence >= CLEAR_IN_FREE_TEXT and not answered
    if label in ("nlu_fallback", "no_words") or (label not in STOPS and _changes_time(now)):
        return False
    if now.requested_slot == "chosen_time" and label in MORE and says("others", now.text):
        return False
    told_a_time = bool(now.details.keys() & {"time", "time_unclear"})
    if label == HOURS_TOPIC and now.form in TIMED_FORMS and told_a_time:
        # "is there evening", "same time but the friday"
        return says("asks_hours", now.text)
    asks_or_reads_back = now.requested_slot in ("service", "confirm_booking")
    if asks_or_reads_back and label.startswith("faq/") and _names_length(now.text):
        # "an hour" resembles a question for the opening hours
        return False
    if label == "minor" and _is_for_a_grown_up(now):
        return False
    if now.requested_slot == "therapist" and says("only_therapist", now.text):
        # "Natalie?" resembles a question about her
        return False
    tells_visit = _tells_visit(now.text) and not _asks_something(now.text)
    if now.form == "booking_form" and label not in STOPS and tells_visit:
        # "she's 71, been before" resembles a question about the therapist
        return False
    if now.form == "change_form" and label == "book_appointment" and says("books_anew", now.text):
        return True
    if now.requested_slot == "patient_contact" and refuses_contact(now.text):
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
    if label == "out_of_scope" and now.form in TIMED_FORMS and told_a_time:
        # "can we do christmas day", at any question
        return False
    if label == "out_of_scope":
        # "Sam Lee", "45": what is no question is an answer before it is beside the point
        return clauses.is_question(now.text) and confidence >= CLEAR_IN_FREE_TEXT
    volunteered = now.details.keys() & GIVEN and not _asks_something(now.text)
    if volunteered and label not in STOPS and confidence < CLEAR_BESIDE_DETAILS:
        return False
    if now.requested_slot == "change_reference" and not _asks_something(now.text):
        # six random letters resemble anything
        return confidence >= CLEAR_BESIDE_A_NAME
    if now.requested_slot in CHOICES and label.startswith("faq/") and not now.could_be_a_name:
        return confidence >= (CLEAR if _asks_something(now.text) else CLEAR_IN_FREE_TEXT)
    if label == "greet" and "name" in now.details:
        # "I'm Priya" answers the form
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


def _changes_time(now: Situation) -> bool:
    """ "No, the other day, thurs", "same time friday": another time, whatever it resembles."""
    if now.clicked or now.form not in TIMED_FORMS or now.requested_slot in FREE_TEXT_SLOTS:
        return False
    if says("no_and_then", now.text):
        return True
    leans = says("at_that_time", now.text) or says("only_later", now.text)
    return leans and now.requested_slot in HEAR_OF_TIMES


def _other_time(now: Situation) -> bool:
    """ "Nvm thurs" takes back the time before, and is no end of the booking."""
    told = now.details.keys() & {"time", "time_unclear"}
    return bool(told) and says("corrects", now.text) and not says("ends", now.text)


def _names_length(text: str) -> bool:
    return says("names_length", text) and not _asks_something(text)


def _reads_as_a_name(label: str, now: Situation) -> bool:
    """Whether what could be a name is one, whatever it resembles.

    Names resemble questions about the therapist, who has one too, however sure the ranking is.
    """
    if not now.could_be_a_name or _asks_something(now.text):
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


def _fits(now: Situation) -> bool:
    """The message holds an answer to the form's question, or changes one given before."""
    given = now.details.keys() & GIVEN
    corrects = any(label in CHANGES for label, _ in now.acts)
    if given and (corrects or now.requested_slot in CONFIRMATIONS):
        return True
    wanted = DETAIL_OF.get(now.requested_slot or "", ())
    return any(now.details.get(detail) is not None for detail in wanted)


def _answers_to(acts: tuple[tuple[str, float], ...], now: Situation) -> tuple[str, ...]:
    actions: list[str] = []
    for label, _ in acts:
        if label.startswith("faq/"):
            action = f"utter_{label}"
        elif label in FORMS and now.form is None:
            action = FORMS[label]
        elif label == "nlu_fallback":
            action = _not_understood(now)
        elif label in MORE:
            action = _more(label, now)
        elif label in ANSWERS:
            action = ANSWERS[label]
        else:
            continue
        if action not in actions:
            actions.append(action)
    # one form at a time, and it asks its question last
    forms = [action for action in actions if action in FORMS.values()]
    return (*(action for action in actions if action not in forms), *forms[:1])


def _with_safety_net(answers: tuple[str, ...], now: Situation) -> tuple[str, ...]:
    """The answers, and when to get help; before the question of a form that starts."""
    if not now.triage.get("safety_net"):
        return answers
    forms = tuple(answer for answer in answers if answer in FORMS.values())
    said = tuple(answer for answer in answers if answer not in forms)
    return (*said, "utter_safety_net", *forms)


def _more(label: str, now: Situation) -> str:
    """The reason for the last answer or its second part, neither of them twice in a row."""
    if not now.last_topic:
        return "utter_what_first"
    more = f"utter_more_{now.last_topic}"
    parts = (f"utter_because_{now.last_topic}", more) if label == "ask_why" else (more,)
    untold = [part for part in parts if part in now.responses and part not in now.said_before]
    return untold[0] if untold else "utter_nothing_to_tell_more"


def _topic_answers(acts: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    return tuple(f"utter_{label}" for label, _ in acts if label.startswith("faq/"))


def _resume(now: Situation, *answers: str) -> tuple[str, ...]:
    """The running form asks again, unless a form starts or the patient said goodbye."""
    starts_form = any(answer in FORMS.values() for answer in answers)
    if now.form is None or starts_form or now.intent in NO_FORM_AFTER:
        return ()
    return (now.form,)


def _not_understood(now: Situation) -> str:
    """One step further each time in a row: topics to choose, examples, a person."""
    before = [name for name in now.said_before if name in NOT_UNDERSTOOD]
    if not before:
        return NOT_UNDERSTOOD[0]
    step = NOT_UNDERSTOOD.index(before[-1]) + 1
    return NOT_UNDERSTOOD[min(step, len(NOT_UNDERSTOOD) - 1)]


def topic_of(response: str) -> str | None:
    """The topic that a response answers: "cost" for "utter_faq/cost", else None."""
    match = re.match(r"utter_(?:faq/|more_|because_|how_long_)([a-z_]+)$", response)
    return match[1] if match else None
