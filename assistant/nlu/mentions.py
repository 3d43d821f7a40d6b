"""What a text mentions of ``data/mentions.yml``: conditions, medicines, subjects of a question.

Two use it: the ranking of intents, as features beside meaning and spelling, and the choice of
the wording that is about just that.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

import yaml

from assistant.nlu.therapists import any_name, naming
from assistant.project import DATA

PATH = DATA / "mentions.yml"
# Longer texts are not searched beyond this.
LONGEST = 2000  # characters


class _Mention(NamedTuple):
    named: str
    words: re.Pattern[str]


def _lexicon() -> dict[str, _Mention]:
    return _read(any_name())


@lru_cache(maxsize=1)
def _not_of_now() -> re.Pattern[str]:
    expressions = yaml.safe_load(PATH.read_text(encoding="utf-8"))["not_of_now"]
    return re.compile("|".join(expressions), re.IGNORECASE)


@lru_cache(maxsize=4)
def _read(therapists: str) -> dict[str, _Mention]:
    """The entries, with these therapists named in them."""
    entries = yaml.safe_load(PATH.read_text(encoding="utf-8"))["mentions"]
    return {
        key: _Mention(str(entry.get("named") or ""), pattern(entry["words"]))
        for key, entry in entries.items()
    }


def pattern(words: list[str]) -> re.Pattern[str]:
    """Words of data/mentions.yml as one expression; each begins where a word begins."""
    return re.compile(naming(rf"\b(?:{'|'.join(words)})"), re.IGNORECASE)


def keys() -> tuple[str, ...]:
    """The keys of data/mentions.yml, in its order."""
    return tuple(_lexicon())


def find(text: str, among: Container[str] | None = None) -> dict[str, str]:
    """The keys that ``text`` mentions, in the file's order, with the names patients read.

    ``among`` are the keys to look for; None: all.
    """
    plain = _not_of_now().sub(" ", text[:LONGEST].replace("\u2019", "'"))
    return {
        key: mention.named
        for key, mention in _lexicon().items()
        if (among is None or key in among) and mention.words.search(plain)
    }
