"""What the assistant is taught already: the examples of ``data/nlu``, as the files are now."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from pathlib import Path

import yaml

from clinic.environment import ROOT
from clinic.text import fold

FOLDER = ROOT / "data" / "nlu"
#: Seconds for which the files are taken to be as they were: a page asks about hundreds of texts.
_LOOKED_AT_EVERY = 1.0

_ENTITY = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|{[^}]*})")


def label_of(text: str) -> str:
    """The intent or topic that a text is an example of, whatever its case and signs; else ""."""
    return _examples(FOLDER, int(time.monotonic() / _LOOKED_AT_EVERY)).get(fold(text), "")


@lru_cache(maxsize=1)
def _examples(folder: Path, moment: int) -> dict[str, str]:
    files = sorted(folder.glob("*.yml"))
    return _read(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _read(files: tuple[tuple[Path, int], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file, _ in files:
        try:
            content = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
            entries = [entry for entry in content["nlu"] if "intent" in entry]
        except (yaml.YAMLError, KeyError, TypeError):
            # Somebody is writing it just now; the checks before a training say what is wrong.
            continue
        for entry in entries:
            for line in str(entry.get("examples") or "").splitlines():
                if line.strip().startswith("- "):
                    text = _ENTITY.sub(r"\1", line.strip()[2:])
                    found[fold(text)] = str(entry["intent"])
    return found
