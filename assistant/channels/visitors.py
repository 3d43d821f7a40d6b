"""The chat windows that are connected to this server, and what is sent to them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from socketio import AsyncServer

from assistant.channels import mailbox
from assistant.channels.mailbox import Mailbox, Stored


@dataclass(eq=False)
class Visitor:
    """One connected chat window. ``sent`` is the number of the last message it was sent."""

    sid: str
    address: str
    locale: str
    conversation: str
    sent: int
    # It resumes a conversation and shows nothing of it yet.
    wants_past: bool = False
    # It has been told its session, and so can be sent what follows.
    greeted: bool = False
    # Ids of messages that were typed in this window, which shows them already.
    own: set[str] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Visitors:
    """Sends each window every message of its conversation, in order and once."""

    def __init__(self, sio: AsyncServer, box: Mailbox) -> None:
        self._sio = sio
        self._box = box
        self._by_sid: dict[str, Visitor] = {}
        self._by_conversation: defaultdict[str, set[Visitor]] = defaultdict(set)

    def add(self, visitor: Visitor) -> None:
        """Takes in a window that has just connected."""
        self._by_sid[visitor.sid] = visitor
        self._by_conversation[visitor.conversation].add(visitor)

    def remove(self, sid: str) -> Visitor | None:
        """Forgets a window that has gone."""
        visitor = self._by_sid.pop(sid, None)
        if visitor is not None:
            self._leave(visitor)
        return visitor

    def get(self, sid: str) -> Visitor | None:
        """The window with this Socket.IO id."""
        return self._by_sid.get(sid)

    def of(self, conversation: str) -> list[Visitor]:
        """The windows that show a conversation."""
        return list(self._by_conversation.get(conversation, ()))

    def sids(self) -> Iterator[str]:
        """The Socket.IO ids of all."""
        return iter(list(self._by_sid))

    async def enter(self, visitor: Visitor) -> None:
        """Lets the window hear what concerns its conversation."""
        await self._sio.enter_room(visitor.sid, visitor.conversation)

    async def move(
        self, old: str, new: str, events: Callable[[str], Sequence[tuple[str, dict[str, Any]]]]
    ) -> None:
        """Tells the windows of a conversation here and shows another one in them, from its start.

        ``events`` makes what is told in a language.
        """
        for visitor in self.of(old):
            # No message of the old conversation may arrive after the events.
            async with visitor.lock:
                self._leave(visitor)
                await self._sio.leave_room(visitor.sid, old)
                for event, data in events(visitor.locale):
                    await self.tell(visitor, event, data)
                visitor.conversation, visitor.sent = new, 0
                self._by_conversation[new].add(visitor)
                await self.enter(visitor)

    async def tell(self, visitor: Visitor, event: str, data: dict[str, Any]) -> None:
        """Sends an event to one window."""
        await self._sio.emit(event, data, to=visitor.sid, ignore_queue=True)

    async def tell_all(self, conversation: str, event: str, data: dict[str, Any]) -> None:
        """Sends an event to all windows of a conversation, also those at other servers."""
        await self._sio.emit(event, data, room=conversation)

    async def deliver(self, conversation: str, news: Sequence[Stored] = ()) -> None:
        """Sends what the conversation's windows have not got; ``news`` saves a look."""
        for visitor in self.of(conversation):
            await self.bring_up_to_date(visitor, news)

    async def bring_up_to_date(self, visitor: Visitor, news: Sequence[Stored] = ()) -> None:
        """Sends one window what it has not got, once it has been greeted."""
        async with visitor.lock:
            if not visitor.greeted:
                return
            if news and news[-1].seq <= visitor.sent:
                return
            if not news or news[0].seq != visitor.sent + 1:
                news = await self._box.read(mailbox.after, visitor.conversation, visitor.sent)
            for message in news:
                if message.conversation != visitor.conversation:
                    return
                visitor.sent = message.seq
                if message.id in visitor.own:
                    visitor.own.discard(message.id)
                else:
                    await self.tell(visitor, "message", message.shown)

    async def past(self, conversation: str, before: int | None, most: int) -> dict[str, Any]:
        """The protocol's ``history``: the last messages, or the last before a number."""
        found = await self._box.read(mailbox.before, conversation, before, most + 1)
        return {"messages": [each.shown for each in found[-most:]], "more": len(found) > most}

    async def show_past(self, visitor: Visitor, most: int) -> None:
        """Sends one window the last messages together."""
        async with visitor.lock:
            past = await self.past(visitor.conversation, None, most)
            await self.tell(visitor, "history", past)
            if past["messages"]:
                visitor.sent = past["messages"][-1]["seq"]

    def _leave(self, visitor: Visitor) -> None:
        others = self._by_conversation[visitor.conversation]
        others.discard(visitor)
        if not others:
            del self._by_conversation[visitor.conversation]
