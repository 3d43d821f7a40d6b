"""Calls to another computer over HTTP: one connection each, one limit for all of it.

No redirect is followed, because the password would go along; no proxy of the environment is used;
nothing is written to a log.
"""

from __future__ import annotations

import http.client
import io
import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from clinic.booking.handoff import patience
from clinic.booking.handoff.chosen import is_this_computer
from clinic.booking.handoff.interface import LIMIT, Reason, Trouble

#: An answer longer than this is not read: 8 MB.
_LONGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back. The names in ``headers`` are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def login(user: str, password: str) -> str:
    """The value of an Authorization header for Basic authentication."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def call(
    method: str,
    address: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    limit: float = LIMIT,
) -> Answer:
    """One request and its answer, within ``limit`` seconds.

    Raises :class:`Trouble` when there is no whole answer by then, and ValueError for an address
    that would send a password unencrypted to another computer.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_computer(host)):
        raise ValueError("the address does not start with https://")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(host, parts.port, parts.scheme == "https", limit)
    try:
        with patience.troubles():
            connection.request(method, target, body=body, headers=dict(headers))
            response = connection.getresponse()
            found = response.read(_LONGEST + 1)
    except http.client.HTTPException:
        raise Trouble(Reason.UNEXPECTED) from None
    finally:
        connection.shut()
    if len(found) > _LONGEST:
        raise Trouble(Reason.UNEXPECTED)
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, names, found)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int | None, encrypted: bool, limit: float) -> None:
        super().__init__(host, port or (443 if encrypted else 80))
        self._encrypted = encrypted
        self._open: socket.socket | None = None
        self._deadline = patience.Deadline(limit)

    def connect(self) -> None:
        sock = patience.connect(self.host, self.port, self._deadline)
        if self._encrypted:
            sock = patience.encrypt(sock, self.host, self._deadline)
        self._open = sock
        # http.client asks three things of a socket, and gets these three.
        self.sock = _Socket(sock, self._deadline)

    def shut(self) -> None:
        """Close the socket itself."""
        if self._open is not None:
            self._open.close()


class _Socket:
    def __init__(self, sock: socket.socket, deadline: patience.Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.left())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(patience.Reader(self._sock, self._deadline))

    def close(self) -> None:
        """Nothing: http.client closes before the answer is read to its end."""
