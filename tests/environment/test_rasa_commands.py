"""Rasa's own commands work here, on a small project with Rasa's own components."""

# ruff: noqa: S310, S603 (our own programs, on this computer)
from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE = 180.0
PROJECT = {
    "config.yml": """
recipe: default.v1
assistant_id: small
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
policies:
- name: RulePolicy
""",
    "domain.yml": """
version: "3.1"
intents: [greet, goodbye]
responses:
  utter_greet: [{text: Good day}]
  utter_goodbye: [{text: Farewell}]
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
- intent: goodbye
  examples: |
    - bye
    - see you later
    - goodbye then
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: goodbye
  steps: [{intent: goodbye}, {action: utter_goodbye}]
""",
    "tests/test_stories.yml": """
version: "3.1"
stories:
- story: hello and goodbye
  steps:
  - {user: hello, intent: greet}
  - {action: utter_greet}
  - {user: bye, intent: goodbye}
  - {action: utter_goodbye}
""",
    "credentials.yml": "rest:\n",
    "endpoints.yml": "",
}
ENVIRONMENT = os.environ | {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "NO_COLOR": "1",
}
RASA = [sys.executable, "-W", "ignore", "-m", "rasa"]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RASA, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained project."""
    folder = tmp_path_factory.mktemp("small")
    write(folder, PROJECT)
    done = run(folder, "train")
    assert done.returncode == 0, done.stderr
    assert list((folder / "models").glob("*.tar.gz"))
    return folder


@contextmanager
def running(command: list[str], folder: Path, terminal: int | None = None) -> Iterator[int]:
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=terminal if terminal is not None else subprocess.DEVNULL,
        stdout=terminal if terminal is not None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield child.pid
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_run_answers(project: Path) -> None:
    port = free_port()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/webhooks/rest/webhook",
        json.dumps({"sender": "somebody", "message": "hi there"}).encode(),
        {"Content-Type": "application/json"},
    )
    with running([*RASA, "run", "-i", "127.0.0.1", "--port", str(port)], project):
        until = time.monotonic() + DEADLINE
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    answer = json.load(response)
                break
            except OSError:
                assert time.monotonic() < until, "no answer"
                time.sleep(0.2)
    assert [message["text"] for message in answer] == ["Good day"]


def test_shell_chats(project: Path) -> None:
    ours, theirs = pty.openpty()
    seen = b""

    def wait_for(text: bytes) -> None:
        nonlocal seen
        until = time.monotonic() + DEADLINE
        while text not in seen:
            left = until - time.monotonic()
            assert left > 0, seen
            if select.select([ours], [], [], left)[0]:
                seen += os.read(ours, 65536)

    with running([*RASA, "shell", "--port", str(free_port())], project, theirs):
        wait_for(b"Your input")
        os.write(ours, b"see you later\r")
        wait_for(b"Farewell")
    os.close(ours)
    os.close(theirs)


def test_test_core_and_test_nlu_report(project: Path) -> None:
    core = run(project, "test", "core", "--stories", "tests", "--out", "core")
    assert core.returncode == 0, core.stderr
    assert "None of the test stories failed" in (
        project / "core" / "failed_test_stories.yml"
    ).read_text("utf-8")
    nlu = run(project, "test", "nlu", "--nlu", "data/nlu.yml", "--out", "nlu")
    assert nlu.returncode == 0, nlu.stderr
    report = json.loads((project / "nlu" / "intent_report.json").read_text("utf-8"))
    assert report["accuracy"] == 1.0


def test_data_validate_passes_and_fails(project: Path, tmp_path: Path) -> None:
    assert run(project, "data", "validate", "--fail-on-warnings").returncode == 0
    in_two_intents = PROJECT["data/nlu.yml"].replace("- bye\n", "- bye\n    - hello\n")
    write(tmp_path, PROJECT | {"data/nlu.yml": in_two_intents})
    assert run(tmp_path, "data", "validate", "--fail-on-warnings").returncode == 1


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("LogisticRegressionClassifier", "DIETClassifier", "DIETClassifier"),
        ("- name: RulePolicy", "- name: TEDPolicy\n- name: RulePolicy", "TEDPolicy"),
    ],
)
def test_asking_for_a_tensorflow_model_ends_in_one_sentence(
    tmp_path: Path, old: str, new: str, name: str
) -> None:
    write(tmp_path, PROJECT | {"config.yml": PROJECT["config.yml"].replace(old, new)})
    done = run(tmp_path, "train")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "TensorFlow" in line]
    assert done.returncode == 1
    assert len(said) == 1, done.stdout + done.stderr
    assert name in said[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "models").exists()
