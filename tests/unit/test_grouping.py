"""Questions of one meaning are one group, named by the most typical."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from assistant.grouping import group, load_model
from assistant.nlu.sentence_encoder import shared_encoder

QUESTIONS = [
    "do you take walk-ins",
    "can I come without an appointment",
    "do you accept walk in clients",
    "is there parking nearby",
    "where can I park my car",
]


def test_by_meaning() -> None:
    encode = shared_encoder().encode
    vectors = np.stack([encode([text])[0] for text in QUESTIONS])
    found = sorted(sorted(rows) for rows in group(vectors, [1] * len(QUESTIONS)))
    assert [3, 4] in found
    assert any({0, 2} <= set(rows) for rows in found)
    assert not any({0, 3} <= set(rows) for rows in found)


def test_what_is_asked_most_names_its_group() -> None:
    vectors = np.array([[1.0, 0.0], [0.9, np.sqrt(1 - 0.81)], [0.8, 0.6]])
    (rows,) = group(vectors, [1, 1, 50])
    assert rows[0] == 2


def test_none_and_one() -> None:
    assert group(np.empty((0, 0)), []) == []
    assert group(np.ones((1, 1)), [1]) == [[0]]


def test_a_model_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    encode = shared_encoder().encode
    assert load_model(tmp_path / "none.tar.gz", encode) is None
    (tmp_path / "labels.json").write_text("{}")
    with tarfile.open(tmp_path / "old.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "labels.json", "components/labels.json")
    assert load_model(tmp_path / "old.tar.gz", encode) is None
