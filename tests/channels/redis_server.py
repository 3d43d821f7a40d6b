"""A Redis server of the tests' own: on a socket in a temporary folder, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
PATIENCE = 30.0


class NoRedis(Exception):
    """There is no Redis here and it cannot be installed; the text says what to do."""


class Redis:
    """A running server; ``url`` is its address in ``CLINIC_REDIS_URL``."""

    def __init__(self) -> None:
        program = _program()
        self._folder = Path(tempfile.mkdtemp(prefix="clinic-redis-"))
        socket = self._folder / "redis.sock"
        self.url = f"unix://{socket}"
        settings = {"port": "0", "unixsocket": str(socket), "save": "", "appendonly": "no"}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(  # noqa: S603
            [program, *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )
        ends = time.monotonic() + PATIENCE
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError("Redis did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the server and deletes everything."""
        self._process.kill()
        self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)


def _program() -> str:
    found = shutil.which("redis-server")
    if found is None and os.getuid() == 0 and shutil.which("apt-get"):
        # RUNLEVEL=1: the package starts no server of its own.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for arguments in (
            ["update"],
            ["install", "-y", "--no-install-recommends", "redis-server"],
        ):
            subprocess.run(["apt-get", "-q", *arguments], env=quiet, capture_output=True)  # noqa: S603, S607
        found = shutil.which("redis-server")
    if found is None:
        raise NoRedis("needs Redis: apt-get install redis-server")
    return found


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
