"""The clinic gets an e-mail about a patient who waits in the chat, without a word of theirs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from handoff_peers.samples import NOW

from clinic.facts import LiveChat
from clinic.live import chats, upkeep
from clinic.outbox.models import Item
from clinic.outbox.worker import Worker

WAIT = LiveChat(wait=timedelta(minutes=5))
LATER = NOW + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", LATER.isoformat())


def run(clock: Any) -> None:
    clock.pass_(seconds=1)
    Worker(now=clock, today=lambda: LATER).run_due()


def test_one_letter_with_the_time_and_nothing_of_the_patient(
    database: Path, mail_settings: Any, clock: Any
) -> None:
    for number in (1, 2):
        chats.ask(f"secret-{number}", NOW)
    for _ in range(2):
        upkeep.look(LATER, WAIT)
        run(clock)
    letters = mail_settings.mailbox.messages
    assert len(letters) == 2
    assert {letter["To"] for letter in letters} == {"hello@sorrel-lane.example.com"}
    assert len({letter["Message-ID"] for letter in letters}) == 2
    text = letters[0].get_content() + letters[0]["Subject"]
    assert "http://127.0.0.1:8010/live/1\r\n" in text
    assert "secret" not in text


def test_nobody_is_told_when_a_person_has_come_meanwhile(
    database: Path, mail_settings: Any, clock: Any
) -> None:
    chats.ask("c1", NOW)
    upkeep.look(LATER, WAIT)
    chats.join("c1", "natalie", "Natalie Yeo", LATER)
    run(clock)
    assert mail_settings.mailbox.messages == []
    assert Item.objects.get().state == "dropped"


def test_without_mail_it_stands_at_the_desk_alone(
    database: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIC_SMTP_HOST", raising=False)
    chats.ask("c1", NOW)
    upkeep.look(LATER, WAIT)
    run(clock)
    assert Item.objects.get().state == "dropped"
