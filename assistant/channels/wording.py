"""The sentences of ``website.yml``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from clinic import facts

LOCALES = ("en", "fr")


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The whole file."""
    file = Path(__file__).with_name("website.yml")
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def error_text(code: str, locale: str, **values: object) -> str:
    """What a patient reads for an error code."""
    clinic = facts.current()
    known = {"phone": clinic.phone, "emergency": clinic.help_numbers.emergency, **values}
    return str(words()["errors"][locale][code]).format(**known)


def in_language(
    name: str, message: dict[str, Any], locale: str, values: dict[str, str]
) -> dict[str, Any]:
    """A message about a live chat in the language of the window; itself where there is none."""
    other = words()["live"].get(locale, {}).get(name)
    if other is None:
        return message
    known = {"phone": facts.current().phone, **values}
    buttons = [
        {**button, "title": title}
        for button, title in zip(message.get("buttons") or [], other.get("titles", []), strict=True)
    ]
    text = other["text"].format(**known)
    return {**message, "text": text, "buttons": buttons, "lang": locale}


def matches(name: str, patterns: list[str]) -> bool:
    """Whether a response's name is among these, "*" standing for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
