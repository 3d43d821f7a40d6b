"""Programs of Debian's that tests need: installed by root, unpacked into .cache by anyone else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "debian"


class NoPackages(Exception):
    """The packages cannot be had here; the text says what to do."""


def bring(*packages: str) -> Path:
    """Brings packages with what they depend on; returns the folder that stands for ``/``.

    Root gets them installed. Everyone else gets them downloaded and unpacked, once, in a folder of
    the project's own: nothing of the system is changed. Raises NoPackages.
    """
    if not shutil.which("apt-get"):
        raise NoPackages(f"needs Debian's packages {', '.join(packages)}: install them")
    if os.getuid() == 0:
        # RUNLEVEL=1: a package starts no server of its own.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        _apt("update", environment=quiet)
        _apt("install", "-y", "--no-install-recommends", *packages, environment=quiet)
        return Path("/")
    root = CACHE / "-".join(packages)
    if not (root / ".complete").exists():
        _unpack(packages, root)
    return root


def libraries(root: Path) -> dict[str, str]:
    """Environment variables with which programs below ``root`` find their libraries and fonts."""
    if root == Path("/"):
        return {}
    folders = [root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu", root / "usr/lib"]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "FONTCONFIG_SYSROOT": str(root),
    }


def _unpack(packages: tuple[str, ...], root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    archives = root / "archives"
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / "apt" / folder).mkdir(parents=True)
    archives.mkdir()
    own = [
        *("-o", f"Dir::State::lists={root}/apt/lists", "-o", f"Dir::Cache={root}/apt/cache"),
        *("-o", "Debug::NoLocking=1"),
    ]
    _apt(*own, "update")
    plan = _apt(*own, "-s", "install", "--no-install-recommends", *packages)
    wanted = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
    _apt(*own, "download", *wanted, folder=archives)
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, root], check=True, capture_output=True)  # noqa: S603, S607
    shutil.rmtree(archives)
    shutil.rmtree(root / "apt")
    (root / ".complete").touch()


def _apt(
    *arguments: str, environment: dict[str, str] | None = None, folder: Path | None = None
) -> str:
    done = subprocess.run(  # noqa: S603
        ["apt-get", "-q", *arguments],  # noqa: S607
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise NoPackages(f"apt-get {' '.join(arguments)} failed: {done.stderr.strip()[-400:]}")
    return done.stdout
