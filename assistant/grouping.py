"""``python -m assistant questions``: the questions inbox of the staff desk, by meaning.

The worker runs it when a question is new and every hour. It groups the questions and says what the
model that was trained last makes of each, so that staff see which ones have been dealt with. What
was worked out before is kept: a few seconds, unless a model is new. Only the parts of it that
understand words are loaded, no Rasa.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from assistant.nlu import english
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import DIMENSIONS, shared_encoder
from assistant.nlu.understanding import Understanding, understand
from assistant.project import SAFETY_TABLE
from assistant.safety.triage import Triage
from assistant.training import MODEL
from clinic import setup

# Questions whose likeness is more than this on average are one group. Of 600 examples of data/nlu,
# drawn at random, 269 were in groups then, 64 % of them with their own topic; at 0.5 397 with
# 58 %, at 0.7 166 with 72 %, but there "walk-ins" and "walk in clients" stood apart.
ALIKE = 0.6
# So many are compared each with every other, which takes 16 MB.
AT_ONCE = 2000

# Vectors are kept in half precision: 768 bytes a question.
_KEPT = np.dtype("<f2")
_PARTS = ("labels.json", "weights.npz")


def group(vectors: np.ndarray, counts: Sequence[int]) -> list[list[int]]:
    """Row numbers in groups of one meaning, in each the most typical row first.

    ``vectors`` has shape (rows, dimensions), each of length 1; ``counts`` says how often each was
    asked and so how much it weighs. Rows beyond the first ``AT_ONCE`` join the group that they are
    most alike; the first ``AT_ONCE`` of those that fit nowhere are then compared with each other.
    """
    groups: list[np.ndarray] = []
    rest = np.arange(len(vectors))
    while len(rest):
        some, rest = rest[:AT_ONCE], rest[AT_ONCE:]
        new = [some[members] for members in _linked(vectors[some])]
        means = np.stack([vectors[members].mean(axis=0) for members in new])
        joined, left = [[members] for members in new], []
        for begin in range(0, len(rest), AT_ONCE):
            part = rest[begin : begin + AT_ONCE]
            likeness = vectors[part] @ means.T
            nearest = likeness.argmax(axis=1)
            fits = likeness[np.arange(len(part)), nearest] > ALIKE
            for row, place in zip(part[fits], nearest[fits], strict=True):
                joined[place].append(np.array([row]))
            left.append(part[~fits])
        groups += [np.concatenate(members) for members in joined]
        rest = np.concatenate(left) if left else rest
    weights = np.asarray(counts, dtype=np.float64)
    return [_typical_first(vectors, weights, members) for members in groups]


def _linked(vectors: np.ndarray) -> list[np.ndarray]:
    """Row numbers in groups, by comparing each row with every other."""
    if len(vectors) < 2:
        return [np.array([0])]
    tree = linkage(vectors.astype(np.float64), method="average", metric="cosine")
    numbers = fcluster(tree, t=1 - ALIKE, criterion="distance")
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def _typical_first(vectors: np.ndarray, weights: np.ndarray, members: np.ndarray) -> list[int]:
    """The members of a group, first those most like all of them, each weighed."""
    likeness = vectors[members] @ (weights[members] @ vectors[members])
    return [int(members[place]) for place in np.argsort(-likeness, kind="stable")]


def load_model(file: Path, encode: Callable[[list[str]], np.ndarray]) -> IntentModel | None:
    """The part of a trained model that ranks intents.

    None when there is no model, or one of before an update that has not been trained since.
    """
    if not file.exists():
        return None
    with tempfile.TemporaryDirectory() as folder, tarfile.open(file) as packed:
        for member in packed.getmembers():
            name = Path(member.name).name
            source = packed.extractfile(member) if name in _PARTS else None
            if source:
                (Path(folder) / name).write_bytes(source.read())
        try:
            return IntentModel.load(Path(folder), encode)
        except (KeyError, FileNotFoundError):
            return None


def group_questions(model_file: Path = MODEL) -> int:
    """Group the questions in the clinic's database; the number of groups."""
    setup.ready()
    from django.db import connections

    from clinic.questions import grouping
    from clinic.questions.models import FOR_CLINICIAN

    encode = shared_encoder().encode
    model = load_model(model_file, encode)
    stamp = str(int(model_file.stat().st_mtime)) if model else ""
    questions = list(grouping.to_group())
    vectors = np.empty((len(questions), DIMENSIONS), dtype=np.float32)
    known, meanings, understood = grouping.meanings(), {}, {}
    for row, question in enumerate(questions):
        kept = known.get(question.pk)
        if kept is None:
            kept = meanings[question.pk] = encode([question.text])[0].astype(_KEPT).tobytes()
        vectors[row] = np.frombuffer(kept, dtype=_KEPT)
        if model is None or question.now_model != stamp:
            label, sure = _label(understand(question.text, model)) if model else ("", 0.0)
            understood[question.pk] = grouping.Understood(label, sure, stamp)
    groups = group(vectors, [question.count for question in questions])
    levels = _levels([question for question in questions if question.state in FOR_CLINICIAN])
    grouping.write(
        [[questions[row].pk for row in rows] for rows in groups], understood, meanings, levels
    )
    connections.close_all()
    return len(groups)


def _levels(questions: Sequence[Any]) -> dict[int, str]:
    """What the table of danger signs makes of questions now, by their id."""
    if not questions:
        return {}
    from clinic.questions.models import NO_LEVEL

    triage = Triage.load(SAFETY_TABLE, english.load(), shared_encoder().encode)
    return {question.pk: triage.assess(question.text).level or NO_LEVEL for question in questions}


def _label(understanding: Understanding) -> tuple[str, float]:
    first = understanding.acts[0]
    return first.label, round(first.confidence, 4)
