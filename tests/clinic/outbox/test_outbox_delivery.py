"""Deliveries to real other sides: a whole request's life, a minute without them, the command."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asking import ask, ask_without_time
from django.db import connections
from handoff_peers.bad import BadServer, silent
from handoff_peers.cliniko import BUSINESS, KEY, PRACTITIONER, TYPES, ClinikoServer
from handoff_peers.mail import Mailbox, MailServer, free_port
from handoff_peers.samples import NOW, ROOT, START
from icalendar import Calendar

from actions import times
from clinic.booking import handoff, holds
from clinic.booking.calendar import Slot
from clinic.booking.handoff import patience
from clinic.booking.handoff.caldav import CalDav
from clinic.booking.handoff.cliniko import Cliniko
from clinic.booking.handoff.requests import Requests
from clinic.booking.requests import cancel_request, change_status, reschedule_request
from clinic.outbox import links
from clinic.outbox.models import Item, LinkGiven
from clinic.outbox.worker import Worker

HOUR = timedelta(hours=1)


def deliver(clock: Any, **options: Any) -> int:
    clock.pass_(seconds=1)
    return Worker(now=clock, today=lambda: NOW, **options).run_due()


def test_one_entry_in_the_patient_s_calendar_through_a_whole_life(
    database: Path, mail_settings: Any, clock: Any
) -> None:
    request = ask()
    deliver(clock)
    change_status(request, "confirmed", "natalie", NOW)
    deliver(clock)
    slot = Slot("Natalie Yeo", START - 3 * HOUR, START - 2 * HOUR)
    reschedule_request(request, slot, who="natalie", now=NOW)
    deliver(clock)
    cancel_request(request, now=NOW)
    deliver(clock)
    entries = []
    for message in mail_settings.mailbox.messages:
        for part in message.walk():
            if part.get_content_type() == "text/calendar":
                calendar = Calendar.from_ical(part.get_content())
                (event,) = calendar.events
                entries.append((str(calendar["METHOD"]), str(event["STATUS"]), event["SEQUENCE"]))
                uid = str(event["UID"])
                assert uid == str(calendar.events[0]["UID"])
    assert entries == [
        ("REQUEST", "TENTATIVE", 0),
        ("REQUEST", "CONFIRMED", 1),
        ("REQUEST", "TENTATIVE", 2),
        ("CANCEL", "CANCELLED", 3),
    ]
    to_clinic = [
        m["Subject"] for m in mail_settings.mailbox.messages if m["To"] != "priya@example.com"
    ]
    assert [subject.split()[0] for subject in to_clinic] == ["New", "Appointment"]


def minute_of_silence(
    clock: Any, request: Any, start_it: Callable[[], None], **options: Any
) -> None:
    """The other side is dead for a minute: kept, shown as such, then delivered."""
    for _ in range(6):
        clock.pass_(seconds=9)
        deliver(clock, **options)
    state = handoff.delivery_state(request)
    assert state
    assert state.state == "failed"
    assert "cannot be reached" in state.reasons[0]
    assert all(item.attempts >= 2 for item in state.items)
    request.refresh_from_db()
    assert request.status == "requested"
    start_it()
    for _ in range(45):
        clock.pass_(seconds=9)
        deliver(clock, **options)
    assert set(Item.objects.values_list("state", flat=True)) == {"sent"}


def test_mail_dead_for_a_minute(
    database: Path, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    port, mailbox, running = free_port(), Mailbox(), []
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("SECURITY", "none")):
        monkeypatch.setenv(f"CLINIC_SMTP_{name}", value)
    monkeypatch.setenv("CLINIC_MAIL_FROM", "desk@sorrel-lane.example.com")
    request = ask()
    try:
        minute_of_silence(clock, request, lambda: running.append(MailServer(port, mailbox=mailbox)))
        assert sorted(mailbox.recipients) == [
            "hello@sorrel-lane.example.com",
            "priya@example.com",
        ]
    finally:
        for server in running:
            server.stop()


def test_a_calendar_dead_for_a_minute(
    database: Path,
    tmp_path_factory: pytest.TempPathFactory,
    caldav_login: str,
    mail_settings: Any,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    clock: Any,
) -> None:
    from handoff_peers.calendars import Radicale

    server = Radicale(tmp_path_factory.mktemp("own-radicale"))
    try:
        calendar = server.make_calendar("natalie")
        clinic_file(f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n")
        assert handoff.busy(START, START + HOUR) == {"Natalie Yeo": []}
        request = ask()
        server.stop()
        assert handoff.busy(START, START + HOUR, fresh=True) is None
        for _ in range(6):
            clock.pass_(seconds=9)
            deliver(clock)
        # The letters went out; the calendar's part waits.
        states = dict(Item.objects.values_list("part", "state"))
        assert states == {"system": "failed", "patient": "sent", "clinic": "sent"}
        server.start()
        for _ in range(10):
            clock.pass_(seconds=9)
            deliver(clock)
        assert len(server.events(calendar)) == 1
        monkeypatch.setattr(handoff, "_down_until", {})
        assert handoff.busy(START, START + HOUR, fresh=True) == {
            "Natalie Yeo": [(START, START + HOUR)]
        }
        assert len(mail_settings.mailbox.raw) == 2
        state = handoff.delivery_state(request)
        assert state
        assert state.state == "sent"
    finally:
        server.stop()


def test_cliniko_dead_for_a_minute_and_asking_for_a_pause(
    database: Path,
    mail_settings: Any,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    clock: Any,
) -> None:
    kinds = ", ".join(f"{minutes}: {kind}" for kind, minutes in TYPES.items())
    clinic_file(
        f"    way: cliniko\n    business: {BUSINESS}\n"
        f"    therapists: {{Natalie Yeo: {PRACTITIONER}}}\n"
        f"    services: {{massage therapy: {{{kinds}}}}}\n"
    )
    monkeypatch.setenv("CLINIC_CLINIKO_KEY", KEY)
    place = {"base": f"http://127.0.0.1:{free_port()}/v1"}
    running: list[ClinikoServer] = []

    def way_of(clinic: Any) -> Cliniko:
        return Cliniko(clinic, Requests(clinic, None), KEY, base=place["base"], now=lambda: NOW)

    def start_it() -> None:
        running.append(ClinikoServer(lambda: NOW))
        running[0].fail = [503, 429]
        place["base"] = running[0].base

    request = ask(patient_contact="604-555-0142", start=START - 2 * HOUR)
    Item.objects.filter(part="clinic").delete()
    try:
        minute_of_silence(clock, request, start_it, way_of=way_of)
        assert len(running[0].appointments) == len(running[0].patients) == 1
        change_status(request, "declined", "natalie", NOW)
        deliver(clock, way_of=way_of)
        assert running[0].live() == []
    finally:
        for server in running:
            server.stop()


def test_a_calendar_that_says_nothing_costs_the_patient_no_more_than_the_limit(
    caldav_login: str, clinic_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.booking.handoff import interface

    server = BadServer(silent)
    try:
        monkeypatch.setattr(interface, "LIMIT", 0.3)
        clinic_file(
            f"    way: caldav\n    therapists: {{Natalie Yeo: http://127.0.0.1:{server.port}/n/}}\n"
        )
        start = time.monotonic()
        assert handoff.busy(START, START + HOUR) is None
        assert time.monotonic() - start < 2
    finally:
        server.stop()


def test_a_slow_calendar_has_one_limit_for_a_whole_search(
    database: Path,
    caldav_login: str,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each call is within the limit, all together are not: then it counts as too slow."""
    moment = [1000.0]
    always = (START - 400 * HOUR, START + 4000 * HOUR)

    def slow(self: CalDav, start: Any, end: Any, therapist: str) -> Any:
        moment[0] += 3
        return [always]

    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    monkeypatch.setattr(CalDav, "offer_busy", slow)
    clinic_file("    way: caldav\n    therapists: {Natalie Yeo: http://127.0.0.1:9/n/}\n")
    found = asyncio.run(times.nearest("c", 60, None, START))
    assert found.offers
    assert not found.certain
    assert moment[0] < 1000 + 2 * 5 + 3


