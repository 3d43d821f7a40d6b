"""The desk's own files: style, scripts and pictures."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

#: The folders of files the browser may fetch; a file's address is its path inside.
FOLDERS = tuple(
    folder
    for name in ("desk", "live")
    if (folder := Path(__file__).resolve().parent.parent / name / "static").is_dir()
)


@cache
def address() -> str:
    """Where the files are found: ``/static/``, a hash of all of them, and a slash."""
    summed = hashlib.sha256()
    for folder in FOLDERS:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            summed.update(str(file.relative_to(folder)).encode())
            summed.update(file.read_bytes())
    return f"/static/{summed.hexdigest()[:16]}/"
