"""What a patient's message is to the assistant: words, or a click on a button.

Rasa takes any text that begins with "/" as an intent with entities, on every channel. Here
a payload counts only when this conversation was shown a button with it; anything else is
words. Typing a button's title is as good as clicking it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

# Rasa strips white space before it looks for the "/", so that goes with it.
_SLASHES = re.compile(r"^[\s/]+")
_NOT_WORDS = re.compile(r"[\W_]+")


def incoming(text: str, tracker: DialogueStateTracker | None) -> str:
    """Returns the payload that was clicked or named, or else the text without a leading "/".

    Half of an emoji, as some keyboards send it, cannot be stored: it becomes a "?".
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    events = list(tracker.events) if tracker else []
    stripped = text.strip()
    if stripped.startswith("/"):
        if any(button.get("payload") == stripped for button in _buttons(events)):
            return stripped
        return _SLASHES.sub("", text)
    for button in _buttons(_last_turn(events)):
        if _words(stripped) and _words(stripped) == _words(str(button.get("title"))):
            return str(button["payload"])
    return text


def _buttons(events: list[Any]) -> Iterator[dict[str, Any]]:
    for event in reversed(events):
        if isinstance(event, BotUttered):
            yield from event.data.get("buttons") or []


def _last_turn(events: list[Any]) -> list[Any]:
    for index in range(len(events) - 1, -1, -1):
        if isinstance(events[index], UserUttered):
            return events[index:]
    return events


def _words(text: str) -> str:
    return _NOT_WORDS.sub(" ", text).strip().casefold()
