"""From a message of Rasa's to one of the website's protocol (docs/website-channel.md)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from assistant.channels.wording import matches, words
from clinic import clock

RATING = "rating"
# What news of an appointment are called in place of a response: the words come from the desk.
NEWS = "appointment_news"
# Kinds of messages about a danger sign: nothing else may be read before them, and someone at the
# staff desk has to see them.
ALARMS = ("emergency", "urgent", "check")


@dataclass(frozen=True)
class Bubble:
    """One message for the patient. ``response`` is the name of the wording that was said."""

    response: str
    body: dict[str, Any]


def bubble_of(message: dict[str, Any], in_reply_to: str | None = None) -> Bubble:
    """Returns the protocol's message, still without ``seq``.

    ``message`` is what Rasa hands an output channel: text, buttons, metadata and whatever an
    action added, such as ``card``.
    """
    metadata = message.get("metadata") or {}
    response = str(metadata.get("response") or message.get("utter_action") or "")
    buttons = message.get("buttons") or []
    body: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "at": stamp(),
        "from": "assistant",
        "text": str(message.get("text") or ""),
        "buttons": [
            {"title": str(button["title"]), "payload": str(button["payload"])}
            for button in buttons
            if button.get("kind") != RATING
        ],
        "rateable": any(button.get("kind") == RATING for button in buttons),
    }
    optional = {
        "in_reply_to": in_reply_to,
        "kind": kind_of(response),
        "lang": message.get("lang") or language_of(response),
        "source": _source(response, metadata.get("source") or []),
        "card": message.get("card"),
    }
    return Bubble(response, body | {key: value for key, value in optional.items() if value})


def stamp() -> str:
    """This moment as the protocol writes it: ISO 8601, UTC, whole milliseconds, "Z"."""
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kind_of(response: str) -> str | None:
    """What the chat window has to know about a message: "emergency", "summary"... or None."""
    for pattern, kind in words()["kinds"].items():
        if matches(response, [pattern]):
            return str(kind)
    return None


def language_of(response: str) -> str | None:
    """The language of a message's words, a BCP 47 tag; None for English."""
    for language, patterns in words()["languages"].items():
        if matches(response, patterns):
            return str(language)
    return None


def _source(response: str, sources: list[str]) -> dict[str, str] | None:
    """The first source that a patient can make something of; the article before all others."""
    if not matches(response, words()["sourced"]):
        return None
    for room, sentence in words()["sources"].items():
        for source in sources:
            found, _, name = source.partition(": ")
            if found == room:
                return {"label": sentence.format(name=name)}
    return None
