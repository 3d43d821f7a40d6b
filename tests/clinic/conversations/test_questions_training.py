"""What staff sort in the inbox trains the assistant, and changes what it answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from fabricated import Events, Talk

from assistant.project import DATA, ROOT
from clinic import facts
from clinic.conversations.projection import Tail
from clinic.questions import collecting, exporting, inbox
from clinic.questions.models import Question

# So many examples of each intent and topic: training with all 10,000 takes minutes, and it is
# trained twice.
EACH = 25
WANTED = "faq/location"
ASKED = "do you reserve a stall for my bicycle"
ALIKE = ("is there a rack for bicycles", "where does my bicycle go", "can I lock my bicycle there")
ASK = """
import asyncio, json, sys
from pathlib import Path
from assistant.conversation import Assistant, new_conversation
assistant = Assistant.load(Path(sys.argv[1]))
reply = asyncio.run(assistant.say(new_conversation(), sys.argv[2]))
print(json.dumps(reply.as_dict()))
"""


def test_the_patch_trains_and_changes_the_answer(
    database: Path, events: Events, tail: Tail, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    copy_of_the_data(data)
    before = answer(train(data, tmp_path, "before"), tmp_path)
    assert before["topic"] != WANTED
    for number, text in enumerate(ALIKE):
        talk = Talk(time.time() - 9000).start().patient(text, "faq/cost", 0.1)
        events.write(f"c{number}", talk.assistant("?", "utter_not_understood_1").listen())
    tail.step()
    collecting.collect()
    ids = Question.objects.values_list("pk", flat=True)
    assert inbox.decide(ids, "topic", "natalie", WANTED) == len(ALIKE)
    (data / "nlu" / "new_examples.yml").write_text(exporting.patch(), encoding="utf-8")
    after = answer(train(data, tmp_path, "after"), tmp_path)
    assert after["topic"] == WANTED
    address = facts.current().address
    assert address in after["replies"][0]["text"]
    assert address not in json.dumps(before["replies"])


def copy_of_the_data(folder: Path) -> None:
    """All of ``data``, with some of the examples of every intent and topic."""
    shutil.copytree(DATA, folder)
    for file in (folder / "nlu").glob("*.yml"):
        content = yaml.safe_load(file.read_text("utf-8"))
        for entry in content["nlu"]:
            lines = entry["examples"].splitlines()
            entry["examples"] = "\n".join(lines[:: max(len(lines) // EACH, 1)])
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def train(data: Path, folder: Path, name: str) -> Path:
    """Trains as ``assistant.training`` does; the folder of the model."""
    command = [sys.executable, "-m", "rasa", "train", "--data", str(data), "--skip-validation"]
    trained = run([*command, "--out", str(folder / name)], folder)
    assert trained.returncode == 0, trained.stderr
    return folder / name


def answer(models: Path, folder: Path) -> dict[str, Any]:
    """What the assistant with this model makes of a question, and answers."""
    asked = run([sys.executable, "-W", "ignore", "-c", ASK, str(models), ASKED], folder)
    assert asked.returncode == 0, asked.stderr
    return dict(json.loads(asked.stdout.splitlines()[-1]))


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    own = {
        "CLINIC_VAR": str(folder / "var"),
        "RASA_CACHE_DIRECTORY": str(folder / "cache"),
        "RASA_TELEMETRY_ENABLED": "false",
    }
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
