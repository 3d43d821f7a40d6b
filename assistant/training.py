"""Training, only when needed: ``python -m assistant.training``.

The model is ``models/clinic.tar.gz``. Beside it ``models/clinic.json`` says what it was trained
from: digests of Rasa's files and data, and of the code and libraries of the pipeline. When one of
them has changed, the model is trained anew; the old one stays in place until the new one is
whole. ``data/safety`` is read when the servers start and needs no training.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant.project import MODELS, ROOT

MODEL = MODELS / "clinic.tar.gz"
RECORD = MODELS / "clinic.json"
HEARTBEAT = 15.0

_RASA_FILES = ("config.yml", "domain.yml", "data")
_READ_AT_START = ("data/emoji.yml", "data/safety/")
_CODE = ("assistant/nlu", "assistant/policies", "assistant/safety", "uv.lock")
_ENDINGS = {".py", ".yml", ".yaml", ".json", ".lock", ".md", ".onnx"}

Say = Callable[[str], None]


class TrainingError(RuntimeError):
    """The model could not be trained; the text is one sentence that says why."""


def fingerprint(root: Path = ROOT) -> dict[str, str]:
    """Returns the digests of what a model is trained from: "data" and "code"."""
    return {
        "data": _digest(root, _RASA_FILES, _READ_AT_START),
        "code": _digest(root, _CODE, ()),
    }


def _digest(root: Path, names: Iterable[str], but: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for name in names:
        place = root / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            path = file.relative_to(root).as_posix()
            if file.suffix not in _ENDINGS or path.startswith(but) or not file.is_file():
                continue
            total.update(f"{path}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def train_if_needed(say: Say = print) -> bool:
    """Trains if the model does not fit any more; returns whether it did.

    ``say`` gets a line now and then. Raises TrainingError, or OSError when the model cannot be
    written. Two processes that train at once wait for each other.
    """
    MODELS.mkdir(exist_ok=True)
    with _alone(say):
        wanted = fingerprint()
        had = _recorded()
        if MODEL.exists() and had == wanted:
            return False
        if not MODEL.exists():
            reason = "there is no model yet"
        elif had.get("code") != wanted["code"]:
            reason = "the code of the pipeline or its libraries changed"
        else:
            reason = "the data or the configuration changed"
        say(f"Training, since {reason}. This takes two to four minutes.")
        # Rasa trains only the parts whose data changed, but it does not see changed code.
        _train(say, everything=had.get("code") != wanted["code"])
        draft = RECORD.with_suffix(".new")
        draft.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        draft.replace(RECORD)
        return True


@contextmanager
def _alone(say: Say) -> Any:
    with (MODELS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another training in this folder to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recorded() -> dict[str, str]:
    try:
        recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _train(say: Say, *, everything: bool) -> None:
    for left_over in MODELS.glob(".training-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with TemporaryDirectory(prefix=".training-", dir=MODELS) as folder:
        command = [sys.executable, "-m", "rasa", "train", "--fixed-model-name", "clinic"]
        # The data are checked by script/test; doing it here takes a third of the training's time.
        command += ["--skip-validation", "--out", folder, *(["--force"] if everything else [])]
        output = Path(folder) / "output.txt"
        code = _run(command, output, say)
        model = Path(folder) / MODEL.name
        if code != 0 or not model.exists():
            raise TrainingError(_why(output.read_text("utf-8", errors="replace"), code))
        # A model without a record is trained anew, so the order is: forget, replace, record.
        RECORD.unlink(missing_ok=True)
        model.replace(MODEL)


def _run(command: list[str], output: Path, say: Say) -> int:
    """Runs the command with its output in a file and says now and then that it goes on."""
    environment = os.environ | {"RASA_TELEMETRY_ENABLED": "false", "PYTHONUNBUFFERED": "1"}
    begin = time.monotonic()
    with output.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 (our own interpreter)
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        while True:
            try:
                return child.wait(HEARTBEAT)
            except subprocess.TimeoutExpired:
                say(f"Still training, {time.monotonic() - begin:.0f} s.")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"^(?:[\w.]*\.)?(\w*(?:Error|Exception|Invalid\w*|NotFound\w*))\b:?\s*(.*)")


def _why(output: str, code: int) -> str:
    """One sentence from Rasa's output: the last error, without the path through the code."""
    lines = [line for line in _COLOUR.sub("", output).splitlines() if line.strip()]
    if "No space left on device" in output or "disk is full" in output:
        return "The model cannot be stored, because the disk is full."
    if code in (-signal.SIGKILL, 137):
        return "Training was ended from outside, most likely because memory ran out."
    for at in range(len(lines) - 1, -1, -1):
        match = _ERROR.match(lines[at])
        if match:
            said = " ".join([match[2], *lines[at + 1 : at + 4]]).strip()
            return f"Training failed: {said or match[1]}"
    return "Training failed: " + (" ".join(lines[-2:]) or f"exit code {code}")


def main() -> int:
    """Trains if needed, from the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if train_if_needed(lambda line: print(line, flush=True)):
            # The triage learns from its table when it is first loaded: better now than while
            # somebody waits for the first answer. Loads much, so only when it is needed.
            # What libraries say about each other; one of them undoes every filter.
            warnings.showwarning = lambda *_, **__: None
            from assistant.nlu.safety_triage import shared_triage

            print("Learning the danger signs. This takes half a minute.", flush=True)
            shared_triage()
        else:
            print("The model is up to date.")
    except (TrainingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
