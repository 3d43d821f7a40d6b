"""Shortcuts give the results that Rasa gives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import BotUttered, Event, SlotSet, UserUttered
from rasa.shared.utils.common import all_subclasses

from assistant.serving import shortcuts

RASAS_OWN = RemoteAction._validate_action_result
RESULTS: list[dict[str, Any]] = [
    {"events": [], "responses": []},
    {"events": [{"event": "slot", "name": "note", "value": None}], "responses": [{"text": "hi"}]},
    {"events": [{"event": "slot", "value": 1}], "responses": []},
    {"events": [{"event": "no such event"}], "responses": []},
    {"events": {}, "responses": []},
    {"events": [], "responses": ["hi"]},
    {"events": [{"event": "form", "name": None}, {"event": "user", "text": 5}], "responses": []},
]


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteAction, "_validate_action_result", RASAS_OWN)
    monkeypatch.setattr(Event, "resolve_by_type", staticmethod(Event.resolve_by_type))
    shortcuts.take()
    shortcuts.take()


def verdict(validate: Any, result: dict[str, Any]) -> bool:
    try:
        return bool(validate(RemoteAction("action_test", None), copy.deepcopy(result)))
    except ValidationError:
        return False


@pytest.mark.parametrize("result", RESULTS)
def test_an_answer_of_an_action_is_judged_as_by_rasa(result: dict[str, Any]) -> None:
    ours = verdict(RemoteAction._validate_action_result, result)
    assert RemoteAction._validate_action_result is not RASAS_OWN
    assert ours == verdict(RASAS_OWN, result)


def test_both_verdicts_occur() -> None:
    assert {verdict(RASAS_OWN, result) for result in RESULTS} == {True, False}


def test_every_kind_of_event_is_found() -> None:
    for kind in all_subclasses(Event):
        if getattr(kind, "type_name", None):
            assert Event.resolve_by_type(kind.type_name).type_name == kind.type_name
    for event in (UserUttered("hello"), BotUttered("hi"), SlotSet("note", "x")):
        assert Event.from_parameters(event.as_dict()) == event


def test_an_unknown_event_is_still_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown event name"):
        Event.resolve_by_type("no such event")
