"""Every message of a patient is answered, whatever goes wrong on the way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels.incoming import incoming

logger = logging.getLogger(__name__)

SORRY = "utter_technical_problem"


async def answer(
    agent: Agent, message: UserMessage, on_new_message: Callable[[UserMessage], Awaitable[Any]]
) -> Any:
    """Hands a message on as words or as a click.

    If that fails, the patient reads a sentence with the clinic's contact. The log has the kind
    of error, never the message.
    """
    tracker = None
    try:
        tracker = await agent.tracker_store.retrieve(message.sender_id)
        message.text = incoming(message.text or "", tracker)
        return await on_new_message(message)
    except Exception as error:
        logger.error("A message could not be handled: %s", type(error).__name__)
        sorry = await agent.nlg.generate(
            SORRY,
            tracker or DialogueStateTracker(message.sender_id, agent.domain.slots),
            message.output_channel.name(),
        )
        return await message.output_channel.send_response(message.sender_id, sorry)
