"""Whether a patient says that a doctor has looked at a sign of danger.

"The doctor cleared me, can I book for next week?" closes an alarm; "I haven't been yet", "they
will check me tomorrow" and "should I be checked first?" do not. The words are in
``data/been_checked.yml``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import yaml

from assistant.nlu import clauses
from assistant.project import DATA

_PART = re.compile(r"<(\w+)>")
# What the classifier must reach where no words of the list were used.
SURE = 0.6


@lru_cache(maxsize=1)
def _words() -> dict[str, re.Pattern[str]]:
    lists = yaml.safe_load((DATA / "been_checked.yml").read_text(encoding="utf-8"))
    parts = lists.pop("parts")
    return {
        name: re.compile(
            "|".join(_PART.sub(lambda match: parts[match[1]], word) for word in words),
            re.IGNORECASE,
        )
        for name, words in lists.items()
    }


def read(
    text: str, sure: float = 0.0, clicked: bool = False
) -> Literal["checked", "not_checked"] | None:
    """What the message says about having been checked; None when it says nothing of it.

    ``sure`` is how sure the classifier is that it does. A click counts as it was labelled.
    """
    if clicked:
        return "checked" if sure else None
    words = _words()
    told = ", ".join(part for part in _parts(text) if not _is_wish_or_question(part))
    told = words["good_news"].sub(" fine ", told)
    if words["still_open"].search(told):
        return "not_checked" if words["about_checking"].search(told) else None
    if words["checked"].search(told) or (told and sure >= SURE):
        return "checked"
    return None


def wants_appointment(text: str) -> bool:
    """A part of the message asks for an appointment."""
    return any(_words()["wish"].search(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    plain = text.replace("\u2019", "'")
    return [part for part in _words()["between"].split(plain) if part and part.strip()]


def _is_wish_or_question(part: str) -> bool:
    return clauses.is_question(part) or bool(_words()["wish"].search(part))
