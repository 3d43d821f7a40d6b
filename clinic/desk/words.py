"""The desk's words outside of its templates, from ``wording.yml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from clinic import facts

_FILE = Path(__file__).with_name("wording.yml")


@cache
def wording() -> dict[str, Any]:
    """The whole file."""
    loaded: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


def say(key: str, **values: object) -> str:
    """The words of a key with dots ("errors.link"). Raises KeyError for one that is not there."""
    found: Any = wording()
    for part in key.split("."):
        found = found[part]
    return str(found).format(**values) if values else str(found)


def name_of(group: str, value: object) -> str:
    """The word for a value of this program; the value itself where the file has none."""
    if value in (None, ""):
        return ""
    words: dict[str, str] = wording()[group]
    return words.get(str(value), str(value).replace("_", " "))


def plain(name: object) -> str:
    """A name of this program as words: "action_listen" as "listen"."""
    text = str(name)
    for prefix in ("utter_", "action_", "faq/"):
        text = text.removeprefix(prefix)
    return text.replace("_", " ")


def name_of_topic(name: object) -> str:
    """A topic in words: "faq/what_is_sciatica" as "What is sciatica"."""
    special: dict[str, str] = wording()["intents"]
    return special.get(str(name)) or plain(name).capitalize()


def issuer(device: object) -> str:
    """What an app for codes calls this desk. Apps take a colon for the end of the name."""
    return say("app_name", clinic=facts.current().name).replace(":", " ")
