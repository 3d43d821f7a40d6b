"""Carries out what people at the clinic do in live chats, in the patients' windows.

People work at the staff desk, another program; what they do is a row in the clinic's database
(``clinic.live.models.Step``). This server looks for such rows four times a second and carries each
out once, however often it or the database is interrupted: the tracker and the mailbox both know a
step by its key, and only then it is noted as done. What fails is tried again, after longer and
longer pauses; after a quarter of an hour it is given up, and the desk shows what did not arrive.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from rasa.core.agent import Agent
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels import mailbox
from assistant.channels.bubbles import NEWS, Bubble, bubble_of
from assistant.channels.mailbox import Mailbox, Stored
from assistant.channels.wording import in_language
from assistant.live import standing, store, tracker
from assistant.live.store import Step
from clinic import clock
from clinic.live.limits import message_id

logger = logging.getLogger(__name__)

# Seconds between two looks.
LOOK_EVERY = 0.25
# Looks in a row that fail before it is told.
FAILED_LOOKS = 8
# Seconds until a step that failed is tried again, doubled each time; the longest; and for how long.
FIRST_PAUSE, LONGEST_PAUSE, TRIED_FOR = 0.5, 30.0, 900.0
# What the assistant says for a step.
SAID_FOR = {
    store.LEFT: "utter_live_left",
    store.CLOSED: "utter_live_closed",
    store.VANISHED: "utter_live_vanished",
    store.LONG_WAIT: "utter_live_long_wait",
}
ENDS = (store.LEFT, store.CLOSED, store.VANISHED)


@dataclass
class Trouble:
    """Steps of a conversation fail since a moment, and are not tried before another."""

    since: float
    pause: float
    not_before: float


class Windows(Protocol):
    """Shows what happens in a conversation."""

    async def handed(self, conversation: str, event: dict[str, Any], key: str) -> None:
        """The protocol's ``handoff`` event; ``key`` is the step's."""

    async def posted(self, conversation: str, messages: list[Stored]) -> None:
        """Messages that answer nothing."""

    async def typed(self, conversation: str, on: bool) -> None:
        """A person is typing, or has stopped."""


class LiveChats:
    """Looks for news from the staff desk until it is stopped.

    ``conversations`` is the tracker store, ``pause`` gives the lock under which a conversation is
    answered. ``desk`` runs operations on the clinic's database.
    """

    def __init__(
        self,
        agent: Agent,
        conversations: Any,
        box: Mailbox,
        pause: Callable[[str], AbstractAsyncContextManager[Any]],
        windows: Windows,
    ) -> None:
        self._agent = agent
        self._conversations = conversations
        self._box = box
        self.desk = Mailbox(store.engine(conversations.engine))
        self._pause = pause
        self._windows = windows
        self._running: dict[str, asyncio.Task[None]] = {}
        self._troubles: dict[str, Trouble] = {}
        self._looking: asyncio.Task[None] | None = None
        self._failed = 0

    async def start(self) -> None:
        """Looks once, so that who is there is known, and goes on looking."""
        await self._look()
        self._looking = asyncio.create_task(self._look_on())

    async def stop(self, patience: float) -> None:
        """Ends; steps under way get so many seconds, and the rest is done after the next start."""
        if self._looking is not None:
            self._looking.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        await self.desk.close()

    async def heard(self, conversation: str, alarm: str) -> None:
        """Tells the staff desk that a patient wrote; ``alarm`` is the kind of a danger sign."""
        await self._tell_desk(store.heard, conversation, alarm)

    async def ended(self, conversation: str) -> None:
        """Tells the staff desk that the patient has begun another conversation."""
        await self._tell_desk(store.end, conversation)

    async def hand_on(self, conversation: str, other: str) -> None:
        """Whoever is in a conversation, or is waited for, goes on in another of the same patient.

        A second time changes nothing. Errors of the database pass through.
        """
        async with self._pause(conversation):
            # With Rasa alone there is no desk.
            if await self.desk.read(store.is_there):
                await self.desk.write(store.hand_on, conversation, other, clock.now())

    async def typed(self, conversation: str, on: bool) -> None:
        """Tells the staff desk that a patient has begun to type to a person, or has stopped."""
        if conversation in standing.current().people:
            await self._tell_desk(store.typed, conversation, on)

    async def _tell_desk(self, what: Callable[..., None], conversation: str, *more: Any) -> None:
        """A failure costs the desk a mark, and never the patient an answer."""
        if not standing.current().is_open(conversation):
            return
        try:
            await self.desk.write(what, conversation, *more, clock.now())
        except Exception as error:
            logger.error("The staff desk could not be told: %s", type(error).__name__)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look()

    async def _look(self) -> None:
        try:
            found, to_do = await self.desk.read(store.look, clock.now())
        except Exception as error:
            self._failed += 1
            if self._failed == FAILED_LOOKS:
                # No word of a person could reach a patient now, so the assistant answers again.
                standing.update(standing.Standing())
                if not await self._not_there_yet():
                    logger.error("Live chats cannot be read: %s", type(error).__name__)
            return
        self._failed = 0
        before = standing.current().typing
        standing.update(found)
        await self._show_typing(before, found.typing)
        for conversation in to_do:
            trouble = self._troubles.get(conversation)
            waits = trouble is not None and time.monotonic() < trouble.not_before
            if conversation not in self._running and not waits:
                task = asyncio.create_task(self._carry_out(conversation))
                self._running[conversation] = task

    async def _show_typing(self, before: frozenset[str], now: frozenset[str]) -> None:
        """A failure costs a patient three dots, and never the next look."""
        for conversation in before ^ now:
            try:
                await self._windows.typed(conversation, conversation in now)
            except Exception as error:
                logger.error("Typing could not be shown: %s", type(error).__name__)

    async def _not_there_yet(self) -> bool:
        """At the first start the tables are made meanwhile; with Rasa alone they never are."""
        try:
            return not await self.desk.read(store.is_there)
        except Exception:
            return False

    async def _carry_out(self, conversation: str) -> None:
        """What fails is tried again, or given up."""
        step = None
        try:
            async with self._pause(conversation):
                for step in await self.desk.read(store.to_do, conversation):
                    outcome = await self._do(step)
                    await self.desk.write(store.finish, step, outcome, clock.now())
                    self._troubles.pop(conversation, None)
        except Exception as error:
            await self._failed_at(conversation, step, error)
        finally:
            del self._running[conversation]

    async def _failed_at(self, conversation: str, step: Step | None, error: Exception) -> None:
        """Waits longer each time; a step that has failed for long is given up."""
        now = time.monotonic()
        trouble = self._troubles.get(conversation)
        if trouble is None:
            trouble = self._troubles[conversation] = Trouble(now, FIRST_PAUSE / 2, now)
            logger.error("A step of a live chat failed: %s", type(error).__name__)
        trouble.pause = min(2 * trouble.pause, LONGEST_PAUSE)
        trouble.not_before = now + trouble.pause
        if step is None or now - trouble.since < TRIED_FOR:
            return
        try:
            await self.desk.write(store.finish, step, store.FAILED, clock.now())
        except Exception:
            # The clinic's own database is away: there is nobody to tell.
            return
        logger.error("A step of a live chat was given up: %s", type(error).__name__)
        del self._troubles[conversation]

    async def _do(self, step: Step) -> str:
        conversation = step.conversation
        try:
            # Before anything is written: what is deleted must not come back.
            stands = await self._box.read(mailbox.standing, conversation)
            if step.kind == store.NEWS and not stands.last_seq:
                # It was not held in a window.
                return store.GONE
            if step.kind == store.JOINED:
                await tracker.joined(self._agent, self._conversations, conversation, step.name)
                event = {"state": "joined", "name": step.name}
                await self._windows.handed(conversation, event, step.key)
                return store.DONE
            said = await tracker.add(
                *(self._agent, self._conversations, conversation, step.key),
                lambda before: self._words(step, before, stands.locale),
                ends=step.kind in ENDS,
            )
            bubbles = [_bubble(step, number, message) for number, message in enumerate(said)]
            stored = await self._box.write(mailbox.post_once, conversation, bubbles, clock.now())
        except mailbox.Gone:
            return store.GONE
        if step.kind in ENDS:
            event = {"state": "left", "name": step.name}
            await self._windows.handed(conversation, event, step.key)
        await self._windows.posted(conversation, stored)
        return store.DONE

    async def _words(
        self, step: Step, conversation: DialogueStateTracker, locale: str
    ) -> list[dict[str, Any]]:
        if step.kind == store.SAID:
            return [{"text": step.text, tracker.PERSON: step.name}]
        if step.kind == store.NEWS:
            return [{"text": step.text, "utter_action": NEWS, **step.attached}]
        names = [SAID_FOR[step.kind]]
        offer = tracker.offer_in(conversation)
        if step.kind == store.LEFT and offer:
            names.append(offer)
        messages = [
            (name, await self._agent.nlg.generate(name, conversation, "website", **_values(step)))
            for name in names
        ]
        return [
            {**in_language(name, message, locale, _values(step)), "utter_action": name}
            for name, message in messages
            if message
        ]


def _values(step: Step) -> dict[str, str]:
    return {tracker.PERSON_SLOT: step.name}


def _bubble(step: Step, number: int, message: dict[str, Any]) -> Bubble:
    """The message as the mailbox keeps it, under an id that is the same for every try."""
    bubble = bubble_of(message)
    speaker = {"from": "person", "name": step.name} if step.kind == store.SAID else {}
    known = {"id": message_id(step.conversation, step.key, number)}
    return Bubble(bubble.response, bubble.body | speaker | known)
