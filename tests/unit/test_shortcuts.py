"""Shortcuts give the results that Rasa gives."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import ValidationError
from rasa.core import processor
from rasa.core.actions.action import RemoteAction
from rasa.core.channels import BUILTIN_CHANNELS
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils import validation
from rasa.shared.utils.common import all_subclasses
from rasa.shared.utils.validation import YamlValidationException

from assistant.project import ROOT
from assistant.serving import shortcuts
from assistant.serving.runner import InOrderRunner

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
    monkeypatch.setattr(processor, "DaskGraphRunner", DaskGraphRunner)
    monkeypatch.setattr(Slot, "__copy__", None, raising=False)
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


class Adds(GraphComponent):
    """A part of a model."""

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> Adds:
        return cls()

    def add(self, one: int, two: int) -> int:
        return one + two


def part(one: str, two: str, target: bool = False) -> SchemaNode:
    needs = {"one": one, "two": two}
    return SchemaNode(needs, Adds, "create", "add", {}, eager=True, is_target=target)


# not in the order in which they have to be called
SCHEMA = GraphSchema(
    {
        "last": part("middle", "first", target=True),
        "middle": part("first", "given"),
        "apart": part("given", "given"),
        "first": part("given", "given"),
    }
)


def runner(kind: type[DaskGraphRunner]) -> DaskGraphRunner:
    return kind.create(SCHEMA, None, ExecutionContext(SCHEMA, "model"))


@pytest.mark.parametrize("targets", [None, ["last"], ["middle", "apart"]])
def test_the_parts_of_a_model_give_what_they_give_in_rasa(targets: list[str] | None) -> None:
    assert processor.DaskGraphRunner is InOrderRunner
    ours, rasas = runner(InOrderRunner), runner(DaskGraphRunner)
    for number in (1, 5):
        found = ours.run({"given": number}, targets)
        assert found == rasas.run({"given": number}, targets)
        assert found


def test_a_missing_input_is_still_an_error() -> None:
    for kind in (InOrderRunner, DaskGraphRunner):
        with pytest.raises(GraphRunError, match="Missing input"):
            runner(kind).run({})


def test_slots_are_copied_whole_and_apart() -> None:
    domain = Domain.from_yaml((ROOT / "domain.yml").read_text())
    for slot in domain.slots:
        copied = copy.copy(slot)
        assert type(copied) is type(slot)
        assert vars(copied) == vars(slot)
    one, two = (DialogueStateTracker(name, domain.slots) for name in ("sam", "kim"))
    one.update(SlotSet("note", "x"))
    assert (one.get_slot("note"), two.get_slot("note")) == ("x", None)


def in_a_process_of_its_own(program: str) -> str:
    """What a Python program prints that starts as the Rasa server does."""
    begin = "from assistant.serving import spared\nspared.channels()\n"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", begin + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_what_is_not_used_is_not_loaded() -> None:
    loaded = in_a_process_of_its_own(
        "with spared.databases():\n    import rasa.core.tracker_store\n"
        "from rasa.core.agent import load_agent\n"
        "from rasa.core.channels import UserMessage\n"
        "from rasa.core.channels.channel import UserMessage as same\n"
        "assert UserMessage is same\n"
        "import sys\n"
        "print([n for n in ('aiogram', 'slack_sdk', 'twilio', 'boto3', 'pymongo') "
        "if n in sys.modules])"
    )
    assert loaded == "[]"


def test_a_channel_of_rasa_is_loaded_when_it_is_named() -> None:
    found = in_a_process_of_its_own(
        "import rasa.core.channels\n"
        "print(rasa.core.channels.BUILTIN_CHANNELS['slack'].__name__, "
        "rasa.core.channels.console.__name__, len(rasa.core.channels.BUILTIN_CHANNELS))"
    )
    assert found == f"SlackInput rasa.core.channels.console {len(BUILTIN_CHANNELS)}"


def test_other_databases_are_loaded_when_they_are_wanted() -> None:
    found = in_a_process_of_its_own(
        "with spared.databases():\n    import rasa.core.tracker_store as stores\n"
        "import pymongo\n"
        "print(type(stores.Key('a')).__module__, pymongo.collection.Collection.__module__)"
    )
    assert found == "boto3.dynamodb.conditions pymongo.collection"


def test_a_model_is_read_without_checking_its_domain_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "validate_yaml_schema", validation.validate_yaml_schema)
    text = (ROOT / "domain.yml").read_text()
    checked = Domain.from_yaml(text)
    with pytest.raises(YamlValidationException):
        Domain.from_yaml("intents: 5")
    shortcuts.trust_the_model()
    assert Domain.from_yaml(text).as_dict() == checked.as_dict()
