"""``GET /webhooks/health``: does a message get an answer?

Sends a greeting through the loaded model, rules and wording generator in a conversation that is
kept nowhere, and looks whether the conversations' database can be read. Before all channels have
begun the answer is "starting".
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.core.tracker_store import InMemoryTrackerStore
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

GREETING = "Hello"
CONVERSATION = "health"


class HealthInput(InputChannel):
    """A channel that only answers whether the others would."""

    @classmethod
    def name(cls) -> str:
        """The name in the address."""
        return "health"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Returns the channel's route."""
        blueprint = Blueprint("health")
        blueprint.ctx.started = False

        # The last channel of all (see rasa_server.channels): the others have begun before it.
        @blueprint.listener("after_server_start")
        async def start(app: Sanic, loop: Any) -> None:
            blueprint.ctx.started = True

        @blueprint.get("/")
        async def health(request: Request) -> HTTPResponse:
            status = "starting"
            if blueprint.ctx.started:
                status = await check(request.app.ctx.agent)
            return response.json({"status": status}, status=200 if status == "ok" else 503)

        return blueprint


async def check(agent: Agent) -> str:
    """Returns "ok", or what does not work: "no model", "no answer" or "no database"."""
    if not agent.is_ready() or agent.processor is None:
        return "no model"
    processor = copy.copy(agent.processor)
    processor.tracker_store = InMemoryTrackerStore(agent.domain)
    channel = CollectingOutputChannel()
    await processor.handle_message(UserMessage(GREETING, channel, CONVERSATION))
    if not any(message.get("text") for message in channel.messages):
        return "no answer"
    # Rasa answers from memory when its database fails; the store beneath tells.
    store = getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)
    try:
        await store.retrieve(CONVERSATION)
    except Exception:
        return "no database"
    return "ok"
