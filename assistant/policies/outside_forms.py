"""Outside a form: several things to do, a wish in particular words, what leans on an answer."""

from __future__ import annotations

from assistant.nlu import clauses
from assistant.policies import checked
from assistant.policies.answers import (
    ANSWERS,
    CAREFUL,
    HOURS_TOPIC,
    MORE,
    OTHER_THERAPIST,
    SERIES,
    WAITING_LIST,
    WALK_IN,
    answers_to,
    take_note,
    topic_answers,
    with_safety_net,
)
from assistant.policies.follow_ups import answer_to_follow_up
from assistant.policies.forms import FORM_REPLIES, FORMS, NOTES, STOPS
from assistant.policies.situation import CLEAR, Situation, Turn
from assistant.policies.wishes import (
    asks_for_somebody,
    asks_something,
    is_for_a_grown_up,
    note_in,
    reference_in,
    says,
    somebody_wished,
    therapist_wish,
    wishes_a_series,
)

# What "can I see a woman?" may be taken for.
WITH_A_WISH = frozenset(
    {"book_appointment", "faq/therapist_info", "nlu_fallback", "out_of_scope", "speak_to_human"}
)
# The answer after which "what about monday?" is a question for the hours.
HOURS = f"utter_{HOURS_TOPIC}"
# What "I'm Priya" may be taken for.
INTRODUCING = frozenset({"greet", "nlu_fallback", "out_of_scope", "thank"})
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
# What the wish to be put on the waiting list may be taken for.
ABOUT_THE_LIST = frozenset(
    {
        *("affirm", "book_appointment", "change_appointment", "nlu_fallback", "out_of_scope"),
        *("leave_message", "speak_to_human"),
    }
)
# What "is sarah in today?" may be taken for.
ABOUT_SOMEBODY = frozenset(
    {
        *("nlu_fallback", "out_of_scope", "speak_to_human"),
        *("faq/opening_hours", "faq/techniques", "faq/therapist_info"),
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
# What "do you take walk-ins" may be taken for.
ABOUT_COMING = frozenset(
    {"book_appointment", "nlu_fallback", "out_of_scope", "faq/location", "faq/opening_hours"}
)
BESIDE_A_ROOM = frozenset({"nlu_fallback", "out_of_scope", "faq/what_to_wear"})


def outside_forms(now: Situation) -> Turn | None:
    """The turn where no form runs and nothing waits to be gone on with."""
    about_hours = now.last_said == HOURS and now.tells_a_time
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
    wished = therapist_wish(now.text) or somebody_wished(now.text)
    if books and wished and now.intent in WITH_A_WISH:
        # without a booking there is no note to put the wish into: the topic's answer tells
        return Turn(("action_answer_wish", "booking_form"))
    wishes = books or (
        # "an appointment for my father, who is on warfarin"
        now.intent in NOTES and checked.wants_appointment(now.text)
    )
    wish = None if now.clicked or now.red_flag_level else _particular_wish(now, books)
    if wish:
        return wish
    if wishes and not now.clicked and note_in(now.text):
        said = dict.fromkeys((*topic_answers(now.acts), *take_note(now)))
        return Turn((*said, "booking_form"))
    # "can I still have a massage on monday" books, and of two questions none is left out
    books_a_time = books and now.tells_a_time
    alone = not (now.clicked or books_a_time) and len(now.acts) < 2
    follows = answer_to_follow_up(now) if alone else None
    if follows:
        return Turn(with_safety_net((follows,), now))
    how_long = _how_long(now)
    if how_long:
        return Turn(with_safety_net(how_long, now))
    planned = len(now.acts) > 1 or now.intent in (*MORE, "nlu_fallback")
    if planned or now.triage.get("safety_net"):
        return Turn(with_safety_net(answers_to(now.acts, now), now))
    return None


def _how_long(now: Situation) -> tuple[str, ...]:
    """What is said to "for how long?" after an answer; of what is done again also to "how often?".

    Said alone, it would be taken for a question how often to come.
    """
    if now.clicked or len(now.acts) > 1:
        return ()
    text = clauses.without_complaint(now.text)
    if now.last_topic == "techniques" and says("how_long_it_takes", text):
        return ("utter_how_long_techniques",)
    if says("how_long_sore", text):
        return ("utter_how_long_does_it_hurt",)
    if not says("leans_how_long", text):
        return ()
    if says("leans_how_often", text) and now.last_topic not in DOSED:
        return ()
    told = f"utter_how_long_{now.last_topic}"
    return (told,) if told in now.responses and told not in now.said_before else ()


def _particular_wish(now: Situation, books: bool) -> Turn | None:
    """What the words say is wanted, whatever the ranking takes them for."""
    if says("asks_waiting_list", now.text) and not now.waits:
        # "is there a waiting list? I need Tuesday at 9": what to wait for is told
        begins = ("booking_form",) if now.tells_a_time else ()
        return Turn((WAITING_LIST, *begins))
    if now.intent in ABOUT_THE_LIST and says("joins_waiting_list", now.text):
        # there has to be something to wait for
        return Turn(("utter_waiting_list_begins", "booking_form"))
    only_one = not now.several_therapists
    if only_one and says("other_therapist", now.text) and now.intent in WITH_A_WISH:
        # with one therapist there is nothing to choose: the topic's answer tells
        return Turn((OTHER_THERAPIST,))
    if now.intent in ABOUT_SOMEBODY and asks_for_somebody(now.text):
        return Turn(("utter_nobody_of_that_name",))
    told = now.intent == "minor" or not clauses.is_question(now.text)
    if now.intent in OF_A_GROWN_UP and told and is_for_a_grown_up(now.text):
        return Turn((ANSWERS["write_for_other"],))
    if now.intent in BESIDE_A_WAIT and says("asks_earliest", now.text):
        return Turn(("booking_form",))
    if now.intent in BESIDE_A_ROOM and says("asks_for_a_room", now.text):
        return Turn(with_safety_net(("utter_faq/location",), now))
    if not books and says("hard_of_hearing", now.text):
        return Turn(with_safety_net(("utter_faq/location",), now))
    if not books and says("oil_and_allergy", now.text):
        return Turn(with_safety_net(("utter_faq/techniques",), now))
    if now.intent in ABOUT_COMING and says("asks_walk_in", now.text):
        return Turn((WALK_IN,))
    if now.intent in OF_A_CHILD and says("about_a_child", now.text):
        return Turn((CAREFUL,))
    if now.intent in NAMING and says("names_therapist", now.text):
        # an appointment or a message: both resemble it
        return Turn(("utter_ask_why_named",))
    if wishes_a_series(now.text, books=now.intent == "book_appointment"):
        return Turn((*SERIES, "booking_form"))
    if now.requested and now.intent in ONE_MORE and says("one_more_for", now.text):
        return Turn(("booking_form",))
    if now.requested and says("books_for_another", now.text):
        return Turn(("booking_form",))
    if books and says("under_16", now.text):
        return Turn((CAREFUL, "booking_form"))
    if books and says("for_two", now.text):
        return Turn(("utter_one_at_a_time", "booking_form"))
    undecided = says("wants_undecided", now.text) and not note_in(now.text)
    if undecided or (says("craves", now.text) and not asks_something(now.text)):
        # resembles a question when to come
        return Turn(("booking_form",))
    if now.intent == "change_appointment" and says("lost_reference", now.text):
        return Turn(("action_pass_change_on", "message_form"))
    if reference_in(now.text) or _answers_a_letter(now):
        return Turn(("change_form",))
    if now.intent in COMPLAINING and says("complains", now.text):
        return Turn(COMPLAINT)
    if now.intent in CANCELLED and says("cancels_this", now.text) and not now.has_draft:
        # nothing is going on that could be stopped: it is about an appointment
        return Turn(("change_form",))
    return None


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
    return says("answers_a_letter", now.text) and says_whether and not asks_something(now.text)


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
