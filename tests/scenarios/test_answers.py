"""The questions of the scenarios are new to the classifier."""

from __future__ import annotations

import re

import yaml
from scenario_steps import HERE, scenarios

from assistant.project import DATA

TOPICS = HERE / "answers" / "topics.yml"


def words(text: str) -> str:
    """A text without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def examples() -> dict[str, str]:
    """What the classifier learns from: text to intent."""
    return {
        words(line.removeprefix("- ")): block["intent"]
        for file in (DATA / "nlu").glob("*.yml")
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]
        for line in block["examples"].splitlines()
    }


def test_every_topic_is_asked() -> None:
    """answers/topics.yml has one question for each topic there is."""
    topics = {intent.removeprefix("faq/") for intent in examples().values() if "/" in intent}
    assert topics == set(yaml.safe_load(TOPICS.read_text(encoding="utf-8"))["cases"])


def test_no_question_is_an_example() -> None:
    """The topics are asked for in words that the classifier has not been trained on."""
    learned = examples()
    asked = [
        step["patient"]
        for scenario in scenarios()
        if scenario.name.startswith("answers/topics")
        for step in scenario.steps
        if "patient" in step
    ]
    assert len(asked) >= 23
    assert not [text for text in asked if words(text) in learned]
