"""Starts the assistant and watches over it: ``python -m assistant.server``, by script/server.

Checks the settings, brings the database up to date, trains if need be, starts the programs of
``programs()`` and waits until each answers. A program that ends is started again, a few times;
when this process ends, in whatever way, so do they.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import ctypes
import errno
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from assistant import settings as server_settings
from assistant.channels import chat_settings
from assistant.channels.apps import settings as app_settings
from assistant.channels.apps.catalogue import APPS
from assistant.endpoints import endpoints_file
from assistant.project import MODELS, ROOT
from assistant.settings import Settings
from assistant.training import MODEL
from clinic import clock, env_file, environment, facts
from clinic.booking.handoff import ways
from clinic.desk import options

STEPS = 4
READY_WITHIN = 300.0
LOOK_EVERY = 0.1
HEARTBEAT = 5.0
END_WITHIN = 10.0
# More ends than this within the time, in seconds, and everything is stopped, or a program without
# which patients are still answered rests.
RESTARTS = 3
RESTARTS_WITHIN = 600.0
REST = 60.0
FREE_MEGABYTES = 50
# Each server works on one thread; the libraries' own threads would only wait for each other.
ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Sanic takes one function of distutils, for which setuptools would load all of itself.
    "SETUPTOOLS_USE_DISTUTILS": "stdlib",
}
_PR_SET_PDEATHSIG = 1


class StartProblem(RuntimeError):
    """The assistant cannot be started or kept running; the text is one sentence that says why."""


T = TypeVar("T")
_WRONG_SETTING = (environment.EnvironmentProblem, facts.ClinicFileError, clock.ClockError)


class Problems:
    """Collects what is wrong with settings, so that all of it is said at once.

    Leaving the ``with`` block raises StartProblem, one sentence a line, if there was anything.
    """

    def __init__(self) -> None:
        self._found: list[str] = []

    def of(self, check: Callable[[], T]) -> T | None:
        """What a check returns, None when a setting is wrong."""
        try:
            return check()
        except _WRONG_SETTING as problem:
            self._found.append(str(problem))
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._found and kind is None:
            # what several checks read is told once
            raise StartProblem("\n".join(dict.fromkeys(self._found)))


@dataclass(frozen=True)
class Program:
    """A program that runs as long as the assistant does."""

    name: str
    command: tuple[str, ...]
    answers_at: tuple[str, ...]
    """Addresses that all answer with 200 once it works; none: it works as long as it runs."""

    needed: bool = True
    """Without it nobody can be answered. One that is not needed is started again for ever."""


def programs(settings: Settings, endpoints: Path) -> tuple[Program, ...]:
    """The table of programs, the one that takes longest to start first."""
    python = (sys.executable, "-m")
    return (
        Program(
            "Rasa server",
            (
                *(*python, "assistant.serving.rasa_server", "--model", str(MODEL)),
                *("--host", settings.host, "--port", str(settings.port)),
                *("--endpoints", str(endpoints)),
            ),
            # /webhooks/health/ sends a message through the model and looks for a reply.
            (f"{settings.address}/webhooks/health/", f"{settings.address}/webhooks/website/"),
        ),
        Program(
            "action server",
            (*python, "assistant.serving.action_server", "--port", str(settings.action_port)),
            (f"{settings.action_address}/health",),
        ),
        Program(
            "staff desk",
            (*python, "clinic", "desk"),
            (f"{settings.desk_address}/health",),
            needed=False,
        ),
        # Last, so that one that cannot run at all has ended by the time the others answer.
        Program("worker", (*python, "clinic", "deliver"), (), needed=False),
    )


# Checks before anything is started.


def check_ports(settings: Settings) -> None:
    """Raises StartProblem if a port cannot be opened, with who has it."""
    for name, host, port in (
        ("CLINIC_PORT", settings.host, settings.port),
        ("ACTION_SERVER_PORT", "127.0.0.1", settings.action_port),
        ("CLINIC_DESK_PORT", "127.0.0.1", settings.desk_port),
    ):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise StartProblem(_port_problem(name, host, port, error)) from None


def _port_problem(name: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by {_listener(port)}: end that program, or set {name} in .env "
            "to another port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f'CLINIC_HOST is "{host}", which is no address of this computer. Allowed: the address '
            "of one of its interfaces, for example 127.0.0.1."
        )
    return f"Port {port} cannot be opened ({error.strerror}): set {name} in .env to another port."


def _listener(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(handle) in inodes for handle in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().split(b"\0")
                command = b" ".join(words[:4]).decode(errors="replace")[:80]
                return f"process {process.name} ({command.strip()})"
        except OSError:
            continue
    return "another program (maybe this assistant, started twice)"


def check_disk(var: Path) -> None:
    """Raises StartProblem if a folder that is written to has no room."""
    for folder in (var, MODELS, Path(tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free // 2**20
        if free < FREE_MEGABYTES:
            raise StartProblem(
                f"The disk is full: {folder} has {free} MB left and the assistant needs "
                f"{FREE_MEGABYTES} MB. Make room and start again."
            )


# Programs and what they say.


class Children:
    """The processes that were started. ``end`` leaves none of them, nor of theirs."""

    def __init__(self) -> None:
        self._running: list[Process] = []

    async def start(self, command: tuple[str, ...], output: int | None = None) -> Process:
        """Starts a command in a process group of its own."""
        library = ctypes.CDLL(None)

        def end_with_parent() -> None:
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT if output is not None else None,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        self._running.append(child)
        return child

    async def run(self, command: tuple[str, ...], say: Callable[[str], None] | None = None) -> None:
        """Runs a command to its end. Raises StartProblem with its last line if it fails."""
        child = await self.start(command, PIPE)
        assert child.stdout is not None
        last = ""
        async for raw in child.stdout:
            line = raw.decode(errors="replace").rstrip()
            last = line or last
            if say:
                say(line)
        if await child.wait() != 0:
            if "disk is full" in last or "No space left on device" in last:
                last = "The disk is full: make room and start again."
            raise StartProblem(last or f"{command[-1]} ended with code {child.returncode}.")

    async def end(self) -> None:
        """Ends all, politely at first."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            alive = [child for child in self._running if child.returncode is None]
            for child in self._running:
                # The group may outlive its first process.
                try:
                    os.killpg(child.pid, kind)
                except ProcessLookupError:
                    continue
            if alive:
                await asyncio.wait(
                    [asyncio.ensure_future(child.wait()) for child in alive], timeout=END_WITHIN
                )


