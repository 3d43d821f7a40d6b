"""What must hold for any message: the triage never raises, and a red flag is never diluted."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.nlu import english
from assistant.nlu.sentence_encoder import SentenceEncoder
from assistant.safety.table import CHECKS
from assistant.safety.triage import Triage

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "safety"
SIGNS = yaml.safe_load((CASES / "signs.yml").read_text(encoding="utf-8"))
LOOK_ALIKES = yaml.safe_load((CASES / "look_alikes.yml").read_text(encoding="utf-8"))
LEVELS = (None, "check", "urgent", "emergency")
RESPONSES = (
    None,
    "utter_emergency",
    "utter_urgent",
    "utter_crisis",
    *(f"utter_check_{name}" for name in CHECKS),
)
CLEAR = [
    text for half in SIGNS.values() for level in ("emergency", "urgent") for text in half[level]
]
UNCLEAR = [text for half in SIGNS.values() for text in half["check"]]
BENIGN = [
    text
    for half in LOOK_ALIKES.values()
    for group in ("ordinary", "other", "idioms", "negated")
    for text in half[group]
]
JOINTS = (". ", ".\n", "! ", "? ", "\n", "; ", ". Also, ", ". But ", ". By the way, ", "... ")

triage = Triage.load(ROOT / "data" / "safety", english.load(), SentenceEncoder().encode)
bounded = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
words = st.lists(
    st.sampled_from(
        [
            *(
                "no",
                "not",
                "never",
                "can't",
                "n't",
                "'",
                "\u2019",
                "if",
                "what",
                "is",
                "?",
                ".",
                ",",
            ),
            *("numb", "both", "legs", "bladder", "pee", "fever", "back", "pain", "mother", "dog"),
            *("my", "I", "it", "but", "and", "now", "since", "2015", "years", "ago", "39.5"),
            *("<my>", "\n", "\x00"),
        ]
    ),
    max_size=40,
).map(" ".join)


@bounded
@given(st.one_of(st.text(max_size=300), words))
def test_any_text_gives_an_allowed_assessment(text: str) -> None:
    found = triage.assess(text)
    assert found.level in LEVELS
    assert found.response in RESPONSES
    assert found.reply in (None, "old", "gone", "yes")
    assert (found.level is None) == (found.response is None)
    assert (found.level is None) == (not found.signs)
    assert (found.level == "check") == (found.escalates_to is not None)
    assert found.level is None or not found.safety_net
    assert triage.assess(text) == found


@bounded
@given(st.sampled_from(CLEAR), st.sampled_from(BENIGN), st.sampled_from(JOINTS), st.booleans())
def test_a_clear_sign_beside_anything_harmless_still_escalates(
    sign: str, benign: str, joint: str, first: bool
) -> None:
    text = f"{sign}{joint}{benign}" if first else f"{benign}{joint}{sign}"
    assert triage.assess(text).level in ("urgent", "emergency"), text


@bounded
@given(st.sampled_from(CLEAR), st.lists(st.sampled_from(BENIGN), min_size=2, max_size=5))
def test_a_clear_sign_in_the_middle_of_a_story_still_escalates(sign: str, story: list[str]) -> None:
    middle = len(story) // 2
    text = ". ".join([*story[:middle], sign, *story[middle:]])
    assert triage.assess(text).level in ("urgent", "emergency"), text


@bounded
@given(st.sampled_from(UNCLEAR), st.sampled_from(BENIGN), st.booleans())
def test_an_unclear_sign_beside_anything_harmless_is_at_least_asked_about(
    sign: str, benign: str, first: bool
) -> None:
    text = f"{sign}. {benign}." if first else f"{benign}. {sign}."
    assert triage.assess(text).level is not None, text


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n", "?", "👍", "/affirm", '/red_flag{"a": 1}', "\x00", "a" * 5000, "不能小便"],
)
def test_odd_messages_are_quiet(text: str) -> None:
    assert triage.assess(text).level is None


def test_a_very_long_message_is_read_to_its_end() -> None:
    text = "I sit all day at a desk. " * 400 + "Since yesterday I can't pee."
    assert triage.assess(text).level == "emergency"
