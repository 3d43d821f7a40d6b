"""The second view of what is outside."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from assistant.nlu.intent_model import IntentModel
from assistant.nlu.outside import INVERSE_PENALTY, WIDTH, OutsideView

RANDOM = np.random.default_rng(5)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def example() -> tuple[np.ndarray, np.ndarray]:
    outside = np.arange(80) % 2 == 0
    centre = np.where(outside[:, None], 1.0, -1.0) * np.eye(1, 384)
    return unit(centre + 0.05 * RANDOM.normal(size=(80, 384))), outside


def test_the_score_is_that_of_the_machine() -> None:
    vectors, outside = example()
    machine = SVC(C=INVERSE_PENALTY, gamma=WIDTH).fit(vectors, outside)
    view = OutsideView.train(vectors, outside)
    assert view.score(vectors) == pytest.approx(machine.decision_function(vectors), abs=1e-4)
    assert ((view.score(vectors) > 0) == outside).all()


def test_what_is_stored_scores_as_before() -> None:
    vectors, outside = example()
    view = OutsideView.train(vectors, outside)
    again = OutsideView.from_arrays(view.arrays())
    assert again is not None
    assert again.score(vectors) == pytest.approx(view.score(vectors))
    assert OutsideView.from_arrays({}) is None


TEXTS = [f"opening hours of the library {n}" for n in range(12)]
TEXTS += [f"opening hours of the clinic {n}" for n in range(12)]
LABELS = ["out_of_scope"] * 12 + ["faq/opening_hours"] * 12


def encode(texts: list[str]) -> np.ndarray:
    sides = np.array([[1.0 if "library" in text else -1.0] for text in texts])
    noise = [np.random.default_rng(len(text)).normal(size=384) for text in texts]
    return unit(sides * np.eye(1, 384) + 0.02 * np.array(noise))


def test_both_views_decide_what_is_outside() -> None:
    model = IntentModel.train(TEXTS, LABELS, encode)
    (library,), (clinic,) = (
        [ranked[0][0] for ranked in model.rank([text])]
        for text in ("when is the library open", "when is the clinic open")
    )
    assert (library, clinic) == ("out_of_scope", "faq/opening_hours")


class FixedView(OutsideView):
    def __init__(self, score: float) -> None:
        self._score = score

    def score(self, vectors: np.ndarray) -> np.ndarray:
        return np.full(len(vectors), self._score)


def test_the_second_view_lets_two_labels_change_places() -> None:
    model = IntentModel.train(TEXTS, LABELS, encode)
    model._outside = None
    (alone,) = model.rank(["opening hours"])
    for score, first in ((-9.0, "faq/opening_hours"), (9.0, "out_of_scope")):
        model._outside = FixedView(score)
        (ranked,) = model.rank(["opening hours"])
        assert ranked[0][0] == first
        assert sorted(sure for _, sure in ranked) == sorted(sure for _, sure in alone)


def test_courtesies_are_left_alone() -> None:
    texts, labels = [*TEXTS, *["hello", "hello there"] * 6], [*LABELS, *["greet"] * 12]
    model = IntentModel.train(texts, labels, encode)
    model._outside = FixedView(9.0)
    assert model.rank(["hello"])[0][0][0] == "greet"


def test_without_examples_outside_there_is_no_second_view() -> None:
    model = IntentModel.train(["hello", "bye"] * 6, ["greet", "goodbye"] * 6, encode)
    assert model._outside is None