async def answers(address: str) -> bool:
    """Whether a GET request is answered with 200."""
    parts = urlsplit(address)
    request = f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
    try:
        async with asyncio.timeout(HEARTBEAT):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request.encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


class Supervisor:
    """Runs the assistant from the first check to the end."""

    def __init__(self, began: float) -> None:
        """``began`` is when script/server was started, in seconds since 1970."""
        self._began = began
        self._children = Children()

    async def run(self) -> None:
        """Starts everything and watches over it until it is cancelled or cannot go on."""
        try:
            with step(2, "Settings and clinic.yml"):
                settings, var, clinic = self._settings()
            with step(3, "Model"):
                await self._children.run((sys.executable, "-m", "assistant.training"), detail)
            with step(4, "Database and servers"):
                first, *others = programs(settings, endpoints_file(settings, var))
                # Half of the start is Rasa's server, which needs no table while it loads.
                running = {first: await self._start(first)}
                await self._children.run((sys.executable, "-m", "clinic", "migrate"))
                running |= {program: await self._start(program) for program in others}
                for program, child in running.items():
                    await self._ready(program, child)
            self._tell(settings, var, clinic)
            await self._watch(running)
        finally:
            await self._children.end()

    def _settings(self) -> tuple[Settings, Path, facts.Facts]:
        checks: tuple[Callable[[], object], ...] = (
            env_file.read_env_file,
            clock.now,
            chat_settings.read,
            chat_settings.rest_is_on,
            *(partial(app_settings.read, app) for app in APPS),
            app_settings.public_address,
            options.read,
        )
        with Problems() as problems:
            for check in checks:
                problems.of(check)
            settings = problems.of(server_settings.read)
            var = problems.of(environment.var_folder)
            if var:
                problems.of(partial(environment.secret_key, var))
                problems.of(partial(environment.chat_keys, var))
                problems.of(partial(environment.database, var))
            clinic = problems.of(facts.load)
            if clinic:
                problems.of(partial(ways.way_out, clinic))
        assert settings
        assert var
        assert clinic
        MODELS.mkdir(exist_ok=True)
        check_disk(var)
        check_ports(settings)
        return settings, var, clinic

    async def _start(self, program: Program) -> Process:
        return await self._children.start(program.command)

    async def _ready(self, program: Program, child: Process) -> None:
        begin = said = time.monotonic()
        while True:
            if child.returncode is not None:
                raise StartProblem(
                    f"The {program.name} did not start ({_ended(child)}): the lines above say why."
                )
            if all([await answers(address) for address in program.answers_at]):
                detail(f"The {program.name} {'answers' if program.answers_at else 'runs'}.")
                return
            now = time.monotonic()
            if now - begin > READY_WITHIN:
                raise StartProblem(
                    f"The {program.name} did not answer within {READY_WITHIN:.0f} seconds."
                )
            if now - said > HEARTBEAT:
                detail(f"Waiting for the {program.name}, {now - begin:.0f} s.")
                said = now
            await asyncio.sleep(LOOK_EVERY)

    async def _watch(self, running: dict[Program, Process]) -> None:
        ends: dict[Program, collections.deque[float]] = {
            program: collections.deque(maxlen=RESTARTS) for program in running
        }
        waiting: dict[asyncio.Task[Any], Program] = {
            asyncio.create_task(child.wait()): program for program, child in running.items()
        }
        resting: set[Program] = set()
        while True:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                program = waiting.pop(task)
                how = _ended(running[program])
                recent = ends[program]
                now = time.monotonic()
                often = len(recent) == RESTARTS and now - recent[0] < RESTARTS_WITHIN
                if often and program not in resting:
                    again = f"The {program.name} ended again ({how}), {RESTARTS + 1} times in ten "
                    if program.needed:
                        raise StartProblem(f"{again}minutes: everything is stopped.")
                    print(f"{again}minutes: it is started once a minute from now on.", flush=True)
                    resting.add(program)
                    waiting[asyncio.create_task(asyncio.sleep(REST))] = program
                    continue
                resting.discard(program)
                recent.append(now)
                print(f"The {program.name} ended ({how}). Starting it again.", flush=True)
                running[program] = child = await self._start(program)
                await self._ready(program, child)
                waiting[asyncio.create_task(child.wait())] = program

    def _tell(self, settings: Settings, var: Path, clinic: facts.Facts) -> None:
        sample = "" if not clinic.sample else " (sample values: replace them before going live)"
        print(
            f"""
The assistant is ready, {time.time() - self._began:.1f} s after its start. Ctrl-C ends it.

  clinic     {clinic.name}, from {clinic.path}{sample}
  website    {settings.address}/
  staff desk {options.read().address}/ (first login: .venv/bin/python -m clinic first-administrator)
  chat       .venv/bin/python -m assistant ask        (in another terminal)
  health     {settings.address}/webhooks/health/
  actions    {settings.action_address} (for the Rasa server only)
  data       {var}
""",
            flush=True,
        )
        for sentence in filter(None, map(app_settings.off, APPS)):
            print(sentence, flush=True)
        if settings.host not in ("127.0.0.1", "::1"):
            print(
                f"Other computers can reach {settings.address}. What is sent there is not "
                "encrypted: put a reverse proxy in front.\n",
                flush=True,
            )
        if chat_settings.rest_is_on():
            print(
                "CLINIC_REST is on: the REST channel believes whatever it is told about who is "
                "writing.\n",
                flush=True,
            )


