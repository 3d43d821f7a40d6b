"""A worker that is killed at a chosen point: ``stopped.py <point>``. Only tests run it.

The point is "<where> before <n>" or "<where> after <n>": around the n-th call of one function, or
"half" in the middle of sending a letter. The process kills itself with SIGKILL, so nothing is
tidied up. What is due at any time is taken as due.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import Any

from clinic import setup

setup.ready()

from handoff_peers.samples import NOW  # noqa: E402

from clinic.booking.handoff import mail, ways, web  # noqa: E402
from clinic.booking.handoff.cliniko import Cliniko  # noqa: E402
from clinic.booking.handoff.requests import Requests  # noqa: E402
from clinic.facts import Facts  # noqa: E402
from clinic.outbox import queue  # noqa: E402
from clinic.outbox.worker import Worker  # noqa: E402

PLACES: dict[str, tuple[Any, str]] = {
    "claim": (queue, "claim"),
    "send": (mail, "send"),
    "reply": (mail._Session, "getreply"),
    "call": (web, "call"),
    "finish": (queue, "finish"),
    "goodbye": (mail._Session, "goodbye"),
}


def die() -> None:
    """As if someone had pulled the plug."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Make the chosen point deadly."""
    if point == "half":
        original_hand_over = mail._Session.hand_over

        def hand_over(self: Any, message: Any, recipient: str) -> None:
            self.sock = _DiesHalfway(self.sock)
            original_hand_over(self, message, recipient)

        mail._Session.hand_over = hand_over
        return
    where, when, number = point.split()
    owner, name = PLACES[where]
    original = getattr(owner, name)
    calls = 0

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if when == "before" and calls == int(number):
            die()
        result = original(*arguments, **named)
        if when == "after" and calls == int(number):
            die()
        return result

    setattr(owner, name, wrapped)


class _DiesHalfway:
    """A socket over which only the first half of a letter goes; commands are shorter."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)

    def sendall(self, data: bytes) -> None:
        if len(data) > 500:
            self.sock.sendall(data[: len(data) // 2])
            die()
        self.sock.sendall(data)


def way_of(clinic: Facts) -> Any:
    """As in production, but Cliniko is the local server."""
    if base := os.environ.get("TEST_CLINIKO_BASE"):
        key = os.environ["CLINIC_CLINIKO_KEY"]
        return Cliniko(clinic, Requests(clinic, None), key, base=base, now=lambda: NOW)
    return ways.way_out(clinic)


if __name__ == "__main__":
    arm(sys.argv[1])
    Worker(
        now=lambda: queue.real_now() + timedelta(seconds=1), today=lambda: NOW, way_of=way_of
    ).run_due()
    print("not killed")
