"""Nothing is reached before the triage: no rule, no form, no fallback, on no channel.

The policies are Rasa's own ensemble with the real domain and rules; the graph is the one that
Rasa builds from config.yml.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import yaml
from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.graph_components.providers.training_tracker_provider import TrainingTrackerProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.data import TrainingType
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from assistant.checks.project import Project
from assistant.nlu.safety_triage import SafetyTriage, shared_triage
from assistant.policies.turn_policy import TurnPolicy
from assistant.project import ROOT

CONFIG = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
CREDENTIALS = yaml.safe_load((ROOT / "credentials.yml").read_text(encoding="utf-8"))
PROJECT = Project(ROOT)
PLACES = [(None, None), *((form, slot) for form, slots in PROJECT.forms.items() for slot in slots)]
MOST_ACTIONS = 10

every_place = pytest.mark.parametrize(("form", "slot"), PLACES)


# the graph


@pytest.fixture(scope="module")
def graph() -> GraphSchema:
    recipe = DefaultV1Recipe()
    return recipe.graph_config_for_recipe(
        CONFIG, {}, training_type=TrainingType.BOTH
    ).predict_schema


def ancestors(graph: GraphSchema, name: str) -> Iterator[str]:
    """The steps whose result a step waits for, over however many steps."""
    for needed in graph.nodes[name].needs.values():
        if needed in graph.nodes:
            yield needed
            yield from ancestors(graph, needed)


def steps_of(graph: GraphSchema, component: type) -> list[str]:
    return [name for name, node in graph.nodes.items() if node.uses is component]


def test_the_triage_is_the_first_component() -> None:
    first, *others = [component["name"] for component in CONFIG["pipeline"]]
    assert first == "assistant.nlu.safety_triage.SafetyTriage"
    assert first not in others


def test_in_rasas_graph_whatever_reads_a_message_waits_for_the_triage(graph: GraphSchema) -> None:
    (triage,) = steps_of(graph, SafetyTriage)
    (entry,) = [name for name, node in graph.nodes.items() if "__message__" in node.needs.values()]
    readers = [name for name in graph.nodes if entry in ancestors(graph, name)]
    assert len(readers) >= len(CONFIG["pipeline"])
    for name in readers:
        assert name == triage or triage in ancestors(graph, name), f"{name} does not wait"


def test_the_policies_know_a_message_only_from_the_conversation(graph: GraphSchema) -> None:
    """Rasa writes it there when the steps above have read it."""
    for policy in (TurnPolicy, RulePolicy):
        (name,) = steps_of(graph, policy)
        inputs = set(graph.nodes[name].needs.values()) - set(graph.nodes)
        assert inputs == {"__tracker__"}


def test_nothing_before_the_triage_reads_the_message(graph: GraphSchema) -> None:
    (triage,) = steps_of(graph, SafetyTriage)
    before = {graph.nodes[name].uses.__name__ for name in ancestors(graph, triage)}
    assert before == {"NLUMessageConverter"}


def test_the_turn_policy_is_asked_before_the_rules() -> None:
    priorities = {policy["name"]: policy.get("priority") for policy in CONFIG["policies"]}
    assert set(priorities) == {"assistant.policies.turn_policy.TurnPolicy", "RulePolicy"}
    turn, rules = priorities.values()
    assert turn > (rules or RulePolicy.get_default_config()["priority"])


@pytest.mark.parametrize(
    "text", ["", "/restart", "I can't pee since this morning", "?", "x" * 5000]
)
def test_the_component_writes_an_assessment_to_every_message(text: str) -> None:
    component = SafetyTriage.create({}, None, None, None)  # type: ignore[arg-type]
    (message,) = component.process([Message({TEXT: text})])
    assert "level" in message.get("triage")
    assert "triage" in message.as_dict(only_output_properties=True)


# the policies


class Policies:
    """Rasa's ensemble of the turn policy and the rules, as config.yml names them."""

    def __init__(self, domain: Domain, turn: TurnPolicy, rules: RulePolicy) -> None:
        self.domain = domain
        self._policies = (rules, turn)
        self._ensemble = DefaultPolicyPredictionEnsemble()

    def predict(self, tracker: DialogueStateTracker) -> tuple[str, PolicyPrediction]:
        """The next action, and the prediction that won."""
        predictions = [
            policy.predict_action_probabilities(tracker, self.domain) for policy in self._policies
        ]
        best = self._ensemble.combine_predictions(predictions, tracker, self.domain)
        index = best.probabilities.index(best.max_confidence)
        return self.domain.action_names_or_texts[index], best

    def turn(self, tracker: DialogueStateTracker) -> list[tuple[str, str]]:
        """The actions until the assistant listens again, each with the policy that chose it."""
        done: list[tuple[str, str]] = []
        for _ in range(MOST_ACTIONS):
            action, prediction = self.predict(tracker)
            done.append((action, str(prediction.policy_name)))
            events: list[Event] = [*prediction.events, ActionExecuted(action)]
            if action.startswith("utter_"):
                events.append(BotUttered("words", metadata={"utter_action": action}))
            for event in events:
                tracker.update(event, self.domain)
            if action == "action_listen":
                return done
        raise AssertionError(f"the turn does not end: {done}")

    def chat(self, form: str | None, slot: str | None, **slots: Any) -> DialogueStateTracker:
        """A conversation that listens, in a form or outside."""
        events: list[Event] = [ActionExecuted("action_listen")]
        if form:
            intent = "book_appointment"
            events += [
                UserUttered("book", {"name": intent}, parse_data=_parsed(intent)),
                ActionExecuted(form),
                ActiveLoop(form),
                SlotSet("requested_slot", slot),
                BotUttered("words", metadata={"utter_action": f"utter_ask_{slot}"}),
                ActionExecuted("action_listen"),
            ]
        events += [SlotSet(name, value) for name, value in slots.items()]
        return DialogueStateTracker.from_events(
            "someone", events, slots=self.domain.slots, domain=self.domain
        )


