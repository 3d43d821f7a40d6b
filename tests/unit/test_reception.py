"""What becomes of updates from messaging apps that cannot be taken at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.channels.apps import reception
from assistant.channels.apps.app import Update


def test_an_update_over_which_a_mistake_is_made_is_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []

    async def at_once() -> None:
        return

    async def take(self: Any, name: str, update: Update) -> None:
        taken.append(name)
        if taken == ["first"]:
            raise KeyError("a mistake")
        if len(taken) == 3:
            raise asyncio.CancelledError

    async def run() -> None:
        own = reception.Reception.__new__(reception.Reception)
        own._arrived = asyncio.Queue()
        own._chat = SimpleNamespace(arrivals=SimpleNamespace(give_way=at_once))  # type: ignore[assignment]
        for name in ("first", "second"):
            own._arrived.put_nowait((name, Update(name, "sender")))
        await asyncio.wait_for(own._take_all(), 30)

    monkeypatch.setattr(reception, "AGAIN_AFTER_A_FAULT", 0.01)
    monkeypatch.setattr(reception.Reception, "_take", take)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert taken == ["first", "second", "first"]
