"""A receipt says that something was deleted, and nothing of what it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from django.apps import apps
from fabricated import Events, Talk

from clinic.booking.requests import create_request
from clinic.conversations.models import Message
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite
from clinic.handoff.messages import leave_message
from clinic.privacy.deletion import delete_conversation
from clinic.privacy.erasing import erase
from clinic.privacy.models import DeletionReceipt, RedactionReceipt
from clinic.privacy.redacting import redact
from clinic.questions import collecting

PHONE = "+14165550142"
# The conversation's id in an app is the patient's number.
WORDS = (PHONE, "4165550142", "Quagga", "quagga", "quagga@example.com", "zebra stripes")
LONG_AGO = time.time() - 10_000


@pytest.fixture(autouse=True)
def rasas_folder(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is changed is the test's own."""
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)


def everything(*tables: type) -> str:
    """All that stands in all columns of these tables, or of all there are."""
    rows = [row for table in tables or apps.get_models() for row in table._base_manager.values()]
    return "\n".join(map(str, rows))


@pytest.mark.parametrize("by", ["patient", "officer"])
def test_it_holds_no_content(
    database: Path, events: Events, tail: Tail, store: Sqlite, by: str
) -> None:
    talk = Talk(LONG_AGO).start().patient("I'm Quagga with zebra stripes", "faq/cost", 0.1)
    talk.assistant("Hm?", "utter_not_understood_1").listen()
    talk.patient("call Quagga", "faq/cost", 0.1).assistant("Hm?", "utter_not_understood_1")
    events.write(PHONE, talk.listen())
    tail.step()
    while collecting.collect():
        pass
    create_request(
        conversation_id=PHONE,
        patient_name="Quagga",
        patient_contact="quagga@example.com",
        preferred_time="zebra stripes",
        note="zebra stripes",
        idempotency_key="1",
    )
    leave_message(
        conversation_id=PHONE,
        patient_contact="416-555-0142",
        patient_name="Quagga",
        text="zebra stripes",
        idempotency_key="2",
    )
    assert all(words in everything() for words in WORDS if words != "quagga")
    message = Message.objects.select_related("session").get(text="call Quagga")
    redact(message, "Quagga", "omar", store)
    if by == "patient":
        delete_conversation(PHONE)
        events.erase(PHONE)
    else:
        assert erase([PHONE], "omar").receipts
    while tail.step():
        pass
    receipts = everything(DeletionReceipt, RedactionReceipt)
    assert DeletionReceipt.objects.count() == RedactionReceipt.objects.count() == 1
    assert not [words for words in WORDS if words in receipts]
    # Nor does anything else, but for the number of an erased conversation that is looked at again.
    left = everything(*(table for table in apps.get_models() if table.__name__ != "Recheck"))
    assert not [words for words in WORDS if words in left]
