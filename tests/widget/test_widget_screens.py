"""Pictures of the main states in results/screens: phone and desktop, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_clinic import BOOKING, ROOT, FakeClinic
from playwright.sync_api import expect
from widget_visitor import PHONE, NewVisitor, Visitor

FOLDER = ROOT / "results" / "screens"
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 820}},
    "phone": PHONE,
}
QUESTION = "Does massage help sciatica?"
ANSWER: dict[str, Any] = {
    "text": "Massage can ease sciatica pain for some people, mainly by loosening tight muscles "
    "around the nerve. Softer muscles and better flexibility can take some tension and stress "
    "away from the nerve root. Research on this is limited, so massage goes alongside other "
    "treatment and does not replace it.",
    "source": {"label": "From our article: How Does Massage Help with Sciatica?"},
    "rateable": True,
    "buttons": [
        {"title": "Does it hurt?", "payload": "/faq{1}"},
        {"title": "Book an appointment", "payload": "/book"},
    ],
}
ALARM: dict[str, Any] = {
    "text": "Please go to the nearest emergency department or call 911 now. Do not wait for a "
    "massage.\n\nNumbness or changed feeling around the genitals, the bottom or between the legs "
    "can be a nerve emergency that needs to be looked at without delay.\n\nWe can pick this up "
    "later, and anything you told me for an appointment is kept.",
    "kind": "emergency",
}
DONE: dict[str, Any] = {
    "text": "Your appointment is requested. It is not confirmed yet: someone at the clinic looks "
    "at it and answers you.",
    "card": BOOKING,
}


def answering(text: str) -> list[dict[str, Any]]:
    """What the clinic says in the pictures."""
    return [{QUESTION: ANSWER, "I cannot feel it when I wipe": ALARM}.get(text, DONE)]


def closed(visitor: Visitor, clinic: FakeClinic) -> None:
    expect(visitor.launcher).to_be_visible()


def notice(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().sees("90 days")


def answered(visitor: Visitor, clinic: FakeClinic) -> None:
    visitor.open().choose(QUESTION).sees("Massage can ease")


def booked(visitor: Visitor, clinic: FakeClinic) -> None:
    answered(visitor, clinic)
    visitor.choose("Book an appointment").sees("GY3CF7")


def alarmed(visitor: Visitor, clinic: FakeClinic) -> None:
    answered(visitor, clinic)
    visitor.say("I cannot feel it when I wipe").sees("nerve emergency")


def offline(visitor: Visitor, clinic: FakeClinic) -> None:
    answered(visitor, clinic)
    clinic.stop()
    visitor.say("And how often should I come?").sees("No connection")


def joined(visitor: Visitor, clinic: FakeClinic) -> None:
    answered(visitor, clinic)
    clinic.emit("handoff", {"state": "joined", "name": "Natalie"})
    clinic.push(text="Hello, Natalie here. What can I do?", name="Natalie", **{"from": "person"})
    visitor.sees("What can I do?")


STATES = [closed, notice, answered, booked, alarmed, offline, joined]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", STATES)
def test_a_picture(
    new_visitor: NewVisitor,
    clinic: FakeClinic,
    state: Callable[[Visitor, FakeClinic], None],
    screen: str,
    scheme: str,
) -> None:
    clinic.answering = answering
    visitor = new_visitor(**SCREENS[screen], color_scheme=scheme, reduced_motion="reduce")
    visitor.visit("/")
    state(visitor, clinic)
    # A ring shows where the keyboard is; on a phone nobody has one.
    visitor.page.evaluate("document.activeElement?.shadowRoot?.activeElement?.blur()")
    path = FOLDER / f"{state.__name__}-{screen}-{scheme}.png"
    picture = visitor.page.screenshot(path=path)
    assert picture.startswith(b"\x89PNG")
