"""Finding, handing out and erasing what belongs to a person, and deleting what is old."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fabricated import Events, Talk, question

from assistant.channels import mailbox
from assistant.channels.apps import senders
from clinic import clock, environment, facts
from clinic.audit.models import Entry
from clinic.booking.models import AppointmentRequest, Status
from clinic.booking.requests import create_request
from clinic.conversations import erasing as events_erasing
from clinic.conversations import rechecks
from clinic.conversations.feedback import save_feedback
from clinic.conversations.models import Message, Note, Recheck, Session
from clinic.conversations.projection import Tail
from clinic.handoff.messages import leave_message
from clinic.handoff.models import PatientMessage
from clinic.outbox.models import LinkGiven
from clinic.privacy import person, records, retention
from clinic.privacy.deletion import conversation_digest, delete_conversation
from clinic.privacy.erasing import delete_for_patient, erase
from clinic.privacy.known_names import known_names
from clinic.privacy.models import DeletionReceipt, DeletionRequest, RetentionRun
from clinic.privacy.personal_copy import personal_copy
from clinic.seal import Seal
from clinic.text import BadInput

PHONE = "416-555-0142"
LONG_AGO = time.time() - 10_000


@pytest.fixture(autouse=True)
def rasas_folder(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is erased from is the test's own."""
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)


def message(conversation: str, text: str = "please call", contact: str = PHONE) -> PatientMessage:
    return leave_message(
        conversation_id=conversation,
        patient_contact=contact,
        patient_name="Priya Nair",
        text=text,
        idempotency_key=f"{conversation} {text}",
    )


def request(conversation: str, **more: Any) -> AppointmentRequest:
    return create_request(
        conversation_id=conversation,
        patient_name="Priya Nair",
        patient_contact=PHONE,
        preferred_time="Tuesday",
        idempotency_key=conversation,
        **more,
    )


def kept(events: Events) -> set[str]:
    return {who for (who,) in events.connection.execute("SELECT sender_id FROM events")}


def test_a_person_is_found_across_channels(database: Path, events: Events, tail: Tail) -> None:
    events.write("asked", question(at=LONG_AGO))
    events.write("typed", question(text="I am at (416) 555 - 0142, call me", at=LONG_AGO))
    for app, number in (
        *(("sms", "+14165550142"), ("twilio-whatsapp", "whatsapp:+14165550142")),
        *(("whatsapp", "14165550142"), ("telegram", "14165550142")),
    ):
        events.write(f"in {app}", question(at=LONG_AGO, channel=app))
        write_from(events, f"in {app}", app, number)
    # Known by another id, with the number beside it.
    write_from(events, "by id", "whatsapp", "CA.1234", phone="14165550142")
    write_from(events, "before that", "whatsapp", "14165550199", later="by id")
    events.write("other", question(text="416-555-0143", at=LONG_AGO))
    events.write("mailed", question(text="priya@Example.com", at=LONG_AGO))
    tail.step()
    reference = request("asked").reference
    message("left")
    expected = (
        *("asked", "before that", "by id"),
        *("in sms", "in twilio-whatsapp", "in whatsapp", "left", "typed"),
    )
    for who in (PHONE, "+1 416 555 0142", reference.lower()):
        found = person.find(who)
        assert found.conversations == expected
        assert found.names == ("Priya Nair",)
    assert person.find("priya@example.com").conversations == ("mailed",)
    assert person.find("sam@example.com").conversations == ()
    with pytest.raises(BadInput):
        person.find("Priya")


def write_from(
    events: Events, conversation: str, app: str, address: str, phone: str = "", later: str = ""
) -> None:
    """Somebody has written in a messaging app; ``later``, in which conversation they went on."""
    seal = Seal(environment.chat_keys(events.file.parent))
    engine = sa.create_engine(f"sqlite:///{events.file}")
    mailbox.tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            senders.senders.insert().values(
                name=seal.names(app, address)[0],
                phone=seal.names(app, phone)[0] if phone else "",
                address=seal.close(address),
                **{"app": app, "conversation": conversation, "locale": "en", "state": "open"},
                **{"noticed": True, "sent": 0, "calls": 0, "attempts": 0, "reason": ""},
                heard_at=datetime.fromtimestamp(LONG_AGO, UTC),
            )
        )
        if later:
            tie = {"conversation": conversation, "later": later}
            connection.execute(senders.earlier.insert().values(tie))
    engine.dispose()


