"""The whole assistant in one process: the real model, rules and actions, no server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.model import get_latest_model
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

from assistant.channels.incoming import incoming
from assistant.labels import label_of
from assistant.project import MODELS
from assistant.serving import shortcuts
from clinic import setup


class NoModelError(RuntimeError):
    """There is no trained model to talk to."""


class ActionsInProcess(EndpointConfig):
    """Runs the custom actions here instead of asking the action server."""

    def __init__(self) -> None:
        super().__init__("in-process")
        self._executor = ActionExecutor()
        self._executor.register_package("actions")

    async def request(self, method: str = "post", **kwargs: Any) -> dict[str, Any] | None:
        """Answers as the action server would."""
        try:
            return await self._executor.run(kwargs["json"])
        except (ActionExecutionRejection, ActionNotFoundException) as error:
            raise ClientResponseError(400, type(error).__name__, "{}") from error


@dataclass(frozen=True)
class Reply:
    """What the assistant made of one message and what it said."""

    text: str
    parse_data: dict[str, Any]
    messages: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The reply in the form that ``python -m assistant ask --json`` prints."""
        triage = self.parse_data.get("triage") or {}
        acts = self.parse_data.get("acts") or []
        intent = self.parse_data.get("intent") or {}
        ranking = self.parse_data.get("intent_ranking") or []
        level = triage.get("level")
        topics = list(dict.fromkeys(label_of(act["label"]) for act in acts))
        main = label_of(acts[0]["label"]) if acts else label_of(str(intent.get("name")))
        if level:
            main, topics = "red_flag", ["red_flag"]
        return {
            "text": self.text,
            "intent": intent.get("name"),
            "topic": main,
            "confidence": round(float(intent.get("confidence") or 0.0), 4),
            "alternatives": [
                {
                    "topic": label_of(str(entry["name"])),
                    "confidence": round(float(entry["confidence"]), 4),
                }
                for entry in ranking[1:4]
            ],
            "red_flag": level,
            "topics": topics,
            "replies": [
                {
                    "text": message.get("text", ""),
                    "buttons": [
                        {"title": button["title"], "payload": button["payload"]}
                        for button in message.get("buttons") or []
                    ],
                }
                for message in self.messages
            ],
        }


class Assistant:
    """A loaded assistant whose conversations live in memory."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @classmethod
    def load(cls, models: Path = MODELS) -> Assistant:
        """Loads the newest model. Raises NoModelError when there is none."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
        model = get_latest_model(str(models))
        if model is None:
            raise NoModelError(
                f"There is no trained model in {models}: run script/server once, or rasa train."
            )
        setup.ready(migrate=True)
        shortcuts.take()
        agent = Agent(
            tracker_store=InMemoryTrackerStore(Domain.empty()),
            generator=EndpointConfig(type="assistant.nlg.ResponseGenerator"),
            action_endpoint=ActionsInProcess(),
        )
        agent.load_model(model)
        return cls(agent)

    async def say(self, conversation: str, text: str) -> Reply:
        """Sends one message of a patient and returns the assistant's reply."""
        channel = CollectingOutputChannel()
        assert self._agent.tracker_store is not None
        before = await self._agent.tracker_store.retrieve(conversation)
        message = UserMessage(incoming(text, before), channel, conversation)
        await self._agent.handle_message(message)
        tracker = await self._agent.tracker_store.retrieve(conversation)
        return Reply(text, _last_parse_data(tracker), channel.messages)


def _last_parse_data(tracker: DialogueStateTracker | None) -> dict[str, Any]:
    # not tracker.latest_message: a stored tracker leaves out what a form has read
    for event in reversed(tracker.events if tracker else []):
        if isinstance(event, UserUttered):
            return dict(event.parse_data)
    return {}


def new_conversation() -> str:
    """A new conversation's id."""
    return uuid.uuid4().hex
