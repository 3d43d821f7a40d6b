"""Whether a patient says that a doctor has looked at a sign of danger.

"The doctor cleared me, can I book for next week?" is followed by one question: was it since this
started, and do they know? "I haven't been yet", "they will check me tomorrow" and "should I be
checked first?" are not even that. The words are in ``data/been_checked.yml``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import yaml

from assistant.nlu import clauses
from assistant.nlu.therapists import any_name
from assistant.project import DATA

_PART = re.compile(r"<(\w+)>")
# What the classifier must reach where no words of the list were used.
SURE = 0.6


def _words() -> dict[str, re.Pattern[str]]:
    return _read(any_name())


@lru_cache(maxsize=4)
def _read(therapists: str) -> dict[str, re.Pattern[str]]:
    """The lists, with these therapists in the place of <therapist>."""
    lists = yaml.safe_load((DATA / "been_checked.yml").read_text(encoding="utf-8"))
    parts = {**lists.pop("parts"), "therapist": f"(?:{therapists})"}
    lists = {name: [words] if isinstance(words, str) else words for name, words in lists.items()}
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
    told = _told(text)
    if words["still_open"].search(told):
        return "not_checked" if words["about_checking"].search(told) else None
    if words["checked"].search(told) or (told and sure >= SURE):
        return "checked"
    return None


def tells_all(text: str) -> bool:
    """A report of having been checked says when, and that the doctor knows of the sign.

    "I went to emergency last night for the numbness, they did an MRI and it's fine."
    """
    words = _words()
    told = _told(text)
    needed = ("checked", "recently", "good_outcome")
    if words["still_open"].search(told) or words["unsure"].search(told):
        return False
    # the sign may stand in the reason for going, which is not looked at for a "no"
    named = words["of_the_sign"].search(text)
    return named is not None and all(words[name].search(told) for name in needed)


def answer(text: str) -> Literal["yes", "no"] | None:
    """The answer to whether a doctor has looked at it and knows of it; None when unclear.

    ``text`` may be the payload of a button.
    """
    if text in ("/affirm", "/deny"):
        return "yes" if text == "/affirm" else "no"
    words = _words()
    told = words["good_news"].sub(" fine ", ", ".join(_parts(text)))
    if words["still_open"].search(told):
        return "no"
    return "yes" if words["clear_yes"].search(told) and not words["unsure"].search(text) else None


def wants_appointment(text: str) -> bool:
    """A part of the message asks for an appointment."""
    return any(_words()["wish"].search(part) for part in _parts(text))


def _told(text: str) -> str:
    """What is told: no wishes and questions, and no "no" that is part of good news or a reason."""
    words = _words()
    told = ", ".join(part for part in _parts(text) if not _is_wish_or_question(part))
    return words["good_news"].sub(" fine ", words["reason"].sub(" it ", told))


def _parts(text: str) -> list[str]:
    plain = text.replace("\u2019", "'")
    return [part for part in _words()["between"].split(plain) if part and part.strip()]


def _is_wish_or_question(part: str) -> bool:
    return clauses.is_question(part) or bool(_words()["wish"].search(part))