def test_what_a_patient_left_for_another_conversation_is_deleted_with_it(
    database: Path, events: Events, tail: Tail
) -> None:
    """From either of them; where nobody is talking, at the worker's next look."""
    for conversation in ("first", "second", "third", "other"):
        events.write(conversation, question(at=LONG_AGO))
        message(conversation)
    write_from(events, "second", "sms", "+14165550142", later="third")
    write_from(events, "first", "sms", "+14165550199", later="second")
    tail.step()
    delete_for_patient("second")
    tail.step()
    # Rasa itself erases the one in which it was asked for.
    assert kept(events) == {"second", "other"}
    assert [left.conversation_id for left in PatientMessage.objects.all()] == ["other"]
    assert person.find("416-555-0199").conversations == ()


def test_what_is_held_is_kept_from_its_patient_too_and_the_officer_is_told(
    database: Path, events: Events, tail: Tail
) -> None:
    """The one in which it is asked for, and one that the patient left for it."""
    for conversation in ("first", "second"):
        events.write(conversation, question(at=LONG_AGO))
        message(conversation)
        request(conversation)
        save_feedback(
            conversation_id=conversation,
            value="up",
            answer="faq/symptoms",
            message_reference="m",
        )
    write_from(events, "first", "sms", "+14165550199", later="second")
    tail.step()
    hold("second")
    assert delete_for_patient("second") == {"second"}
    tail.step()
    assert kept(events) == {"second"}, "what is not held goes, whoever kept the rest"
    assert [left.conversation_id for left in PatientMessage.objects.all()] == ["second"]
    assert AppointmentRequest.objects.get(conversation_id="second").patient_name == "Priya Nair"
    assert Message.objects.exists()
    wish = DeletionRequest.objects.get()
    assert (wish.conversation_id, wish.settled_at) == ("second", None)
    (asked,) = personal_copy(["second"])["asked_to_delete"]
    assert asked["conversation_id"] == "second"
    (noted,) = Entry.objects.filter(action="deletion_asked")
    session = Session.objects.get(conversation_id="second")
    assert (noted.who, noted.about) == ("patient", f"conversation {session.pk}")
    assert not DeletionReceipt.objects.filter(
        conversation_digest=conversation_digest("second")
    ).exists()

    assert records.settle(wish.pk, "omar", clock.now())
    assert not records.settle(wish.pk, "omar", clock.now())
    assert delete_for_patient("second") == {"second"}, "asked for again"
    assert records.open_requests().count() == 1

    Session.objects.update(hold=False)
    assert delete_for_patient("second") == set()
    assert not DeletionRequest.objects.exists()
    assert not Session.objects.exists()


def hold(conversation: str) -> None:
    Session.objects.filter(conversation_id=conversation).update(hold=True, hold_by="omar")


