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
from clinic.conversations.projection import Tail
from clinic.questions import collecting, exporting, inbox
from clinic.questions.models import Question

# So many examples of each intent and topic: training with all 10,000 takes minutes, and it is
# trained twice.
EACH = 20
WANTED = "techniques"
ASKED = "can I get moxa with you"
ALIKE = ("do you do moxa", "is moxa part of it", "how does moxa work", "do you offer moxa here")
# In a process of its own, once started for both: trains as "rasa train" does, and asks.
TRAIN_AND_ASK = """
import asyncio, json, sys
from pathlib import Path
from rasa.model_training import train
from assistant.conversation import Assistant, new_conversation

folder, patch, asked = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for name, files in (("before", []), ("after", [patch])):
    data = [str(folder / "data"), *files]
    done = train("domain.yml", "config.yml", data, output=str(folder / name))
    assert done.code == 0, name
    assistant = Assistant.load(folder / name)
    reply = asyncio.run(assistant.say(new_conversation(), asked))
    print(json.dumps(reply.as_dict()))
"""


def test_the_patch_trains_and_changes_the_answer(
    database: Path, events: Events, tail: Tail, tmp_path: Path
) -> None:
    for number, text in enumerate(ALIKE):
        talk = Talk(time.time() - 9000).start().patient(text, "faq/cost", 0.1)
        events.write(f"c{number}", talk.assistant("?", "utter_not_understood_1").listen())
    tail.step()
    collecting.collect()
    ids = Question.objects.values_list("pk", flat=True)
    assert inbox.decide(ids, "topic", "natalie", f"faq/{WANTED}") == len(ALIKE)
    patch = tmp_path / "new_examples.yml"
    patch.write_text(exporting.patch(), encoding="utf-8")
    copy_of_the_data(tmp_path / "data")
    before, after = train_and_ask(tmp_path, patch)
    assert before["topic"] != WANTED
    assert after["topic"] == WANTED
    wordings = yaml.safe_load((DATA / "responses" / f"{WANTED}.yml").read_text("utf-8"))
    texts = [one["text"] for one in wordings["responses"][f"utter_faq/{WANTED}"]]
    begins = [" ".join(text.partition("{")[0].partition(". ")[0].split()) for text in texts]
    assert all(len(words) > 15 for words in begins)
    assert any(words in after["replies"][0]["text"] for words in begins)
    assert not any(words in json.dumps(before["replies"]) for words in begins)


def copy_of_the_data(folder: Path) -> None:
    """All of ``data``, with some of the examples of every intent and topic."""
    shutil.copytree(DATA, folder)
    for file in (folder / "nlu").glob("*.yml"):
        content = yaml.safe_load(file.read_text("utf-8"))
        for entry in content["nlu"]:
            lines = entry["examples"].splitlines()
            entry["examples"] = "\n".join(lines[:: max(len(lines) // EACH, 1)])
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def train_and_ask(folder: Path, patch: Path) -> list[dict[str, Any]]:
    """What the assistant makes of a question and answers, without the patch and with it."""
    own = {
        "CLINIC_VAR": str(folder / "var"),
        "RASA_CACHE_DIRECTORY": str(folder / "cache"),
        "RASA_TELEMETRY_ENABLED": "false",
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", TRAIN_AND_ASK, str(folder), str(patch), ASKED],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    replies = [line for line in done.stdout.splitlines() if line.startswith('{"text"')]
    return [json.loads(line) for line in replies]
