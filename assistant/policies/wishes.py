"""The wish to be treated by a woman or by a man."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

from assistant.project import DATA


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DATA / "booking_words.yml").read_text("utf-8"))
    return loaded


def therapist_wish(text: str) -> str | None:
    """ "woman" or "man", or None when the message has no such wish."""
    for wish, pattern in _words()["therapist_wishes"].items():
        if re.search(pattern, text, re.IGNORECASE):
            return str(wish)
    return None
