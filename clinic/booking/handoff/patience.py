"""Limits on how long another computer is waited for: on a whole call, not on each byte of it.

A socket's own timeout starts anew with every byte that arrives, so a peer that sends one every four
seconds would be waited for without end.
"""

from __future__ import annotations

import contextlib
import io
import queue
import socket
import ssl
import threading
import time
from typing import Any

from clinic.booking.handoff.interface import LIMIT, Reason, Trouble


class Deadline:
    """A moment ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the other side took too long")
        return left


def within(deadline: Deadline | None) -> float:
    """Seconds the next call may take. Raises :class:`Trouble` when there are none left."""
    if deadline is None:
        return LIMIT
    try:
        return min(LIMIT, deadline.left())
    except TimeoutError:
        raise Trouble(Reason.TOO_SLOW) from None


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of ``host`` that answers. Raises OSError."""
    problem: OSError | None = None
    for family, kind, protocol, _, address in _addresses(host, port, deadline):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left())
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise problem or OSError(f"no address for {host}")


def _addresses(host: str, port: int, deadline: Deadline) -> list[Any]:
    """What ``socket.getaddrinfo`` finds, which has no limit of its own.

    A name server that is silent keeps the thread a while longer, but not who waits for it.
    """
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, name="address", daemon=True).start()
    try:
        found = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError("the name server took too long") from None
    if isinstance(found, OSError):
        raise found
    return found


def encrypt(sock: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """TLS on a connection; the certificate must be that of ``host``. Raises OSError."""
    sock.settimeout(deadline.left())
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


class Reader(io.RawIOBase):
    """What arrives on a connection, until ``deadline``."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self.deadline = deadline

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As RawIOBase. Raises TimeoutError after the deadline."""
        self._sock.settimeout(self.deadline.left())
        return self._sock.recv_into(buffer)


@contextlib.contextmanager
def troubles() -> Any:
    """Within it, what a connection raises becomes :class:`Trouble`."""
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise Trouble(Reason.NOT_TRUSTED) from None
    except TimeoutError:
        raise Trouble(Reason.TOO_SLOW) from None
    except OSError:
        raise Trouble(Reason.UNREACHABLE) from None
