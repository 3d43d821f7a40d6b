"""A second opinion by meaning, for wordings that no pattern foresees.

A support vector machine, trained when the table is loaded on nothing but the table's own
wordings: the examples of its signs against ``not_a_sign`` and ``ordinary``. It says which sign
a text resembles and how clearly. Texts are compared by three things at once: the meaning of
the sentence, its letters (so that slips of spelling still resemble the word) and the concepts
of the table that stand in it.

What counts as "clearly" is measured when the machine is trained, on wordings it was not shown
in that round, so a change of the table or of the sentence vectors moves the limits along.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from assistant.safety.patterns import Vocabulary
from assistant.safety.table import Table

logger = logging.getLogger(__name__)

Encode = Callable[[list[str]], np.ndarray]

ORDINARY = "ordinary"
# Raise when what is trained, or how, changes: a kept model of another version is not used.
VERSION = "7"
# Measured on messages that are in no list here (docs/decisions/0013): meaning alone found 61 %
# of the signs at one false alarm in a hundred, all three together 84 %.
STRICTNESS = 5.0
WIDTH = 1.0
LETTERS = 0.5
CONCEPTS = 0.5
HASHED = 2**14
ROUNDS = 3
# Wordings of signs that are looked at for what a text resembles.
NEAREST = 10
# Of the wordings that only sound like a sign, the share that may be asked about, and the share
# that may be taken for one. They were collected because they are hard; of everyday messages
# far fewer lie above.
ASKED = 0.08
TAKEN = 0.012
# Told apart from a kept model of other sentence vectors by the vector of this text.
PROBE = "my back hurts"


@dataclass(frozen=True)
class Likeness:
    """What a text resembles most, and how clearly."""

    kinds: tuple[str, ...]
    """Ids of the signs, the nearest first."""
    asks: float
    """0 or more: worth a question."""
    tells: float
    """0 or more: as plain as a sign that a pattern found."""


class Traits:
    """What texts are compared by: meaning, letters and concepts, each of length 1 a text."""

    def __init__(self, encode: Encode, vocabulary: Vocabulary, table: Table) -> None:
        self._encode = encode
        self._vocabulary = vocabulary
        self._column = {name: at for at, name in enumerate(sorted(table.concepts))}
        self._letters = HashingVectorizer(
            analyzer="char_wb",
            ngram_range=(2, 4),
            n_features=HASHED,
            norm=None,
            alternate_sign=False,
            lowercase=False,
        )

    def meaning(self, texts: list[str]) -> np.ndarray:
        """Sentence vectors, shape (n, 384)."""
        return self._encode(texts)

    def counted(self, texts: list[str]) -> tuple[csr_matrix, csr_matrix]:
        """Letters, shape (n, HASHED), and concepts, shape (n, concepts), not yet weighed."""
        written: list[str] = []
        columns: list[int] = []
        ends = [0]
        for text in texts:
            message = self._vocabulary.read(text)
            written.append(" ".join(message.words))
            columns.extend(sorted(self._column[name] for name in self._vocabulary.find(message)))
            ends.append(len(columns))
        letters = self._letters.transform(written)
        letters.data = 1.0 + np.log(letters.data)
        concepts = csr_matrix(
            (np.ones(len(columns)), columns, ends), shape=(len(texts), len(self._column))
        )
        return letters, concepts


def _rarity(counted: csr_matrix) -> np.ndarray:
    """Weight of each column: the rarer, the heavier (smoothed inverse document frequency)."""
    texts = counted.shape[0]
    share = np.asarray((counted > 0).sum(axis=0)).ravel()
    return np.log((1 + texts) / (1 + share)) + 1


def _weighed(
    counted: csr_matrix, rarity: np.ndarray, weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and value of each count, the rows of length ``sqrt(weight)``."""
    rows = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
    values = counted.data * rarity[counted.indices]
    lengths = np.sqrt(np.bincount(rows, values**2, minlength=counted.shape[0]))
    return rows, counted.indices, values * np.sqrt(weight) / lengths[rows]


