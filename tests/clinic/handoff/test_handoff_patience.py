"""How long another computer is waited for, also before there is a connection to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from clinic.booking.handoff.patience import Deadline, connect

LIMIT = 0.2  # seconds
# A busy computer takes a while to wake up who waited.
SOON = 2


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It answers when the test is over."""
    over = threading.Event()

    def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    over.set()


@pytest.mark.usefixtures("silent_name_server")
def test_a_silent_name_server_keeps_nobody_longer_than_the_limit() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connect("mail.example.com", 587, Deadline(LIMIT))
    assert time.monotonic() - began < SOON


def test_a_name_that_does_not_exist_is_an_error_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(socket.gaierror):
        connect("mail.example.com", 587, Deadline(LIMIT))
