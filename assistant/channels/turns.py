"""Answers the messages in the mailbox: each one once, in the order they were sent.

A message is answered by Rasa, which stores the turn in its tracker, and then its answers are
stored in the mailbox. When the server dies between the two, the tracker already has the message:
then the answers are taken from there, and the message is not handled a second time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import mailbox
from assistant.channels.answering import SORRY, answer
from assistant.channels.arrivals import Arrivals
from assistant.channels.bubbles import Bubble, bubble_of, stamp
from assistant.channels.incoming import incoming
from assistant.channels.locks import LocalLocks, Locks
from assistant.channels.mailbox import ADDRESS, OVERHEARD, VIA, Mailbox, Stored
from assistant.channels.wording import error_text
from assistant.live import standing
from assistant.live import tracker as live
from clinic import clock
from clinic.conversations.message_ids import event_message_id

logger = logging.getLogger(__name__)

CHANNEL = "website"
# Messages answered at the same time: while one waits for the action server, others go on. So many
# of them from messaging apps: whoever looks at the website's window notices what an app's provider
# takes longer for anyway.
AT_ONCE = 8
APPS_AT_ONCE = 2
# A message over which the server died this often is answered with a sentence of regret.
MOST_TRIES = 5
# Seconds before the answer is stored again when the database cannot be written.
AGAIN_AFTER = 2.0


class Collected(OutputChannel):
    """Keeps what Rasa says until all of it can be stored."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        """The channel's name, also for wordings written for it alone."""
        return CHANNEL

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Takes a message with all that belongs to it."""
        self.messages.append(dict(message))


class CollectedForApp(Collected):
    """The same for what was written in a messaging app."""

    @classmethod
    def name(cls) -> str:
        """One name for all apps."""
        return "messaging_app"


class Listener(Protocol):
    """Is told how the answering goes on."""

    async def began(self, asked: Stored) -> None:
        """The assistant is working on an answer."""

    async def answered(self, asked: Stored, answers: list[Stored]) -> None:
        """A message was answered; no answers when it had been before."""

    async def alarmed(self, conversation: str, level: str) -> None:
        """A danger sign was overheard: "emergency" or "urgent"; nobody here has answered it."""

    async def failed(self, conversation: str, in_reply_to: str | None) -> None:
        """The answer cannot be given or stored now; it will be tried again."""

    async def erased(self, conversation: str, farewell: list[Bubble]) -> None:
        """The patient had the conversation deleted; these are the last words."""


class Turns:
    """Answers the conversations that were named with ``add``."""

    def __init__(
        self,
        agent: Agent,
        box: Mailbox,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],
        listener: Listener,
        locks: Locks,
    ) -> None:
        # What arrives is counted here by whoever takes it.
        self.arrivals = Arrivals()
        self._agent = agent
        self._box = box
        self._on_new_message = on_new_message
        self._listener = listener
        self._locks = locks
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._apps_at_once = asyncio.Semaphore(APPS_AT_ONCE)
        self._recovered: set[str] = set()
        # Messages that nobody can have begun to answer: neither the mailbox nor the tracker has
        # to be asked about them.
        self._fresh: dict[str, list[Stored]] = {}
        # Conversations whose pending messages are read from the mailbox, and the last messages that
        # were found there: one may be found before its acceptance is told of here.
        self._unsure: set[str] = set()
        self._found: deque[tuple[str, str]] = deque(maxlen=1000)

    @property
    def length(self) -> int:
        """How many conversations wait or are being answered."""
        return len(self._running)

    def accepted(self, asked: Stored) -> None:
        """Answers a message that this server has just accepted."""
        if not isinstance(self._locks, LocalLocks):
            self.add(asked.conversation)
        elif (asked.conversation, asked.id) not in self._found:
            self._fresh.setdefault(asked.conversation, []).append(asked)
            self._start(asked.conversation)

    def add(self, conversation: str, *, recovered: bool = False) -> None:
        """Answers what is pending in a conversation.

        ``recovered``: it was accepted by a server that is gone.
        """
        if recovered:
            self._recovered.add(conversation)
        self._unsure.add(conversation)
        self._start(conversation)

    def _start(self, conversation: str) -> None:
        if conversation in self._running:
            self._again.add(conversation)
            return
        self._running[conversation] = asyncio.create_task(self._run(conversation))

    async def stop(self, patience: float) -> None:
        """Waits for the answers under way, at most so many seconds. The rest stays pending."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        for task in self._running.values():
            task.cancel()

    def pause(self, conversation: str) -> AbstractAsyncContextManager[Any]:
        """Inside, no message of the conversation is being answered, here or elsewhere."""
        return self._locks.of(conversation)

    async def _run(self, conversation: str) -> None:
        try:
            while True:
                self._again.discard(conversation)
                async with self._locks.of(conversation):
                    messages, fresh = self._fresh.pop(conversation, []), True
                    if conversation in self._unsure:
                        self._unsure.discard(conversation)
                        messages, fresh = await self._box.read(mailbox.pending, conversation), False
                        self._found.extend((each.conversation, each.id) for each in messages)
                    for asked in messages:
                        # Taken last: a lock that another server holds must not use up a place.
                        async with self._place(asked):
                            await self.arrivals.give_way()
                            await self._turn(asked, fresh)
                if conversation not in self._again:
                    return
        except Exception as error:
            logger.error("A message could not be answered yet: %s", type(error).__name__)
            self._unsure.add(conversation)
            await self._listener.failed(conversation, None)
            asyncio.get_running_loop().call_later(AGAIN_AFTER, self.add, conversation)
        finally:
            self._recovered.discard(conversation)
            del self._running[conversation]

    @asynccontextmanager
    async def _place(self, asked: Stored) -> AsyncIterator[None]:
        from_app = asked.body.get(VIA, CHANNEL) != CHANNEL
        async with self._apps_at_once if from_app else nullcontext(), self._at_once:
            yield

    async def _turn(self, asked: Stored, fresh: bool) -> None:
        if not asked.body.get(OVERHEARD):
            await self._listener.began(asked)
        said = await self._said(asked, fresh)
        bubbles = []
        if said is not None:
            bubbles = [bubble_of(message, asked.id) for message in said if message.get("text")]
            bubbles = bubbles or [_no_answer(asked)]
        while True:
            try:
                stored = await self._box.write(mailbox.finish, asked, bubbles, clock.now())
                break
            except mailbox.Gone:
                # In this turn the patient had everything deleted, the question included.
                await self._listener.erased(asked.conversation, bubbles)
                return
            except Exception as error:
                logger.error("An answer could not be stored yet: %s", type(error).__name__)
                await self._listener.failed(asked.conversation, asked.id)
                await asyncio.sleep(AGAIN_AFTER)
        await self._listener.answered(asked, stored)

    async def _said(self, asked: Stored, fresh: bool) -> list[dict[str, Any]] | None:
        """Has the message answered, unless that has been done; None when a person will."""
        message_id = event_message_id(asked.conversation, asked.id)
        before = None
        if not fresh:
            before = await stored_conversations(self._agent).retrieve(asked.conversation)
            heard = _place_of(before, message_id)
            if before and heard is not None:
                return _answers_to(before, heard)
        came_by = asked.body.get(VIA, CHANNEL)
        channel = Collected() if came_by == CHANNEL else CollectedForApp()
        address = asked.body.get(ADDRESS)
        message = UserMessage(
            asked.input,
            channel,
            asked.conversation,
            input_channel=came_by,
            message_id=message_id,
            metadata={ADDRESS: address} if address else None,
        )
        if asked.body.get(OVERHEARD):
            if not await self._too_often(asked):
                await self._overhear(asked, message)
            return None
        if await self._too_often(asked):
            tracker = before or DialogueStateTracker(asked.conversation, self._agent.domain.slots)
            return [await self._agent.nlg.generate(SORRY, tracker, CHANNEL) or {}]
        if asked.conversation in standing.current().people and await self._left_alone(message):
            return None
        await answer(self._agent, message, self._on_new_message)
        return channel.messages

    async def _overhear(self, asked: Stored, message: UserMessage) -> None:
        """Stores what was said while another app had the chat, for staff and for later."""
        if asked.sender == mailbox.PATIENT:
            # No button of ours was shown there.
            message.text = incoming(message.text or "", None)
            if level := await live.overhear(self._agent, message):
                await self._listener.alarmed(asked.conversation, level)
            return

        async def say(before: DialogueStateTracker) -> list[dict[str, Any]]:
            return [{"text": asked.body["text"], live.PERSON: asked.body["name"]}]

        store, key = stored_conversations(self._agent), str(message.message_id)
        await live.add(self._agent, store, asked.conversation, key, say)

    async def _left_alone(self, message: UserMessage) -> bool:
        """Stores a message for the person who is there; False when the assistant must answer."""
        try:
            before = await stored_conversations(self._agent).retrieve(message.sender_id)
            message.text = incoming(message.text or "", before)
            return await live.hear(self._agent, message)
        except Exception as error:
            logger.error("A message to a person could not be stored: %s", type(error).__name__)
            return False

    async def _too_often(self, asked: Stored) -> bool:
        if asked.conversation not in self._recovered:
            return False
        return await self._box.write(mailbox.count_try, asked) > MOST_TRIES