def _ended(child: Process) -> str:
    code = child.returncode
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"


@contextmanager
def step(number: int, title: str) -> Iterator[None]:
    """Prints what is being done, and how long it took."""
    print(f"[{number}/{STEPS}] {title}", flush=True)
    begin = time.monotonic()
    yield
    detail(f"{time.monotonic() - begin:.1f} s")


def detail(line: str) -> None:
    """Prints a line below a step."""
    print(f"      {line}", flush=True)


async def _until_stopped(began: float) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Also where the shell told us to ignore Ctrl-C, as it does in the background.
        loop.add_signal_handler(kind, stop.set)
    work = asyncio.create_task(Supervisor(began).run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    print("Stopping.", flush=True)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return 0


def main() -> int:
    """Runs until it is told to stop (exit code 0) or cannot go on (1)."""
    parser = argparse.ArgumentParser(prog="python -m assistant.server")
    parser.add_argument("--began", type=float, default=time.time(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.umask(0o077)
    try:
        return asyncio.run(_until_stopped(options.began))
    except (StartProblem, *_WRONG_SETTING) as problem:
        print(problem, file=sys.stderr)
    except OSError as error:
        print(_disk_problem(error), file=sys.stderr)
    return 1


def _disk_problem(error: OSError) -> str:
    place = error.filename or "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {place} could not be written. Make room and start again."
    return f"{place} cannot be used ({error.strerror}): the assistant writes in var/ and models/."


if __name__ == "__main__":
    sys.exit(main())
