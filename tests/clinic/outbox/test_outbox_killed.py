"""Workers killed with SIGKILL at every point: nothing is lost, nothing is doubled.

The one exception is where the mail protocol has none: between the server's acceptance and our note
of it. There the same letter may arrive twice, byte for byte and under the same Message-ID.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from django.db import connections
from handoff_peers.calendars import PASSWORD, USER
from handoff_peers.cliniko import BUSINESS, KEY, PRACTITIONER, TYPES, ClinikoServer
from handoff_peers.samples import NOW, ROOT, START

from clinic.booking.requests import cancel_request
from clinic.outbox import queue
from clinic.outbox.models import Item
from clinic.outbox.worker import Worker

HERE = Path(__file__).parent


@pytest.fixture
def var(database: Path) -> Path:
    """The folder the killed process takes its database from."""
    return database.parent


def kill_at(point: str, var: Path, **more: str) -> None:
    """Run a worker until it kills itself at ``point``."""
    connections.close_all()
    environment = {
        name: value for name, value in os.environ.items() if name.startswith(("CLINIC_", "PATH"))
    }
    paths = os.pathsep.join([str(ROOT), str(HERE.parent / "handoff")])
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(HERE / "stopped.py"), point],
        cwd=ROOT,
        env={**environment, "CLINIC_VAR": str(var), "PYTHONPATH": paths, **more},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -9, (point, done.returncode, done.stdout, done.stderr)


def run_later(way_of: Callable[..., Any] | None = None) -> None:
    """Another worker, after the killed one's lease is over."""
    now = queue.real_now() + queue.LEASE + timedelta(seconds=5)
    options: dict[str, Any] = {"way_of": way_of} if way_of else {}
    Worker(now=lambda: now, today=lambda: NOW, **options).run_due()


def all_sent() -> bool:
    return set(Item.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.parametrize(
    "point",
    [
        "claim before 1",
        "claim after 1",
        "send before 1",
        "reply after 1",  # the greeting
        "reply after 2",  # EHLO
        "reply after 3",  # MAIL
        "reply after 4",  # RCPT
        "reply after 5",  # DATA
        "half",
        "finish after 1",
        "goodbye before 1",
        "goodbye after 1",
        "claim after 2",
        "send before 2",
        "reply after 12",
        "finish after 2",
    ],
)
def test_requests_doubles_no_letter(var: Path, mail_settings: Any, point: str) -> None:
    ask()
    kill_at(point, var)
    run_later()
    assert all_sent()
    assert sorted(mail_settings.mailbox.recipients) == [
        "hello@sorrel-lane.example.com",
        "priya@example.com",
    ]


@pytest.mark.parametrize("point", ["reply before 6", "reply after 6", "finish before 1"])
def test_between_acceptance_and_our_note_a_letter_may_come_twice_as_the_same(
    var: Path, mail_settings: Any, point: str
) -> None:
    ask()
    kill_at(point, var)
    run_later()
    assert all_sent()
    mailbox = mail_settings.mailbox
    letters = [
        raw
        for raw, message in zip(mailbox.raw, mailbox.messages, strict=True)
        if message["To"] == "priya@example.com"
    ]
    assert 1 <= len(letters) <= 2
    assert len(set(letters)) == 1
    assert len({message["Message-ID"] for message in mailbox.messages}) == 2


def natalie_s(calendar: str) -> str:
    return f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n"


@pytest.mark.parametrize("number", range(1, 4))
@pytest.mark.parametrize("when", ["before", "after"])
def test_caldav_doubles_no_event(
    var: Path,
    radicale: Any,
    caldav_login: str,
    clinic_file: Callable[[str], Path],
    when: str,
    number: int,
) -> None:
    calendar = radicale.make_calendar(f"killed-{when}-{number}")
    clinic_file(natalie_s(calendar))
    ask(patient_contact="604-555-0142")
    # look, free-busy, write
    kill_at(f"call {when} {number}", var)
    run_later()
    (event,) = radicale.events(calendar)
    assert event.start == START
    assert Item.objects.get(part="system").state == "sent"


@pytest.mark.parametrize("point", ["finish before 1", "finish after 1"])
def test_caldav_doubles_no_event_when_killed_around_the_note(
    var: Path,
    radicale: Any,
    caldav_login: str,
    clinic_file: Callable[[str], Path],
    point: str,
) -> None:
    calendar = radicale.make_calendar(f"killed-{point.replace(' ', '-')}")
    clinic_file(natalie_s(calendar))
    request = ask(patient_contact="604-555-0142")
    kill_at(point, var)
    run_later()
    assert len(radicale.events(calendar)) == 1
    # Removing it is killed as well, and done all the same.
    cancel_request(request)
    kill_at("call after 2", var)
    run_later()
    assert radicale.events(calendar) == []
    assert (USER, PASSWORD) == ("clinic", "calendar-secret")


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("when", ["before", "after"])
def test_cliniko_doubles_no_appointment_and_no_patient(
    var: Path,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    number: int,
) -> None:
    server = ClinikoServer(lambda: NOW)
    try:
        kinds = ", ".join(f"{minutes}: {kind}" for kind, minutes in TYPES.items())
        clinic_file(
            f"    way: cliniko\n    business: {BUSINESS}\n"
            f"    therapists: {{Natalie Yeo: {PRACTITIONER}}}\n"
            f"    services: {{massage therapy: {{{kinds}}}}}\n"
        )
        monkeypatch.setenv("CLINIC_CLINIKO_KEY", KEY)
        ask(patient_contact="604-555-0142", start=START - timedelta(hours=2))
        # look, free times, patients, new patient, new appointment, conflicts
        kill_at(f"call {when} {number}", var, TEST_CLINIKO_BASE=server.base)
        monkeypatch.setenv("TEST_CLINIKO_BASE", server.base)
        monkeypatch.syspath_prepend(str(HERE))
        import stopped

        run_later(stopped.way_of)
        assert (len(server.patients), len(server.appointments)) == (1, 1)
        assert Item.objects.get(part="system").state == "sent"
    finally:
        server.stop()
