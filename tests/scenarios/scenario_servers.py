"""A Rasa server and an action server of the tests' own, on this machine only.

The programs that script/server starts, on free ports, with the project's model,
``credentials.yml`` as shipped and an ``endpoints.yml`` that names the ports and the database files
of a temporary folder. Nothing is waited for by the clock: every wait ends when a condition holds
or a process has ended.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from assistant import training
from assistant.endpoints import SHIPPED, adapted
from assistant.project import ROOT
from assistant.server import ENVIRONMENT
from assistant.settings import Settings

# A Monday morning on which the sample clinic is open, so that "Tuesday after 4" means the same day
# in every run.
NOW = "2026-11-23T09:30:00-05:00"
MODEL_SETTING = "SCENARIO_MODEL"  # a model file to use in place of the project's
PATIENCE = 300  # seconds until a server that does not answer counts as broken
_TICK = 0.05  # seconds between two looks at a condition


class ServerProblem(RuntimeError):
    """A server did not start, or did not end."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Returns as soon as ``condition`` holds; raises ServerProblem after ``seconds``."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise ServerProblem(f"waited {seconds:g} seconds in vain until {what}")
        time.sleep(_TICK)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Made once: a new one for every look would cost the servers a good part of the processor.
_client = httpx.Client(timeout=2, trust_env=False)
_library = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """A test run that is killed leaves no server behind."""
    _library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Server:
    """One process. ``url`` answers with status 200 once it is ready."""

    name: str
    command: list[str]
    environment: dict[str, str]
    url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process. ``wait`` tells when it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,
            )

    def wait(self) -> None:
        """Returns when the server answers; raises ServerProblem if it ends before."""
        wait_until(self._answers_or_ended, f"{self.name} answers")
        if not self.runs():
            raise ServerProblem(f"{self.name} ended by itself. Its log:\n{self.tail()}")

    def _answers_or_ended(self) -> bool:
        if not self.runs():
            return True
        try:
            return _client.get(self.url).status_code == 200
        except httpx.TransportError:
            return False

    def runs(self) -> bool:
        """The process is there."""
        return self.process is not None and self.process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process, and waits until it is gone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerProblem(f"{self.name} did not end when asked to") from None

    def restart(self) -> None:
        """Ends the process if it still runs, and starts it again."""
        self.stop()
        self.start()
        self.wait()

    def tail(self, lines: int = 60) -> str:
        """The last lines of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @contextmanager
    def no_room_on_disk(self) -> Iterator[None]:
        """Inside, the process can write to no file, as on a full disk."""
        assert self.process is not None
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)


@dataclass
class Servers:
    """The pair of servers that a patient's message passes.

    ``typed`` collects every text that a chat sends, for the test that looks for it in the logs.
    """

    folder: Path
    rasa: Server
    actions: Server
    rasa_url: str
    typed: list[str] = field(default_factory=list)

    @property
    def clinic_database(self) -> Path:
        """Requests, messages, feedback."""
        return self.folder / "clinic.sqlite3"

    @property
    def tracker_database(self) -> Path:
        """Conversations."""
        return self.folder / "conversations.sqlite3"

    def start(self) -> None:
        """Starts both and waits until both answer."""
        try:
            self.actions.start()
            self.rasa.start()
            self.actions.wait()
            self.rasa.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends both."""
        try:
            self.rasa.stop()
        finally:
            self.actions.stop()

    def logs(self) -> str:
        """Everything that both servers have printed."""
        return "\n".join(
            server.log.read_text(encoding="utf-8", errors="replace")
            for server in (self.actions, self.rasa)
        )


def current_model() -> Path:
    """The project's model, trained if it does not fit the data, or the one of the setting."""
    given = os.environ.get(MODEL_SETTING)
    if given:
        return Path(given)
    training.train_if_needed()
    return training.MODEL


def servers_in(folder: Path, model: Path) -> Servers:
    """Describes a pair of servers that keeps everything in ``folder``; nothing is started."""
    settings = Settings("127.0.0.1", free_port(), free_port(), free_port())
    endpoints = folder / "endpoints.yml"
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    wanted = adapted(shipped, settings, folder, own_database=False)
    endpoints.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    environment = os.environ | {
        **ENVIRONMENT,
        "CLINIC_VAR": str(folder),
        "CLINIC_NOW": NOW,
        "CLINIC_DATABASE_URL": "",
        "CLINIC_REST": "on",
    }
    serving = [sys.executable, "-m"]
    actions = [*serving, "assistant.serving.action_server", "--port", str(settings.action_port)]
    rasa = [*serving, "assistant.serving.rasa_server", "--model", str(model)]
    rasa += ["--endpoints", str(endpoints), "--port", str(settings.port)]
    return Servers(
        folder,
        Server(
            "the Rasa server",
            rasa,
            environment,
            f"{settings.address}/webhooks/health/",
            folder / "rasa.log",
        ),
        Server(
            "the action server",
            actions,
            environment,
            f"{settings.action_address}/health",
            folder / "actions.log",
        ),
        settings.address,
    )


@contextmanager
def locked(database: Path, how: str = "EXCLUSIVE") -> Iterator[None]:
    """Inside, another connection holds the SQLite file: nobody else can write it.

    With EXCLUSIVE nobody can read it either, unless it is in WAL mode; with IMMEDIATE they can.
    """
    connection = sqlite3.connect(database, isolation_level=None, timeout=20)
    try:
        connection.execute(f"BEGIN {how}")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
