"""What is said in a live chat, in Rasa's tracker, so that the assistant knows it afterwards.

Everything happens under Rasa's lock of the conversation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rasa.core.actions.action import create_bot_utterance
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.events import ActiveLoop, BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.policies.forms import form_to_offer, offers_of
from assistant.policies.red_flag import ALARMS, concerns_safety
from assistant.policies.turn import plan
from assistant.policies.turn_policy import situation

# In the metadata of a patient's message: a person was there, and the assistant said nothing.
SILENT = "silent"
# In the metadata of what was said: the person who said it, and the step that it carries out.
PERSON, STEP = "person", "live_step"
PERSON_SLOT = "person_name"

Say = Callable[[DialogueStateTracker], Awaitable[list[dict[str, Any]]]]


async def hear(agent: Agent, message: UserMessage) -> bool:
    """Stores a patient's message that a person will answer.

    False, and nothing stored, when it may be about a danger sign: the assistant has to answer.
    """
    async with agent.lock_store.lock(message.sender_id):
        tracker = await _listened(agent, message)
        if concerns_safety(situation(tracker, agent.domain)):
            return False
        await agent.tracker_store.save(tracker)
    return True


async def overhear(agent: Agent, message: UserMessage) -> str | None:
    """Stores a patient's message to another app, which answers it; the level of a danger sign.

    A running form stops, is kept and can be offered again. An alarm is open afterwards, so that no
    appointment is made before the patient says that a doctor has looked.
    """
    async with agent.lock_store.lock(message.sender_id):
        tracker = await _listened(agent, message)
        now = situation(tracker, agent.domain)
        turn = plan(now)
        raises = turn is not None and bool(turn.slots.get("red_flag_level"))
        alarm = [SlotSet(*slot) for slot in turn.slots.items()] if turn and raises else []
        await _save(agent, tracker, [*_stopped_form(tracker), *alarm])
    level = now.triage.get("level")
    return str(level) if level in ALARMS else None


async def _listened(agent: Agent, message: UserMessage) -> DialogueStateTracker:
    """The conversation with a message that is understood and not answered; not stored yet."""
    assert agent.processor is not None
    heard = UserMessage(
        message.text,
        message.output_channel,
        message.sender_id,
        input_channel=message.input_channel,
        message_id=message.message_id,
        metadata={SILENT: True},
    )
    return await agent.processor.log_message(heard, should_save_tracker=False)


def was_silent(event: UserUttered) -> bool:
    """Whether the assistant left this message to a person."""
    return bool(event.metadata.get(SILENT))


def is_unasked(event: BotUttered) -> bool:
    """Whether it carries out a step of a live chat, and answers no message."""
    return STEP in event.metadata


async def joined(agent: Agent, store: Any, conversation: str, name: str) -> None:
    """A person is there: a running form stops, is kept and can be offered again.

    ``store`` is the tracker store; database errors pass through.
    """
    async with agent.lock_store.lock(conversation):
        tracker = await _tracker(agent, store, conversation)
        events = _stopped_form(tracker)
        if tracker.get_slot(PERSON_SLOT) != name:
            events.append(SlotSet(PERSON_SLOT, name))
        await _save(agent, tracker, events)


async def add(
    agent: Agent, store: Any, conversation: str, step: str, say: Say, *, ends: bool = False
) -> list[dict[str, Any]]:
    """Adds what a step says to the conversation, once; returns it as Rasa hands it to a channel.

    ``say`` makes the messages from the conversation; when it has them already, they are returned
    as they are there. ``ends``: nobody is there any more. Database errors pass through.
    """
    async with agent.lock_store.lock(conversation):
        tracker = await _tracker(agent, store, conversation)
        said = [
            event
            for event in tracker.events
            if isinstance(event, BotUttered) and event.metadata.get(STEP) == step
        ]
        if not said:
            messages = await say(tracker)
            said = [create_bot_utterance({**message, STEP: step}) for message in messages]
            ending = [SlotSet(PERSON_SLOT, None)] if ends else []
            await _save(agent, tracker, [*said, *ending])
    return [event.message() for event in said]


def offer_in(tracker: DialogueStateTracker) -> str | None:
    """The response that offers to go on with what was interrupted, or None."""
    forms = tracker.get_slot("open_forms") or ()
    form = form_to_offer(forms, tracker.get_slot("red_flag_level"))
    return offers_of(form)[0] if form else None


def _stopped_form(tracker: DialogueStateTracker) -> list[Event]:
    """What stops a running form and keeps it."""
    form = tracker.active_loop_name
    if form is None:
        return []
    others = [one for one in tracker.get_slot("open_forms") or () if one != form]
    kept = SlotSet("open_forms", [*others, form])
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), kept]


async def _tracker(agent: Agent, store: Any, conversation: str) -> DialogueStateTracker:
    tracker = await store.retrieve(conversation)
    return tracker or DialogueStateTracker(conversation, agent.domain.slots)


async def _save(agent: Agent, tracker: DialogueStateTracker, events: Sequence[Event]) -> None:
    for event in events:
        tracker.update(event, agent.domain)
    await agent.tracker_store.save(tracker)
