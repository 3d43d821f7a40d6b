"""A second view of whether a message is about something else than the clinic.

The ranking of intents is linear: it learns that "opening hours" belongs to the clinic, and
"opening hours of the library" lies on the same side. A support vector machine with a radial kernel
looks at how near a text's sentence vector is to examples of either kind, and has a say when the
ranking hesitates. See docs/decisions/0020-a-second-view-of-what-is-outside.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.svm import SVC

WIDTH = 1.0  # gamma of the kernel
INVERSE_PENALTY = 3.0  # C
_ARRAYS = ("outside_vectors", "outside_weights", "outside_bias")


class OutsideView:
    """Scores sentence vectors: above 0 lies what is outside."""

    def __init__(self, vectors: np.ndarray, weights: np.ndarray, bias: float) -> None:
        """``vectors`` is (support vectors, 384) of length 1, ``weights`` (support vectors,)."""
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._weights = weights.astype(np.float32)
        self._bias = float(bias)

    @classmethod
    def train(cls, vectors: np.ndarray, outside: np.ndarray) -> OutsideView:
        """``vectors`` is (texts, 384) of length 1, ``outside`` (texts,) of bool."""
        machine = SVC(C=INVERSE_PENALTY, gamma=WIDTH).fit(vectors, outside)
        return cls(machine.support_vectors_, machine.dual_coef_[0], machine.intercept_[0])

    def score(self, vectors: np.ndarray) -> np.ndarray:
        """Returns (texts,) for vectors (texts, 384) of length 1."""
        # one by one: with two vectors at once all is copied, which takes ten times as long
        likeness = np.stack([self._vectors @ one for one in vectors.astype(np.float32)])
        # the square of the distance of two vectors of length 1 is 2 - 2 times their product
        return np.exp(2 * WIDTH * (likeness - 1)) @ self._weights + self._bias

    def arrays(self) -> dict[str, np.ndarray]:
        """What ``from_arrays`` reads."""
        kept = (self._vectors, self._weights, np.array(self._bias))
        return dict(zip(_ARRAYS, kept, strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> OutsideView | None:
        """The view that was stored, or None when there was none."""
        if _ARRAYS[0] not in arrays:
            return None
        vectors, weights, bias = (arrays[name] for name in _ARRAYS)
        return cls(vectors, weights, float(bias))
