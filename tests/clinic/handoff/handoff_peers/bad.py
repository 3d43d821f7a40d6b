"""Other computers that behave badly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class BadServer:
    """Answers each connection with ``behave(connection, stopped)`` on a thread of its own."""

    def __init__(self, behave: Callable[[socket.socket, threading.Event], None]) -> None:
        self.stopped = threading.Event()
        self._behave = behave
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._sock.getsockname()[1])
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._behave(connection, self.stopped)

    def stop(self) -> None:
        """End it and every conversation."""
        self.stopped.set()
        self._sock.close()


def silent(connection: socket.socket, stopped: threading.Event) -> None:
    """Takes everything and says nothing."""
    stopped.wait(60)


def dripping(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Sends a byte every twentieth of a second, for ever starting anew."""

    def behave(connection: socket.socket, stopped: threading.Event) -> None:
        while not stopped.is_set():
            for number in range(len(text)):
                if stopped.wait(0.05):
                    return
                connection.sendall(text[number : number + 1])

    return behave


def saying(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Reads a little, sends ``text`` and hangs up."""

    def behave(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # closing with something unread would break what was sent
            pass

    return behave
