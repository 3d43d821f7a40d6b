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

ROOT = Path(__file__).resolve().parents[3]
#: Where script/postgresql unpacks Debian's packages when it may not install them.
UNPACKED = ROOT / ".cache" / "postgresql"

_SET_PARENT_DEATH_SIGNAL = 1


class Cluster:
    """A running server. ``url(name)`` is the address of a database in ``CLINIC_DATABASE_URL``."""

    def __init__(self) -> None:
        programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="clinic-pg-"))
        # The server refuses to run as root.
        self._as: dict[str, object] = {"env": _environment(programs)}
        if os.getuid() == 0:
            user = _other_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
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
                    *("-c", "jit=off"),
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
    """The folder of initdb and postgres; fetched from Debian when there is none."""
    subprocess.run([ROOT / "script" / "postgresql"], check=True)  # noqa: S603
    for place in (Path("/usr/lib/postgresql"), UNPACKED / "usr/lib/postgresql"):
        versions = [folder for folder in place.glob("*/bin") if (folder / "initdb").exists()]
        if versions:
            return max(versions, key=lambda folder: float(folder.parent.name))
    return Path(str(shutil.which("initdb"))).parent


def _environment(programs: Path) -> dict[str, str]:
    """Programs that were only unpacked need the libraries that were unpacked beside them."""
    if not programs.is_relative_to(UNPACKED):
        return dict(os.environ)
    libraries = [UNPACKED / folder / "x86_64-linux-gnu" for folder in ("usr/lib", "lib")]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root cannot run PostgreSQL, and there is no user postgres or nobody")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)
