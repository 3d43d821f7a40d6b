"""A message is answered even when handling it fails."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain

from assistant.channels.answering import answer
from assistant.nlg import ResponseGenerator
from assistant.project import DATA, ROOT
from clinic import facts

DOMAIN = Domain.load([str(ROOT / "domain.yml"), str(DATA / "responses")])


def agent() -> Any:
    return SimpleNamespace(
        tracker_store=InMemoryTrackerStore(DOMAIN),
        nlg=ResponseGenerator(domain=DOMAIN),
        domain=DOMAIN,
    )


def send(text: Any, handle: Any) -> list[dict[str, Any]]:
    channel = CollectingOutputChannel()
    asyncio.run(answer(agent(), UserMessage(text, channel, "sam"), handle))
    return channel.messages


async def fails(message: UserMessage) -> None:
    raise OSError("a quite unusual sentence")


def test_a_failure_is_answered_with_the_contact(caplog: pytest.LogCaptureFixture) -> None:
    (reply,) = send("a quite unusual sentence", fails)
    assert facts.load().phone in reply["text"]
    assert "A message could not be handled: OSError" in caplog.text
    assert "unusual" not in caplog.text


@pytest.mark.parametrize("text", [None, "\ud83d half an emoji", ""])
def test_what_is_no_proper_text_becomes_one(text: Any) -> None:
    seen: list[Any] = []

    async def keeps(message: UserMessage) -> None:
        seen.append(message.text)

    assert send(text, keeps) == []
    (kept,) = seen
    assert isinstance(kept, str)
    kept.encode("utf-8")
