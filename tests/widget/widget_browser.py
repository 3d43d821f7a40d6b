"""Chromium: the machine's own, or what script/chromium brings."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
UNPACKED = ROOT / ".cache" / "chromium"


@dataclass(frozen=True)
class Chromium:
    """A program and the environment variables it needs beside the usual ones."""

    program: str
    environment: dict[str, str]


def chromium() -> Chromium:
    """Finds Chromium; brings it when there is none."""
    subprocess.run([ROOT / "script" / "chromium"], check=True)  # noqa: S603
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return Chromium(found, {})
    # Programs that were only unpacked need the libraries and fonts unpacked beside them.
    folders = [UNPACKED / f"{room}/x86_64-linux-gnu" for room in ("usr/lib", "lib")]
    environment = {"LD_LIBRARY_PATH": ":".join(map(str, folders))}
    if (UNPACKED / "etc/fonts/fonts.conf").exists():
        environment["FONTCONFIG_SYSROOT"] = str(UNPACKED)
    return Chromium(str(UNPACKED / "usr/lib/chromium/chromium"), environment)
