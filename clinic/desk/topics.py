"""The topics and intents the assistant knows, by the files it is trained with."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / "data" / "nlu"
_INTENT = re.compile(r"^\s*-?\s*intent:\s*([\w/]+)\s*$", re.MULTILINE)


def topics() -> tuple[str, ...]:
    """All of them, topics with an answer (``faq/<topic>``) first."""
    files = sorted(_FOLDER.glob("*.yml"))
    return _read(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _read(files: tuple[tuple[Path, int], ...]) -> tuple[str, ...]:
    found = {
        name for file, _ in files for name in _INTENT.findall(file.read_text(encoding="utf-8"))
    }
    return tuple(sorted(found, key=lambda name: (not name.startswith("faq/"), name)))
