"""Chromium: the machine's own, or Debian's."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from debian_packages import bring, libraries

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Without fonts nothing is drawn, and no contrast can be measured.
PACKAGES = ("chromium", "fonts-dejavu-core")


@dataclass(frozen=True)
class Chromium:
    """A program and the environment variables it needs beside the usual ones."""

    program: str
    environment: dict[str, str]


def chromium() -> Chromium:
    """Finds Chromium (or the one named by CHROMIUM), or brings it. Raises NoPackages."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if named:
        return Chromium(named, {})
    root = bring(*PACKAGES)
    if root == Path("/"):
        return Chromium("/usr/bin/chromium", {})
    return Chromium(str(root / "usr/lib/chromium/chromium"), libraries(root))
