"""A link or a person in the place of a form, where the clinic has them."""

from __future__ import annotations

from dataclasses import replace

from assistant.policies.answers import resume
from assistant.policies.forms import BOOKING, TIMED_FORMS
from assistant.policies.situation import THERE, Situation, Turn

# Done in the place of the forms that keep a time, where patients book in a program of the clinic's.
GIVE_LINK = "action_give_link"
# Calls a person into the chat, and what is said when nobody would come.
CALL, NOBODY_THERE = "action_call_person", "utter_nobody_there"


def sent_elsewhere(turn: Turn | None, now: Situation) -> Turn | None:
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
    return Turn((*actions, *resume(now)), slots)


def person_called(turn: Turn | None, now: Situation) -> Turn | None:
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
