"""A second opinion by meaning, for wordings that no pattern foresees.

A logistic regression over sentence vectors, trained when the table is loaded on nothing
but the table's own wordings: the examples of its signs against ``not_a_sign`` and
``ordinary``. It says which kind of sign a text resembles and how much. It never says more
than "worth a question" by itself; triage.py decides what to do with it.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from assistant.safety.table import Table

logger = logging.getLogger(__name__)

Encode = Callable[[list[str]], np.ndarray]

ORDINARY = "ordinary"
CRISIS = "crisis"
# Raise when what is trained, or how, changes: kept weights of another version are not used.
VERSION = "1"
STRENGTH = 8.0


class MeaningModel:
    """Likeness of a text to the kinds of sign in the table."""

    def __init__(self, kinds: list[str], weights: np.ndarray, bias: np.ndarray) -> None:
        self._kinds = kinds
        self._weights = weights
        self._bias = bias
        self._ordinary = kinds.index(ORDINARY)

    @classmethod
    def load(cls, table: Table, encode: Encode, kept: Path) -> MeaningModel:
        """Trains, or reads what an earlier start trained from the same table.

        ``kept`` is the file for it. Encoding the table's thousand wordings takes some
        seconds, so the weights are kept; where that is not possible they are trained anew.
        """
        digest = f"{VERSION}-{table.digest}"
        try:
            with np.load(kept, allow_pickle=False) as data:
                if str(data["digest"]) == digest:
                    kinds = [str(kind) for kind in data["kinds"]]
                    return cls(kinds, data["weights"], data["bias"])
        except (OSError, ValueError, KeyError, EOFError):
            pass
        model = cls.train(table, encode)
        model._keep(kept, digest)
        return model

    @classmethod
    def train(cls, table: Table, encode: Encode) -> MeaningModel:
        """Trains on the table's wordings. The same table gives the same model."""
        texts, labels = wordings(table)
        regression = LogisticRegression(
            C=STRENGTH, max_iter=400, class_weight="balanced", random_state=0
        )
        regression.fit(encode(texts), labels)
        return cls(
            [str(kind) for kind in regression.classes_],
            regression.coef_.astype(np.float32),
            regression.intercept_.astype(np.float32),
        )

    def likeness(self, vectors: np.ndarray) -> list[tuple[str, float]]:
        """For each vector, shape (n, 384), the likeliest kind of sign and how likely any is.

        The likelihood lies between 0 and 1 and is that of the text being no ordinary one.
        """
        scores = vectors @ self._weights.T + self._bias
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = scores / scores.sum(axis=1, keepdims=True)
        found = []
        for share in shares:
            danger = 1.0 - float(share[self._ordinary])
            signs_only = np.where(np.arange(len(share)) == self._ordinary, -1.0, share)
            found.append((self._kinds[int(signs_only.argmax())], danger))
        return found

    def _keep(self, kept: Path, digest: str) -> None:
        """Writes the weights, whole or not at all, since several processes may start at once."""
        try:
            with tempfile.NamedTemporaryFile(
                dir=kept.parent, suffix=".npz", delete=False
            ) as handle:
                np.savez(
                    handle,
                    digest=np.array(digest),
                    kinds=np.array(self._kinds),
                    weights=self._weights,
                    bias=self._bias,
                )
            os.replace(handle.name, kept)
        except OSError as error:
            logger.warning("Safety model not kept, the next start trains it again: %s", error)


def wordings(table: Table) -> tuple[list[str], list[str]]:
    """The texts the model is trained on, and the kind of sign of each."""
    pairs: dict[str, str] = {}
    for sign in table.signs:
        kind = CRISIS if sign.response == "crisis" else sign.check
        for text in sign.examples:
            pairs[text] = kind
    for combination in table.combinations:
        for text in combination.examples:
            pairs[text] = combination.check
    for entry in (*table.signs, *table.combinations):
        for text in entry.not_a_sign:
            pairs[text] = ORDINARY
    for text in table.ordinary:
        pairs[text] = ORDINARY
    return list(pairs), list(pairs.values())
