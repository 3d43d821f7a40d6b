"""``python -m assistant`` as a program, with the trained model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scenario_servers import NOW, current_model

from assistant.project import ROOT
from assistant.server import ENVIRONMENT


def run(folder: Path, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command; its data are in a folder of the test's own."""
    current_model()
    settings = {"CLINIC_VAR": str(folder), "CLINIC_NOW": NOW, "CLINIC_DATABASE_URL": ""}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "assistant", *arguments],
        input=typed,
        cwd=ROOT,
        env=os.environ | ENVIRONMENT | settings,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def booked(tmp_path: Path) -> list[dict[str, Any]]:
    """A whole booking, one message a line."""
    lines = [
        "60 minutes tomorrow at 10 am, I am Mirabel Okonkwo, 604-555-0142, first visit",
        "yes, send it",
        "how much does it cost",
    ]
    done = run(tmp_path, "\n".join(lines), "ask", "--json", "--session")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_conversation(booked: list[dict[str, Any]]) -> None:
    """Each line is answered by one line, and nothing else is printed."""
    assert len(booked) == 3
    said = ["\n".join(reply["text"] for reply in answer["replies"]) for answer in booked]
    assert "Shall I send it?" in said[0]
    assert "your reference is" in said[1]
    assert booked[2]["topics"] == ["cost"]


def test_an_evaluation(tmp_path: Path) -> None:
    """Questions from a file are asked one by one and counted."""
    file = tmp_path / "questions.yml"
    entry = {"source": "written for this test", "origin": "chat"}
    questions = [
        {"id": "q1", "text": "how much is a massage", "expected": "cost", **entry},
        {
            "id": "q2",
            "text": "since this morning I cannot feel anything when I wipe myself",
            "expected": "red_flag",
            "urgency": "emergency",
            **entry,
        },
    ]
    file.write_text(json.dumps({"version": 1, "questions": questions}), encoding="utf-8")
    done = run(tmp_path, "", "evaluate", str(file))
    assert done.returncode == 0, done.stderr
    assert "Topic accuracy: 2 of 2" in done.stdout, done.stdout
