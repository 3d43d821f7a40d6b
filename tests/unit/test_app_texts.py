"""Texts in messaging apps: divided, and chosen by number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.channels.apps.numbers import chosen_number
from assistant.channels.apps.sentences import sentence, words
from assistant.channels.apps.splitting import split


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


@pytest.mark.parametrize("locale", ["en", "fr", "de"])
def test_every_sentence_can_be_said(locale: str) -> None:
    values = {"limit": 2000, "seconds": 5, "address": "https://example.com", "name": "Natalie"}
    assert words()["sentences"]["en"].keys() == words()["sentences"]["fr"].keys()
    for name in words()["sentences"]["en"]:
        said = sentence(name, locale, **values)
        assert said
        assert "{" not in said
