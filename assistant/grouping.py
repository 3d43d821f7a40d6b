"""``python -m assistant questions``: the questions inbox of the staff desk, by meaning.

The worker runs it every hour. It groups the questions, says which are examples already, and what
the model that was trained last makes of each, so that staff see which ones have been dealt with.
Only the parts of the model that understand words are loaded: no Rasa, a few seconds.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from assistant.checks.project import Project, fold
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.nlu.understanding import Understanding, understand
from assistant.project import ROOT
from assistant.training import MODEL
from clinic import setup

# Questions whose likeness is more than this on average are one group. Of 600 examples of data/nlu,
# drawn at random, 269 were in groups then, 64 % of them with their own topic; at 0.5 397 with
# 58 %, at 0.7 166 with 72 %, but there "walk-ins" and "walk in clients" stood apart.
ALIKE = 0.6

_PARTS = ("labels.json", "weights.npz")


def group(vectors: np.ndarray, counts: Sequence[int]) -> list[list[int]]:
    """Row numbers in groups of one meaning, in each the most typical row first.

    ``vectors`` has shape (rows, dimensions), each of length 1; ``counts`` says how often each was
    asked and so how much it weighs.
    """
    rows = len(vectors)
    if rows < 2:
        return [[row] for row in range(rows)]
    tree = linkage(vectors.astype(np.float64), method="average", metric="cosine")
    numbers = fcluster(tree, t=1 - ALIKE, criterion="distance")
    weights = np.asarray(counts, dtype=np.float64)
    groups: list[list[int]] = []
    for number in np.unique(numbers):
        members = np.flatnonzero(numbers == number)
        likeness = vectors[members] @ vectors[members].T @ weights[members]
        groups.append([int(members[place]) for place in np.argsort(-likeness, kind="stable")])
    return groups


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

    encode = shared_encoder().encode
    model = load_model(model_file, encode)
    taught = {fold(example.text): example.label or "" for example in Project(ROOT).examples}
    questions = grouping.to_group()
    texts = [question.text for question in questions]
    vectors = np.stack([encode([text])[0] for text in texts]) if texts else np.empty((0, 0))
    groups = group(vectors, [question.count for question in questions])
    stamp = str(int(model_file.stat().st_mtime)) if model else ""
    found = {}
    for question in questions:
        label, sure = _label(understand(question.text, model)) if model else ("", 0.0)
        found[question.pk] = grouping.Understood(
            label, sure, stamp, taught.get(fold(question.text), "")
        )
    grouping.write([[questions[row].pk for row in rows] for rows in groups], found)
    connections.close_all()
    return len(groups)


def _label(understanding: Understanding) -> tuple[str, float]:
    first = understanding.acts[0]
    return first.label, round(first.confidence, 4)
