"""A Redis server of the tests' own: on a socket in a temporary folder, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from assistant.project import ROOT

UNPACKED = ROOT / ".cache" / "redis"
_SET_PARENT_DEATH_SIGNAL = 1
PATIENCE = 30.0


class Redis:
    """A running server; ``url`` is its address in ``CLINIC_REDIS_URL``."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="clinic-redis-"))
        self._socket = self._folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        """Starts, or starts again at the same address, with nothing remembered."""
        program, environment = _program()
        settings = {"port": "0", "unixsocket": str(self._socket), "save": "", "appendonly": "no"}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(  # noqa: S603
            [program, *options],
            cwd=self._folder,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )
        ends = time.monotonic() + PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError("Redis did not start")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def kill(self) -> None:
        """Ends the server at once."""
        self._process.kill()
        self._process.wait(20)
        self._socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends the server and deletes everything."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _program() -> tuple[str, dict[str, str]]:
    """The program, fetched from Debian when there is none, and what it needs to run."""
    subprocess.run([ROOT / "script" / "redis"], check=True)  # noqa: S603
    found = shutil.which("redis-server")
    if found is not None:
        return found, {}
    # What was only unpacked needs the libraries that were unpacked beside it.
    libraries = [UNPACKED / folder / "x86_64-linux-gnu" for folder in ("usr/lib", "lib")]
    return str(UNPACKED / "usr/bin/redis-server"), {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries))
    }


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
