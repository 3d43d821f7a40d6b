"""What to do in one turn, before any rule is asked.

``plan`` looks at the patient's message and at where the conversation is, and returns the
actions of the whole turn, or None when the rules in data/rules should decide. It is a
pure function; ``turn_policy`` connects it to Rasa.

The order of the questions is the order of importance:

1. Is somebody in danger? A red flag interrupts everything, also a form (``red_flag``).
2. Does a check question wait for its answer? All but a clear "old and unchanged" escalates; what
   is no answer at all is met by the question once more (``check_question``).
3. Is a red flag still open? Then nothing is booked until the patient has been checked, and what is
   said about it is met by the advice again (``open_red_flag``).
4. Is it said at any time, whatever else is going on: the answer to a time that the clinic proposes
   (``sent_request``), how the clinic may reach the patient?
5. Is a form running? The message answers its question (``in_form``), or interrupts it
   (``interruptions``): then it is dealt with as it would be outside, and the form asks again.
   Nothing given is lost.
6. Was a form that was interrupted offered again, or is the patient back after a break? A yes goes
   on with it; nothing else does (``coming_back``).
7. Are there several things to do, or does the message lean on the last answer
   (``outside_forms``)?

Only then is it asked whether the clinic sees to it in another way than by a form
(``handing_over``), and whether the patient reads English (``other_languages``).
"""

from __future__ import annotations

from dataclasses import replace

from assistant.nlu import clauses
from assistant.policies.answers import resume
from assistant.policies.check_question import after_check, ask_check
from assistant.policies.coming_back import (
    about_the_draft,
    after_break,
    after_offer,
    go_on,
    is_resumed,
    keeps_after_all,
    taken_up,
)
from assistant.policies.forms import FORMS, FREE_TEXT_SLOTS, TAKES_DETAILS, form_to_offer, offers_of
from assistant.policies.handing_over import person_called, sent_elsewhere
from assistant.policies.in_form import in_form
from assistant.policies.open_red_flag import while_red_flag_is_open
from assistant.policies.other_languages import in_their_language
from assistant.policies.outside_forms import outside_forms
from assistant.policies.red_flag import ALARMS, is_known, raise_alarm, tells_a_sign_applies
from assistant.policies.sent_request import about_the_proposal, about_the_request
from assistant.policies.situation import CLEAR, GIVEN, LONGEST_MESSAGE, Situation, Turn
from assistant.policies.wishes import refuses_contact, says

# Said to "brb".
TAKE_YOUR_TIME = "utter_take_your_time"
# What "can you do 7 pm on wednesday" may be taken for.
TAKEN_FOR_HOURS = frozenset({"faq/opening_hours", "nlu_fallback", "out_of_scope"})
# What "book him friday" may be taken for.
TAKEN_FOR_A_BOOKING = frozenset({"change_appointment", "nlu_fallback", "out_of_scope"})


def plan(now: Situation) -> Turn | None:
    """Returns the turn, or None when the rules should decide."""
    turn = _form_after_break(now) or _by_importance(now)
    turn = sent_elsewhere(turn, now) if now.books_elsewhere else turn
    turn = person_called(turn, now) if now.person else turn
    return in_their_language(turn, now)


def _by_importance(now: Situation) -> Turn | None:
    books = _means_to_book(now)
    now = _as_it_is_meant(now, books)
    # 1. and 2. danger, and what may be one
    level = now.triage.get("level")
    if level in ALARMS:
        return raise_alarm(now, level, now.triage)
    if now.safety_check:
        return after_check(now, now.safety_check)
    if level == "check":
        return ask_check(now)
    if tells_a_sign_applies(now):
        return raise_alarm(now, "emergency", {"response": "utter_signs_apply"})
    # 3. and 4. an open red flag, and what is said at any time
    turn = (while_red_flag_is_open(now) if now.red_flag_level else None) or _at_any_time(now)
    if turn:
        return turn
    # 5. a form: from here on none runs
    if now.form:
        return in_form(now)
    # 6. something that was interrupted, given up or sent
    if is_resumed(now):
        return go_on(str(now.details.get("form") or now.offered))
    if now.clicked and now.intent == "leave_form":
        return Turn(("action_leave_form",))
    if now.offered:
        return after_offer(now, now.offered)
    turn = taken_up(now) or keeps_after_all(now) or about_the_request(now) or about_the_draft(now)
    if turn:
        return turn
    if now.back_after_a_break and form_to_offer(now.open_forms, now.red_flag_level):
        return after_break(now)
    # 7. anything else; the rules know the message by its first intent
    return outside_forms(now) or (Turn(("booking_form",)) if books else None)


