"""Puts the shorthand of text messages into words: "wat do u do 4 it", "can u do it w/ physio".

The list is ``data/texting.yml``. The ranking reads its examples and every message this way; what
was typed stays what everything else reads.
"""

from __future__ import annotations

import re
from functools import lru_cache

import yaml

from assistant.project import DATA

PATH = DATA / "texting.yml"


@lru_cache(maxsize=1)
def _shorthand() -> list[tuple[re.Pattern[str], str]]:
    pairs = yaml.safe_load(PATH.read_text(encoding="utf-8"))["shorthand"]
    return [(pattern(str(typed)), str(words)) for typed, words in pairs]


def pattern(typed: str) -> re.Pattern[str]:
    """What is typed, as an expression for whole words."""
    # "w/" ends with a sign, so a word need not end there
    return re.compile(rf"(?<![\w'/@.-])(?:{typed})(?![\w'@]|\.\w)", re.IGNORECASE)


def in_words(text: str) -> str:
    """The text with its shorthand in words; the same text when it has none."""
    for typed, words in _shorthand():
        text = typed.sub(words, text)
    return text
