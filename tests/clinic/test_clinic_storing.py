"""Requests, messages, feedback and deletion in a real database file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from clinic import references, setup, storing
from clinic.booking.models import AppointmentRequest, StatusChange
from clinic.booking.requests import NEXT, change_status, create_request
from clinic.contacts import read_contact
from clinic.conversations.feedback import save_feedback
from clinic.conversations.models import Feedback
from clinic.handoff.messages import leave_message
from clinic.handoff.models import PatientMessage
from clinic.privacy.deletion import conversation_digest, delete_conversation
from clinic.privacy.models import DeletionReceipt
from clinic.text import BadInput

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("database")


def ask(**changes: Any) -> AppointmentRequest:
    values: dict[str, Any] = {
        "conversation_id": "c1",
        "patient_name": "Priya Nair",
        "patient_contact": "604-555-0142",
        "preferred_time": "thursday after 4",
        "idempotency_key": "k1",
    }
    return create_request(**values | changes)


def leave(**changes: Any) -> PatientMessage:
    values: dict[str, Any] = {
        "conversation_id": "c1",
        "patient_contact": "priya@example.com",
        "text": "Please call me about my receipt.",
        "idempotency_key": "m1",
    }
    return leave_message(**values | changes)


def thumb(**changes: Any) -> Feedback:
    values: dict[str, Any] = {
        "conversation_id": "c1",
        "answer": "utter_faq/cost",
        "value": "up",
        "message_reference": "7",
    }
    return save_feedback(**values | changes)


def test_a_request_is_stored_with_everything_and_a_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-23T09:30:00-05:00")
    given = ask(note="left hip\nsince May", service="massage therapy, 45 minutes")
    stored = AppointmentRequest.objects.get()
    assert stored == given
    assert stored.status == "requested"
    assert len(stored.reference) == 6
    assert set(stored.reference) <= set(references.ALPHABET)
    assert stored.patient_contact_kind == "phone"
    assert stored.patient_contact == "+16045550142"
    assert stored.patient_contact_typed == "604-555-0142"
    assert stored.preferred_time == "thursday after 4"
    assert stored.note == "left hip\nsince May"
    assert stored.service == "massage therapy, 45 minutes"
    assert stored.created_at == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    (change,) = stored.status_changes.all()
    assert (change.status, change.who, change.at) == ("requested", "patient", stored.created_at)


def test_the_same_submission_is_stored_once() -> None:
    first = ask()
    again = ask(preferred_time="friday")
    assert again.pk == first.pk
    assert again.preferred_time == "thursday after 4"
    assert AppointmentRequest.objects.count() == 1
    assert StatusChange.objects.count() == 1
    assert ask(idempotency_key="k2").reference != first.reference


def test_a_key_of_another_conversation_is_refused() -> None:
    ask()
    with pytest.raises(BadInput, match="another conversation"):
        ask(conversation_id="c2")


def test_a_contact_already_read_is_taken_as_it_is() -> None:
    contact = read_contact("it's priya@gmial.com")
    assert contact is not None
    assert ask(patient_contact=contact).patient_contact == "priya@gmial.com"


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("conversation_id", " ", "1 to 255"),
        ("patient_name", "", "1 to 200"),
        ("patient_name", "x" * 201, "1 to 200"),
        ("patient_contact", "555-0199", "area code"),
        ("patient_contact", "tomorrow", "e-mail address"),
        ("preferred_time", "\x00", "1 to 1000"),
        ("note", "x" * 4001, "1 to 4000"),
        ("service", "x" * 201, "1 to 200"),
        ("idempotency_key", "", "1 to 255"),
    ],
)
def test_bad_input_is_named_without_its_words(field: str, value: str, allowed: str) -> None:
    with pytest.raises(BadInput) as caught:
        ask(**{field: value})
    sentence = str(caught.value)
    assert sentence.startswith(field)
    assert "Allowed" in sentence
    assert allowed in sentence
    assert not value.strip("\x00 ") or value not in sentence
    assert AppointmentRequest.objects.count() == 0


def test_text_no_database_keeps_is_left_out() -> None:
    stored = ask(patient_name="Pri\x00ya \ud83dNair\u202e", preferred_time="thurs\r\nday 👩🏽‍🦽")
    stored.refresh_from_db()
    assert stored.patient_name == "Priya Nair"
    assert stored.preferred_time == "thurs\nday 👩🏽‍🦽"


def test_a_taken_reference_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["334467", "334467", "CDFGHJ"])
    monkeypatch.setattr(storing, "new_reference", lambda: next(drawn))
    assert ask().reference == "334467"
    assert ask(idempotency_key="k2").reference == "CDFGHJ"


def test_when_no_reference_is_free_the_database_error_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "new_reference", lambda: "334467")
    ask()
    with pytest.raises(IntegrityError):
        ask(idempotency_key="k2")
    assert AppointmentRequest.objects.count() == 1


def test_references_are_unguessable_and_unambiguous() -> None:
    drawn = {references.new_reference() for _ in range(2000)}
    assert len(drawn) > 1990
    assert not set("".join(drawn)) & set("AEIOU01258BLSVZ")


def test_states_follow_each_other_and_remember_who() -> None:
    request = change_status(ask(), "confirmed", "natalie")
    request = change_status(request, "changed", "desk")
    request = change_status(request, "cancelled", "patient")
    assert [(c.status, c.who) for c in request.status_changes.all()] == [
        ("requested", "patient"),
        ("confirmed", "natalie"),
        ("changed", "desk"),
        ("cancelled", "patient"),
    ]
    with pytest.raises(BadInput, match=r"from cancelled to confirmed.*over"):
        change_status(request, "confirmed", "desk")
    with pytest.raises(BadInput, match="Allowed: requested, confirmed"):
        change_status(request, "lost", "desk")
    assert set(NEXT) == {value for value, _ in AppointmentRequest._meta.get_field("status").choices}


def test_a_state_decided_meanwhile_counts() -> None:
    request = ask()
    change_status(request, "declined", "natalie")
    with pytest.raises(BadInput, match="from declined"):
        change_status(request, "confirmed", "desk")  # `request` still says requested


@pytest.mark.parametrize(
    "change", [{"status": "maybe"}, {"patient_contact": ""}, {"patient_contact_kind": "fax"}]
)
def test_the_database_itself_refuses_requests_nobody_could_answer(change: dict[str, str]) -> None:
    request = ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=request.pk).update(**change)


def test_a_message_is_stored_once_with_a_way_to_answer() -> None:
    first = leave()
    assert leave(text="other").pk == first.pk
    stored = PatientMessage.objects.get()
    assert (stored.status, stored.patient_name) == ("new", "")
    assert (stored.patient_contact_kind, stored.patient_contact) == ("email", "priya@example.com")
    assert stored.text == "Please call me about my receipt."
    assert leave(idempotency_key="m2", patient_name="Priya").patient_name == "Priya"


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", ""), ("text", "x" * 4001), ("patient_contact", "no"), ("conversation_id", "")],
)
def test_a_message_without_what_it_needs_is_refused(field: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"^{field} .*Allowed"):
        leave(**{field: value})


def test_feedback_is_kept_once_for_each_answer_and_can_change() -> None:
    thumb()
    thumb(value="down", reason="too long")
    thumb(value="down")
    stored = Feedback.objects.get()
    assert (stored.value, stored.reason) == ("down", "too long")
    thumb(value="up")
    stored.refresh_from_db()
    assert (stored.value, stored.reason) == ("up", None)
    thumb(answer="utter_faq/insurance")
    thumb(message_reference="8")
    thumb(conversation_id="c2")
    thumb(message_reference="")
    thumb(message_reference="")
    assert Feedback.objects.count() == 5
    with pytest.raises(BadInput, match=r"^value .*up, down"):
        thumb(value="sideways")


def test_deleting_a_conversation_leaves_nothing_of_it(database: Path) -> None:
    words = "Zanzibar-Quokka"
    request = ask(note=f"{words} note", patient_name=words, preferred_time=words)
    ask(idempotency_key="k9", note=words)
    leave(text=words)
    thumb(reason=words)
    other = ask(conversation_id="c2", idempotency_key="k2", patient_name="Sam Lee")
    thumb(conversation_id="c2")

    counts = delete_conversation("c1")

    assert (counts.requests_anonymised, counts.messages_deleted, counts.feedback_deleted) == (
        2,
        1,
        1,
    )
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert request.erased_at is not None
    assert request.reference
    for field in ("conversation_id", "patient_name", "patient_contact", "patient_contact_kind",
                  "patient_contact_typed", "preferred_time", "note"):  # fmt: skip
        assert getattr(request, field) == "", field
    assert request.service is None
    other.refresh_from_db()
    assert other.patient_name == "Sam Lee"
    assert Feedback.objects.get().conversation_id == "c2"
    receipt = DeletionReceipt.objects.get(reference=counts.receipt)
    assert receipt.conversation_digest == conversation_digest("c1")
    assert receipt.conversation_digest != conversation_digest("c2")

    connection.close()
    kept = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert words.encode() not in kept
    assert b"+16045550142" in kept  # the other conversation's, so the search can find things


def test_deleting_again_or_nothing_is_no_error_and_has_a_receipt() -> None:
    ask()
    first, second = delete_conversation("c1"), delete_conversation("c1", who="desk")
    assert (second.requests_anonymised, second.messages_deleted, second.feedback_deleted) == (
        0,
        0,
        0,
    )
    assert first.receipt != second.receipt
    assert DeletionReceipt.objects.count() == 2
    with pytest.raises(BadInput, match=r"^conversation_id"):
        delete_conversation("  ")


def test_deleting_does_not_touch_requests_already_emptied() -> None:
    ask()
    delete_conversation("c1")
    ask(idempotency_key="k2")
    assert delete_conversation("c1").requests_anonymised == 1
    assert AppointmentRequest.objects.filter(erased_at__isnull=False).count() == 2


def test_a_confirmed_request_stays_confirmed_when_emptied() -> None:
    request = change_status(ask(), "confirmed", "natalie")
    delete_conversation("c1")
    request.refresh_from_db()
    assert (request.status, request.patient_name) == ("confirmed", "")


def test_nothing_patients_write_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ask(note="Zanzibar")
    leave(text="Zanzibar")
    thumb(reason="Zanzibar")
    delete_conversation("c1")
    for words in ("Zanzibar", "Priya", "604", "priya@example.com"):
        assert words not in caplog.text


def test_from_an_event_loop_the_database_is_reached_through_call() -> None:
    async def several() -> list[AppointmentRequest]:
        return list(
            await asyncio.gather(*(setup.call(ask, idempotency_key=f"k{n}") for n in range(8)))
        )

    assert len({request.reference for request in asyncio.run(several())}) == 8
    assert AppointmentRequest.objects.count() == 8
    with pytest.raises(BadInput):
        asyncio.run(setup.call(ask, patient_name=""))


def test_the_same_submission_at_once_is_stored_once() -> None:
    barrier = threading.Barrier(6)

    def press_send(_: int) -> str:
        barrier.wait()
        try:
            return str(ask().reference)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        references_given = set(pool.map(press_send, range(6)))
    assert len(references_given) == 1
    assert AppointmentRequest.objects.count() == 1


def test_a_busy_database_is_waited_for_and_a_blocked_one_is_an_error(database: Path) -> None:
    blocker = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: blocker.execute("COMMIT")).start()
    assert ask().pk

    connection.close()
    connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"timeout": 0.2}
    blocker.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        ask(idempotency_key="k2")
    assert time.monotonic() - start < 3
    blocker.execute("COMMIT")
    blocker.close()
    assert ask(idempotency_key="k2").pk


def _start(folder: str, results: Any) -> None:
    code = (
        "import asyncio\n"
        "from clinic import setup\n"
        "async def start(): setup.ready(migrate=True)\n"
        "asyncio.run(start())\n"
        "from clinic.booking.requests import create_request\n"
        "r = create_request(conversation_id='c', patient_name='Sam', idempotency_key='k',\n"
        "    patient_contact='416-555-0142', preferred_time='monday')\n"
        "print(r.reference)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"CLINIC_VAR": folder},
        capture_output=True,
        text=True,
    )
    results.append((done.returncode, done.stdout.strip(), done.stderr))


def test_processes_that_start_at_once_on_nothing_agree(tmp_path: Path) -> None:
    results: list[tuple[int, str, str]] = []
    folder = str(tmp_path / "var")
    threads = [threading.Thread(target=_start, args=(folder, results)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [code for code, _, _ in results] == [0] * 4, results
    assert len({reference for _, reference, _ in results}) == 1


def test_the_migrations_are_those_of_the_models() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_command_line_migrates_and_leaves_when_to_its_own_module(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "clinic", *arguments],
            cwd=ROOT,
            env={"CLINIC_VAR": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    assert run("migrate").returncode == 0
    assert run("migrate", "--check").returncode == 0
    assert run("check").returncode == 0
    unknown = run("frobnicate")
    assert unknown.returncode != 0
    assert '"frobnicate" is no command of the clinic' in unknown.stderr
