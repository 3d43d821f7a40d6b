"""Measures the assistant, and a bare Rasa project beside it. Called by script/bench."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 300.0
ONE_BY_ONE = 200
CLIENTS = 16
MESSAGES_A_CLIENT = 25
MESSAGES_A_CONVERSATION = 5
MESSAGES = (
    "hello",
    "what is sciatica?",
    "how much is an hour",
    "does the massage hurt",
    "where are you and when are you open on saturday",
    "my leg tingles when I sit for long, can massage help with that?",
    "thanks, that helps",
    "do I need a referral from my doctor?",
    "what should I wear",
    "bye",
)


@dataclass
class Measured:
    """What was measured of one server. Seconds, megabytes (10^6 bytes), milliseconds, 1/s."""

    ready: float
    memory: float
    median: float
    slow: float
    rate: float


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """One connection to the REST channel."""

    def __init__(self, port: int, name: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._name = name
        self._sent = 0

    def send(self) -> float:
        """Sends the next message; returns the milliseconds until its answer was read."""
        conversation = f"{self._name}-{self._sent // MESSAGES_A_CONVERSATION}"
        message = MESSAGES[self._sent % len(MESSAGES)]
        self._sent += 1
        body = json.dumps({"sender": conversation, "message": message})
        begin = time.perf_counter()
        self._connection.request(
            "POST", "/webhooks/rest/webhook", body, {"Content-Type": "application/json"}
        )
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
        return (time.perf_counter() - begin) * 1000


def rate(port: int) -> float:
    """Messages a second with all clients at once."""
    clients = [Client(port, f"client{number}") for number in range(CLIENTS)]
    failed: list[Exception] = []

    def work(client: Client) -> None:
        try:
            for _ in range(MESSAGES_A_CLIENT):
                client.send()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return CLIENTS * MESSAGES_A_CLIENT / (time.perf_counter() - begin)


def memory(group: int, words: str) -> float:
    """Resident memory of the process that was started with these words, below ``group``."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if words in command and group in (parent, int(process.name)):
                pages = int((process / "statm").read_text().split()[1])
                return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        except (OSError, ValueError):
            continue
    raise RuntimeError(f"no process with {words}")


def measure(command: list[str], folder: Path, settings: dict[str, str], words: str) -> Measured:
    """Starts a server twice (the first start warms the disk) and measures the second."""
    port = int(settings["CLINIC_PORT"])
    for attempt in ("warm", "measured"):
        begin = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603 (our own commands)
            command,
            cwd=folder,
            env=os.environ | {"RASA_TELEMETRY_ENABLED": "false"} | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    Client(port, f"start-{attempt}").send()
                    break
                except (OSError, http.client.HTTPException, RuntimeError):
                    if child.poll() is not None or time.perf_counter() - begin > DEADLINE:
                        sys.exit(f"{' '.join(command)} did not start.")
                    time.sleep(0.05)
            ready = time.perf_counter() - begin
            if attempt == "measured":
                client = Client(port, "single")
                times = sorted(client.send() for _ in range(ONE_BY_ONE))
                at_once = rate(port)
                return Measured(
                    ready,
                    memory(child.pid, words),
                    statistics.median(times),
                    times[int(len(times) * 0.95)],
                    at_once,
                )
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
    raise AssertionError


def measure_assistant() -> Measured:
    """The assistant, from script/server on, with a folder of its own for what it keeps."""
    with tempfile.TemporaryDirectory() as var:
        settings = {
            "CLINIC_VAR": var,
            "CLINIC_PORT": str(free_port()),
            "ACTION_SERVER_PORT": str(free_port()),
            "CLINIC_DESK_PORT": str(free_port()),
            "CLINIC_REST": "on",
        }
        return measure(["script/server"], ROOT, settings, "rasa_server")


def measure_peer(folder: Path) -> Measured:
    """What ``rasa init`` makes, trained once, as it is."""
    rasa = str((folder / ".venv" / "bin" / "rasa").absolute())
    project = folder / "project"
    if not list(project.glob("models/*.tar.gz")):
        print("Making and training the peer, some minutes.", flush=True)
        project.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(  # noqa: S603 (our own command)
            [rasa, "init", "--no-prompt", "--init-dir", str(project)],
            env=os.environ | {"RASA_TELEMETRY_ENABLED": "false"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0 or not list(project.glob("models/*.tar.gz")):
            sys.exit(f"The peer cannot be made: rasa init failed. {done.stderr[-400:]}")
    port = free_port()
    command = [rasa, "run", "-i", "127.0.0.1", "--port", str(port)]
    return measure(command, project, {"CLINIC_PORT": str(port)}, "run")


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--peer", type=Path)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
    results = {"this assistant": measure_assistant()}
    if options.peer:
        results["rasa init"] = measure_peer(options.peer)
    rows = (
        ("server ready, trained, warm disk", "ready", "s"),
        ("resident memory of the Rasa server after the load", "memory", "MB"),
        ("one message over REST, p50", "median", "ms"),
        ("one message over REST, p95", "slow", "ms"),
        (f"{CLIENTS} clients at once", "rate", "messages/s"),
    )
    print(f"\n{'':52}" + "".join(f"{name:>16}" for name in results))
    for title, field, unit in rows:
        values = "".join(f"{getattr(result, field):16.1f}" for result in results.values())
        print(f"{title:52}{values}  {unit}")


if __name__ == "__main__":
    main()
