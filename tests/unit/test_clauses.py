"""A message in parts, and which of them ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.nlu import clauses


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("how much is it", ["how much is it"]),
        ("How much is it? Where are you?", ["How much is it?", "Where are you?"]),
        ("my back hurts. can massage help", ["my back hurts.", "can massage help"]),
        ("how much is it and where are you", ["how much is it", "where are you"]),
        ("how much is it, and do you do evenings", ["how much is it", "do you do evenings"]),
        ("how much is it, where are you", ["how much is it", "where are you"]),
        ("does it hurt, because I bruise", ["does it hurt", "because I bruise"]),
        ("does it hurt also is it safe", ["does it hurt", "is it safe"]),
        ("book me in - what does it cost", ["book me in", "what does it cost"]),
        ("book me in \u2014 what does it cost", ["book me in", "what does it cost"]),
        ("first line\nsecond line\r\nthird line", ["first line", "second line", "third line"]),
        ("do you treat legs and backs", ["do you treat legs and backs"]),
        ("I want a massage and a coffee", ["I want a massage and a coffee"]),
        ("bread, butter and jam", ["bread, butter and jam"]),
        ("self-care at home", ["self-care at home"]),
        ("at 3.30 p.m.", ["at 3.30 p.m."]),
        ("ok. so. how much?", ["how much?"]),
        ("ask: 1) is it a disc 2) can I run", ["ask:", "is it a disc", "can I run"]),
        ("see me at 3) or 4", ["see me at 3) or 4"]),
        ("", []),
        ("?! ... 12", []),
    ],
)
def test_a_message_in_parts(text: str, parts: list[str]) -> None:
    assert clauses.split(text) == parts


def test_of_a_long_message_the_questions_and_the_end_are_kept() -> None:
    told = [f"Sentence number {number}." for number in range(20)]
    parts = clauses.split(" ".join([*told[:3], "Where are you?", *told[3:]]))
    assert len(parts) == clauses.MAX_CLAUSES
    assert parts[0] == "Where are you?"
    assert parts[1:] == told[-7:]


@given(st.text(max_size=300))
def test_any_text_is_cut_without_loss_of_words(text: str) -> None:
    parts = clauses.split(text)
    assert len(parts) <= clauses.MAX_CLAUSES
    for part in parts:
        assert part.strip(), "a part says something"
        assert part == part.strip(" ,")
        assert set(part) <= set(text) | {" "}


@pytest.mark.parametrize(
    "text",
    [
        "how much is it",
        "does it hurt",
        "is it safe",
        "it hurts, why?",
        "And do you take cards",
        "ok so what about parking",
        "hi, can I come on friday",
        "...where are you",
        "Could you call me",
        "really? ",
        "I wanted to know if you have parking",
        "my question is only this, how much pressure do you use",
        "just wondering whether it hurts",
        "mum says I have to ask if you take insurance",
        "tell me what you charge",
    ],
)
def test_a_question(text: str) -> None:
    assert clauses.is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "my back hurts",
        "I want to book",
        "tell me the price",
        "however you like",
        "island massage",
        "area of pain",
        "",
        "friday is fine",
        "I know how it is",
    ],
)
def test_no_question(text: str) -> None:
    assert not clauses.is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "i spilled my coffee lol anyway do you take cards",
        "missed the bus haha do you take cards",
        "so cold today btw do you take cards",
    ],
)
def test_a_question_after_a_story_is_a_part(text: str) -> None:
    assert clauses.split(text)[-1] == "do you take cards"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("you did not answer my question, is it safe?", "is it safe?"),
        ("u havent answered how often", "how often"),
        ("sorry but you never answered, tuesdays or fridays", "tuesdays or fridays"),
        ("that doesn't answer what I asked", "that doesn't answer what I asked"),
        ("you didn't answer and I am cross", "you didn't answer and I am cross"),
        ("you don't answer the phone, how do I reach you", None),
    ],
)
def test_what_is_asked_once_more_after_a_complaint(text: str, asked: str | None) -> None:
    assert clauses.without_complaint(text) == (asked or text)


@given(st.text())
def test_a_complaint_is_only_left_out_before_a_question(text: str) -> None:
    assert text.endswith(clauses.without_complaint(text))
