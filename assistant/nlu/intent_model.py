"""The ranking of intents: logistic regression over sentence meaning and spelling.

Intents are ranked flat, with every topic of the retrieval intent as a label of its own
("faq/cost"). Features of a text are its sentence vector (384 numbers), the weights of its
character n-grams, which keep "siatica" close to "sciatica", and what it mentions of
data/mentions.yml, which keeps "eliquis" close to "blood thinners".
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from assistant.nlu import mentions, softmax_regression, spelling, texting
from assistant.nlu.outside import OutsideView
from assistant.nlu.sentence_encoder import DIMENSIONS

Encode = Callable[[list[str]], np.ndarray]

NGRAMS = (2, 5)
MIN_TEXTS_WITH_NGRAM = 3
SPELLING_WEIGHT = 0.7
MENTION_WEIGHT = 0.4
REGULARISATION = 12.0
OUTSIDE = "out_of_scope"
# Beside the topics, what belongs to the clinic. Courtesies and short replies are neither.
REQUESTS = (
    "ask_status",
    "book_appointment",
    "change_appointment",
    "delete_my_data",
    "help",
    "speak_to_human",
)
# Their examples are in other languages, whose words are no English ones.
FOREIGN = frozenset({"speak_french", "speak_other_language", "speak_spanish"})
# What the second view weighs beside the difference of the logarithms of two probabilities, and the
# sum of both from which a text is outside. Measured by cross-validation on the examples.
SECOND_VIEW = 4.0
OUTSIDE_FROM = -1.5
LEAST = 1e-4  # probability


def _vectorizer(vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=NGRAMS,
        min_df=1 if vocabulary else MIN_TEXTS_WITH_NGRAM,
        sublinear_tf=True,
        vocabulary=vocabulary,
        dtype=np.float32,
    )


def _class_weights(labels: list[str]) -> dict[str, float]:
    """The square root of "balanced": a rare intent counts for more, a large one is not drowned.

    With "balanced" itself, out_of_scope (seven times as many examples as a topic) lost even
    texts it was trained on.
    """
    counts = Counter(labels)
    mean = len(labels) / len(counts)
    return {label: math.sqrt(mean / count) for label, count in counts.items()}


def _belongs(label: str) -> bool:
    """Whether a label is a topic, or something the clinic is asked for."""
    return label.startswith("faq/") or label in REQUESTS


def _mentions(text: str) -> list[bool]:
    """Whether a text mentions each of the keys of data/mentions.yml.

    That file is among what a model is trained from (``assistant.training``), so its keys are the
    same in training and afterwards.
    """
    keys, named = mentions.keys(), mentions.find(text)
    return [key in named for key in keys]


class IntentModel:
    """Ranks the labels it was trained with for a text."""

    def __init__(
        self,
        encode: Encode,
        labels: list[str],
        vectorizer: TfidfVectorizer,
        weights: np.ndarray,
        intercepts: np.ndarray,
        words: dict[str, int],
        outside: OutsideView | None,
    ) -> None:
        """Weights have the shape (labels, 384 + n-grams + mentions), intercepts (labels,).

        ``words`` says in how many English examples each word stands. ``outside`` is None when no
        example is out of scope, or none belongs to the clinic.
        """
        self.labels = labels
        self._word_counts = words
        self._spelling = spelling.Spelling(words)
        self._encode = encode
        self._vectorizer = vectorizer
        self._ngrams_of = vectorizer.build_analyzer()
        self._rarity = vectorizer.idf_.astype(np.float32)
        # in the order in which they are multiplied: anything else is copied for each message
        self._of_meaning = np.ascontiguousarray(weights[:, :DIMENSIONS].T)
        self._of_words = np.ascontiguousarray(weights[:, DIMENSIONS:].T)
        self._intercepts = intercepts
        self._outside = outside
        self._inside = np.array([_belongs(label) for label in labels])

    @classmethod
    def train(cls, texts: list[str], labels: list[str], encode: Encode) -> IntentModel:
        """Trains on one label a text. The same data give the same model."""
        texts = [
            text if label in FOREIGN else texting.in_words(text)
            for text, label in zip(texts, labels, strict=True)
        ]
        vectorizer = _vectorizer().fit(texts)
        names = sorted(set(labels))
        number = {label: place for place, label in enumerate(names)}
        counts_for = _class_weights(labels)
        vectors = encode(texts)
        weights, intercepts = softmax_regression.fit(
            vectors,
            cls._words(texts, vectorizer),
            np.array([number[label] for label in labels]),
            np.array([counts_for[label] for label in labels], dtype=np.float32),
            REGULARISATION,
        )
        words = spelling.count(
            text for text, label in zip(texts, labels, strict=True) if label not in FOREIGN
        )
        outside = cls._second_view(vectors, labels)
        return cls(encode, names, vectorizer, weights, intercepts, words, outside)

    @staticmethod
    def _second_view(vectors: np.ndarray, labels: list[str]) -> OutsideView | None:
        outside = np.array([label == OUTSIDE for label in labels])
        used = outside | np.array([_belongs(label) for label in labels])
        if not outside.any() or outside[used].all():
            return None
        return OutsideView.train(vectors[used], outside[used])

    @staticmethod
    def _words(texts: list[str], vectorizer: TfidfVectorizer) -> sparse.csr_matrix:
        """Spelling and mentions of each text, side by side."""
        spelling = vectorizer.transform(texts) * SPELLING_WEIGHT
        mentioned = sparse.csr_matrix([_mentions(text) for text in texts], dtype=np.float32)
        parts = [spelling, mentioned * MENTION_WEIGHT]
        return sparse.hstack(parts, format="csr", dtype=np.float32)

    def _words_of(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values of a text's row of ``_words``.

        scikit-learn and scipy check and copy so much that a short text takes five times as long.
        """
        vocabulary = self._vectorizer.vocabulary_
        counts = Counter(map(vocabulary.get, self._ngrams_of(text)))
        counts.pop(None, None)
        ngrams = np.fromiter(counts, np.intp, len(counts))
        often = np.fromiter(counts.values(), np.float32, len(counts))
        values = (1 + np.log(often)) * self._rarity[ngrams]
        values = values * (SPELLING_WEIGHT / max(float(np.linalg.norm(values)), 1e-12))
        mentioned = len(vocabulary) + np.flatnonzero(_mentions(text))
        return (
            np.concatenate([ngrams, mentioned]),
            np.concatenate([values, np.full(len(mentioned), MENTION_WEIGHT, np.float32)]),
        )

    def mend(self, text: str) -> str:
        """The text with shorthand in words and slips mended; the same text when there are none."""
        return self._spelling.mend(texting.in_words(text))

    def knows(self, text: str) -> bool:
        """Whether every word of the text is English or stands in an English example."""
        return self._spelling.knows(text)

    def rank(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        """Returns for each text all labels with their probability, likeliest first."""
        vectors = self._encode(texts)
        scores = vectors @ self._of_meaning + self._intercepts
        for row, text in enumerate(texts):
            columns, values = self._words_of(text)
            scores[row] += values @ self._of_words[columns]
        scores -= scores.max(axis=1, keepdims=True)
        probabilities = np.exp(scores)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        if self._outside is not None:
            self._look_again(probabilities, self._outside.score(vectors))
        return [
            [(self.labels[i], float(row[i])) for i in np.argsort(-row, kind="stable")]
            for row in probabilities
        ]

    def _look_again(self, probabilities: np.ndarray, views: np.ndarray) -> None:
        """Lets "out of scope" and the likeliest other label change places where both views say so.

        ``probabilities`` is (texts, labels) and is changed, ``views`` (texts,).
        """
        outside = self.labels.index(OUTSIDE)
        for row, view in zip(probabilities, views, strict=True):
            other = max((at for at in range(len(row)) if at != outside), key=row.__getitem__)
            if not self._inside[other]:
                continue
            first = math.log(row[outside] + LEAST) - math.log(row[other] + LEAST)
            is_outside = first + SECOND_VIEW * view > OUTSIDE_FROM
            if is_outside != (row[outside] > row[other]):
                row[outside], row[other] = row[other], row[outside]

    def save(self, folder: Path) -> None:
        """Writes the model as plain arrays and JSON, nothing that runs code on loading."""
        idf = self._vectorizer.idf_
        weights = np.concatenate([self._of_meaning, self._of_words]).T
        view = self._outside.arrays() if self._outside else {}
        np.savez(
            folder / "weights.npz",
            weights=weights,
            intercepts=self._intercepts,
            idf=idf,
            **view,
        )
        vocabulary = {term: int(index) for term, index in self._vectorizer.vocabulary_.items()}
        (folder / "labels.json").write_text(
            json.dumps(
                {"labels": self.labels, "vocabulary": vocabulary, "words": self._word_counts}
            ),
            encoding="utf-8",
        )

    @classmethod
    def load(cls, folder: Path, encode: Encode) -> IntentModel:
        """Reads what ``save`` wrote."""
        stored = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        arrays = np.load(folder / "weights.npz", allow_pickle=False)
        vectorizer = _vectorizer(stored["vocabulary"])
        vectorizer.idf_ = arrays["idf"]
        return cls(
            encode,
            stored["labels"],
            vectorizer,
            arrays["weights"],
            arrays["intercepts"],
            stored["words"],
            OutsideView.from_arrays(arrays),
        )
