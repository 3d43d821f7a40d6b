"""A step that always fails is tried less and less often, and is given up where staff see it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.lock_store import InMemoryLockStore

from assistant.channels import live
from assistant.channels.mailbox import Mailbox
from clinic.live import chats, reading
from clinic.live.models import Step


class Broken:
    """A tracker store that cannot be read; ``tries`` are the seconds at which it was."""

    def __init__(self, file: Path, now: Any) -> None:
        self.engine = sa.create_engine(f"sqlite:///{file}")
        self.tries: list[float] = []
        self._now = now

    async def retrieve(self, _: str) -> None:
        """As a broken disk does."""
        self.tries.append(self._now())
        raise OSError


@contextlib.asynccontextmanager
async def nobody_else(_: str) -> AsyncIterator[None]:
    """The lock of a conversation."""
    yield


def test_given_up_after_a_quarter_of_an_hour(
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CLINIC_VAR", str(tmp_path))
    monkeypatch.delenv("CLINIC_DATABASE_URL", raising=False)
    chat = chats.join("c1", "natalie", "Natalie Yeo")
    Step.objects.update(done_at=chat.joined_at, outcome="done")
    chats.say(chat.pk, "natalie", "Hello", "k1")
    passed = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: passed[0])
    broken = Broken(tmp_path / "conversations.sqlite3", live.time.monotonic)

    async def look_for(seconds: float) -> None:
        box = Mailbox(broken.engine)
        box.create_tables()
        agent: Any = SimpleNamespace(lock_store=InMemoryLockStore())
        windows: Any = None
        carrying = live.LiveChats(agent, broken, box, nobody_else, windows)
        while passed[0] < seconds:
            await carrying._look()
            await asyncio.gather(*carrying._running.values())
            passed[0] += live.LOOK_EVERY
        await carrying.stop(1)
        await box.close()

    asyncio.run(look_for(live.TRIED_FOR + live.LONGEST_PAUSE + 1))
    pauses = [later - before for before, later in itertools.pairwise(broken.tries)]
    assert pauses == sorted(pauses), "longer and longer"
    assert pauses[-1] == live.LONGEST_PAUSE
    assert len(broken.tries) < 45
    assert ["failed" in one.getMessage() for one in caplog.records] == [True, False]
    (given_up,) = reading.given_up(chat)
    assert (given_up.outcome, given_up.text) == ("failed", "Hello")