def stored_conversations(agent: Agent) -> Any:
    """The tracker store itself, which says so when the database fails.

    The one that Rasa puts around it answers from memory then.
    """
    return getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)


def _place_of(tracker: DialogueStateTracker | None, message_id: str) -> int | None:
    """Where a stored conversation has a message; None when it has not."""
    for place, event in enumerate(tracker.events if tracker else []):
        if isinstance(event, UserUttered) and event.message_id == message_id:
            return place
    return None


def _answers_to(tracker: DialogueStateTracker, place: int) -> list[dict[str, Any]] | None:
    """What the assistant said to the message at that place; None when it was left to a person."""
    heard, *rest = itertools.islice(tracker.events, place, None)
    if live.was_silent(heard):
        return None
    turn = itertools.takewhile(lambda event: not isinstance(event, UserUttered), rest)
    return [
        event.message()
        for event in turn
        if isinstance(event, BotUttered) and not live.is_unasked(event)
    ]


def _no_answer(asked: Stored) -> Bubble:
    body = {
        "id": str(uuid.uuid4()),
        "at": stamp(),
        "from": "assistant",
        "text": error_text("no_answer", "en"),
        "buttons": [],
        "rateable": False,
        "kind": "error",
        "in_reply_to": asked.id,
    }
    return Bubble("", body)
