"""A real CalDAV server: Radicale in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import caldav

from handoff_peers.mail import free_port

USER, PASSWORD = "clinic", "calendar-secret"


class Radicale:
    """A running server over ``folder``; ``stop`` and ``start`` as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        folder.mkdir(exist_ok=True)
        (folder / "users").write_text(f"{USER}:{PASSWORD}\n", encoding="ascii")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = open(self.folder / "log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(  # noqa: S603
            [
                sys.executable,
                *("-m", "radicale", "--config", ""),
                *("--hosts", f"127.0.0.1:{self.port}"),
                *("--storage-filesystem-folder", str(self.folder / "storage")),
                *("--auth-type", "htpasswd"),
                *("--auth-htpasswd-filename", str(self.folder / "users")),
                *("--auth-htpasswd-encryption", "plain"),
                *("--auth-delay", "0"),
            ],
            stdout=log,
            stderr=log,
        )
        log.close()
        until = time.monotonic() + 30
        pause = threading.Event()
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until, "Radicale does not answer"
                pause.wait(0.05)

    def stop(self) -> None:
        """End it; its calendars stay."""
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def make_calendar(self, name: str) -> str:
        """A new calendar; its address."""
        with self.client() as client:
            made = client.principal().make_calendar(name=name, cal_id=name)
            return str(made.url)

    def client(self) -> Any:
        """Another program that speaks CalDAV: the caldav library."""
        return caldav.DAVClient(url=self.address, username=USER, password=PASSWORD)

    def events(self, address: str) -> list[Any]:
        """Every event of a calendar, as icalendar components."""
        with self.client() as client:
            found = client.calendar(url=address).events()
            return [event.icalendar_component for event in found]

    def add_event(self, address: str, text: str) -> None:
        """Write an event as someone at the clinic would."""
        with self.client() as client:
            client.calendar(url=address).add_event(text)
