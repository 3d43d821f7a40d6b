"""docs/website-channel.md and the widget know the same events and fields, and nothing else."""

from __future__ import annotations

import json
import re

import protocol_document
from fake_clinic import ROOT, FakeClinic
from playwright.sync_api import expect
from protocol_document import to_server, to_window
from widget_visitor import Visitor

PROTOCOL = (ROOT / "widget" / "src" / "protocol.ts").read_text(encoding="utf-8")


def events(name: str) -> set[str]:
    """A list of events in widget/src/protocol.ts."""
    (found,) = re.findall(rf"const {name} = \[([^\]]+)\] as const", PROTOCOL)
    return set(re.findall(r"\"(\w+)\"", found))


def fields(interface: str) -> set[str]:
    """The fields of an interface there; those of a field with a dot."""
    (body,) = re.findall(rf"export interface {interface} {{\n(.*?)\n}}", PROTOCOL, re.DOTALL)
    body = re.sub(r"/\*\*.*?\*/", "", body)
    found = set()
    for name, kind in re.findall(r"^  (\w+)\??: (.*);$", body, re.MULTILINE):
        inner = re.findall(r"(\w+)\??:", kind) if kind.startswith("{") else []
        found |= {f"{name}.{one}" for one in inner} or {name}
    return found


def test_both_know_the_same_events() -> None:
    assert events("SENT") == set(to_server())
    assert events("HEARD") == set(to_window())


def test_both_know_the_same_fields() -> None:
    assert fields("Session") == to_window()["session"]
    message = {
        name for name in to_window()["message"] if not name.startswith(("card.", "buttons."))
    }
    assert fields("Message") == message
    assert {f"buttons.{name}" for name in fields("Button")} < to_window()["message"]
    assert fields("Card") == protocol_document.names("card")
    assert fields("Handoff") == to_window()["handoff"]
    assert fields("Problem") == to_window()["error"]
    assert fields("Page") == {"messages", "more"} == to_server()["history"][1]
    assert fields("Link") == to_server()["link"][1]


def test_both_know_the_same_kinds_of_messages_and_states() -> None:
    for name, heading, row in (
        ("type Kind", "message", "kind"),
        ("type Speaker", "message", "from"),
        ("  state:", "handoff", "state"),
    ):
        (line,) = re.findall(rf"{name}(?: =)? (.*);", PROTOCOL)
        (cell,) = [cells[1] for cells in protocol_document.rows(heading) if cells[0] == f"`{row}`"]
        assert set(re.findall(r"\"(\w+)\"", line)) <= set(re.findall(r"`(\w+)`", cell))
    shown = (ROOT / "widget" / "src" / "views" / "message.ts").read_text(encoding="utf-8")
    (statuses,) = re.findall(r"STATUSES = \[(.*)\]", shown)
    (cell,) = [cells[1] for cells in protocol_document.rows("card") if cells[0] == "`status`"]
    assert set(re.findall(r"\w+", statuses)) == set(re.findall(r"`(\w+)`", cell))


def test_the_widget_says_nothing_else(visitor: Visitor, clinic: FakeClinic) -> None:
    sent: list[str] = []
    visitor.page.on(
        "websocket", lambda line: line.on("framesent", lambda frame: sent.append(str(frame)))
    )
    button = {"title": "The first", "payload": "/choose"}
    clinic.answering = lambda _: [{"text": "Rate this.", "rateable": True, "buttons": [button]}]
    clinic.apps = ["telegram"]
    visitor.page.reload()
    visitor.open().say("hello").choose("The first")
    expect(visitor.theirs).to_have_count(2)
    # While there is no connection nobody is told of it.
    visitor.field.fill("a")
    visitor.menu("Continue in an app")
    visitor.panel.get_by_role("button", name="Telegram").click()
    expect(visitor.panel.get_by_role("link", name="Open the app")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    visitor.log.get_by_role("button", name="This helped").last.click()
    visitor.sees("Thank you")
    visitor.menu("Delete my chat")
    visitor.panel.get_by_role("button", name="Delete", exact=True).click()
    visitor.sees("has been deleted")
    said: dict[str, set[str]] = {}
    for frame in sent:
        if packet := re.match(r"42\d*(\[.*)", frame):
            event, data = json.loads(packet[1])
            said.setdefault(event, set()).update(data)
    assert {"message", "received", "feedback", "delete", "typing", "link"} <= set(said)
    for event, found in said.items():
        optional = {"reason"} if event == "feedback" else set()
        assert found == to_server()[event][0] - optional
    assert set(clinic.handshakes[-1]) <= protocol_document.names(protocol_document.CONNECTING)
