"""A second opinion by meaning, for wordings that no pattern foresees.

A support vector machine over sentence vectors, trained when the table is loaded on nothing
but the table's own wordings: the examples of its signs against ``not_a_sign`` and
``ordinary``. It says which sign a text resembles and how clearly. On its own it
never says more than "worth a question"; triage.py decides what to do with it.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.svm import SVC

from assistant.safety.table import Table

logger = logging.getLogger(__name__)

Encode = Callable[[list[str]], np.ndarray]

ORDINARY = "ordinary"
# Raise when what is trained, or how, changes: a kept model of another version is not used.
VERSION = "4"
# Measured on everyday messages: of linear and radial models this one found the most signs
# at the same number of false alarms.
STRICTNESS = 5.0
WIDTH = 2.0


class MeaningModel:
    """Likeness of a text to the signs of the table."""

    def __init__(
        self, kinds: list[str], vectors: np.ndarray, weights: np.ndarray, bias: float
    ) -> None:
        """``vectors``, shape (n, 384), with a kind and a weight each."""
        self._kinds = kinds
        self._vectors = vectors
        self._weights = weights
        self._bias = bias
        self._signs = np.array([at for at, kind in enumerate(kinds) if kind != ORDINARY])

    @classmethod
    def load(cls, table: Table, encode: Encode, kept: Path) -> MeaningModel:
        """Trains, or reads what an earlier start trained from the same table.

        ``kept`` is the file for it. Encoding the table's thousand wordings takes some
        seconds, so the model is kept; where that is not possible it is trained anew.
        """
        digest = f"{VERSION}-{table.digest}"
        try:
            with np.load(kept, allow_pickle=False) as data:
                if str(data["digest"]) == digest:
                    kinds = [str(kind) for kind in data["kinds"]]
                    return cls(kinds, data["vectors"], data["weights"], float(data["bias"]))
        except (OSError, ValueError, KeyError, EOFError):
            pass
        model = cls.train(table, encode)
        model._keep(kept, digest)
        return model

    @classmethod
    def train(cls, table: Table, encode: Encode) -> MeaningModel:
        """Trains on the table's wordings. The same table gives the same model."""
        texts, labels = wordings(table)
        vectors = encode(texts)
        machine = SVC(C=STRICTNESS, gamma=WIDTH, class_weight="balanced", random_state=0)
        machine.fit(vectors, [label != ORDINARY for label in labels])
        weights = np.zeros(len(texts), dtype=np.float32)
        weights[machine.support_] = machine.dual_coef_[0]
        return cls(labels, vectors, weights, float(machine.intercept_[0]))

    def likeness(self, vectors: np.ndarray) -> list[tuple[str, float]]:
        """For each vector, shape (n, 384), the id of the sign it is nearest to, and how clearly.

        Above 0 the text lies on the side of the signs, above 1 well inside.
        """
        # Squared distance of unit vectors is 2 - 2 cos.
        near = np.exp(-2.0 * WIDTH * (1.0 - vectors @ self._vectors.T))
        clear = near @ self._weights + self._bias
        nearest = self._signs[near[:, self._signs].argmax(axis=1)]
        return [
            (self._kinds[int(at)], float(value)) for at, value in zip(nearest, clear, strict=True)
        ]

    def _keep(self, kept: Path, digest: str) -> None:
        """Writes the model, whole or not at all, since several processes may start at once."""
        try:
            with tempfile.NamedTemporaryFile(
                dir=kept.parent, suffix=".npz", delete=False
            ) as handle:
                np.savez(
                    handle,
                    digest=np.array(digest),
                    kinds=np.array(self._kinds),
                    vectors=self._vectors,
                    weights=self._weights,
                    bias=np.array(self._bias),
                )
            os.replace(handle.name, kept)
        except OSError as error:
            logger.warning("Safety model not kept, the next start trains it again: %s", error)


def wordings(table: Table) -> tuple[list[str], list[str]]:
    """The texts the model is trained on, and the id of the sign each tells of."""
    pairs: dict[str, str] = {}
    for entry in table.entries:
        for text in entry.examples:
            pairs[text] = entry.id
    for entry in table.entries:
        for text in entry.not_a_sign:
            pairs[text] = ORDINARY
    for text in table.ordinary:
        pairs[text] = ORDINARY
    for wording in table.wordings:
        pairs.setdefault(wording.text, wording.of if wording.is_sign else ORDINARY)
    return list(pairs), list(pairs.values())
