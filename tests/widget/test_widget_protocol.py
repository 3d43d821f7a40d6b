"""docs/website-channel.md describes every event and field that the widget and its tests know."""

from __future__ import annotations

import re

import pytest
from fake_clinic import ROOT, FakeClinic
from widget_visitor import Visitor

DOCUMENT = (ROOT / "docs" / "website-channel.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "widget" / "src" / "protocol.ts").read_text(encoding="utf-8")
QUOTED = " ".join(re.findall(r"`([^`]*)`", DOCUMENT))


def known() -> list[str]:
    """Every event and field of widget/src/protocol.ts."""
    lists = re.findall(r"= \[([^\]]+)\] as const", PROTOCOL)
    events = re.findall(r"\"(\w+)\"", " ".join(lists))
    fields = re.findall(r"[{;\s](\w+)\??: ", re.sub(r"//.*|/\*\*.*?\*/", "", PROTOCOL))
    return sorted({*events, *fields})


@pytest.mark.parametrize("name", known())
def test_every_event_and_field_is_described(name: str) -> None:
    assert re.search(rf"\b{name}\b", QUOTED)


@pytest.mark.parametrize("kind", re.findall(r"export type Kind = (.*);", PROTOCOL)[0].split(" | "))
def test_every_kind_of_message_is_described(kind: str) -> None:
    assert kind.strip('"') in QUOTED


def test_the_widget_says_nothing_else(visitor: Visitor, clinic: FakeClinic) -> None:
    sent: list[str] = []
    visitor.page.on(
        "websocket", lambda line: line.on("framesent", lambda frame: sent.append(str(frame)))
    )
    clinic.answering = lambda _: [{"text": "Rate this.", "rateable": True}]
    visitor.page.reload()
    visitor.open().say("hello").sees("Rate this.")
    visitor.log.get_by_role("button", name="This helped").click()
    visitor.sees("Thank you")
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("has been deleted")
    events = {event for frame in sent for event in re.findall(r'^42\d*\["(\w+)"', str(frame))}
    assert {"message", "received", "feedback", "delete"} <= events
    assert events <= set(known())
