"""``python -m assistant questions``: groups, and what the assistant makes of questions now."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fabricated import Events, Talk

from assistant import grouping
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import shared_encoder
from clinic.conversations.projection import Tail
from clinic.questions import collecting, inbox
from clinic.questions.models import Question

TAUGHT = {
    "faq/location": [
        "where are you",
        "is there parking",
        "can I park my car",
        "how do I get there",
    ],
    "faq/cost": ["what does it cost", "how much is it", "what is the price", "is it expensive"],
    "faq/techniques": ["do you do cupping", "which kinds of massage", "do you offer hot stones"],
}


@pytest.fixture
def ask(database: Path, events: Events, tail: Tail) -> Callable[..., None]:
    """Has patients ask what is not understood."""

    def lost(*texts: str) -> None:
        for text in texts:
            talk = Talk(time.time() - 9000).start().patient(text, "faq/insurance", 0.1)
            events.write(text, talk.assistant("?", "utter_not_understood_1").listen())
        tail.step()
        collecting.collect()

    return lost


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained with a dozen examples, as Rasa packs it."""
    folder = tmp_path_factory.mktemp("model")
    pairs = [(text, label) for label, texts in TAUGHT.items() for text in 3 * texts]
    texts, labels = zip(*pairs, strict=True)
    IntentModel.train(list(texts), list(labels), shared_encoder().encode).save(folder)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as packed:
        for name in ("labels.json", "weights.npz"):
            packed.add(folder / name, f"components/train/{name}")
    return folder / "model.tar.gz"


def question(text: str) -> Question:
    return Question.objects.get(text=text)


def test_questions_are_grouped_and_understood(ask: Callable[..., None], model: Path) -> None:
    ask(
        "where can I park",
        "is there somewhere to park my car",
        "do you do hot stones",
        "my seat is numb",
    )
    seat, stones = question("my seat is numb"), question("do you do hot stones")
    inbox.decide([seat.pk], "missed_red_flag", "natalie")
    inbox.decide([stones.pk], "topic", "natalie", "faq/techniques")
    assert grouping.group_questions(model) == 3
    [parking, _, _] = sorted(inbox_groups(), key=len, reverse=True)
    assert parking == {"where can I park", "is there somewhere to park my car"}
    assert question("where can I park").now_as == "faq/location"
    assert question("where can I park").understood_now
    assert question("do you do hot stones").understood_now
    assert question("my seat is numb").now_level in ("check", "urgent", "emergency")
    assert question("where can I park").now_level == ""


def inbox_groups() -> list[set[str]]:
    """The texts of each group, whatever their state."""
    found: dict[int | None, set[str]] = {}
    for group, text in Question.objects.values_list("group", "text"):
        found.setdefault(group, set()).add(text)
    return list(found.values())


def test_what_was_worked_out_before_is_kept(
    ask: Callable[..., None], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("where can I park")
    grouping.group_questions(model)
    ask("do you do hot stones")
    read: list[str] = []
    understand = grouping.understand

    def noted(text: str, model: IntentModel) -> object:
        read.append(text)
        return understand(text, model)

    monkeypatch.setattr(grouping, "understand", noted)
    assert grouping.group_questions(model) == 2
    assert read == ["do you do hot stones"]


def test_many_are_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond the first join their group, or make one of their own."""
    monkeypatch.setattr(grouping, "AT_ONCE", 20)
    chance = np.random.default_rng(1)
    centres = np.eye(12)
    kinds = chance.integers(0, 12, 300)
    # The last kinds are met late only.
    kinds[:100] %= 5
    vectors = centres[kinds] + chance.normal(0, 0.05, (300, 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = grouping.group(vectors.astype(np.float32), [1] * 300)
    assert sorted(row for rows in groups for row in rows) == list(range(300))
    assert len(groups) == 12
    assert all(len({kinds[row] for row in rows}) == 1 for rows in groups)


def test_what_is_discarded_is_in_no_group(ask: Callable[..., None], model: Path) -> None:
    ask("where can I park", "do you do hot stones")
    grouping.group_questions(model)
    inbox.decide([question("where can I park").pk], "discarded", "natalie")
    assert grouping.group_questions(model) == 1
    assert question("where can I park").group is None
