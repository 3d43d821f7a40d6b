"""Each way out, from the chat to its other side and back, with the servers and the worker running.

The other sides are real programs on this machine: a mail server (aiosmtpd), a calendar (Radicale),
and a server that follows Cliniko's documentation.
"""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from scenario_chat import Chat, read
from scenario_logs import said_in_logs
from scenario_servers import (
    NOW,
    Server,
    Servers,
    current_model,
    free_port,
    servers_in,
    wait_until,
)
from scenario_steps import expect, fill, fragments, play

from assistant.project import ROOT

_PEERS = ROOT / "tests" / "clinic" / "handoff"
if str(_PEERS) not in sys.path:
    sys.path.insert(0, str(_PEERS))

from handoff_peers.calendars import PASSWORD, USER, Radicale  # noqa: E402
from handoff_peers.cliniko import BUSINESS, KEY, PRACTITIONER, TYPES, ClinikoServer  # noqa: E402
from handoff_peers.mail import Mailbox, MailServer  # noqa: E402

# Seconds more than a wait is meant to take.
A_BUSY_COMPUTER = 3
EMAIL = "mirabel@example.com"
BY_MAIL = {"patient_contact": {"patient": EMAIL}}
# A Thursday that is free in every one of these calendars.
TEN = datetime(2026, 12, 3, 15, tzinfo=UTC)
AT_TEN = {"preferred_time": {"patient": "December 3 at 10 am"}, **BY_MAIL}


class Clinic:
    """A whole stack with one way out: two servers, the worker, and what staff type."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.log = servers.folder / "worker.log"
        self.worker: subprocess.Popen[bytes] | None = None

    def use(self, system: str, **settings: str) -> None:
        """Starts anew with this ``booking.system`` in clinic.yml and these settings."""
        text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
        start, end = text.index("  system:\n"), text.index("# What is kept of a conversation")
        file = self.servers.folder / "clinic.yml"
        file.write_text(f"{text[:start]}  system:\n{system}\n{text[end:]}", encoding="utf-8")
        for server in (self.servers.rasa, self.servers.actions):
            kept = {k: v for k, v in server.environment.items() if k not in _SETTINGS}
            server.environment = kept | settings | {"CLINIC_YML": str(file)}
        self.servers.actions.restart()
        self.start_worker()

    def start_worker(self) -> None:
        """As script/server does."""
        with self.log.open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "clinic", "deliver"],
                cwd=ROOT,
                env=self.servers.actions.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop_worker(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it, politely or not."""
        if self.worker is not None:
            self.worker.send_signal(how)
            self.worker.wait(60)
            self.worker = None
        if how == signal.SIGKILL:
            # What it was about to try is held for three minutes more; they are over.
            self._execute("UPDATE outbox_item SET leased_until = NULL, leased_by = ''")

    def _execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.servers.clinic_database, timeout=20)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def staff(self, *words: str) -> str:
        """What ``python -m clinic`` answers someone at the clinic."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "clinic", *words],
            cwd=ROOT,
            env=self.servers.actions.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def deliveries(self) -> list[tuple[str, str]]:
        """Part and state of everything that was noted down, oldest first."""
        rows = read(self.servers.clinic_database, "SELECT part, state FROM outbox_item ORDER BY id")
        return [(row["part"], row["state"]) for row in rows]

    def all_sent(self) -> bool:
        """Nothing is left to deliver."""
        return bool(self.deliveries()) and {state for _, state in self.deliveries()} <= {
            "sent",
            "dropped",
        }

    def retry(self) -> None:
        """Someone at the clinic does not want to wait for the next try."""
        self.staff("outbox", "retry", "all")

    def tidy(self) -> None:
        """Everything of the test before is gone."""
        self.stop_worker(signal.SIGKILL)
        self._execute(*(f"DELETE FROM {table}" for table in _TABLES))  # noqa: S608


_SETTINGS = {
    "CLINIC_SMTP_HOST",
    "CLINIC_SMTP_PORT",
    "CLINIC_SMTP_SECURITY",
    "CLINIC_MAIL_FROM",
    "CLINIC_CALDAV_USER",
    "CLINIC_CALDAV_PASSWORD",
    "CLINIC_CLINIKO_KEY",
    "CLINIC_CLINIKO_ADDRESS",
}
_TABLES = (
    "outbox_item",
    "outbox_linkgiven",
    "booking_bucket",
    "booking_hold",
    "booking_statuschange",
    "booking_waitingoffer",
    "booking_waitingentry",
    "booking_appointmentrequest",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this file's own: each test gives them another way out."""
    pair = servers_in(tmp_path_factory.mktemp("ways-out"), current_model())
    pair.start()
    yield pair
    pair.stop()
    logs = Server("the worker", [], {}, "", pair.folder / "worker.log")
    pair.actions.log.write_text(pair.actions.log.read_text() + logs.tail(10_000))
    assert not said_in_logs(pair), "patients' words are in a log"


