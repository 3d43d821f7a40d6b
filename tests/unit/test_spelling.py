"""Slips of the keyboard, mended before a message is ranked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.nlu.spelling import Spelling, count

EXAMPLES = [
    "does massage help with sciatica",
    "how much is a massage",
    "how long is it",
    "does it hurt",
    "is massage good for pain",
    "what is sciatica",
]


@pytest.fixture(scope="module")
def spelling() -> Spelling:
    return Spelling(count(f"{example} {number}" for example in EXAMPLES for number in range(12)))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("deos masage hepl wiht siatica", "does massage help with sciatica"),
        ("doesmassagehelp?", "does massage help?"),
        ("howmuchisit", "how much is it"),
        ("SIATICA PIAN", "sciatica pain"),
    ],
)
def test_slips_are_mended(spelling: Spelling, typed: str, meant: str) -> None:
    assert spelling.mend(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "does massage help with sciatica",
        # English, but in no example
        "my grandmother gardens",
        # a name in the middle, too short, another alphabet
        "please tell Massagi",
        "wth",
        "массаж",
        "qqqqzzzzxxxx",
        "",
    ],
)
def test_what_is_no_slip_stays(spelling: Spelling, text: str) -> None:
    assert spelling.mend(text) == text


def test_what_is_known(spelling: Spelling) -> None:
    assert spelling.knows("Does my grandmother know sciatica?")
    assert not spelling.knows("wie viel kostet massage")


def test_a_rare_word_of_the_examples_is_no_target() -> None:
    assert Spelling(count(["massage siatica"])).mend("siatika") == "siatika"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_mended(spelling: Spelling, text: str) -> None:
    spelling.mend(text)
