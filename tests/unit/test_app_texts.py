"""Texts in messaging apps: divided, and chosen by number."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.channels.apps.app import App
from assistant.channels.apps.catalogue import APPS
from assistant.channels.apps.numbers import chosen_number
from assistant.channels.apps.sentences import sentence, words
from assistant.channels.apps.splitting import split
from assistant.project import ROOT


def test_a_text_is_divided_between_paragraphs_and_sentences() -> None:
    text = "First sentence here. Second one here.\n\nAnother paragraph, longer. And its end."
    assert split(text, 45) == [
        "First sentence here. Second one here.",
        "Another paragraph, longer. And its end.",
    ]
    assert split(text, 28) == [
        "First sentence here.",
        "Second one here.",
        "Another paragraph, longer.",
        "And its end.",
    ]


def test_what_cannot_be_divided_is_cut() -> None:
    assert split("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


@given(text=st.text(max_size=500), longest=st.integers(1, 80))
def test_nothing_is_lost(text: str, longest: int) -> None:
    parts = split(text, longest)
    assert all(part.strip() and len(part) <= longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("2", 2), (" 2. ", 2), ("#2", 2), ("option 2", 2), ("12", 12), ("the second", 2)),
        *(("The second one", 2), ("second please", 2), ("two", 2), ("number three", 3)),
        *(("0", None), ("2 weeks", None), ("100", None), ("416-555-0173", None), ("", None)),
        *(("the second pain is worse", None), ("2nd", 2), ("first.", 1)),
    ],
)
def test_numbers(text: str, number: int | None) -> None:
    assert chosen_number(text) == number


@pytest.mark.parametrize("locale", [*words()["sentences"], "de"])
def test_every_sentence_can_be_said(locale: str) -> None:
    values = {"limit": 2000, "seconds": 5, "address": "https://example.com", "name": "Natalie"}
    spoken = words()["sentences"]
    assert spoken.get(locale, spoken["en"]).keys() == spoken["en"].keys()
    assert spoken.keys() == {"en", *words()["languages"]}
    for name in words()["sentences"]["en"]:
        said = sentence(name, locale, **values)
        assert said
        assert "{" not in said


HEALTH = re.compile(
    r"health|pain|pregnan|condition|symptom|injur|medic|surg|doctor|bladder|numb(?!er)|weak|illness"
)


def test_no_question_of_a_form_asks_about_health_in_an_app() -> None:
    """As docs/whatsapp.md promises; what asks about a danger sign is no form's."""
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    slots = {slot for form in domain["forms"].values() for slot in form["required_slots"]}
    responses: dict[str, Any] = {}
    for file in (ROOT / "data" / "responses").glob("*.yml"):
        responses |= yaml.safe_load(file.read_text(encoding="utf-8"))["responses"]
    asked = []
    for slot in slots:
        variants = responses.get(f"utter_ask_{slot}", [])
        own = [each for each in variants if each.get("channel") == "messaging_app"]
        asked += [(slot, each["text"]) for each in own or variants]
    assert "note" in {slot for slot, _ in asked}
    for slot, text in asked:
        # The question for a note says what not to write, the last one who must not wait, and that
        # before deleting what stays.
        plain = re.sub(r"nothing about your health|part of your health record", "", text)
        plain = re.sub(r"If you have new numbness[^.]*\.", "", plain)
        assert not HEALTH.search(plain.casefold()), f"{slot}: {text}"


PAGES = {"sms": "twilio", "twilio-whatsapp": "twilio"}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_each_app_has_a_page_for_the_clinic(app: type[App]) -> None:
    """What to click, each setting, what it costs, its limits, and how to try it alone."""
    page = (ROOT / "docs" / f"{PAGES.get(app.name, app.name)}.md").read_text(encoding="utf-8")
    for part in ("## Turning it on", "cost", "## How things look", *app.settings, app.stand_in):
        assert part in page, part
    assert re.search(r"private try|without patients", page)
    assert f"channels connect {app.name}" in page or "channels check" in page
