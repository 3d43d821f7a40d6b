"""Questions that only the last answer explains; their words are in data/follow_ups.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from assistant.nlu import clauses
from assistant.nlu.therapists import any_name, naming
from assistant.policies.situation import Situation
from assistant.project import DATA

PATH = DATA / "follow_ups.yml"


class FollowUp(NamedTuple):
    """``after`` holds the topics whose answer it follows; empty, it may stand anywhere."""

    after: frozenset[str]
    words: re.Pattern[str]
    says: str


def follow_ups() -> tuple[FollowUp, ...]:
    """The entries of data/follow_ups.yml, in its order."""
    return _read(any_name())


def pattern(words: str, loaded: Mapping[str, Any]) -> re.Pattern[str]:
    """Words of data/follow_ups.yml as an expression; ``loaded`` has those of <lead> and <tail>."""
    for part in ("lead", "tail"):
        words = words.replace(f"<{part}>", loaded[part])
    return re.compile(naming(words), re.IGNORECASE)


@lru_cache(maxsize=4)
def _read(therapists: str) -> tuple[FollowUp, ...]:
    """The entries, with these therapists named in them."""
    loaded = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return tuple(
        FollowUp(
            frozenset(entry.get("after") or ()), pattern(entry["words"], loaded), entry["says"]
        )
        for entry in loaded["follow_ups"]
    )


def answer_to_follow_up(now: Situation) -> str | None:
    """The response to a question that leans on the last answer, or None where it is none."""
    text = clauses.without_complaint(now.text).replace("\u2019", "'")
    for entry in follow_ups():
        leans = not entry.after or now.last_topic in entry.after
        if leans and entry.words.search(text):
            return entry.says
    return None