def test_the_windows_of_a_wish_are_asked_for_at_once(
    database: Path,
    caldav_login: str,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    asked = []

    def ask_for(clinic: Any, keys: list[Any], deadline: Any) -> Any:
        asked.append([key.block[0].date().isoformat() for key in keys])
        return {key: [] for key in keys}

    monkeypatch.setattr(handoff, "_ask", ask_for)
    clinic_file("    way: caldav\n    therapists: {Natalie Yeo: http://127.0.0.1:9/n/}\n")
    windows = [
        (START + weeks * 7 * 24 * HOUR, START + (weeks * 7 * 24 + 4) * HOUR) for weeks in (0, 1, 4)
    ]
    found = asyncio.run(times.free("c", 60, None, windows))
    assert asked == [["2026-11-23", "2026-11-30", "2026-12-21"]]
    assert len({offer.local_start.date() for offer in found.offers}) == 3


def test_a_calendar_that_is_down_is_left_alone_for_a_while(
    caldav_login: str, clinic_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_up(connection: socket.socket, stopped: threading.Event) -> None:
        """End every conversation at once."""

    moment = [1000.0]
    monkeypatch.setattr(handoff, "_monotonic", lambda: moment[0])
    server = BadServer(hang_up)
    try:
        clinic_file(
            f"    way: caldav\n    therapists: {{Natalie Yeo: http://127.0.0.1:{server.port}/n/}}\n"
        )
        for _ in range(5):
            assert handoff.busy(START, START + HOUR) is None
        assert server.connections == 1
        moment[0] += handoff.LEFT_ALONE + 1
        assert handoff.busy(START, START + HOUR) is None
        assert server.connections == 2
    finally:
        server.stop()


def test_a_calendar_is_read_by_the_week_once_a_minute_and_anew_before_writing(
    radicale: Any,
    caldav_login: str,
    clinic_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment, calls = [1000.0], []
    monkeypatch.setattr(handoff, "_monotonic", lambda: moment[0])
    original = CalDav.offer_busy

    def offer_busy(self: CalDav, start: Any, end: Any, therapist: str) -> Any:
        calls.append((start, end))
        return original(self, start, end, therapist)

    monkeypatch.setattr(CalDav, "offer_busy", offer_busy)
    calendar = radicale.make_calendar("weeks")
    clinic_file(f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n")
    # Thursday to the next Tuesday: two weeks, the same in which the next questions lie.
    assert handoff.busy(START, START + 5 * 24 * HOUR) == {"Natalie Yeo": []}
    assert len(calls) == 2
    assert {start.isoformat() for start, _ in calls} == {
        "2026-11-23T00:00:00-05:00",
        "2026-11-30T00:00:00-05:00",
    }
    nothing = {"Natalie Yeo": []}
    assert handoff.busy(START, START + 2 * HOUR, fresh=True) == nothing
    radicale.add_event(
        calendar,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:new\r\n"
        f"DTSTAMP:20261101T000000Z\r\nDTSTART:{START:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{START + HOUR:%Y%m%dT%H%M%SZ}\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    assert handoff.busy(START - HOUR, START + HOUR) == nothing
    assert len(calls) == 3
    assert handoff.busy(START, START + 2 * HOUR, fresh=True) == {
        "Natalie Yeo": [(START, START + HOUR)]
    }
    # What was found then is not forgotten in favour of what was known before.
    half = START + HOUR / 2
    assert handoff.busy(half, START + 2 * HOUR) == {"Natalie Yeo": [(half, START + HOUR)]}
    assert len(calls) == 5
    assert handoff.busy(START, START + 5 * 24 * HOUR) == {"Natalie Yeo": [(START, START + HOUR)]}
    assert len(calls) == 5
    moment[0] += handoff.KEPT
    assert handoff.busy(START, START + 5 * 24 * HOUR) == {"Natalie Yeo": [(START, START + HOUR)]}
    assert len(calls) == 7


def test_without_a_connected_calendar_nothing_is_asked(clinic_file: Callable[[str], Path]) -> None:
    assert handoff.busy(START, START + HOUR) == {"Natalie Yeo": []}
    clinic_file("    way: link\n    program: jane\n    address: https://s.janeapp.com/\n")
    assert handoff.busy(START, START + HOUR) == {"Natalie Yeo": []}


def environment(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("CLINIC_")}
    return kept | {"CLINIC_VAR": str(var), "CLINIC_NOW": NOW.isoformat()}


def test_the_command_delivers_until_it_is_told_to_stop(
    database: Path, mail_settings: Any, clinic_file: Callable[[str], Path]
) -> None:
    connections.close_all()
    link = handoff_link(clinic_file)
    old = links.record("c9", link)
    LinkGiven.objects.filter(pk=old.pk).update(at=NOW - timedelta(days=400))
    ask(1)
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "clinic", "deliver"],
            cwd=ROOT,
            env=environment(database.parent),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        # A command that is stopped before it runs has nothing to finish and ends by the signal.
        started = [command.stderr.readline() for command in commands if command.stderr]
        assert all(line.endswith("worker started\n") for line in started), started
        mail_settings.mailbox.wait_for(2, 60)
        for number in range(10):
            ask_without_time(number)
        mail_settings.mailbox.wait_for(22, 60)
    finally:
        logs = []
        for command in commands:
            command.send_signal(signal.SIGTERM)
            logs.append(command.communicate(timeout=30)[1])
    assert [command.returncode for command in commands] == [0, 0], logs
    ids = [message["Message-ID"] for message in mail_settings.mailbox.messages]
    assert len(ids) == len(set(ids)) == 22
    assert set(Item.objects.values_list("state", flat=True)) == {"sent"}
    assert not LinkGiven.objects.exists()
    for word in ("Priya", "Sam", "example.com", "Zanzibar", "127.0.0.1"):
        assert word not in "".join(logs)


def test_the_connection_can_be_tried_without_delivering_anything(
    database: Path,
    radicale: Any,
    caldav_login: str,
    mail_settings: Any,
    clinic_file: Callable[[str], Path],
) -> None:
    def tried(**changes: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "clinic", "deliver", "--try"],
            cwd=ROOT,
            env=environment(database.parent) | changes,
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    calendar = radicale.make_calendar("trial")
    clinic_file(f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n")
    ask()
    connections.close_all()
    code, said = tried()
    assert code == 0
    assert "127.0.0.1: answers, and the login is right" in said
    assert "Natalie Yeo: answers, busy times in the next seven days: 0" in said
    assert not mail_settings.mailbox.raw
    assert radicale.events(calendar) == []

    code, said = tried(CLINIC_CALDAV_PASSWORD="wrong-secret", CLINIC_SMTP_PORT=str(free_port()))  # noqa: S106
    assert code == 1
    assert "Natalie Yeo: the other side refuses our login" in said
    assert "127.0.0.1: the other computer cannot be reached" in said
    assert "secret" not in said
    assert "no mail configured" in tried(CLINIC_SMTP_HOST="")[1]


def handoff_link(clinic_file: Callable[[str], Path]) -> Any:
    from clinic import facts
    from clinic.booking.handoff.link import link_for

    file = clinic_file("    way: link\n    program: jane\n    address: https://s.janeapp.com/\n")
    return link_for(facts.load(file))


def test_told_to_stop_while_the_other_side_is_silent_it_finishes_that_try_first(
    database: Path, mail_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = threading.Event()

    def behave(connection: socket.socket, stopped: threading.Event) -> None:
        reached.set()
        stopped.wait(30)
        connection.sendall(b"421 closing\r\n")

    server = BadServer(behave)
    with closing(server._sock):
        monkeypatch.setenv("CLINIC_SMTP_PORT", str(server.port))
        ask(patient_contact="604-555-0142")
        connections.close_all()
        command = subprocess.Popen(
            [sys.executable, "-m", "clinic", "deliver", "--once"],
            cwd=ROOT,
            env=environment(database.parent),
            stderr=subprocess.PIPE,
        )
        assert reached.wait(60)
        command.send_signal(signal.SIGTERM)
        server.stop()
        command.communicate(timeout=30)
    assert command.returncode == 0
    (item,) = Item.objects.all()
    assert (item.state, item.reason, item.leased_by) == ("failed", "busy", "")


def test_an_appointment_is_not_in_the_way_of_its_own_moving(
    database: Path, radicale: Any, caldav_login: str, clinic_file: Callable[[str], Path], clock: Any
) -> None:
    calendar = radicale.make_calendar("moving")
    clinic_file(f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n")
    request = ask(patient_contact="604-555-0142")
    deliver(clock)
    around = (START - HOUR, START + 2 * HOUR)
    found = handoff.busy(*around)
    assert found == {"Natalie Yeo": [(START, START + HOUR)]}
    assert handoff.but_for(request, found) == {"Natalie Yeo": []}
    assert handoff.but_for(None, found) == found
    # What touches it there is somebody else's and stays.
    joined = {"Natalie Yeo": [(START - HOUR, START + HOUR)]}
    assert handoff.but_for(request, joined) == {"Natalie Yeo": [(START - HOUR, START)]}
    half = HOUR / 2
    new = holds.hold("Natalie Yeo", START + half, 60, "c1", NOW, moving=request)
    assert new is not None
    assert reschedule_request(request, new, now=NOW)
    deliver(clock)
    (event,) = radicale.events(calendar)
    assert event.start == START + half
