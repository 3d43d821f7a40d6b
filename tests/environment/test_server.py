"""script/server in a clean clone: from a start to an answer, to an end, and what can be wrong."""

# ruff: noqa: S310, S603, S607 (our own programs, on this computer)
from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.channels.apps.catalogue import APPS
from assistant.project import MODELS, ROOT
from assistant.training import fingerprint

DEADLINE = 600.0
READY = "The assistant is ready"


def until(happens: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Waits for something to happen."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def processes_of(var: Path) -> dict[int, str]:
    """Process ids and commands of all that were started with this CLINIC_VAR."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"CLINIC_VAR={var}\0".encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
    return found


class Clone:
    """A clean clone of the repository, and script/server in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.var = folder / "var"
        self.output = folder / "output.txt"
        ports = []
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            for probe in (one, two, three):
                probe.bind(("127.0.0.1", 0))
                ports.append(probe.getsockname()[1])
        self.port, self.action_port, self.desk_port = ports
        self.child: subprocess.Popen[bytes] | None = None

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CLINIC_")}
        return kept | {
            # The uv that script/test brought, so that it is not fetched again.
            "PATH": f"{ROOT / '.uv'}:{os.environ['PATH']}",
            "CLINIC_VAR": str(self.var),
            "CLINIC_REST": "on",
            "CLINIC_PORT": str(self.port),
            "ACTION_SERVER_PORT": str(self.action_port),
            "CLINIC_DESK_PORT": str(self.desk_port),
            **settings,
        }

    def fails(self, *prefix: str, **settings: str) -> str:
        """Starts, expects an end with an error, and returns what was said on standard error."""
        done = subprocess.run(
            [*prefix, "script/server"],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        until(lambda: not processes_of(self.var), "nothing is left running")
        return done.stderr.strip()

    @contextlib.contextmanager
    def running(
        self, before: Callable[[], None] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Starts and waits until it is ready; ends it afterwards."""
        with self.output.open("wb") as out:
            child = subprocess.Popen(
                ["script/server"],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=before,
                start_new_session=True,
            )
        try:
            until(lambda: READY in self.said() or child.poll() is not None, self.said(), DEADLINE)
            assert child.poll() is None, self.said()
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            until(lambda: not processes_of(self.var), "nothing is left running")

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def ask(self, message: str) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/webhooks/rest/webhook",
            json.dumps({"sender": "somebody", "message": message}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return " ".join(part.get("text", "") for part in json.load(response))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("clone") / "assistant"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    if (MODELS / "clinic.json").exists() and fingerprint(ROOT) == fingerprint(folder):
        # The same data and code: what was trained here would be trained there.
        for name in ("clinic.tar.gz", "clinic.json"):
            shutil.copy(MODELS / name, folder / "models" / name)
    clone = Clone(folder)
    # Here and not in whichever test comes first: what uv builds would be among its output.
    subprocess.run(["script/setup"], cwd=folder, env=clone.environment(), check=True)
    return clone


def test_a_clean_clone_answers_and_ctrl_c_ends_it(clone: Clone) -> None:
    with clone.running() as server:
        steps = re.findall(r"^\[(\d)/4\] ", clone.said(), re.M)
        assert steps == ["1", "2", "3", "4"]
        assert "sciatica" in clone.ask("What is sciatica?").lower()
        # One line for each messaging app, with what is missing.
        until(lambda: clone.said().count(" is off: ") == len(APPS), "the apps that are off")
        for app in APPS:
            assert f"{app.title} is off: {app.settings[0]}" in clone.said()
        clone.ask("my secret word is xylophone 4165550123")
        with urllib.request.urlopen(f"http://127.0.0.1:{clone.port}/webhooks/health/") as health:
            assert json.load(health) == {"status": "ok"}
        assert len(processes_of(clone.var)) == 5
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(30) == 0
        assert not processes_of(clone.var)
    for file in [clone.output, *clone.var.glob("*.log")]:
        assert "xylophone" not in file.read_text("utf-8", errors="ignore")
        assert "4165550123" not in file.read_text("utf-8", errors="ignore")


def test_a_second_start_does_not_train_and_is_watched_over(clone: Clone) -> None:
    def in_the_background() -> None:
        # As a shell without job control starts "script/server &".
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with clone.running(in_the_background) as server:
        assert "Training" not in clone.said()
        assert "Packages\n" in clone.said()
        victim = next(
            pid for pid, command in processes_of(clone.var).items() if "action_server" in command
        )
        os.kill(victim, signal.SIGKILL)
        sentence = "The action server ended (signal SIGKILL). Starting it again."
        until(lambda: sentence in clone.said(), sentence)
        until(
            lambda: clone.said().rstrip().endswith("The action server answers."),
            "the action server is there again",
        )
        worker = next(
            pid for pid, command in processes_of(clone.var).items() if "clinic deliver" in command
        )
        os.kill(worker, signal.SIGKILL)
        until(lambda: "The worker ended (signal SIGKILL)" in clone.said(), "it is noticed")
        until(
            lambda: clone.said().rstrip().endswith("The worker runs."), "the worker is there again"
        )
        assert len(processes_of(clone.var)) == 5
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(30) == 0
        assert not processes_of(clone.var)


def test_nothing_outlives_a_killed_supervisor(clone: Clone) -> None:
    with clone.running() as server:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not processes_of(clone.var), "the servers end by themselves")


def test_a_port_in_use(clone: Clone) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = clone.fails(CLINIC_PORT=port)
        assert re.fullmatch(
            rf"Port {port} is in use by process {os.getpid()} \(.+\): end that program, or set "
            r"CLINIC_PORT in \.env to another port\.",
            said,
        )
        assert "set ACTION_SERVER_PORT in" in clone.fails(ACTION_SERVER_PORT=port)
        assert "set CLINIC_DESK_PORT in" in clone.fails(CLINIC_DESK_PORT=port)


def test_a_broken_clinic_yml(clone: Clone, tmp_path: Path) -> None:
    broken = tmp_path / "clinic.yml"
    text = (ROOT / "clinic.yml").read_text("utf-8")
    broken.write_text(re.sub(r"(?m)^province:.*$", "province: XX", text), "utf-8")
    said = clone.fails(CLINIC_YML=str(broken))
    assert re.fullmatch(r"clinic\.yml line \d+: province is \"XX\"\. Allowed: .+", said)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"CLINIC_PORT": "many"}, 'CLINIC_PORT is "many". Allowed: a number from 1 to 65535'),
        (
            {"CLINIC_PORT": "5055", "ACTION_SERVER_PORT": "5055"},
            "are both 5055. Allowed: different",
        ),
        ({"CLINIC_HOST": "everywhere"}, 'CLINIC_HOST is "everywhere". Allowed: the IP address'),
        ({"CLINIC_HOST": "192.0.2.1"}, 'CLINIC_HOST is "192.0.2.1", which is no address of this'),
        ({"CLINIC_DATABASE_URL": "mysql://a@b/c"}, "CLINIC_DATABASE_URL: the scheme"),
        (
            {"CLINIC_SMTP_HOST": "mail.example.com", "CLINIC_SMTP_SECURITY": "secret"},
            'CLINIC_SMTP_SECURITY is "secret". Allowed: starttls, tls, none',
        ),
        ({"CLINIC_NOW": "soon"}, 'CLINIC_NOW is "soon"'),
        ({"CLINIC_VAR": "/proc/nowhere"}, 'CLINIC_VAR is "/proc/nowhere" and cannot be used'),
    ],
)
def test_a_wrong_setting(clone: Clone, settings: dict[str, str], sentence: str) -> None:
    said = clone.fails(**settings)
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_all_wrong_settings_are_told_at_once(clone: Clone) -> None:
    said = clone.fails(CLINIC_NOW="soon", CLINIC_REST="maybe", CLINIC_HOST="everywhere")
    names = [line.split()[0] for line in said.splitlines()]
    assert sorted(names) == ["CLINIC_HOST", "CLINIC_NOW", "CLINIC_REST"]


def test_a_wrong_line_in_the_env_file(clone: Clone) -> None:
    file = clone.folder / ".env"
    try:
        file.write_text("# a comment\nCLINIC_PROT=5006\n", "utf-8")
        assert clone.fails() == (
            ".env line 2: CLINIC_PROT is not a setting. Did you mean CLINIC_PORT?"
        )
        file.write_text("CLINIC_NOW = 'later' # wrong\n", "utf-8")
        assert 'CLINIC_NOW is "later"' in clone.fails()
    finally:
        file.unlink()


def test_a_full_disk(clone: Clone, tmp_path: Path) -> None:
    """A file system of 1 MB, where this user may make one; otherwise files of no size at all."""
    full = tmp_path / "full"
    full.mkdir()
    mounted = (
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
        f'mount -t tmpfs -o size=1m none "{full}" && exec "$@"',
        "sh",
    )
    can_mount = subprocess.run([*mounted, "true"], capture_output=True).returncode == 0
    if can_mount:
        said = clone.fails(*mounted, CLINIC_VAR=str(full))
        assert said.startswith(f"The disk is full: {full} has ")
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            said = clone.fails(CLINIC_VAR=str(full))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "cannot be used (File too large)" in said
    assert len(said.splitlines()) == 1


def test_a_computer_that_it_does_not_run_on(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "uname").write_text('#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo riscv64\n')
    (tmp_path / "uname").chmod(0o755)
    said = clone.fails(PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert said.startswith("This is Linux riscv64: some of the packages exist for Linux on x86_64")


def test_no_network_to_install_from(clone: Clone, tmp_path: Path) -> None:
    """Without packages, an index or a cache there is a sentence, not a page of output."""
    away = clone.folder / ".venv-away"
    (clone.folder / ".venv").rename(away)
    try:
        said = clone.fails(
            UV_CACHE_DIR=str(tmp_path / "cache"),
            HTTPS_PROXY="http://127.0.0.1:1",
            ALL_PROXY="http://127.0.0.1:1",
            UV_HTTP_RETRIES="0",
        )
    finally:
        shutil.rmtree(clone.folder / ".venv", ignore_errors=True)
        away.rename(clone.folder / ".venv")
    assert said.splitlines()[-1].startswith("The packages cannot be downloaded: this computer does")
