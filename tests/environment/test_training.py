"""The model is trained when, and only when, what it is made from has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assistant import training
from assistant.project import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("config.yml", "domain.yml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("data", "assistant/nlu", "assistant/policies", "assistant/safety"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.yml", {"data"}),
        ("domain.yml", {"data"}),
        ("data/nlu/cost.yml", {"data"}),
        ("data/responses/cost.yml", {"data"}),
        ("data/rules/answers.yml", {"data"}),
        ("data/safety/signs_legs.yml", set()),
        ("assistant/nlu/intent_model.py", {"code"}),
        ("assistant/policies/turn_policy.py", {"code"}),
        ("assistant/policies/a_new_one.py", {"code"}),
        ("assistant/safety/triage.py", {"code"}),
        ("uv.lock", {"code"}),
    ],
)
def test_what_a_model_is_made_from(tree: Path, file: str, changes: set[str]) -> None:
    before = training.fingerprint(tree)
    with (tree / file).open("a", encoding="utf-8") as out:
        out.write("\n# a change\n")
    after = training.fingerprint(tree)
    assert {name for name in before if before[name] != after[name]} == changes


def test_compiled_files_do_not_count(tree: Path) -> None:
    before = training.fingerprint(tree)
    (tree / "assistant" / "nlu" / "__pycache__").mkdir(exist_ok=True)
    (tree / "assistant" / "nlu" / "__pycache__" / "new.pyc").write_bytes(b"x")
    assert training.fingerprint(tree) == before


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setattr(training, "MODELS", folder)
    monkeypatch.setattr(training, "MODEL", folder / "clinic.tar.gz")
    monkeypatch.setattr(training, "RECORD", folder / "clinic.json")
    return folder


class Rasa:
    """In the place of ``rasa train``: writes a model, or fails."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.output, self.code = "", 0

    def __call__(self, command: list[str], output: Path, say: training.Say) -> int:
        self.calls.append(command)
        output.write_text(self.output, "utf-8")
        if self.code == 0:
            Path(command[command.index("--out") + 1], "clinic.tar.gz").write_text("model")
        return self.code


@pytest.fixture
def rasa(models: Path, monkeypatch: pytest.MonkeyPatch) -> Rasa:
    trained = Rasa()
    monkeypatch.setattr(training, "_run", trained)
    return trained


def test_once_trained_it_is_not_trained_again(
    rasa: Rasa, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {"data": "1", "code": "1"}
    monkeypatch.setattr(training, "fingerprint", lambda: dict(now))
    said: list[str] = []
    assert training.train_if_needed(said.append)
    assert not training.train_if_needed(said.append)
    assert len(rasa.calls) == 1
    now["data"] = "2"
    assert training.train_if_needed(said.append)
    assert "--force" not in rasa.calls[-1]
    now["code"] = "2"
    assert training.train_if_needed(said.append)
    assert "--force" in rasa.calls[-1]
    (models / "clinic.tar.gz").unlink()
    assert training.train_if_needed(said.append)
    assert [line.split(",")[1].strip().split(".")[0] for line in said] == [
        "since there is no model yet",
        "since the data or the configuration changed",
        "since the code of the pipeline or its libraries changed",
        "since there is no model yet",
    ]
    assert not list(models.glob(".training-*"))


def test_a_failed_training_leaves_the_old_model_and_is_tried_again(
    rasa: Rasa, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {"data": "1", "code": "1"}
    monkeypatch.setattr(training, "fingerprint", lambda: dict(now))
    training.train_if_needed(lambda line: None)
    now["data"] = "2"
    rasa.code = 1
    rasa.output = "Traceback (most recent call last):\nOSError: [Errno 28] No space left on device"
    for _ in range(2):
        with pytest.raises(training.TrainingError, match="because the disk is full"):
            training.train_if_needed(lambda line: None)
    assert (models / "clinic.tar.gz").read_text() == "model"
    rasa.output = "2026 INFO  x\nYamlException: Failed to read 'data/nlu/cost.yml'. line 3\n"
    with pytest.raises(training.TrainingError, match=r"Training failed: Failed to read 'data/nlu"):
        training.train_if_needed(lambda line: None)