class MeaningModel:
    """Likeness of a text to the signs of the table."""

    def __init__(self, traits: Traits, kept: dict[str, np.ndarray]) -> None:
        """``kept`` is what ``train`` returned, as arrays."""
        self._traits = traits
        self._kinds = [str(kind) for kind in kept["kinds"]]
        self._vectors = kept["vectors"]
        self._counted = csr_matrix(
            (kept["data"], kept["indices"], kept["indptr"]), shape=tuple(kept["shape"])
        )
        self._rarity = (kept["rarity_letters"], kept["rarity_concepts"])
        self._weights = kept["weights"]
        self._bias = float(kept["bias"])
        self._limits = (float(kept["asks"]), float(kept["tells"]))
        self._signs = np.array([at for at, kind in enumerate(self._kinds) if kind != ORDINARY])

    @classmethod
    def load(cls, table: Table, encode: Encode, vocabulary: Vocabulary, kept: Path) -> MeaningModel:
        """Trains, or reads what an earlier start trained from the same table.

        ``kept`` is the file for it. Encoding the table's thousands of wordings takes some
        seconds, so the model is kept; where that is not possible it is trained anew. A model
        trained with other sentence vectors is not used either.
        """
        traits = Traits(encode, vocabulary, table)
        digest = f"{VERSION}-{table.digest}"
        probe = encode([PROBE])[0]
        try:
            with np.load(kept, allow_pickle=False) as data:
                if str(data["digest"]) == digest and np.allclose(data["probe"], probe, atol=1e-3):
                    return cls(traits, dict(data))
        except (OSError, ValueError, KeyError, EOFError):
            pass
        trained = train(table, traits)
        _keep(kept, {**trained, "digest": np.array(digest), "probe": probe})
        return cls(traits, trained)

    def likeness(self, texts: list[str]) -> list[Likeness]:
        """For each text, the signs it is nearest to, and how clearly."""
        rows, columns, values = _joined(*self._traits.counted(texts), self._rarity)
        counted = np.zeros((len(texts), self._counted.shape[1]), dtype=np.float32)
        counted[rows, columns] = values
        # Products with one dense vector are far faster than with a sparse or a narrow matrix.
        near = _kernel(
            np.stack(
                [
                    self._vectors @ vector + self._counted @ row
                    for vector, row in zip(self._traits.meaning(texts), counted, strict=True)
                ]
            )
        )
        clear = near @ self._weights + self._bias
        ranked = self._signs[np.argsort(-near[:, self._signs], axis=1)[:, :NEAREST]]
        asks, tells = self._limits
        return [
            Likeness(self._kinds_of(row), float(value) - asks, float(value) - tells)
            for row, value in zip(ranked, clear, strict=True)
        ]

    def _kinds_of(self, wordings: np.ndarray) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._kinds[int(at)] for at in wordings))


def _joined(
    letters: csr_matrix, concepts: csr_matrix, rarity: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the weighed letters with the weighed concepts behind them."""
    one = _weighed(letters, rarity[0], LETTERS)
    two = _weighed(concepts, rarity[1], CONCEPTS)
    return (
        np.concatenate([one[0], two[0]]),
        np.concatenate([one[1], two[1] + letters.shape[1]]),
        np.concatenate([one[2], two[2]]).astype(np.float32),
    )


def _kernel(alike: np.ndarray) -> np.ndarray:
    """Radial likeness of texts whose traits' products are ``alike``."""
    return np.exp(-2.0 * WIDTH * (1.0 - alike / (1.0 + LETTERS + CONCEPTS)))


def train(table: Table, traits: Traits) -> dict[str, np.ndarray]:
    """Trains on the table's wordings. The same table and vectors give the same model."""
    texts, labels = wordings(table)
    vectors = traits.meaning(texts)
    letters, concepts = traits.counted(texts)
    rarity = (_rarity(letters), _rarity(concepts))
    rows, columns, values = _joined(letters, concepts, rarity)
    shape = (len(texts), letters.shape[1] + concepts.shape[1])
    counted = csr_matrix((values, (rows, columns)), shape=shape)
    near = _kernel(vectors @ vectors.T + (counted @ counted.T).toarray())
    is_sign = np.array([label != ORDINARY for label in labels])
    everyday = set(table.everyday)
    asks, tells = _limits(near, is_sign, np.array([text not in everyday for text in texts]))
    machine = _machine().fit(near, is_sign)
    weights = np.zeros(len(texts), dtype=np.float32)
    weights[machine.support_] = machine.dual_coef_[0]
    # What has no weight and is no sign is never looked at again.
    used = is_sign | (weights != 0)
    counted = counted[used]
    return {
        "kinds": np.array(labels)[used],
        "vectors": vectors[used],
        "data": counted.data,
        "indices": counted.indices,
        "indptr": counted.indptr,
        "shape": np.array(counted.shape),
        "rarity_letters": rarity[0],
        "rarity_concepts": rarity[1],
        "weights": weights[used],
        "bias": np.array(machine.intercept_[0]),
        "asks": np.array(asks),
        "tells": np.array(tells),
    }


def _machine() -> SVC:
    return SVC(C=STRICTNESS, kernel="precomputed", class_weight="balanced", random_state=0)


def _limits(near: np.ndarray, is_sign: np.ndarray, hard: np.ndarray) -> tuple[float, float]:
    """From where a text is worth a question, and from where it is as good as told.

    Each wording is judged by a machine that was not shown it. Of those that are no sign, the
    ``hard`` ones count.
    """
    judged = np.zeros(len(is_sign))
    rounds = StratifiedKFold(min(ROUNDS, int(is_sign.sum())), shuffle=True, random_state=0)
    if (~is_sign).sum() < ROUNDS:
        return 0.0, 1.0
    for shown, hidden in rounds.split(near, is_sign):
        machine = _machine().fit(near[np.ix_(shown, shown)], is_sign[shown])
        judged[hidden] = machine.decision_function(near[np.ix_(hidden, shown)])
    ordinary = judged[~is_sign & hard]
    asks, tells = np.quantile(ordinary, [1 - ASKED, 1 - TAKEN])
    return float(asks), float(tells)


def _keep(kept: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes the model, whole or not at all, since several processes may start at once."""
    try:
        with tempfile.NamedTemporaryFile(dir=kept.parent, suffix=".npz", delete=False) as handle:
            np.savez(handle, **arrays)
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
    for text in (*table.ordinary, *table.everyday):
        pairs[text] = ORDINARY
    for wording in table.wordings:
        pairs.setdefault(wording.text, wording.of if wording.is_sign else ORDINARY)
    return list(pairs), list(pairs.values())
