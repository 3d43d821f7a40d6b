"""A PostgreSQL cluster of the tests' own: in a temporary folder, on a socket, gone afterwards."""

from __future__ import annotations

import collections
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1


class NoPostgres(Exception):
    """There is no PostgreSQL here and it cannot be installed; the text says what to do."""


class Cluster:
    """A running server. ``url(name)`` is the address of a database in ``CLINIC_DATABASE_URL``."""

    def __init__(self) -> None:
        programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="clinic-pg-"))
        # The server refuses to run as root.
        self._as: dict[str, object] = {}
        if os.getuid() == 0:
            user = _other_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = self.folder / "data"
        try:
            subprocess.run(  # noqa: S603
                [
                    *(programs / "initdb", "-D", data, "-U", "clinic", "-A", "trust"),
                    *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
                ],
                check=True,
                capture_output=True,
                cwd=self.folder,
                **self._as,  # type: ignore[call-overload]
            )
            self._server = subprocess.Popen(  # noqa: S603
                [
                    *(programs / "postgres", "-D", data, "-k", self.folder, "-h", "", "-F"),
                    *("-c", "max_connections=60", "-c", "log_checkpoints=off"),
                ],
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                cwd=self.folder,
                # It must not outlive tests that are killed.
                preexec_fn=_die_with_parent,
                **self._as,  # type: ignore[call-overload]
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._last: collections.deque[str] = collections.deque(maxlen=20)
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        self._ready.wait(60)
        if self._server.poll() is not None or not self._ready.is_set():
            self.stop()
            raise RuntimeError("PostgreSQL did not start: " + "".join(self._last))

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://clinic@/{name}?host={self.folder}"

    def run(self, statement: str) -> None:
        """One statement outside any transaction, in the maintenance database."""
        import psycopg2

        connection = psycopg2.connect(host=str(self.folder), user="clinic", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def stop(self) -> None:
        """End the server at once and delete everything."""
        self._server.send_signal(signal.SIGQUIT)
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        # Read to the end: a full pipe would stop the server.
        assert self._server.stderr is not None
        with self._server.stderr as lines:
            for line in lines:
                self._last.append(line)
                if "database system is ready to accept connections" in line:
                    self._ready.set()
        self._ready.set()


def _programs() -> Path:
    found = _installed()
    if found is None and os.getuid() == 0 and shutil.which("apt-get"):
        # RUNLEVEL=1: the package starts no server of its own.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", "-q", *arguments], env=quiet, capture_output=True)  # noqa: S603, S607
        found = _installed()
    if found is None:
        raise NoPostgres("needs PostgreSQL: apt-get install postgresql")
    return found


def _installed() -> Path | None:
    versions = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("needs a user postgres or nobody to run PostgreSQL as")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)
