"""What is looked at and done on the command line stands in the audit log, too."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from clinic import clock
from clinic.__main__ import COMMANDS

CONTACT = "priya@example.com"


@pytest.fixture(autouse=True)
def _clinic(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", tmp_path)


def request() -> Any:
    from clinic.booking.requests import create_request

    return create_request(
        conversation_id="a",
        patient_name="Priya Nair",
        patient_contact=CONTACT,
        preferred_time="soon",
        idempotency_key="1",
    )


def run(*words: Any) -> str:
    from django.core.management import call_command

    out = StringIO()
    name, *more = map(str, words)
    call_command(name, *more, "--who", "natalie", stdout=out)
    return out.getvalue()


def noted() -> list[tuple[str, str, str, str]]:
    """Deed, thing and detail of what Natalie did on the command line, and nobody else."""
    from clinic.audit.models import Entry

    rows = Entry.objects.order_by("id")
    assert {(row.who, row.address) for row in rows} <= {("natalie", "command line")}
    return [(row.action, row.about, row.detail) for row in rows]


def test_requests_and_deliveries() -> None:
    from clinic.outbox.models import Item

    reference = request().reference
    about = f"request {reference}"
    Item.objects.update(state="stuck", reason="login")
    first, second = Item.objects.order_by("id").values_list("pk", flat=True)
    tomorrow = (clock.now() + timedelta(days=1)).isoformat(timespec="minutes")
    for words in (
        ("outbox",),
        ("outbox", "done", first),
        ("outbox", "retry", second),
        ("outbox", "retry", "all"),
        ("requests",),
        ("requests", "waiting"),
        ("requests", "links"),
        ("requests", "show", reference),
        ("requests", "move", reference, "--to", tomorrow),
        ("requests", "confirm", reference),
    ):
        run(*words)
    assert noted() == [
        ("list", "deliveries", ""),
        ("change", f"delivery {first}", "by hand"),
        ("change", f"delivery {second}", "retry"),
        ("change", "deliveries", "retry"),
        ("list", "bookings", "with contacts"),
        ("list", "waiting list", "with contacts"),
        ("list", "links given", "with contacts"),
        ("unmask", about, "contact"),
        ("change", about, "moved"),
        ("unmask", about, "contact"),
        ("change", about, "confirmed"),
        ("unmask", about, "contact"),
    ]


def test_what_is_taken_out_of_the_inbox_and_what_is_deleted() -> None:
    from clinic.conversations.models import Session

    now = clock.now()
    numbers = ("number", "first_event_id", "last_event_id", "messages", "patient_messages")
    session = Session.objects.create(
        conversation_id="a",
        channel="website",
        outcome="answered",
        started_at=now,
        last_activity_at=now,
        not_understood=0,
        **dict.fromkeys(numbers, 1),
    )
    for words in (
        ("questions", "patch"),
        ("questions", "safety", "--mark"),
        ("questions", "conversation", session.pk),
        ("retention", "--dry-run"),
        ("retention",),
        ("retention", "--log"),
    ):
        run(*words)
    assert noted() == [
        ("export", "questions", "patch"),
        ("export", "questions", "safety marked"),
        ("export", f"conversation {session.pk}", "test"),
        ("retention", "", "dry run"),
        ("retention", "", "night"),
        ("list", "receipts", "nights"),
    ]


def test_a_deed_that_cannot_be_noted_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    from clinic.audit.models import Entry

    made = request()

    def full(**_: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(Entry.objects, "create", full)
    with pytest.raises(DatabaseError):
        run("requests", "confirm", made.reference)
    made.refresh_from_db()
    assert made.status == "requested"


def test_every_command_that_tells_of_patients_is_noted() -> None:
    """A new one is added to the tests above, or here when it tells nothing of anybody."""
    tried = {"requests", "outbox", "questions", "retention"}
    # The worker and the desk note what they do themselves, an invitation is noted when it is made.
    others = {"deliver", "desk", "first-administrator"}
    nothing = {"migrate", "check", "projection", "when", "makemigrations"}
    assert set(COMMANDS) == tried | others | nothing
