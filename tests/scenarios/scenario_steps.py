"""Scenarios: whole conversations written down in YAML, and how they are played.

A file has ``scenario`` (what it shows) and either ``steps`` or ``cases``, a mapping of names to
steps, each a conversation of its own; ``in_apps`` names the cases that are played in every
messaging app as well (tests/channels/test_app_scenarios.py). The steps:

- ``patient: words`` says something; ``click: Title`` clicks a button of the last answers.
- ``assistant:`` looks at the answer to it:
  ``response`` one of the responses said, or a list: exactly these in this order;
  ``not_response``; ``contains`` and ``not_contains``: words of the answer, one or a list;
  ``buttons_include`` and ``buttons_exclude``: titles;
  ``alarm``: whether this message raises an alarm or its check question;
  ``asks``: the slot the running form asks for, ``form``: the running form, null for none;
  ``slots``: values, null for a slot that is empty.
- ``fill:`` answers the running form's questions from fragments/answers.yml: ``until`` a slot is
  asked for, or to the end; ``with`` other answers for some slots.
- ``fragment: name`` plays the steps of that name in fragments/.
- ``stored:`` looks at what the clinic keeps of this chat: ``requests``, ``messages``,
  ``feedback``, ``waiting``: how many, or a list of rows with the columns that matter.

``{clinic_phone}`` and the like stand for the clinic's facts in everything that is expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from scenario_chat import Chat, stored

from clinic import facts

HERE = Path(__file__).resolve().parent
FRAGMENTS = HERE / "fragments"
ANSWERS = FRAGMENTS / "answers.yml"
# A form that asks more often than this goes round in circles.
MOST_QUESTIONS = 25

Step = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One conversation. ``name`` is its file, and the case if the file has several."""

    name: str
    steps: list[Step]
    in_apps: bool = False


def scenarios() -> Iterator[Scenario]:
    """All scenarios of the folders beside this file."""
    for file in sorted(HERE.glob("*/*.yml")):
        if file.parent == FRAGMENTS:
            continue
        name = f"{file.parent.name}/{file.stem}"
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ValueError(f"{name}: {error}") from None
        in_apps = set(content.get("in_apps", ()))
        unknown = content.keys() - {"scenario", "steps", "cases", "in_apps"}
        unknown |= in_apps - content.get("cases", {}).keys()
        if unknown or not content.get("scenario"):
            raise ValueError(f"{name}: unknown key {unknown or 'scenario is missing'}")
        if "steps" in content:
            yield Scenario(name, content["steps"])
        for case, steps in content.get("cases", {}).items():
            yield Scenario(f"{name}[{case}]", steps, case in in_apps)


@lru_cache(maxsize=1)
def fragments() -> dict[str, list[Step]]:
    """Steps that several scenarios share, by name."""
    found: dict[str, list[Step]] = {}
    for file in sorted(FRAGMENTS.glob("*.yml")):
        if file != ANSWERS:
            found |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def answers() -> dict[str, Step]:
    """What a willing patient answers to each question of a form, by slot."""
    return dict(yaml.safe_load(ANSWERS.read_text(encoding="utf-8")))


def play(chat: Chat, steps: list[Step]) -> None:
    """Plays the steps; an AssertionError holds the chat so far."""
    for step in steps:
        if len(step) != 1:
            raise ValueError(f"a step has one key, this has {list(step)}")
        ((kind, value),) = step.items()
        _KINDS[kind](chat, value)


def fill(chat: Chat, until: str | None = None, with_: Mapping[str, Step] | None = None) -> None:
    """Answers a running form until it asks for a slot, or until it has ended."""
    assert chat.form, f"no form is running\n{chat}"
    for _ in range(MOST_QUESTIONS):
        asked = chat.asked
        if asked is None or asked == until:
            break
        answer = {**answers(), **(with_ or {})}.get(asked)
        assert answer, f"fragments/answers.yml has no answer for {asked}\n{chat}"
        play(chat, [answer])
        assert chat.asked != asked, f"the answer for {asked} was not taken\n{chat}"
    assert chat.asked == until, f"{until or 'the end'} is never reached\n{chat}"


