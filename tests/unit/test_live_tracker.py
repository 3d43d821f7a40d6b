"""What Rasa's tracker is told of a live chat."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.live import tracker as live
from assistant.policies.turn_policy import situation
from assistant.project import ROOT

DOMAIN = Domain.load(ROOT / "domain.yml")
PARSED = {"intent": {"name": "faq"}, "acts": [("faq/cost", 0.9)], "triage": {}}


class Store:
    """A tracker store with one conversation."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def retrieve(self, conversation: str) -> DialogueStateTracker | None:
        """Made anew from what was saved."""
        if not self.events:
            return None
        return DialogueStateTracker.from_events(conversation, self.events, DOMAIN.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keeps everything."""
        self.events = list(tracker.events)

    @property
    def tracker(self) -> DialogueStateTracker:
        """As it is saved."""
        return DialogueStateTracker.from_events("c1", self.events, DOMAIN.slots)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def agent(store: Store) -> Any:
    return SimpleNamespace(domain=DOMAIN, tracker_store=store, lock_store=InMemoryLockStore())


def join(agent: Any, store: Store) -> None:
    asyncio.run(live.joined(agent, store, "c1", "Natalie Yeo"))


def add(agent: Any, store: Store, step: str, *messages: dict[str, Any], **how: bool) -> list[Any]:
    async def say(_: DialogueStateTracker) -> list[dict[str, Any]]:
        return list(messages)

    return asyncio.run(live.add(agent, store, "c1", step, say, **how))


def heard(text: str) -> list[Any]:
    said = UserUttered(text, {"name": "faq"}, parse_data=dict(PARSED))
    return [ActionExecuted("action_listen"), said]


def test_joining_stops_a_form_keeps_it_and_happens_once(agent: Any, store: Store) -> None:
    store.events = [
        *heard("book"),
        ActiveLoop("booking_form"),
        SlotSet("open_forms", ["message_form", "booking_form"]),
        SlotSet("requested_slot", "service"),
        SlotSet("service", "massage therapy, 60 minutes"),
    ]
    join(agent, store)
    after = store.tracker
    assert (after.active_loop_name, after.get_slot("requested_slot")) == (None, None)
    assert after.get_slot("open_forms") == ["message_form", "booking_form"]
    assert after.get_slot("service") == "massage therapy, 60 minutes"
    assert after.get_slot("person_name") == "Natalie Yeo"
    before = len(store.events)
    join(agent, store)
    assert len(store.events) == before


def test_a_step_is_added_once(agent: Any, store: Store) -> None:
    store.events = heard("hello")
    said = {"text": "Hi", "person": "Natalie Yeo"}
    (first,) = add(agent, store, "k1", said)
    (again,) = add(agent, store, "k1", said)
    assert (first["text"], again["text"]) == ("Hi", "Hi")
    bots = [event for event in store.events if isinstance(event, BotUttered)]
    assert [event.metadata for event in bots] == [{"person": "Natalie Yeo", "live_step": "k1"}]
    assert live.is_unasked(bots[0])


def test_a_conversation_that_has_only_been_opened_can_be_written_to(
    agent: Any, store: Store
) -> None:
    assert add(agent, store, "k1", {"text": "Hi", "person": "Natalie Yeo"})
    assert store.events


def test_what_was_interrupted_is_offered_when_the_person_leaves(agent: Any, store: Store) -> None:
    store.events = [*heard("book"), ActiveLoop("booking_form")]
    join(agent, store)
    offer = live.offer_in(store.tracker)
    assert offer == "utter_offer_booking_form"
    left, offered = ({"text": name, "utter_action": name} for name in ("utter_live_left", offer))
    add(agent, store, "k2", left, offered, ends=True)
    assert store.tracker.get_slot("person_name") is None
    # The next message can take it up.
    store.events += heard("yes")
    assert situation(store.tracker, DOMAIN).offered == "booking_form"


def test_no_booking_is_offered_while_a_red_flag_is_open(agent: Any, store: Store) -> None:
    store.events = [
        *heard("book"),
        ActiveLoop("booking_form"),
        SlotSet("red_flag_level", "urgent"),
    ]
    join(agent, store)
    assert live.offer_in(store.tracker) is None


def overhear(agent: Any, store: Store, text: str, **parsed: Any) -> str | None:
    """Another app is told something."""

    async def log_message(message: UserMessage, **_: Any) -> DialogueStateTracker:
        tracker = await store.retrieve(message.sender_id)
        tracker = tracker or DialogueStateTracker(message.sender_id, DOMAIN.slots)
        parse = {**PARSED, "text": text, **parsed}
        heard = UserUttered(text, {"name": "faq"}, parse_data=parse, metadata=message.metadata)
        tracker.update(heard, DOMAIN)
        return tracker

    agent.processor = SimpleNamespace(log_message=log_message)
    return asyncio.run(live.overhear(agent, UserMessage(text, None, "c1")))


def test_a_danger_sign_told_to_another_app_is_open_afterwards(agent: Any, store: Store) -> None:
    """So that the assistant makes no appointment before a doctor has looked."""
    store.events = [*heard("book"), ActiveLoop("booking_form")]
    assert overhear(agent, store, "what does it cost?") is None
    after = store.tracker
    assert (after.active_loop_name, after.get_slot("open_forms")) == (None, ["booking_form"])
    assert live.offer_in(after) == "utter_offer_booking_form"
    assert after.get_slot("red_flag_level") is None
    triage = {"level": "emergency", "signs": ["saddle_numb"], "kind": "medical"}
    assert overhear(agent, store, "I can't feel anything when I wipe", triage=triage) == "emergency"
    after = store.tracker
    assert after.get_slot("red_flag_level") == "emergency"
    assert after.get_slot("open_forms") == ["booking_form"]
    assert live.offer_in(after) is None
    assert not any(isinstance(event, BotUttered) for event in after.events)
    assert [event.metadata.get("silent") for event in after.events if _is_said(event)] == [
        None,
        True,
        True,
    ]


def _is_said(event: Any) -> bool:
    return isinstance(event, UserUttered)
