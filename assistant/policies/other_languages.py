"""The advice and the check questions for who writes in French or Spanish."""

from __future__ import annotations

from assistant.policies import alarm
from assistant.policies.situation import Situation, Turn

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


def in_their_language(turn: Turn | None, now: Situation) -> Turn | None:
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
