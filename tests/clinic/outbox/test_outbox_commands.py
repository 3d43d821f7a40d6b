"""``python -m clinic outbox`` and ``requests``: what staff see and decide without a desk."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from asking import ask, ask_without_time
from django.core.management import CommandError, call_command
from handoff_peers.samples import NOW, START

from clinic.booking import handoff
from clinic.booking.waiting import join_waiting_list
from clinic.outbox.models import Item
from clinic.outbox.worker import Worker

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def deliver(clock: Any) -> None:
    clock.pass_(seconds=1)
    Worker(now=clock, today=lambda: NOW).run_due()


def test_what_is_stuck_is_listed_with_its_reason_and_tried_again(
    clock: Any, mail_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said("outbox") == "Everything has been delivered.\n"
    request = ask()
    monkeypatch.setenv("CLINIC_SMTP_USER", "desk, without a password")
    deliver(clock)
    listed = said("outbox")
    assert listed.count(request.reference) == 2
    assert "the e-mail to the patient: the other side refuses our login" in listed
    assert "Priya" not in listed
    monkeypatch.delenv("CLINIC_SMTP_USER")
    first, _ = Item.objects.order_by("id")
    assert said("outbox", "retry", str(first.pk), "--who", "natalie") == (
        "It will be tried again now.\n"
    )
    deliver(clock)
    assert mail_settings.mailbox.recipients == ["priya@example.com"]
    assert said("outbox", "retry", "all") == "1 will be tried again now.\n"
    deliver(clock)
    assert said("outbox") == "Everything has been delivered.\n"
    assert Item.objects.get(pk=first.pk).retried_by == "natalie"


@pytest.mark.parametrize("which", ["", "first", "99", "-1"])
def test_what_cannot_be_retried_says_so(which: str) -> None:
    with pytest.raises(CommandError, match="Allowed: "):
        call_command("outbox", "retry", *([which] if which != "-1" else ["--", "-1"]))


def test_a_request_is_confirmed_and_the_patient_is_told(clock: Any, mail_settings: Any) -> None:
    request = ask()
    ask_without_time()
    listed = said("requests")
    assert f"{request.reference}  requested  Thu 2026-11-26 16:00, 60 minutes" in listed
    assert "no time yet" in listed
    assert "Priya Nair, priya@example.com" in listed
    deliver(clock)
    shown = said("requests", "confirm", request.reference.lower(), "--who", "natalie")
    assert "confirmed by natalie" in shown
    assert "delivery: waiting" in shown
    assert "Zanzibar: left leg numb" in shown
    deliver(clock)
    assert mail_settings.mailbox.messages[-1]["Subject"].endswith("is confirmed")
    assert request.reference not in said("requests")


def test_a_request_is_moved_declined_and_cancelled() -> None:
    request, other, third = ask(1), ask(2, START + timedelta(hours=2)), ask_without_time()
    moved = said("requests", "move", request.reference, "--to", "2026-11-27T09:30")
    assert "changed  Fri 2026-11-27 09:30" in moved
    with pytest.raises(CommandError, match="somebody else's"):
        call_command("requests", "move", request.reference, "--to", "2026-11-26T18:00")
    assert "declined" in said("requests", "decline", other.reference)
    assert "changed  Thu 2026-11-26 18:00" in said(
        "requests", "move", third.reference, "--to", "2026-11-26T18:00"
    )
    assert "cancelled" in said("requests", "cancel", third.reference)
    assert "delivery" in said("requests", "show", third.reference)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["confirm"], 'there is no request ""'),
        (["show", "AAAAAA"], 'there is no request "AAAAAA"'),
        (["move", "{}"], '--to is "". Allowed: a day and time'),
        (["move", "{}", "--to", "soon"], '--to is "soon"'),
        (["move", "{}", "--to", "2020-01-01T10:00"], "in the past"),
        (["move", "{}", "--to", "2026-11-27T10:00", "--with", "Nobody"], "Allowed: Natalie Yeo"),
        (["confirm", "{}"], "status cannot go from cancelled"),
    ],
)
def test_nonsense_is_named(words: list[str], sentence: str) -> None:
    request = ask()
    if words[0] == "confirm" and len(words) == 2:
        said("requests", "cancel", request.reference)
    with pytest.raises(CommandError, match=r"Allowed|in the past") as problem:
        call_command("requests", *(word.format(request.reference) for word in words))
    assert sentence in str(problem.value)


def test_who_waits_and_who_was_sent_where(clinic_file: Any) -> None:
    assert said("requests", "waiting") == "Nobody is waiting.\n"
    assert said("requests", "links") == "Nobody was sent to the booking page.\n"
    join_waiting_list(
        conversation_id="w",
        patient_name="Sam Lee",
        patient_contact="604-555-0117",
        minutes=60,
        windows=[(START, START + timedelta(hours=3))],
        idempotency_key="w",
        now=NOW,
    )
    clinic_file("    way: link\n    program: jane\n    address: https://s.janeapp.com/\n")
    handoff.hand_over("c7", name="Priya Nair")
    assert "Sam Lee, +16045550117: 60 minutes with anyone until 2026-11-26" in said(
        "requests", "waiting"
    )
    assert "2026-11-20 12:00  c7  https://s.janeapp.com/" in said("requests", "links")