def _form_after_break(now: Situation) -> Turn | None:
    """A form that runs, after a long silence, is offered before it goes on.

    None where the message is about something else: then the form asks its question anew.
    """
    if not (now.form and now.back_after_a_break) or now.safety_check:
        return None
    waiting = now.open_once_stopped or []
    outside = replace(now, form=None, requested_slot=None, open_forms=tuple(waiting))
    turn = _by_importance(outside)
    starts = {*FORMS.values(), *(offer for form in waiting for offer in offers_of(form))}
    if turn is None or not (starts & {*turn.actions} or turn.slots.get("red_flag_level")):
        return None
    return replace(turn, slots={"open_forms": waiting, **turn.slots}, stop_form=True)


def _means_to_book(now: Situation) -> bool:
    """ "I want to make another appointment", "book tomorrow at 3, no, 4"."""
    if now.clicked:
        return False
    free = not (now.form or now.red_flag_level) and now.tells_a_time
    if free and now.intent in TAKEN_FOR_HOURS and says("asks_for_a_time", now.text):
        return True
    if now.intent not in TAKEN_FOR_A_BOOKING:
        return False
    if now.red_flag_level and now.intent != "change_appointment":
        return False
    begins = not now.requested and now.form is None and says("begins_booking", now.text)
    if now.intent != "change_appointment":
        # "book him fri after school", "massage wed"; "book a table" names no time of the clinic's
        begins = begins or (now.form is None and says("begins_with_a_visit", now.text))
        return begins and now.tells_a_time
    comes = not now.requested and now.form is None and now.tells_a_time
    return begins or says("books_anew", now.text) or (comes and says("would_come", now.text))


def _as_it_is_meant(now: Situation, books: bool) -> Situation:
    """The message without what it is only taken for."""
    if books:
        now = replace(now, acts=(("book_appointment", now.acts[0][1]), *now.acts[1:]))
    asks = now.intent == "start_over" and clauses.is_question(now.text)
    if asks and not says("starts_over", now.text):
        # "which one first?" resembles it; all that was told is not dropped for a resemblance
        now = replace(now, acts=(("nlu_fallback", now.acts[0][1]), *now.acts[1:]))
    warned = now.triage.get("level") and now.red_flag_level and not now.safety_check
    if warned and is_known(now):
        # "I was in hospital for the numbness": told before, and no new alarm
        now = replace(now, triage={**now.triage, "level": None})
    return now


def _at_any_time(now: Situation) -> Turn | None:
    """The turn after what is no answer to a form's question, and needs none to be asked."""
    if len(now.text) > LONGEST_MESSAGE:
        return Turn(("utter_too_long", *resume(now)))
    typed = not now.clicked
    to_the_clinic = now.requested_slot in FREE_TEXT_SLOTS
    if typed and not to_the_clinic and says("poses_as_program", now.text):
        # no time or name is read from what claims to be an order
        return Turn(("utter_ignore_rules", *resume(now)))
    if typed and not to_the_clinic and _wishes_to_be_reached_so(now):
        return _reached_so(now)
    turn = about_the_proposal(now)
    if turn:
        return turn
    if typed and not to_the_clinic and says("waits_a_moment", now.text):
        return Turn((TAKE_YOUR_TIME,))
    if typed and now.form and _is_back(now):
        return Turn(("utter_welcome_back", *resume(now)))
    if typed and says("leaves_waiting_list", now.text):
        return Turn(("action_leave_waiting_list", *resume(now)))
    return None


def _is_back(now: Situation) -> bool:
    """ "I'm back"; "back" alone after "brb"."""
    waited = TAKE_YOUR_TIME in now.said_before and now.text.strip(" .!").lower() == "back"
    return waited or says("is_back", now.text)


def _wishes_to_be_reached_so(now: Situation) -> bool:
    """ "Don't call the house"; "no phone, only email" in a form is about what it asks for."""
    if now.form not in (None, *TAKES_DETAILS) or not says("contact_wish", now.text):
        return False
    # at the read-back there is one already
    reads_back = now.requested_slot in ("confirm_booking", "confirm_message")
    refuses = now.form and not reads_back and refuses_contact(now.text)
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
    return Turn((*read, "utter_contact_wish", "action_add_note", *begins, *resume(now)))
