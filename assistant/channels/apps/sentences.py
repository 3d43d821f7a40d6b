"""The sentences of ``apps.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from assistant.channels.wording import LOCALES, matches
from clinic import facts


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The whole file."""
    file = Path(__file__).with_name("apps.yml")
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def sentence(name: str, locale: str, /, **values: object) -> str:
    """What a patient reads; a language that is not there is English."""
    clinic = facts.current()
    known = {
        "clinic": clinic.name,
        "phone": clinic.phone,
        "emergency": clinic.help_numbers.emergency,
        "days": clinic.privacy.keep_conversations.days,
        **values,
    }
    spoken = words()["sentences"].get(locale) or words()["sentences"][LOCALES[0]]
    return str(spoken[name]).format(**known)


def is_english(response: str) -> bool:
    """Whether an answer of the assistant's says that it was asked in English."""
    return language_of(response) is None and not matches(response, words()["unclear"])


def language_of(response: str) -> str | None:
    """The language in which a response of the assistant's speaks to the patient, if it tells."""
    for language, responses in words()["languages"].items():
        if matches(response, responses):
            return str(language)
    return None
