"""What the chat window is told about the assistant's messages."""

from __future__ import annotations

from fnmatch import fnmatchcase
from string import Formatter
from typing import Any

import pytest
import yaml

from assistant.channels.bubbles import bubble_of, kind_of
from assistant.channels.wording import LOCALES, error_text, in_language, words
from assistant.project import DATA
from clinic import facts

ASKED = "0f0e7a54-9a3c-4a53-8d0e-6f1d6f6d7a10"


def responses(file: str = "*") -> set[str]:
    """Names of the responses in a file of data/responses, or in all."""
    return {
        name
        for path in (DATA / "responses").glob(f"{file}.yml")
        for name in yaml.safe_load(path.read_text(encoding="utf-8"))["responses"]
    }


def test_every_message_of_the_safety_rules_is_marked() -> None:
    # A line below an answer, for everybody: no alarm.
    ordinary = {"utter_safety_net"}
    # Read by somebody who is watched: it must not stand out on the screen.
    ordinary.add("utter_violence_quiet")
    # Comes before the question it asks once more, which is marked.
    ordinary.add("utter_answer_unclear")
    # Says that an alarm is over.
    ordinary.add("utter_taken_back_cleared")
    assert [name for name in responses("safety") - ordinary if kind_of(name) is None] == []


@pytest.mark.parametrize(
    "pattern",
    [
        *(*words()["kinds"], *words()["handed_over"], *words()["sourced"]),
        *(pattern for patterns in words()["languages"].values() for pattern in patterns),
    ],
)
def test_every_pattern_is_about_a_response(pattern: str) -> None:
    assert [name for name in responses() if fnmatchcase(name, pattern)]


def test_what_is_not_in_english_says_so() -> None:
    english = responses() - responses("languages") | {"utter_speak_other_language"}
    for name in responses():
        language = bubble_of({"text": "x", "metadata": {"response": name}}).body.get("lang")
        assert language in ((None,) if name in english else ("fr", "es")), name
        assert name in english or {"fr": "french", "es": "spanish"}[str(language)] in name
    left = in_language("utter_live_left", {"text": "x"}, "fr", {"person_name": "Natalie"})
    assert bubble_of(left).body["lang"] == "fr"


def test_all_errors_in_all_languages() -> None:
    facts.load()
    texts = words()["errors"]
    assert set(texts) == set(LOCALES)
    for locale in LOCALES:
        assert texts[locale].keys() == texts["en"].keys()
        for code, text in texts[locale].items():
            fields = {field for _, field, _, _ in Formatter().parse(text) if field}
            same = {field for _, field, _, _ in Formatter().parse(texts["en"][code]) if field}
            assert fields == same, code
            assert "{" not in error_text(code, locale, limit=2000, seconds=5)
            assert "!" not in text


def bubble(**message: Any) -> dict[str, Any]:
    body = bubble_of({"text": "words", **message}, ASKED).body
    assert body["in_reply_to"] == ASKED
    return body


def test_buttons_and_thumbs() -> None:
    shown = {"title": "Prices", "payload": "/faq/cost"}
    thumb = {"title": "Helpful", "payload": '/feedback{"value": "up"}', "kind": "rating"}
    body = bubble(buttons=[shown, thumb])
    assert body["buttons"] == [shown]
    assert body["rateable"] is True
    plain = bubble(buttons=None)
    assert (plain["buttons"], plain["rateable"]) == ([], False)


@pytest.mark.parametrize(
    ("response", "sources", "label"),
    [
        ("utter_faq/x", ["guideline: NHS", "article: Part"], "From our article: Part"),
        ("utter_faq/x", ["dialogue", "guideline: NHS"], "Source: NHS"),
        ("utter_faq/x", ["clinic.yml: phone"], None),
        ("utter_greet", ["article: Part"], None),
    ],
)
def test_sources(response: str, sources: list[str], label: str | None) -> None:
    body = bubble(metadata={"response": response, "source": sources})
    assert body.get("source") == (label and {"label": label})


def test_what_is_not_there_is_left_out() -> None:
    assert bubble().keys() == {"id", "at", "from", "text", "buttons", "rateable", "in_reply_to"}
    assert bubble(card={"type": "booking"})["card"] == {"type": "booking"}
