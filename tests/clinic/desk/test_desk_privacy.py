"""The privacy officer's page: one person, holds, receipts, the nightly deletion."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_chats import NOW, chat
from desk_people import browser, deeds, person
from test_privacy_masking import CONTACTS

PHONE = "416-555-0177"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, any_database: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


@pytest.fixture
def desk() -> Any:
    return browser(person("omar", "privacy_officer"))


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.content.decode()))


def patient() -> Any:
    from clinic.booking.requests import create_request

    create_request(
        conversation_id="a",
        patient_name="Priya Nair",
        patient_contact=PHONE,
        preferred_time="soon",
        idempotency_key="1",
        now=NOW,
    )
    chat("b", [("patient", f"hi, I am at {PHONE}", {})])
    chat("somebody-else")
    return chat("a")


def make_events(database: str) -> None:
    """As Rasa makes it at its start; on PostgreSQL in the same database."""
    from django.db import connection

    if database == "postgresql":
        connection.cursor().execute(
            "CREATE TABLE events (id serial, sender_id text, timestamp double precision)"
        )


def test_everything_of_a_person_is_found_across_conversations(desk: Any) -> None:
    patient()
    why = {"reason": "patient_asked"}
    assert desk.post("/privacy/person", {"person": PHONE}).status_code == 400
    page = text(desk.post("/privacy/person", {"person": "(416) 555 0177", **why}))
    assert "Known as Priya Nair" in page
    assert page.count("Conversation ") == 2
    assert "Nothing is kept under this" in text(
        desk.post("/privacy/person", {"person": "604-555-0100", **why})
    )
    wrong = desk.post("/privacy/person", {"person": "hello", **why})
    assert wrong.status_code == 400
    assert "Type a whole phone number" in text(wrong)
    from clinic.audit.models import Entry

    kept = " ".join(str(list(row)) for row in Entry.objects.values_list())
    assert "0177" not in kept
    assert deeds(action="search", reason="patient_asked") == [("omar", "search")] * 2
    looked = Entry.objects.filter(action="view", detail="person found")
    from clinic.booking.models import AppointmentRequest

    (reference,) = AppointmentRequest.objects.values_list("reference", flat=True)
    shown = {"conversation 1", "conversation 3", f"request {reference}"}
    assert {one.about for one in looked} == shown


def test_all_of_a_person_who_was_here_often_is_reached(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.desk import privacy

    monkeypatch.setattr(privacy, "PAGE", 2)
    patient()
    every = {chat(f"d{place}", [("patient", f"I am at {PHONE}", {})]).pk for place in range(5)}
    form = {"person": PHONE, "reason": "patient_asked"}
    found: set[int] = set()
    for _ in range(5):
        page = desk.post("/privacy/person", form).content.decode()
        rows = re.findall(r"Conversation (\d+)</a>", page)
        assert len(rows) <= 2
        found |= set(map(int, rows))
        more = re.search(r'name="start" value="(\d+)"', page)
        if more is None:
            break
        form = {
            **dict(re.findall(r'name="(person|reason)" value="([^"]+)"', page)),
            "start": more[1],
        }
    assert found > every
    assert len(found) == 7
    assert "Booking" not in page, "which is on the first page"


def test_a_contact_is_found_however_it_was_typed_or_dictated() -> None:
    from clinic.contacts import read_contacts
    from clinic.privacy import person as everything

    chats = {chat(str(place), [("patient", typed, {})]).conversation_id: typed
             for place, typed in enumerate(CONTACTS)}  # fmt: skip
    for conversation, typed in chats.items():
        for contact in read_contacts(typed):
            for value in contact.choices or (contact.value,):
                assert conversation in everything.find(value).conversations, (typed, value)
    dictated = {chats[one] for one in everything.find("416-555-0199").conversations}
    assert "416 five five five 0199 is my cell" in dictated
    assert everything.find("604-555-0100").conversations == ()


def test_a_copy_holds_everything_and_is_noted(desk: Any) -> None:
    patient()
    assert desk.post("/privacy/person/copy", {"person": PHONE}).status_code == 400
    form = {"person": PHONE, "reason": "patient_asked"}
    copy = json.loads(desk.post("/privacy/person/copy", form).content)
    assert copy["appointment_requests"][0]["patient_name"] == "Priya Nair"
    assert len(copy["conversations"]) == 2
    assert deeds(action="export", about="person", reason="patient_asked") == [("omar", "export")]
    assert deeds(action="export", detail="copy") == [("omar", "export")] * 3
    reference = copy["appointment_requests"][0]["reference"]
    about = f"request {reference}"
    assert deeds(action="export", about=about) == [("omar", "export")]


def test_erasing_takes_a_tick_and_gives_receipts_and_respects_holds(
    desk: Any, any_database: str
) -> None:
    from clinic.booking.models import AppointmentRequest
    from clinic.conversations.models import Session

    make_events(any_database)
    session = patient()
    why = {"person": PHONE, "reason": "patient_asked"}
    assert desk.post("/privacy/person/erase", {"person": PHONE}).status_code == 400
    assert not deeds(action="search")
    asked = desk.post("/privacy/person/erase", why)
    assert "Tick that you have made sure" in text(asked)
    # It tells what Find tells, and is noted like that.
    assert "Known as Priya Nair" in text(asked)
    assert deeds(action="search", reason="patient_asked") == [("omar", "search")]
    assert len(deeds(action="view", detail="person found")) == 3
    nobody = {**why, "person": "604-555-0100", "sure": "1"}
    nothing = text(desk.post("/privacy/person/erase", nobody, follow=True))
    assert "nothing was erased" in nothing
    assert Session.objects.count() == 3
    held = Session.objects.get(conversation_id="b")
    marked = desk.post(f"/conversations/{held.pk}/hold", {"hold": "yes"}, follow=True)
    undo = re.findall(r'action="(/undo/\d+)"', marked.content.decode())[-1]
    desk.post(undo)
    assert not Session.objects.get(pk=held.pk).hold
    desk.post(f"/conversations/{held.pk}/hold", {"hold": "yes"})
    form = {**why, "sure": "1"}
    done = text(desk.post("/privacy/person/erase", form, follow=True))
    assert "Kept as client records: 1." in done
    receipt = re.search(r"Receipts: (\w{6})\.", done)[1]
    assert not Session.objects.filter(pk=session.pk).exists()
    assert Session.objects.filter(pk=held.pk).exists()
    assert AppointmentRequest.objects.get().patient_name == ""
    assert ("omar", "erase") in deeds(about=f"receipt {receipt}")
    assert ("omar", "erase") in deeds(about="person", reason="patient_asked")
    desk.post(f"/conversations/{held.pk}/hold", {"hold": "no"})
    desk.post("/privacy/person/erase", form)
    assert Session.objects.count() == 1
    assert deeds(action="hold") == [("omar", "hold")] * 3


def test_a_patient_who_wants_a_client_record_deleted_is_seen_and_answered(desk: Any) -> None:
    from clinic.conversations.models import Session
    from clinic.privacy.erasing import delete_for_patient

    session = patient()
    assert "want" not in text(desk.get("/"))
    Session.objects.filter(pk=session.pk).update(hold=True, hold_by="omar")
    assert delete_for_patient("a") == {"a"}
    assert "1 client record that a patient wants deleted" in text(desk.get("/"))
    page = desk.get("/privacy/")
    assert f"Conversation {session.pk} , asked just now" in text(page)
    (address,) = re.findall(r'action="(/privacy/wishes/\d+/settled)"', page.content.decode())
    done = desk.post(address, follow=True)
    assert "Noted as answered" in text(done)
    assert "asked just now" not in text(done)
    undo = re.search(r'action="(/privacy/wishes/\d+/open)"', done.content.decode())[1]
    assert "asked just now" in text(desk.post(undo, follow=True))
    about = f"deletion request {address.split('/')[3]}"
    assert deeds(about=about) == [("omar", "change"), ("omar", "undo")]
    assert "client record" not in text(browser(person("mara", "front_desk")).get("/"))


def test_a_held_chat_without_a_contact_is_copied_and_erased_to_its_receipt(
    desk: Any, any_database: str
) -> None:
    from clinic.conversations.models import Message, Session
    from clinic.privacy.erasing import delete_for_patient
    from clinic.privacy.models import DeletionReceipt, DeletionRequest

    make_events(any_database)
    session = chat("a", [("patient", "my calf burns", {})])
    at = f"/conversations/{session.pk}"
    desk.post(f"{at}/hold", {"hold": "yes"})
    assert delete_for_patient("a") == {"a"}
    why = {"reason": "patient_asked"}
    page = desk.get(at)
    assert "A client record is not erased" in text(page)
    assert f'action="{at}/erase"' not in page.content.decode()
    # Not by another tab, either.
    refused = desk.post(f"{at}/erase", {**why, "sure": "1"}, follow=True)
    assert "Kept as client records: 1." in text(refused)
    assert desk.post(f"{at}/copy").status_code == 400
    copy = json.loads(desk.post(f"{at}/copy", why).content)
    assert copy["conversations"][0]["messages"][0]["text"] == "my calf burns"
    noted = deeds(action="export", about=f"conversation {session.pk}", reason="patient_asked")
    assert noted == [("omar", "export")]
    desk.post(f"{at}/hold", {"hold": "no"})
    assert f'action="{at}/erase"' in desk.get(at).content.decode()
    assert desk.post(f"{at}/erase", {"sure": "1"}).status_code == 400
    unticked = desk.post(f"{at}/erase", why, follow=True)
    assert "Tick that you have made sure" in text(unticked)
    assert Session.objects.count() == 1
    done = text(desk.post(f"{at}/erase", {**why, "sure": "1"}, follow=True))
    receipt = DeletionReceipt.objects.get()
    assert f"Erased. Receipts: {receipt.reference}." in done
    left = (Session.objects.count(), Message.objects.count(), DeletionRequest.objects.count())
    assert left == (0, 0, 0)
    erased = deeds(action="erase", about=f"conversation {session.pk}", reason="patient_asked")
    assert erased == [("omar", "erase")] * 2


def test_only_the_privacy_officer_copies_and_erases(everyone: dict[str, Any]) -> None:
    session = chat("a")
    for role in ("front_desk", "reviewer", "administrator"):
        for deed in ("copy", "erase"):
            form = {"sure": "1", "reason": "patient_asked"}
            address = f"/conversations/{session.pk}/{deed}"
            assert browser(everyone[role]).post(address, form).status_code == 403


#: What tells of no person and of no conversation, or only how the program is at work.
NOT_OF_A_PERSON = {
    *("audit.entry", "booking.bucket", "booking.wrongpairs", "conversations.daycount"),
    *("conversations.position", "conversations.recheck", "conversations.rateddown"),
    *("conversations.tag", "desk.savedfilter", "desk.undo", "live.duty", "people.invitation"),
    *("people.person", "people.wrongtries", "privacy.deletionreceipt", "privacy.retentionrun"),
    *("privacy.redactionreceipt",),
    # How often something is asked, by whomever; the messages themselves are in the copy.
    *("questions.question", "questions.meaning", "questions.occurrence"),
}


def filled(model: Any, **given: Any) -> Any:
    """A row with something of its own in each column that may be empty."""
    from django.db import models

    marks: dict[Any, Any] = {
        models.CharField: lambda name: f"{name}!"[-4:],
        models.TextField: lambda name: f"some {name}",
        models.JSONField: lambda name: [f"list of {name}"],
        models.DateTimeField: lambda _: NOW,
        models.FloatField: lambda _: 0.5,
        models.BooleanField: lambda _: True,
    }
    for column in model._meta.concrete_fields:
        if column.name in given or column.primary_key or column.remote_field:
            continue
        if column.choices:
            given[column.name] = column.choices[0][0]
        else:
            mark = next((make for kind, make in marks.items() if isinstance(column, kind)), None)
            given[column.name] = mark(column.name) if mark else 3
    return model.objects.create(**given)


def test_the_copy_holds_every_column_of_everything(database: Path) -> None:
    from django.apps import apps

    from clinic.booking.models import AppointmentRequest, StatusChange, WaitingEntry, WaitingOffer
    from clinic.booking.models import Hold as TimeHeld
    from clinic.conversations.models import (
        Correction,
        Feedback,
        Message,
        Note,
        Session,
        SessionTag,
        SessionTopic,
        Tag,
    )
    from clinic.handoff.models import PatientMessage
    from clinic.live.models import Ask, Chat, Step
    from clinic.outbox.models import Item, LateMessage, LinkGiven
    from clinic.privacy.models import DeletionRequest
    from clinic.privacy.personal_copy import KEYS, personal_copy

    mine = {"conversation_id": "a"}
    later = {"starts_at": NOW, "ends_at": NOW + timedelta(hours=1)}
    session = filled(Session, **mine)
    message = filled(Message, event_id=7, session=session, person="")
    request = filled(AppointmentRequest, **mine, **later)
    waits = filled(WaitingEntry, **mine)
    live = filled(Chat, **mine)
    change = filled(StatusChange, request=request, **later)
    rows = [
        *(session, message, request, waits, live, change),
        filled(Note, session=session, event_id=7, removed_at=None),
        filled(Correction, session=session, event_id=7),
        filled(PatientMessage, **mine),
        filled(WaitingOffer, entry=waits, **later),
        filled(TimeHeld, **mine, **later, free_at=NOW + timedelta(hours=2), expires_at=None,
               request=request),
        filled(Ask, chat=live),
        filled(Step, chat=live),
        filled(Item, request=request, change=change),
        filled(LateMessage, **mine, state="stuck"),
        filled(Feedback, **mine),
        filled(LinkGiven, **mine),
        filled(DeletionRequest, **mine),
    ]  # fmt: skip
    SessionTag.objects.create(session=session, tag=Tag.objects.create(name="odd"), by="rui")
    copied = {type(row) for row in rows} | {SessionTag, SessionTopic}
    clinics = {model for model in apps.get_models() if model.__module__.startswith("clinic.")}
    assert {model._meta.label_lower for model in clinics - copied} == NOT_OF_A_PERSON
    whole = json.loads(json.dumps(personal_copy(["a"])))
    (conversation,) = whole["conversations"]
    (said,) = conversation["messages"]
    assert conversation["sessions"][0]["tags"] == ["odd"]
    assert said["said_to_be_wrong"]["kind"] == "topic"
    assert (said["confidence"], said["clicked"], said["card"]) == (
        0.5,
        "some payload",
        ["list of card"],
    )
    assert said["danger_signs_found"] == ["list of triage"]
    (booking,) = whole["appointment_requests"]
    assert booking["history"][0]["who"] == "who!"
    assert booking["told"][0]["part"] == "art!"
    written = json.dumps(whole)
    for row in rows:
        for column in row._meta.concrete_fields:
            value = getattr(row, column.attname)
            if column.attname in KEYS or value in (None, "", []):
                continue
            value = value.isoformat() if column.get_internal_type() == "DateTimeField" else value
            assert json.dumps(value) in written, (row._meta.label, column.name)


def test_every_receipt_and_every_night_can_be_looked_up(desk: Any) -> None:
    from clinic.privacy.models import DeletionReceipt, RedactionReceipt, RetentionRun

    zeros = dict.fromkeys(("requests_anonymised", "messages_deleted", "feedback_deleted"), 0)
    for number in range(120):
        who = {"conversation_digest": "x", "who": "omar"}
        DeletionReceipt.objects.create(reference=f"D{number:05}", **who, **zeros)
        RedactionReceipt.objects.create(
            reference=f"T{number:05}", **who, whole=True, events=1, messages=0
        )
        RetentionRun.objects.create(at=NOW, who="retention", older_than=NOW, deleted=number)
    assert "D00000" not in text(desk.get("/privacy/"))
    for kind, told in (("erased", r"D\d{5}"), ("taken_out", r"T\d{5}")):
        address, seen = f"/privacy/receipts?kind={kind}", []
        while address:
            page = desk.get(address)
            seen += re.findall(told, text(page))
            more = re.search(r'rel="next" href="([^"]*)"', page.content.decode())
            address = f"/privacy/receipts{html.unescape(more[1])}" if more else ""
        assert len(seen) == len(set(seen)) == 120
    nights = text(desk.get("/privacy/receipts?kind=nights&after=21"))
    assert re.search(r" 0 0 held", nights)
    for reference in ("d00003", "T00004"):
        assert reference.upper() in text(desk.get(f"/privacy/receipts?reference={reference}"))
    assert "No receipt has the reference ZZZZZZ" in text(
        desk.get("/privacy/receipts?reference=zzzzzz")
    )


def test_the_dry_run_deletes_nothing(desk: Any) -> None:
    from clinic.booking.requests import create_request
    from clinic.conversations.models import Session

    long_ago = NOW - timedelta(days=100)
    chat("old", at=long_ago)
    create_request(
        conversation_id="old",
        patient_name="Sam",
        patient_contact="sam@example.com",
        preferred_time="soon",
        idempotency_key="1",
        now=long_ago,
    )
    page = text(desk.post("/privacy/dry-run"))
    assert "Tonight 1 conversation would be deleted." in page
    assert Session.objects.count() == 1
    assert deeds(action="retention") == [("omar", "retention")]


def test_words_are_taken_out_with_a_tick_and_a_receipt(
    desk: Any, any_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    from django.conf import settings
    from fabricated import Events, ServerEvents, question

    from clinic.conversations.models import Message, Session
    from clinic.conversations.projection import Tail
    from clinic.conversations.store import open_store

    monkeypatch.setattr(settings, "VAR", tmp_path)
    if any_database == "sqlite":
        written: Any = Events(tmp_path / "conversations.sqlite3")
    else:
        written = ServerEvents(request.getfixturevalue("postgresql"))
    written.write("c", question(text="ask Zebra Quagga about it"))
    Tail(open_store()).step()
    message = Message.objects.get(author="patient")
    at = f"/conversations/{message.session_id}"
    form = {"words": "zebra quagga", "back": at}
    address = f"/messages-said/{message.pk}/redact"
    assert f'action="{address}"' in desk.get(at).content.decode()
    reviewer = browser(person("rui", "reviewer"))
    assert address not in reviewer.get(at).content.decode()
    assert reviewer.post(address, {**form, "sure": "1"}).status_code == 403
    assert "Tick that it is for good" in text(desk.post(address, form, follow=True))
    wrong = desk.post(address, {**form, "words": "okapi", "sure": "1"}, follow=True)
    assert "These words are not in this message" in text(wrong)
    Session.objects.update(hold=True)
    held = desk.post(address, {**form, "sure": "1"}, follow=True)
    assert "part of a client record, which is not changed" in text(held)
    Session.objects.update(hold=False)
    assert Message.objects.get(pk=message.pk).text == "ask Zebra Quagga about it"
    done = text(desk.post(address, {**form, "sure": "1"}, follow=True))
    receipt = re.search(r"Taken out\. Receipt: (\w{6})\.", done)[1]
    assert "ask [removed] about it" in done
    assert receipt in text(desk.get("/privacy/"))
    assert deeds(action="redact") == [("omar", "redact")]
    from clinic.audit.models import Entry

    kept = " ".join(str(list(row)) for row in Entry.objects.values_list())
    assert "ebra" not in kept
