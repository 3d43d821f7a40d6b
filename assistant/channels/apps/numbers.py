"""Choosing by number, where an app has no buttons: "2", "2.", "the second one"."""

from __future__ import annotations

import re
from functools import lru_cache

from assistant.channels.apps.sentences import words

_NUMBER = re.compile(r"(?:#|no\.?|number|option|choice)?\s*([1-9][0-9]?)\s*[.)!]?", re.IGNORECASE)


def chosen_number(text: str) -> int | None:
    """The number that a message consists of; None for any other message."""
    folded = " ".join(text.split()).casefold()
    if match := _NUMBER.fullmatch(folded):
        return int(match[1])
    return _ordinals().get(folded.rstrip(".!").removesuffix(" please").strip())


@lru_cache(maxsize=1)
def _ordinals() -> dict[str, int]:
    return {
        form.format(word): number
        for number, names in enumerate(words()["ordinals"], 1)
        for word in names
        for form in words()["ordinal_forms"]
    }