@pytest.fixture
def clinic(stack: Servers) -> Iterator[Clinic]:
    """The stack, with nothing left of the test before."""
    clinic = Clinic(stack)
    clinic.tidy()
    yield clinic
    clinic.stop_worker(signal.SIGKILL)


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """A mail server that is there."""
    server = MailServer()
    yield server
    server.stop()


def smtp(port: int) -> dict[str, str]:
    """Settings for a mail server on this port."""
    return {
        "CLINIC_SMTP_HOST": "127.0.0.1",
        "CLINIC_SMTP_PORT": str(port),
        "CLINIC_SMTP_SECURITY": "none",
        "CLINIC_MAIL_FROM": "desk@sorrel-lane.example.com",
    }


def book(stack: Servers, with_: dict[str, Any] = AT_TEN) -> Chat:
    """A patient asks for Thursday at ten and is told the truth at once."""
    chat = Chat(stack)
    play(chat, fragments()["start_booking"])
    fill(chat, with_=with_)
    expect(
        chat,
        {
            "response": "utter_booking_requested",
            "contains": ["requested", "not confirmed yet", "{clinic_phone}"],
        },
    )
    return chat


def reference_of(chat: Chat) -> str:
    """The reference the patient was told."""
    found = re.search(r"reference is (\w{6})", chat.text)
    assert found, chat
    return found[1]


def invitations(mailbox: Mailbox) -> list[tuple[str, str, int, str]]:
    """Method, status, sequence and UID of every calendar entry the patient got."""
    found = []
    for message in mailbox.messages:
        for part in message.walk():
            if message["To"] == EMAIL and part.get_content_type() == "text/calendar":
                calendar = Calendar.from_ical(part.get_content())
                (event,) = calendar.events
                found.append(
                    (
                        str(calendar["METHOD"]),
                        str(event["STATUS"]),
                        int(event["SEQUENCE"]),
                        str(event["UID"]),
                    )
                )
    return found


def test_requests_while_the_mail_server_is_away(clinic: Clinic) -> None:
    """Kept, told at once, delivered once; then confirmed by staff and cancelled by the patient."""
    port, box = free_port(), Mailbox()
    clinic.use("    way: requests", **smtp(port))
    chat = book(clinic.servers)
    reference = reference_of(chat)
    wait_until(
        lambda: clinic.deliveries() == [("patient", "failed"), ("clinic", "failed")],
        "both letters were tried in vain",
    )
    assert "the other computer cannot be reached" in clinic.staff("outbox")
    server = MailServer(port, mailbox=box)
    try:
        clinic.stop_worker(signal.SIGKILL)
        clinic.start_worker()
        clinic.retry()
        wait_until(clinic.all_sent, "both letters are delivered")
        assert sorted(box.recipients) == ["hello@sorrel-lane.example.com", EMAIL]
        clinic.staff("requests", "confirm", reference)
        wait_until(clinic.all_sent, "the confirmation is delivered")
        chat.say("I need to cancel my appointment")
        fill(chat, with_={"change_kind": {"click": "Cancel it"}})
        expect(chat, {"response": "utter_appointment_cancelled"})
        wait_until(lambda: clinic.all_sent() and len(box.raw) == 5, "the cancellation is delivered")
        (uid,) = {uid for *_, uid in invitations(box)}
        assert [entry[:3] for entry in invitations(box)] == [
            ("REQUEST", "TENTATIVE", 0),
            ("REQUEST", "CONFIRMED", 1),
            ("CANCEL", "CANCELLED", 2),
        ]
        assert uid
    finally:
        server.stop()