def expect(chat: Chat, expected: Step) -> None:
    """Compares the last answer with what a scenario expects of it."""
    for key, value in expected.items():
        _CHECKS[key](chat, value)


def _click(chat: Chat, title: Any) -> None:
    """A title, or ``{first: true}`` for the first button of the last reply."""
    if isinstance(title, str):
        chat.click(title)
        return
    chat.click(chat.replies[-1].first_button)


def _fill(chat: Chat, how: Step | None) -> None:
    how = how or {}
    fill(chat, how.get("until"), how.get("with"))


def _expect_stored(chat: Chat, expected: Step) -> None:
    kept = stored(chat)
    for name, rows in expected.items():
        found = getattr(kept, name)
        columns_of_rows = [{}] * rows if isinstance(rows, int) else rows
        count = len(columns_of_rows)
        assert len(found) == count, f"{len(found)} {name} are stored, not {count}\n{chat}"
        for row, columns in zip(found, columns_of_rows, strict=True):
            for column, value in columns.items():
                assert row[column] == value, (
                    f"{name}: {column} is {row[column]!r}, not {value!r}\n{chat}"
                )


def _with_facts(text: str) -> str:
    variables = facts.load().variables()
    return re.sub(r"{(\w+)}", lambda match: str(variables[match[1]]), text)


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _response(chat: Chat, expected: Any) -> None:
    said = chat.responses()
    if isinstance(expected, list):
        assert said == expected, f"said {said}, not {expected}\n{chat}"
    else:
        assert expected in said, f"said {said}, not {expected}\n{chat}"


def _not_response(chat: Chat, unwanted: Any) -> None:
    said = chat.responses()
    for name in _many(unwanted):
        assert name not in said, f"said {name}\n{chat}"


def _contains(chat: Chat, expected: Any) -> None:
    for words in map(_with_facts, _many(expected)):
        assert words.casefold() in chat.text.casefold(), f'"{words}" is not said\n{chat}'


def _not_contains(chat: Chat, unwanted: Any) -> None:
    for words in map(_with_facts, _many(unwanted)):
        assert words.casefold() not in chat.text.casefold(), f'"{words}" is said\n{chat}'


def _buttons_include(chat: Chat, titles: Any) -> None:
    for title in _many(titles):
        assert title in chat.buttons, f"no button {title}, but {chat.buttons}\n{chat}"


def _buttons_exclude(chat: Chat, titles: Any) -> None:
    for title in _many(titles):
        assert title not in chat.buttons, f"there is a button {title}\n{chat}"


def _alarm(chat: Chat, expected: bool) -> None:
    raised = chat.noted() & {"red_flag_level", "safety_check"}
    assert bool(raised) == expected, f"{'an' if raised else 'no'} alarm is raised\n{chat}"


def _asks(chat: Chat, slot: str | None) -> None:
    assert chat.asked == slot, f"asks for {chat.asked}, not {slot}\n{chat}"


def _form(chat: Chat, form: str | None) -> None:
    assert chat.form == form, f"{chat.form} is running, not {form}\n{chat}"


def _slots(chat: Chat, expected: Step) -> None:
    slots = chat.slots()
    for name, value in expected.items():
        assert slots.get(name) == value, (
            f"slot {name} is {slots.get(name)!r}, not {value!r}\n{chat}"
        )


_CHECKS: dict[str, Callable[[Chat, Any], None]] = {
    "response": _response,
    "not_response": _not_response,
    "contains": _contains,
    "not_contains": _not_contains,
    "buttons_include": _buttons_include,
    "buttons_exclude": _buttons_exclude,
    "alarm": _alarm,
    "asks": _asks,
    "form": _form,
    "slots": _slots,
}
_KINDS: dict[str, Callable[[Chat, Any], None]] = {
    "patient": lambda chat, words: chat.say(words) and None,
    "click": _click,
    "assistant": expect,
    "fill": _fill,
    "fragment": lambda chat, name: play(chat, fragments()[name]),
    "stored": _expect_stored,
}