def test_nothing_deletes_what_was_held_since_it_was_looked_at(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()

    def hold_meanwhile(conversation: str) -> bool:
        hold(conversation)
        return True

    monkeypatch.setattr("clinic.privacy.erasing.is_idle", hold_meanwhile)
    done = erase(["c"], "omar")
    assert (done.held, done.receipts) == (["c"], [])
    assert kept(events) == {"c"}
    with pytest.raises(records.Held):
        delete_conversation("c")


def test_old_live_chats_and_links_of_client_records_stay(
    database: Path, events: Events, tail: Tail
) -> None:
    from clinic.live import upkeep
    from clinic.live.models import Chat
    from clinic.outbox import links

    long_ago = clock.now() - timedelta(days=400)
    for conversation in ("held", "other"):
        events.write(conversation, question(at=LONG_AGO))
        Chat.objects.create(conversation_id=conversation, state="closed", changed_at=long_ago)
        LinkGiven.objects.create(conversation_id=conversation, program="jane", at=long_ago)
    tail.step()
    hold("held")
    assert (upkeep.purge(clock.now()), links.purge(clock.now())) == (1, 1)
    assert Chat.objects.get().conversation_id == "held"
    assert LinkGiven.objects.get().conversation_id == "held"


def test_a_person_gets_all_that_is_kept(database: Path, events: Events, tail: Tail) -> None:
    events.write("c", question(text=f"I am at {PHONE}", at=LONG_AGO))
    tail.step()
    request("c", note="left leg")
    message("c")
    save_feedback(conversation_id="c", answer="utter_faq/cost", value="up", message_reference="")
    Note.objects.create(session=Session.objects.get(), text="called back", by="natalie")
    whole = personal_copy(["c"])
    assert json.loads(json.dumps(whole)) == whole
    (said,) = whole["conversations"]
    assert [each["text"] for each in said["messages"]] == [f"I am at {PHONE}", "About cost."]
    assert said["notes_of_staff"][0]["text"] == "called back"
    assert whole["appointment_requests"][0]["note"] == "left leg"
    assert whole["messages_to_the_clinic"][0]["text"] == "please call"
    assert whole["ratings"][0]["value"] == "up"


def test_names_known_in_a_conversation(database: Path, events: Events, tail: Tail) -> None:
    talk = Talk(LONG_AGO).start().patient("Sam Ellis", "nlu_fallback")
    events.write("typed", talk.slot("patient_name", "Sam Ellis").listen())
    tail.step()
    request("asked")
    assert known_names(["typed", "asked", "other"]) == {
        "typed": ("Sam Ellis",),
        "asked": ("Priya Nair",),
        "other": (),
    }


def test_nothing_is_left_of_what_is_erased(
    database: Path, events: Events, tail: Tail, tmp_path: Path
) -> None:
    events.write("stays", question(at=LONG_AGO))
    events.write("goes", question(text="my zebra burns", at=LONG_AGO))
    make_mailbox(events, "goes")
    tail.step()
    Note.objects.create(session=Session.objects.get(conversation_id="goes"), text="zebra", by="n")
    message("goes", "about the zebra")
    save_feedback(
        conversation_id="goes",
        answer="utter_faq/cost",
        value="down",
        message_reference="",
        reason="zebra",
    )
    LinkGiven.objects.create(
        conversation_id="goes", program="jane", address="https://zebra.example"
    )
    done = erase(["goes"], "natalie")
    assert not LinkGiven.objects.exists()
    assert [receipt.messages_deleted for receipt in done.receipts] == [1]
    assert kept(events) == {"stays"}
    assert [each.conversation_id for each in Session.objects.all()] == ["stays"]
    assert events.connection.execute("SELECT state FROM website_conversations").fetchall() == [
        ("deleted",)
    ]
    events.connection.close()
    from django.db import connections

    connections.close_all()
    for file in tmp_path.glob("*sqlite3*"):
        assert b"zebra" not in file.read_bytes(), file.name


def make_mailbox(events: Events, conversation: str, state: str = "answered") -> None:
    """The website's tables, as in assistant/channels/mailbox.py, with one message."""
    events.connection.executescript(
        """
        CREATE TABLE website_conversations (id, last_seq, received, active_at, state);
        CREATE TABLE website_messages (conversation, seq, id, state, body);
        """
    )
    at = datetime.fromtimestamp(LONG_AGO, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    row = (conversation, 1, 0, at, "open")
    events.connection.execute("INSERT INTO website_conversations VALUES (?, ?, ?, ?, ?)", row)
    events.connection.execute(
        "INSERT INTO website_messages VALUES (?, 1, 'm', ?, 'zebra')", (conversation, state)
    )


def test_a_conversation_that_is_going_on_is_left(
    database: Path, events: Events, tail: Tail
) -> None:
    events.write("live", question(at=time.time() - 20))
    events.write("waits", question(at=LONG_AGO))
    make_mailbox(events, "waits", "pending")
    tail.step()
    done = erase(["live", "waits"], "natalie")
    assert (done.receipts, done.talking) == ([], ["live", "waits"])
    assert Session.objects.count() == 2
    assert kept(events) == {"live", "waits"}


def test_what_was_left_before_there_is_a_table_is_erased(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", tmp_path / "new")
    settings.VAR.mkdir()
    sqlite3.connect(settings.VAR / "conversations.sqlite3").close()
    message("c")
    done = erase(["c"], "omar")
    assert (len(done.receipts), done.failed) == (1, [])
    assert not PatientMessage.objects.exists()


def test_what_comes_back_with_an_answer_under_way_is_erased_again(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rasa read the conversation before it was erased, and writes it as a whole afterwards."""
    talk = question(at=LONG_AGO)
    rows = list(talk.events)
    events.write("c", talk)
    tail.step()
    erase(["c"], "natalie")
    back = Talk(time.time()).patient("one more thing", "faq/cost").listen()
    back.events[:0] = rows
    events.write("c", back)
    tail.step()
    # somebody talks in it: it stays until nobody does
    assert Session.objects.count() == 1
    monkeypatch.setattr(events_erasing, "IDLE", -60)
    tail.step()
    assert kept(events) == set()
    assert not Session.objects.exists()


def test_who_talks_on_for_hours_is_erased_once_they_stop(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt was given: no pause is waited for in vain."""
    begun = clock.now()
    monkeypatch.setenv("CLINIC_NOW", begun.isoformat())
    for conversation in ("asked", "tied"):
        events.write(conversation, question(at=time.time()))
    write_from(events, "tied", "sms", "+14165550199", later="asked")
    tail.step()
    delete_for_patient("asked")
    for minutes in (1, 61, 190):
        monkeypatch.setenv("CLINIC_NOW", (begun + timedelta(minutes=minutes)).isoformat())
        events.write("tied", Talk(time.time()).patient("and then", "faq/cost").listen())
        tail.step()
    assert "tied" in kept(events), "while somebody talks"
    monkeypatch.setattr(events_erasing, "IDLE", -60)
    tail.step()
    assert "tied" not in kept(events)
    # An answer that was under way, a little later.
    events.write("tied", question(at=time.time()))
    tail.step()
    assert "tied" not in kept(events)
    for hours in (5, 9):
        monkeypatch.setenv("CLINIC_NOW", (begun + timedelta(hours=hours)).isoformat())
        tail.step()
    assert not Recheck.objects.exists()


def test_what_was_made_a_record_while_it_waits_to_be_erased_stays(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()
    erase(["c"], "natalie")
    events.write("c", question(at=time.time()))
    tail.step()
    hold("c")
    monkeypatch.setattr(events_erasing, "IDLE", -60)
    tail.step()
    assert kept(events) == {"c"}


def test_an_erasing_that_was_interrupted_is_finished(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()
    with monkeypatch.context() as patch:
        patch.setattr("clinic.privacy.erasing.erase_idle", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase(["c"], "natalie")
    assert kept(events) == {"c"}
    tail.step()
    assert kept(events) == set()
    assert not Session.objects.exists()
    assert DeletionReceipt.objects.count() == 1


def test_what_the_database_does_not_allow_is_told(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()
    monkeypatch.setattr(events_erasing, "_WAIT", 0.01)
    locker = sqlite3.connect(events.file, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    done = erase(["c"], "natalie")
    locker.execute("ROLLBACK")
    assert done.failed == ["c"]
    assert Session.objects.count() == 1


# Retention.

NOW = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)  # 03:30 in Toronto
DAYS = timedelta(days=90)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Fixes the clock."""

    def fix(moment: datetime) -> None:
        monkeypatch.setenv("CLINIC_NOW", moment.isoformat())

    fix(NOW)
    facts.load()
    return fix


def test_conversations_go_when_their_days_are_over(
    database: Path, events: Events, tail: Tail, at: Callable[[datetime], None]
) -> None:
    old = (NOW - DAYS).timestamp()
    events.write("old", question(at=old - 3600))
    events.write("opened", Talk(old - 3600).start().assistant("Hello", "utter_greet").listen())
    events.write("young", question(at=old + 3600))
    events.write("held", question(at=old - 3600))
    events.write("booked", question(at=old - 3600))
    tail.step()
    Session.objects.filter(conversation_id="held").update(hold=True)
    booked = request("booked")
    AppointmentRequest.objects.filter(pk=booked.pk).update(
        starts_at=NOW, ends_at=NOW + timedelta(hours=1), minutes=60, therapist="Natalie Yeo"
    )
    PatientMessage.objects.filter(pk=message("gone before").pk).update(created_at=NOW - 2 * DAYS)
    found = retention.due(NOW, tail.store)
    assert found.delete == ["old", "opened", "gone before"]
    assert (found.held, found.for_appointment) == (["held"], ["booked"])
    assert Session.objects.count() == 4
    run = retention.tonight(tail.store)
    assert run is not None
    assert (run.deleted, run.held, run.for_appointment, run.failed) == (3, 1, 1, 0)
    assert kept(events) == {"young", "held", "booked"}
    assert not PatientMessage.objects.exists()
    booked.refresh_from_db()
    assert (booked.patient_name, booked.status) == ("Priya Nair", Status.REQUESTED)


def test_it_is_done_once_a_night_on_the_clinics_clock(
    database: Path, tail: Tail, at: Callable[[datetime], None]
) -> None:
    assert retention.tonight(tail.store) is not None
    assert retention.tonight(tail.store) is None
    for moment, done in (
        (NOW + timedelta(hours=23, minutes=20), False),  # 02:50
        (NOW + timedelta(hours=23, minutes=40), True),  # 03:10
    ):
        at(moment)
        assert (retention.tonight(tail.store) is not None) is done
    assert RetentionRun.objects.count() == 2


def test_the_command_only_looks_when_asked_to(
    database: Path, events: Events, at: Callable[[datetime], None], capsys: Any
) -> None:
    from django.core.management import call_command

    events.write("old", question(at=(NOW - 2 * DAYS).timestamp()))
    call_command("retention", "--dry-run")
    assert "Would be deleted: 1 with" in capsys.readouterr().out
    assert kept(events) == {"old"}
    call_command("retention", "--who", "natalie")
    assert "Deleted: 1 with" in capsys.readouterr().out
    assert kept(events) == set()
    call_command("retention", "--log")
    assert "natalie: deleted: 1 with" in capsys.readouterr().out


def test_a_recheck_of_what_is_gone_ends(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()
    erase(["c"], "natalie")
    later = datetime.now(UTC) + rechecks.ERASED_WITHIN + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    tail.step()
    assert not Recheck.objects.exists()
    assert not Message.objects.exists()


def test_the_desk_erases_what_the_patient_deletes(events: Events) -> None:
    """Without the Rasa server's functions: of each of its tables, and of a stop that stays."""
    engine = sa.create_engine(f"sqlite:///{events.file}")
    mailbox.tables.create_all(engine)
    now = datetime.now(UTC)

    def value(column: Any, conversation: str) -> Any:
        if column.name in ("conversation", "about", "later") or column.primary_key:
            return conversation
        return {str: "", int: 0, bool: True, datetime: now}[column.type.python_type]

    with engine.begin() as connection:
        for conversation in ("by the desk", "by the patient"):
            for table in mailbox.tables.sorted_tables:
                numbered = table.primary_key.columns[0].type.python_type is int
                columns = [each for each in table.columns if not (numbered and each.primary_key)]
                row = {each.name: value(each, conversation) for each in columns}
                if table is senders.senders:
                    row |= {"state": senders.OPTED_OUT, "address": "sealed", "phone": "hash"}
                    row |= {"failing_since": None, "due_at": None}
                connection.execute(
                    table.insert().values(row | {"name": conversation} if "name" in row else row)
                )
    assert events_erasing.erase_idle("by the desk")
    with engine.begin() as connection:
        mailbox.forget(connection, "by the patient", now)
        senders.leave(connection, "by the patient")
    left: dict[str, dict[str, Any]] = {}
    with engine.connect() as connection:
        for conversation in ("by the desk", "by the patient"):
            found = left[conversation] = {}
            for table in mailbox.tables.sorted_tables:
                if table is mailbox.conversations or "conversation" not in table.columns:
                    continue
                query = sa.select(table).where(table.c.conversation == conversation)
                found[table.name] = connection.execute(query).all()
            row = sa.select(senders.senders).where(senders.senders.c.name == conversation)
            stop = dict(connection.execute(row).mappings().one())
            assert stop.pop("conversation") != stop.pop("name")
            found["the stop"] = stop
    assert left["by the desk"] == left["by the patient"]
    stop = left["by the desk"].pop("the stop")
    assert (stop["state"], stop["address"], stop["phone"]) == ("optedout", "", "")
    assert not any(left["by the desk"].values())
    engine.dispose()