def test_a_calendar(clinic: Clinic, mailbox: MailServer, tmp_path: Path) -> None:
    """What stands there is not offered, a request is written there once, and it follows staff."""
    radicale = Radicale(tmp_path / "radicale")
    try:
        calendar = radicale.make_calendar("natalie")
        radicale.add_event(calendar, entry("busy-one", TEN - timedelta(hours=1), 12))
        clinic.use(
            f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n",
            CLINIC_CALDAV_USER=USER,
            CLINIC_CALDAV_PASSWORD=PASSWORD,
            **smtp(mailbox.mailbox.port),
        )
        # All of Thursday is taken in the calendar, and nothing is in the clinic's own database.
        chat = Chat(clinic.servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="chosen_time", with_=AT_TEN)
        expect(chat, {"response": "utter_nothing_free", "not_contains": "Dec 3"})
        # A free day is offered; while the patient reads it back, someone fills it.
        friday = {**AT_TEN, "preferred_time": {"patient": "December 4 at 10 am"}}
        chat = Chat(clinic.servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="confirm_booking", with_=friday)
        expect(chat, {"slots": {"chosen_time": "Friday, December 4, 10 am to 11 am (EST)"}})
        at_ten = TEN + timedelta(days=1)
        radicale.add_event(calendar, entry("busy-two", at_ten, 1))
        chat.click("Send request")
        expect(chat, {"response": "utter_time_taken", "form": "booking_form"})
        fill(chat, with_=AT_TEN)
        expect(chat, {"response": "utter_booking_requested"})
        wait_until(clinic.all_sent, "event and letters are delivered")
        (event,) = ours(radicale, calendar)
        assert event["STATUS"] == "TENTATIVE"
        assert "P. V." in event["SUMMARY"]
        assert "Priya" not in event.to_ical().decode()
        clinic.staff("requests", "confirm", reference_of(chat))
        wait_until(clinic.all_sent, "the confirmation is delivered")
        (event,) = ours(radicale, calendar)
        assert event["STATUS"] == "CONFIRMED"
        clinic.staff("requests", "cancel", reference_of(chat))
        wait_until(clinic.all_sent, "the cancellation is delivered")
        assert ours(radicale, calendar) == []
        assert [entry[:3] for entry in invitations(mailbox.mailbox)] == [
            ("REQUEST", "TENTATIVE", 0),
            ("REQUEST", "CONFIRMED", 1),
            ("CANCEL", "CANCELLED", 2),
        ]
    finally:
        radicale.stop()


def test_a_calendar_that_is_away(clinic: Clinic, mailbox: MailServer, tmp_path: Path) -> None:
    """Times are offered all the same, with the truth about them, and the request is kept."""
    radicale = Radicale(tmp_path / "radicale")
    try:
        calendar = radicale.make_calendar("natalie")
        radicale.stop()
        clinic.use(
            f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n",
            CLINIC_CALDAV_USER=USER,
            CLINIC_CALDAV_PASSWORD=PASSWORD,
            **smtp(mailbox.mailbox.port),
        )
        chat = Chat(clinic.servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="preferred_time")
        chat.say("any morning next week")
        expect(chat, {"response": "utter_times_unsure", "asks": "chosen_time"})
        fill(chat, with_=AT_TEN)
        expect(chat, {"response": "utter_booking_requested", "contains": "not confirmed yet"})
        wait_until(
            lambda: (
                ("system", "failed") in clinic.deliveries()
                and {state for _, state in clinic.deliveries()} == {"failed", "sent"}
            ),
            "the letters are sent and the event is not",
        )
        for _ in range(2):
            clinic.stop_worker(signal.SIGKILL)
            clinic.start_worker()
        radicale.start()
        clinic.retry()
        wait_until(clinic.all_sent, "the event is delivered")
        assert len(ours(radicale, calendar)) == 1
        assert len(mailbox.mailbox.raw) == 2
    finally:
        radicale.stop()


