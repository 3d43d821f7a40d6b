"""The waiting list, from a time that frees up to the letter: told once, and only what is true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from handoff_peers.mail import Mailbox, MailServer, free_port
from handoff_peers.samples import NOW, START
from test_outbox_killed import kill_at

from clinic.booking import handoff, waiting
from clinic.booking.models import WaitingEntry, WaitingOffer
from clinic.booking.requests import cancel_request
from clinic.booking.waiting import join_waiting_list, leave_waiting_list
from clinic.outbox import queue
from clinic.outbox.models import Item
from clinic.outbox.worker import Worker

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


def wait(number: int = 1, **changes: Any) -> WaitingEntry:
    """Sam waits for Priya's hour."""
    values: dict[str, Any] = {
        "conversation_id": f"w{number}",
        "patient_name": "Sam Lee",
        "patient_contact": f"sam{number}@example.com",
        "minutes": 60,
        "windows": [(START, START + HOUR)],
        "service": "massage therapy",
        "idempotency_key": f"wait{number}",
        "now": NOW,
    }
    return join_waiting_list(**values | changes)


def freed(*waiting: dict[str, Any]) -> None:
    """Priya's hour is asked for, these people wait for it, and it becomes free."""
    request = ask(patient_contact="604-555-0142")
    for number, changes in enumerate(waiting, 1):
        wait(number, **changes)
    cancel_request(request, now=NOW)
    # What was to be told about Priya's own request is no part of these tests.
    Item.objects.filter(offer=None).delete()


def run(clock: Any) -> None:
    queue.enqueue_offers(NOW)
    clock.pass_(seconds=1)
    Worker(now=clock, today=lambda: NOW).run_due()


def subjects(server: Any) -> list[tuple[str, str]]:
    return [(m["To"], m["Subject"]) for m in server.mailbox.messages]


def test_each_is_told_once_by_mail_or_by_the_clinic(
    database: Path, mail_settings: Any, clock: Any
) -> None:
    freed({}, {"patient_contact": "604-555-0117"})
    for _ in range(3):
        run(clock)
    assert subjects(mail_settings) == [
        (
            "sam1@example.com",
            "A time is free at Sorrel Lane Massage Therapy: Thursday, 26 November 2026, 4 pm to "
            "5 pm",
        ),
        (
            "hello@sorrel-lane.example.com",
            f"Please call: a time is free for {WaitingEntry.objects.get(pk=2).reference} of the "
            "waiting list: Thursday, 26 November 2026, 4 pm to 5 pm",
        ),
    ]
    to_patient, to_clinic = (m.get_content() for m in mail_settings.mailbox.messages)
    assert "massage therapy, 60 minutes, with Natalie Yeo" in to_patient
    assert "It is not kept for you" in to_patient
    assert "S. L. is on the waiting list" in to_clinic
    assert "555" not in to_clinic
    assert set(WaitingOffer.objects.values_list("state", flat=True)) == {"told"}


def test_while_mail_is_down_it_waits_and_then_comes_once(
    database: Path, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    port, mailbox = free_port(), Mailbox()
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("SECURITY", "none")):
        monkeypatch.setenv(f"CLINIC_SMTP_{name}", value)
    monkeypatch.setenv("CLINIC_MAIL_FROM", "desk@sorrel-lane.example.com")
    freed({})
    run(clock)
    assert WaitingOffer.objects.get().state == "to_tell"
    assert Item.objects.get().state == "failed"
    server = MailServer(port, mailbox=mailbox)
    try:
        for _ in range(3):
            clock.pass_(seconds=30)
            run(clock)
        assert mailbox.recipients == ["sam1@example.com"]
    finally:
        server.stop()


def test_a_time_taken_before_the_letter_left_is_not_told_and_news_when_free_again(
    database: Path, mail_settings: Any, clock: Any
) -> None:
    freed({})
    queue.enqueue_offers(NOW)
    again = ask(2, patient_contact="604-555-0142")
    Item.objects.filter(offer=None).delete()
    run(clock)
    assert mail_settings.mailbox.messages == []
    assert Item.objects.get(offer__isnull=False).state == "dropped"
    cancel_request(again, now=NOW)
    Item.objects.filter(offer=None).delete()
    run(clock)
    assert mail_settings.mailbox.recipients == ["sam1@example.com"]


def test_who_has_left_the_list_is_not_told(database: Path, mail_settings: Any, clock: Any) -> None:
    freed({})
    queue.enqueue_offers(NOW)
    leave_waiting_list("w1")
    run(clock)
    assert mail_settings.mailbox.messages == []
    assert WaitingOffer.objects.get().state == "gone"


@pytest.mark.parametrize(
    ("point", "most"),
    [
        ("claim after 1", 1),
        ("send before 1", 1),
        ("reply after 5", 1),
        ("half", 1),
        ("finish before 1", 2),  # SMTP has no answer to this moment; the two letters are the same
        ("finish after 1", 1),
        ("goodbye before 1", 1),
    ],
)
def test_a_worker_killed_at_any_point_tells_nobody_twice(
    database: Path, mail_settings: Any, point: str, most: int
) -> None:
    freed({})
    queue.enqueue_offers(NOW)
    kill_at(point, database.parent)
    queue.enqueue_offers(NOW)
    now = queue.real_now() + queue.LEASE + timedelta(seconds=5)
    Worker(now=lambda: now, today=lambda: NOW).run_due()
    assert 1 <= len(mail_settings.mailbox.raw) <= most
    assert len(set(mail_settings.mailbox.raw)) == 1
    assert Item.objects.get().state == "sent"
    assert WaitingOffer.objects.get().state == "told"


def test_a_time_freed_in_the_connected_calendar_is_told_as_well(
    database: Path,
    radicale: Any,
    caldav_login: str,
    mail_settings: Any,
    clinic_file: Callable[[str], Path],
    clock: Any,
) -> None:
    calendar = radicale.make_calendar("waiting")
    clinic_file(f"    way: caldav\n    therapists:\n      Natalie Yeo: {calendar}\n")
    radicale.add_event(
        calendar,
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:lunch\r\n"
        f"DTSTAMP:20261101T000000Z\r\nDTSTART:{START:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{START + HOUR:%Y%m%dT%H%M%SZ}\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    for number in range(5):
        wait(number)

    def look() -> None:
        handoff._known.clear()
        waiting.look_around(NOW, handoff.busy)
        run(clock)

    look()
    assert mail_settings.mailbox.messages == []
    with radicale.client() as client:
        for event in client.calendar(url=calendar).events():
            event.delete()
    look()
    look()
    # Those who wait longest, and no more than three for one time.
    assert mail_settings.mailbox.recipients == [f"sam{n}@example.com" for n in range(3)]


def test_while_the_connected_calendar_cannot_be_read_nobody_is_told(
    database: Path,
    caldav_login: str,
    mail_settings: Any,
    clinic_file: Callable[[str], Path],
    clock: Any,
) -> None:
    freed({})
    clinic_file(
        "    way: caldav\n    therapists:\n"
        f"      Natalie Yeo: http://127.0.0.1:{free_port()}/natalie/\n"
    )
    assert waiting.look_around(NOW, handoff.busy) == []
    run(clock)
    assert mail_settings.mailbox.messages == []
    (item,) = Item.objects.all()
    assert (item.state, item.offer.state) == ("failed", "to_tell")