def _parsed(label: str, triage: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the graph writes about a message."""
    intent = "red_flag" if triage and triage["level"] else label.partition("/")[0]
    return {
        "intent": {"name": intent, "confidence": 0.99},
        "entities": [],
        "acts": [{"label": label, "confidence": 0.99}],
        "triage": triage or {"level": None},
        "intent_ranking": [],
    }


def hear(
    tracker: DialogueStateTracker, text: str, label: str, triage: dict[str, Any] | None = None
) -> DialogueStateTracker:
    parsed = _parsed(label, triage)
    tracker.update(UserUttered(text, parsed["intent"], parse_data={**parsed, "text": text}))
    return tracker


def sign(level: str, response: str | None = None) -> dict[str, Any]:
    return {
        "level": level,
        "response": response or f"utter_{level}",
        "why": "A reason.",
        "escalates_to": "emergency" if level == "check" else None,
        "safety_net": False,
        "reply": None,
    }


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    # one topic is enough for Rasa to see that "faq" is a retrieval intent
    data = ["data/rules", "data/responses", "data/nlu/cost.yml"]
    importer = TrainingDataImporter.load_from_config(
        str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / path) for path in data]
    )
    domain = importer.get_domain()
    storage = LocalModelStorage.create(tmp_path_factory.mktemp("model"))
    where = (storage, Resource("anything"), ExecutionContext(GraphSchema({})))
    configured = {policy["name"]: policy for policy in CONFIG["policies"]}
    rules = RulePolicy.create(
        {**RulePolicy.get_default_config(), **configured["RulePolicy"]}, *where
    )
    provider = TrainingTrackerProvider.create(TrainingTrackerProvider.get_default_config(), *where)
    rules.train(provider.provide(importer.get_stories(), domain), domain)
    turn = configured["assistant.policies.turn_policy.TurnPolicy"]
    policy = TurnPolicy.create({**TurnPolicy.get_default_config(), **turn}, *where)
    structlog.configure(**before)
    return Policies(domain, policy, rules)


# What rules and forms would like to answer at once.
EAGER = ["book_appointment", "affirm", "faq/cost", "stop", "nlu_fallback", "start_over", "deny"]


@every_place
@pytest.mark.parametrize("level", ["urgent", "emergency"])
def test_an_alarm_is_given_before_any_rule_form_or_fallback(
    policies: Policies, form: str | None, slot: str | None, level: str
) -> None:
    for label in EAGER:
        tracker = hear(policies.chat(form, slot), "words", label, sign(level))
        done = policies.turn(tracker)
        assert done[0] == (f"utter_{level}", "TurnPolicy"), label
        said = [action for action, _ in done if action.startswith("utter_")]
        assert said == [f"utter_{level}"], label
        assert {policy for _, policy in done} == {"TurnPolicy"}, label
        assert tracker.active_loop_name is None
        assert tracker.get_slot("requested_slot") is None
        assert tracker.get_slot("red_flag_level") == level
        assert tracker.get_slot("open_forms") == ([form] if form else None)


@every_place
def test_a_check_is_asked_before_any_rule_form_or_fallback(
    policies: Policies, form: str | None, slot: str | None
) -> None:
    for label in EAGER:
        tracker = policies.chat(form, slot)
        hear(tracker, "words", label, sign("check", "utter_check_legs"))
        assert policies.turn(tracker) == [
            ("utter_check_legs", "TurnPolicy"),
            ("action_listen", "TurnPolicy"),
        ]
        assert tracker.active_loop_name == form, "the form waits"
        # Whatever comes next is the answer to the check, not to the form. What is none at all is
        # met by the question once more, and no more often.
        hear(tracker, "words", label)
        done = policies.turn(tracker)
        if done[0][0] == "utter_answer_unclear":
            assert [action for action, _ in done[1:]] == ["utter_check_legs", "action_listen"]
            assert tracker.active_loop_name == form, "the form waits"
            hear(tracker, "words", label)
            done = policies.turn(tracker)
        assert done[0] == ("utter_emergency", "TurnPolicy"), label
        assert tracker.active_loop_name is None


def test_an_alarm_comes_first_also_when_the_last_turn_was_cut_off(policies: Policies) -> None:
    tracker = policies.chat(None, None, turn_plan=["booking_form", "action_listen"])
    hear(tracker, "words", "faq/cost", sign("emergency"))
    assert policies.turn(tracker) == [
        ("utter_emergency", "TurnPolicy"),
        ("action_listen", "TurnPolicy"),
    ]


def test_nothing_is_booked_after_an_alarm(policies: Policies) -> None:
    tracker = hear(policies.chat("booking_form", "note"), "words", "affirm", sign("urgent"))
    policies.turn(tracker)
    hear(tracker, "just book it", "book_appointment")
    done = [action for action, _ in policies.turn(tracker)]
    assert done == ["utter_booking_blocked_red_flag", "action_listen"]
    hear(tracker, "the doctor saw me", "been_checked")
    assert policies.turn(tracker)[0][0] == "utter_seen_question"
    hear(tracker, "yes", "affirm")
    assert policies.turn(tracker)[0][0] == "utter_been_checked"
    hear(tracker, "book it", "book_appointment")
    assert policies.predict(tracker)[0] == "booking_form"


def test_a_sign_told_in_two_messages_is_an_alarm(policies: Policies) -> None:
    assess = shared_triage().assess
    tracker = policies.chat(None, None)
    for text in ("my calf hurts", "how much is it"):
        hear(tracker, text, "faq/cost", assess(text).as_dict())
        policies.turn(tracker)
        assert tracker.get_slot("red_flag_level") is None
    text = "its red and swollen now"
    hear(tracker, text, "faq/symptoms", assess(text).as_dict())
    assert policies.turn(tracker)[0] == ("utter_urgent", "TurnPolicy")


def test_words_before_an_answered_check_do_not_come_together_with_later_ones(
    policies: Policies,
) -> None:
    assess = shared_triage().assess
    tracker = policies.chat(None, None)
    hear(tracker, "fever", "faq/symptoms", sign("check", "utter_check_fever") | {"speaks": True})
    policies.turn(tracker)
    hear(tracker, "/deny", "deny")
    policies.turn(tracker)
    text = "my back hurts"
    hear(tracker, text, "faq/symptoms", assess(text).as_dict())
    assert policies.turn(tracker)[0][1] == "RulePolicy"


def test_without_a_sign_the_rules_decide(policies: Policies) -> None:
    tracker = hear(policies.chat(None, None), "hello", "greet")
    assert policies.turn(tracker) == [
        ("utter_greet", "RulePolicy"),
        ("action_listen", "RulePolicy"),
    ]
    tracker = hear(policies.chat("booking_form", "patient_name"), "Sam", "nlu_fallback")
    assert policies.predict(tracker)[0] == "booking_form"


def test_every_topic_is_answered_by_the_rule(policies: Policies) -> None:
    for topic in PROJECT.topics:
        tracker = hear(policies.chat(None, None), "words", f"faq/{topic}")
        assert policies.predict(tracker)[0] == "utter_faq"


# what is said when something breaks


def test_a_turn_in_which_nothing_was_said_ends_with_a_sentence(policies: Policies) -> None:
    tracker = hear(policies.chat(None, None), "that helped", "feedback")
    assert policies.predict(tracker)[0] == "action_save_feedback"
    # the action server is down: the action is done and there is nothing from it
    tracker.update(ActionExecuted("action_save_feedback"), policies.domain)
    assert [action for action, _ in policies.turn(tracker)] == [
        "utter_technical_problem",
        "action_listen",
    ]


def test_a_form_that_was_completed_goes_on_to_its_rule(policies: Policies) -> None:
    tracker = hear(policies.chat("delete_form", "confirm_delete"), "yes", "affirm")
    for event in (
        ActionExecuted("delete_form"),
        SlotSet("confirm_delete", "yes"),
        ActiveLoop(None),
        SlotSet("requested_slot", None),
    ):
        tracker.update(event, policies.domain)
    assert policies.predict(tracker)[0] == "action_delete_my_data"


# the channels


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
def test_a_channel_is_ours(name: str) -> None:
    module, _, channel = name.rpartition(".")
    assert module.startswith("assistant.channels."), "Rasa's own take any text for a payload"
    assert issubclass(getattr(importlib.import_module(module), channel), InputChannel)


class _Store:
    """A tracker store with one conversation, in which a button was shown."""

    async def retrieve(self, sender: str) -> DialogueStateTracker:
        shown = BotUttered("words", data={"buttons": [{"title": "a", "payload": "/help"}]})
        return DialogueStateTracker.from_events(sender, [shown])


@pytest.mark.parametrize(
    ("sent", "heard"),
    [("hello", "hello"), ("/help", "/help"), ("/restart", "restart"), ("/\n/restart", "restart")],
)
def test_rest_takes_a_payload_only_from_a_button(
    sent: str, heard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.channels.rest import ClinicRestInput

    monkeypatch.setenv("CLINIC_REST", "on")

    received: list[UserMessage] = []

    async def on_new_message(message: UserMessage) -> None:
        received.append(message)

    blueprint = ClinicRestInput().blueprint(on_new_message)
    blueprint.ctx.app = SimpleNamespace(
        ctx=SimpleNamespace(agent=SimpleNamespace(tracker_store=_Store()))
    )
    (receive,) = [route.handler for route in blueprint._future_routes if "POST" in route.methods]
    body = {"sender": "someone", "message": sent}
    request = SimpleNamespace(json=body, args={}, body=json.dumps(body).encode(), headers={})
    asyncio.run(receive(request))
    assert [message.text for message in received] == [heard]
