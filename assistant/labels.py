"""The names by which understanding is measured."""

from __future__ import annotations

LABEL_OF_INTENT = {
    "book_appointment": "booking_request",
    "change_appointment": "reschedule_cancel",
    "ask_status": "reschedule_cancel",
    "speak_to_human": "speak_to_human",
    "greet": "greeting_thanks_goodbye",
    "thank": "greeting_thanks_goodbye",
    "goodbye": "greeting_thanks_goodbye",
    "red_flag": "red_flag",
    # how to have it deleted belongs to the topic privacy, what the assistant can do to what it is
    "delete_my_data": "privacy",
    "help": "bot_identity",
}


def label_of(name: str) -> str:
    """The measured name of an intent or topic: "cost" for "faq/cost".

    What is none of the named ones is out of scope for the clinic: "out_of_scope".
    """
    intent, _, topic = name.partition("/")
    return topic or LABEL_OF_INTENT.get(intent, "out_of_scope")
