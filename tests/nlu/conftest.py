"""The ranking of intents that the messages beside this file are judged with."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from assistant import training
from assistant.checks.project import Project
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.project import ROOT

CLASSIFIER = "ClinicIntentClassifier"


@pytest.fixture(scope="session")
def intent_model(tmp_path_factory: pytest.TempPathFactory) -> IntentModel:
    """The trained model when it fits the data and the code, else one trained here.

    Training takes a minute or two; script/test trains before the tests start.
    """
    if training.MODEL.exists() and _recorded() == training.fingerprint():
        return _from_archive(training.MODEL, tmp_path_factory.mktemp("model"))
    examples = Project(ROOT).examples
    texts = [example.text for example in examples]
    labels = [str(example.label) for example in examples]
    return IntentModel.train(texts, labels, shared_encoder().encode)


def _recorded() -> object:
    try:
        return json.loads(training.RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _from_archive(model: Path, folder: Path) -> IntentModel:
    with tarfile.open(model) as archive:
        # The project's own file. Debian 12's Python 3.11.2 has no extraction filters.
        archive.extractall(folder)  # noqa: S202
    (component,) = (folder / "components").glob(f"*{CLASSIFIER}*")
    return IntentModel.load(component, shared_encoder().encode)
