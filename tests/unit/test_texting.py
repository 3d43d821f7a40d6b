"""Shorthand of text messages, put into words before the ranking."""

from __future__ import annotations

import pytest

from assistant.nlu.texting import in_words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("hw much 4 45 min", "how much for 45 min"),
        ("wat do u do 4 it", "what do you do for it"),
        ("do i hav 2 wait", "do i have to wait"),
        ("is it 2 early", "is it too early"),
        ("can i do it w physio n yoga", "can i do it with physio and yoga"),
        ("y r u closed", "why are you closed"),
        ("need ur addy pls", "need your address please"),
        ("b4 or l8r", "before or later"),
        ("can i still cansel", "can i still cancel"),
        ("is cancling free", "is cancelling free"),
        ("gimme the num", "give me the number"),
        ("whats ur fone num", "whats your phone number"),
    ],
)
def test_shorthand_becomes_words(typed: str, words: str) -> None:
    assert in_words(typed) == words


@pytest.mark.parametrize(
    "text",
    [
        "how much is it?",
        "thursday 2 to 4",
        "2 people, 4 times",
        "u.r@example.com",
        "room 2 please",
        "L4 and L5",
        "my toes go num",
    ],
)
def test_what_is_no_shorthand_stays(text: str) -> None:
    assert in_words(text) == text