def test_a_calendar_that_is_silent(clinic: Clinic) -> None:
    """It takes connections and says nothing: the patient waits five seconds and no longer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/natalie/"
        clinic.use(
            f"    way: caldav\n    therapists:\n      Natalie Yeo: {address}\n",
            CLINIC_CALDAV_USER=USER,
            CLINIC_CALDAV_PASSWORD=PASSWORD,
        )
        chat = Chat(clinic.servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="preferred_time")
        asked_at = time.monotonic()
        chat.say("any morning next week")
        assert time.monotonic() - asked_at < 5 + A_BUSY_COMPUTER, chat
        expect(chat, {"response": "utter_times_unsure", "asks": "chosen_time"})


def test_cliniko(clinic: Clinic, mailbox: MailServer) -> None:
    """The same with Cliniko, out of order at first: one patient, one appointment."""
    account = ClinikoServer(lambda: datetime.fromisoformat(NOW))
    try:
        kinds = ", ".join(f"{minutes}: {kind}" for kind, minutes in TYPES.items())
        account.book(TEN, 60)
        clinic.use(
            f"    way: cliniko\n    business: {BUSINESS}\n"
            f"    therapists: {{Natalie Yeo: {PRACTITIONER}}}\n"
            f"    services: {{massage therapy: {{{kinds}}}}}\n",
            CLINIC_CLINIKO_KEY=KEY,
            CLINIC_CLINIKO_ADDRESS=account.base,
            **smtp(mailbox.mailbox.port),
        )
        chat = Chat(clinic.servers)
        play(chat, fragments()["start_booking"])
        fill(chat, until="chosen_time", with_=AT_TEN)
        expect(chat, {"response": "utter_nothing_free"})
        fill(chat, until="confirm_booking", with_=BY_MAIL)
        account.fail = [503] * 20
        chat.click("Send request")
        expect(chat, {"response": "utter_booking_requested", "contains": "not confirmed yet"})
        wait_until(lambda: ("system", "failed") in clinic.deliveries(), "Cliniko was tried in vain")
        assert len(account.live()) == 1
        account.fail = []
        clinic.stop_worker(signal.SIGKILL)
        clinic.start_worker()
        clinic.retry()
        wait_until(clinic.all_sent, "the appointment is made")
        assert len(account.live()) == 2
        assert len(account.patients) == 1
        clinic.staff("requests", "decline", reference_of(chat))
        wait_until(clinic.all_sent, "the refusal is delivered")
        assert len(account.live()) == 1
    finally:
        account.stop()


def test_the_waiting_list(clinic: Clinic, mailbox: MailServer) -> None:
    """Who waits for a time is told once that it became free, and can ask for it."""
    clinic.use("    way: requests", **smtp(mailbox.mailbox.port))
    first = book(clinic.servers, {"preferred_time": AT_TEN["preferred_time"]})
    waits = Chat(clinic.servers)
    play(waits, fragments()["start_booking"])
    fill(waits, until="chosen_time", with_=AT_TEN)
    expect(waits, {"response": "utter_nothing_free", "buttons_include": "Waiting list"})
    waits.click("Waiting list")
    fill(waits, with_=BY_MAIL)
    expect(waits, {"response": "utter_waiting_list_joined", "contains": "Nothing is booked yet"})
    assert "Priya Venkataraman" in clinic.staff("requests", "waiting")
    first.say("I need to cancel my appointment")
    fill(first, with_={"change_kind": {"click": "Cancel it"}})
    expect(first, {"response": "utter_appointment_cancelled"})

    def told() -> list[str]:
        return [m["Subject"] for m in mailbox.mailbox.messages if m["To"] == EMAIL]

    wait_until(lambda: bool(told()), "the letter arrives")
    clinic.stop_worker(signal.SIGKILL)
    clinic.start_worker()
    again = book(clinic.servers)
    wait_until(lambda: clinic.all_sent() and len(told()) == 2, "the next letter arrives")
    assert "A time is free" in told()[0]
    assert "appointment request" in told()[1], again


def test_a_link(clinic: Clinic) -> None:
    """The patient gets the address, filled in with what was said; staff see who was sent where."""
    servers = clinic.servers
    clinic.use(
        "    way: link\n    program: acuity\n"
        "    address: https://sorrel-lane.as.me/schedule.php\n"
        "    services: {massage therapy: {60: 4711}}\n    therapists: {Natalie Yeo: 12}\n"
    )
    servers.rasa.restart()
    chat = Chat(servers)
    chat.say("can I book 60 minutes, I am Mirabel Okonkwo, mirabel@example.com")
    expect(chat, {"response": ["utter_link_to_book"], "form": None})
    assert (
        "https://sorrel-lane.as.me/schedule.php?appointmentType=4711&calendarID=12&firstName=Mirabel"
        "&lastName=Okonkwo&email=mirabel%40example.com" in chat.text
    ), chat
    given = clinic.staff("requests", "links")
    assert (
        f"{chat.sender}  https://sorrel-lane.as.me/schedule.php?appointmentType=4711&calendarID=12\n"
        in given
    )
    assert "Mirabel" not in given
    # Nobody in danger is sent to a booking page.
    chat.click("One of these applies")
    expect(chat, {"not_contains": "https://sorrel-lane"})
    chat.say("I want to book an appointment")
    expect(chat, {"response": ["utter_booking_blocked_red_flag"]})
    other = Chat(servers)
    other.say("I need to reschedule my appointment")
    expect(other, {"response": ["utter_link_to_change"], "form": None})
    # In the middle of a message for the clinic, that one goes on.
    third = Chat(servers)
    play(third, fragments()["start_message"])
    third.say("actually I would like to book an appointment, how do I do that?")
    expect(third, {"form": "message_form"})


def entry(uid: str, start: datetime, hours: int) -> str:
    """Something that stands in the clinic's calendar."""
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
        f"DTSTAMP:20261101T000000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{start + timedelta(hours=hours):%Y%m%dT%H%M%SZ}\r\nSUMMARY:x\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def ours(radicale: Radicale, calendar: str) -> list[Any]:
    """The events that are requests."""
    return [e for e in radicale.events(calendar) if "X-APPOINTMENT-REQUEST-CHANGE" in e]
