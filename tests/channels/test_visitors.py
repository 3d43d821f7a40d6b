"""What a chat window is sent while it is being let in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from socketio import AsyncServer

from assistant.channels import mailbox
from assistant.channels.bubbles import Bubble
from assistant.channels.mailbox import Mailbox
from assistant.channels.visitors import Visitor, Visitors
from assistant.tracker_store import ClinicTrackerStore

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CHAT = "chat-1"


class Line:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []

    async def emit(self, event: str, data: dict[str, Any], **_: Any) -> None:
        """Called by Visitors."""
        numbers = [each["seq"] for each in data.get("messages", [data])]
        self.told.append((event, numbers))


def test_what_is_said_while_a_window_comes_back_waits_for_its_past(tmp_path: Path) -> None:
    """The whole conversation would be sent otherwise, message by message."""
    store = ClinicTrackerStore(dialect="sqlite", db=str(tmp_path / "conversations.sqlite3"))
    line, box = Line(), Mailbox(store.engine)
    box.create_tables()
    visitors = Visitors(cast("AsyncServer", line), box)
    visitor = Visitor("sid", "198.51.100.7", "en", CHAT, 0, wants_past=True)

    async def say(number: int) -> None:
        bubble = Bubble("", {"id": str(number), "from": "assistant", "text": "hello"})
        await visitors.deliver(CHAT, await box.write(mailbox.post, CHAT, [bubble], NOW))

    async def come_back() -> None:
        await say(1)
        visitors.add(visitor)
        await say(2)
        assert line.told == []
        await visitors.show_past(visitor, 50)
        visitor.greeted = True
        await say(3)
        await box.close()

    asyncio.run(come_back())
    assert line.told == [("history", [1, 2]), ("message", [3])]
