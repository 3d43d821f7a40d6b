"""Taking words out of a conversation: gone from everywhere, and the conversation goes on."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fabricated import Events, Talk, question

from assistant.channels import mailbox as kept
from clinic.conversations.feedback import save_feedback
from clinic.conversations.message_ids import event_message_id
from clinic.conversations.models import Feedback, Message, Session
from clinic.conversations.projection import Tail, reconcile
from clinic.conversations.store import Sqlite
from clinic.privacy.models import RedactionReceipt
from clinic.privacy.records import Held
from clinic.privacy.redacting import RedactionCounts, Talking, redact
from clinic.questions import collecting
from clinic.questions.models import Question
from clinic.text import BadInput

LONG_AGO = time.time() - 10_000


@pytest.fixture(autouse=True)
def rasas_folder(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is changed is the test's own."""
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)


@pytest.fixture
def take_out(store: Sqlite) -> Callable[..., RedactionCounts]:
    """Takes words out of the message with a text, or the whole message."""

    def work(text: str | Message, words: str = "") -> RedactionCounts:
        message = (
            text
            if isinstance(text, Message)
            else Message.objects.select_related("session").get(text=text)
        )
        return redact(message, words, "omar", store)

    return work


def told(at: float = LONG_AGO) -> Talk:
    """A patient gives a name beside a danger sign; the assistant repeats the name."""
    talk = Talk(at).start().form("message_form")
    talk.patient(
        "I'm Zebra Quagga and my seat is numb",
        "red_flag",
        level="emergency",
        reference=event_message_id("c", "m1"),
    )
    talk.slot("patient_name", "Zebra Quagga").slot("red_flag_level", "emergency")
    talk.slot("alarms", [{"sign": "saddle_numb", "named": "your numb seat"}])
    talk.assistant("Zebra Quagga, please call 911 now.", "utter_emergency").listen()
    talk.patient("what does it cost", "faq/cost", 0.1, reference=event_message_id("c", "m2"))
    return talk.assistant("About cost, zebra  quagga.", "utter_not_understood_1").listen()


def mailbox(events: Events, *said: tuple[str, str, str]) -> None:
    """What the website's channel keeps of it: id, who, and text."""
    engine = sa.create_engine(f"sqlite:///{events.file}")
    kept.tables.create_all(engine)
    with engine.begin() as connection:
        for seq, (key, who, text) in enumerate(said, 1):
            row = {"conversation": "c", "seq": seq, "id": key, "sender": who, "state": "answered"}
            typed, body = text if who == "patient" else "", json.dumps({"id": key, "text": text})
            connection.execute(kept.messages.insert().values(**row, input=typed, body=body))
    engine.dispose()


def in_mailbox(events: Events) -> list[tuple[str, str]]:
    """What was typed and what is shown of each of its messages."""
    found = events.connection.execute("SELECT input, body FROM website_messages ORDER BY seq")
    return [(typed, json.loads(body)["text"]) for typed, body in found]


TOLD = (
    ("m1", "patient", "I'm Zebra Quagga and my seat is numb"),
    ("a1", "assistant", "Zebra Quagga, please call 911 now."),
)


def rows(events: Events) -> list[dict[str, Any]]:
    return [
        json.loads(data)
        for (data,) in events.connection.execute("SELECT data FROM events ORDER BY id")
    ]


def test_what_was_written_beside_a_thumb_is_taken_out_too(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    def rate(conversation: str, reason: str) -> None:
        save_feedback(
            conversation_id=conversation,
            answer="utter_faq/cost",
            value="down",
            message_reference="",
            reason=reason,
        )
        tail.step()

    def reasons() -> list[str]:
        rows = Message.objects.exclude(feedback="").order_by("event_id")
        return [row.feedback_reason for row in rows]

    events.write("c", question(text="hello", at=LONG_AGO))
    events.write("other", question(text="about okapis", topic="cost", at=LONG_AGO))
    tail.step()
    rate("c", "I am Zebra Quagga and it is wrong")
    rate("other", "Zebra Quagga told me")

    def answer() -> Message:
        rows = Message.objects.select_related("session")
        return rows.get(session__conversation_id="c", author="assistant")

    done = take_out(answer(), "zebra quagga")
    assert reasons() == ["I am [removed] and it is wrong", "Zebra Quagga told me"]
    assert RedactionReceipt.objects.get().reference == done.receipt
    take_out(answer())
    assert reasons() == ["", "Zebra Quagga told me"]
    assert not Feedback.objects.filter(conversation_id="c").exclude(reason="").exists()


def test_a_whole_message_is_gone_from_every_copy(
    database: Path,
    events: Events,
    tail: Tail,
    store: Sqlite,
    take_out: Callable[..., RedactionCounts],
    tmp_path: Path,
) -> None:
    events.write("stays", question(text="my okapi limps", at=LONG_AGO))
    events.write("c", told())
    mailbox(events, *TOLD)
    tail.step()
    collecting.collect()
    before = rows(events)
    done = take_out("I'm Zebra Quagga and my seat is numb")
    after = rows(events)
    assert [each["event"] for each in after] == [each["event"] for each in before]
    assert [each["timestamp"] for each in after] == [each["timestamp"] for each in before]
    slots = {each["name"]: each["value"] for each in after if each["event"] == "slot"}
    assert slots["patient_name"] is None
    # The alarm stays open, and for the same reason.
    assert slots["red_flag_level"] == "emergency"
    assert slots["alarms"][0]["named"] == "your numb seat"
    said = Message.objects.filter(session__conversation_id="c").order_by("event_id")
    assert [each.text for each in said] == [
        "[removed]",
        "[removed], please call 911 now.",
        "what does it cost",
        "About cost, [removed].",
    ]
    assert said[0].triage_level == "emergency"
    assert Session.objects.get(conversation_id="c").outcome == "red_flag"
    assert reconcile(store).equal
    receipt = RedactionReceipt.objects.get()
    assert (receipt.reference, receipt.who, receipt.whole) == (done.receipt, "omar", True)
    assert (receipt.events, receipt.messages) == (4, 2)
    events.connection.close()
    store.close()
    from django.db import connections

    connections.close_all()
    for file in tmp_path.glob("*sqlite3*"):
        kept = file.read_bytes().lower()
        for word in (b"zebra", b"quagga"):
            assert word not in kept, file.name


def yes_and_yes() -> Talk:
    """A patient says the same twice, and it stands in other messages, too."""
    talk = Talk(LONG_AGO).start()
    for number in (1, 3):
        talk.patient("yes", "affirm", reference=event_message_id("c", f"m{number}"))
        talk.slot("confirm_message", "yes").slot("windows", ["yes or no"])
        talk.assistant("Yes, that is possible. Yes?", "utter_yes", {"/affirm": "Yes"}).listen()
    said = "oh yes, I will, yes"
    talk.patient(said, "affirm", reference=event_message_id("c", "m5"))
    return talk.person("yes", "Natalie").listen()


SAID_YES = (
    ("m1", "patient", "yes"),
    ("a2", "assistant", "Yes, that is possible. Yes?"),
    ("m3", "patient", "yes"),
    ("a4", "assistant", "Yes, that is possible. Yes?"),
    ("m5", "patient", "oh yes, I will, yes"),
    ("p6", "person", "yes"),
)


@pytest.mark.parametrize("place", range(6))
def test_the_same_words_in_other_messages_stay(
    database: Path, events: Events, tail: Tail, store: Sqlite, place: int
) -> None:
    events.write("c", yes_and_yes())
    mailbox(events, *SAID_YES)
    tail.step()
    before = list(Message.objects.order_by("event_id"))
    assert [each.text for each in before] == [text for *_, text in SAID_YES]
    redact(before[place], "", "omar", store)
    expected = [text for *_, text in SAID_YES]
    expected[place] = "[removed]"
    after = Message.objects.order_by("event_id")
    assert [each.text for each in after] == expected
    assert [text for _, text in in_mailbox(events)] == expected
    assert [typed for typed, _ in in_mailbox(events)] == [
        expected[number] if who == "patient" else "" for number, (_, who, _) in enumerate(SAID_YES)
    ]
    buttons = [each.buttons[0]["title"] for each in after if each.author == "assistant"]
    assert buttons == ["Yes", "Yes"]
    # What was made of another answer stays as well.
    slots = [each["value"] for each in rows(events) if each.get("name") == "confirm_message"]
    assert slots == [None if place == number else "yes" for number in (0, 2)]


def test_what_was_noted_down_before_is_another_message_s(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    talk = Talk(LONG_AGO).start().patient("Zebra", "faq/cost").slot("patient_name", "Zebra")
    talk.assistant("Thank you, Zebra.", "utter_thanks").listen()
    talk.patient("it is Zebra, as I said", "faq/cost").slot("patient_name", "Zebra")
    talk.assistant("Thank you again, Zebra.", "utter_thanks").listen()
    events.write("c", talk)
    tail.step()
    take_out("it is Zebra, as I said")
    assert list(Message.objects.order_by("event_id").values_list("text", flat=True)) == [
        "Zebra",
        "Thank you, Zebra.",
        "[removed]",
        "Thank you again, [removed].",
    ]


def test_some_words_go_and_the_rest_stays(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    talk = Talk(LONG_AGO).start().patient("my Zebra  Ltd boss asks what it costs", "faq/cost", 0.1)
    talk.slot("note", "for zebra ltd").slot("service", "massage therapy")
    talk.assistant("About cost.", "utter_not_understood_1").listen()
    events.write("c", talk)
    tail.step()
    collecting.collect()
    assert Question.objects.count() == 1
    take_out("my Zebra  Ltd boss asks what it costs", "zebra ltd")
    message = Message.objects.get(author="patient")
    assert message.text == "my [removed] boss asks what it costs"
    assert (message.intent, message.topics) == ("faq/cost", ["faq/cost"])
    assert message.slots == {"service": "massage therapy"}
    # Nobody else has asked that.
    assert not Question.objects.exists()


def test_names_of_the_program_are_no_words(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    events.write("c", question(text="user event cost website", at=LONG_AGO))
    tail.step()
    for word in ("user", "event", "cost", "website"):
        message = Message.objects.get(author="patient")
        take_out(message.text, word)
    message = Message.objects.get(author="patient")
    assert message.text == "[removed] [removed] [removed] [removed]"
    assert (message.intent, message.topics) == ("faq/cost", ["faq/cost"])
    assert Session.objects.get().channel == "website"


def test_what_others_asked_in_the_same_words_stays(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    for who in ("a", "b"):
        talk = Talk(LONG_AGO).start().patient(f"is it far {who * 3}", "faq/location", 0.1)
        events.write(who, talk.assistant("?", "utter_not_understood_1").listen())
    tail.step()
    collecting.collect()
    first, second = Question.objects.order_by("pk")
    second.occurrences.update(question=first)
    Question.objects.filter(pk=first.pk).update(count=2)
    take_out("is it far bbb")
    assert Question.objects.get(pk=first.pk).count == 1


def test_nothing_is_changed_while_somebody_talks_or_in_a_client_record(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    events.write("live", question(text="I am here", at=time.time() - 20))
    events.write("held", question(text="I was there", at=LONG_AGO))
    tail.step()
    Session.objects.filter(conversation_id="held").update(hold=True)
    before = rows(events)
    with pytest.raises(Talking):
        take_out("I am here")
    with pytest.raises(Held):
        take_out("I was there")
    assert rows(events) == before
    assert not RedactionReceipt.objects.exists()


@pytest.mark.parametrize("words", ["zebra", "os", "what it"])
def test_words_that_are_not_in_the_message_are_refused(
    database: Path,
    events: Events,
    tail: Tail,
    take_out: Callable[..., RedactionCounts],
    words: str,
) -> None:
    events.write("c", question(at=LONG_AGO))
    tail.step()
    before = rows(events)
    with pytest.raises(BadInput):
        take_out("what does it cost", words)
    assert rows(events) == before


def test_a_change_that_fails_leaves_everything_as_it_was(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    events.write("c", told())
    mailbox(events, *TOLD)
    events.connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON website_messages "
        "BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    tail.step()
    before = rows(events)
    with pytest.raises(sqlite3.Error, match="full"):
        take_out("I'm Zebra Quagga and my seat is numb")
    assert rows(events) == before


def test_what_was_interrupted_before_it_was_read_again_is_read_by_the_worker(
    database: Path,
    events: Events,
    tail: Tail,
    take_out: Callable[..., RedactionCounts],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events.write("c", told())
    tail.step()
    with monkeypatch.context() as patch:
        patch.setattr("clinic.conversations.projection.read_now", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_out("I'm Zebra Quagga and my seat is numb")
    assert Message.objects.filter(text__icontains="zebra").exists()
    tail.step()
    assert not Message.objects.filter(text__icontains="zebra").exists()


def test_a_conversation_goes_on_after_it(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    """An answer that was under way adds its rows to the others, and none comes back."""
    import asyncio

    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered

    from assistant.project import ROOT
    from assistant.tracker_store import ClinicTrackerStore

    domain = Domain.load(str(ROOT / "domain.yml"))
    events.write("c", told())
    tail.step()
    rasa = ClinicTrackerStore(domain, dialect="sqlite", db=str(events.file))
    under_way = asyncio.run(rasa.retrieve("c"))
    assert under_way is not None
    before = len(rows(events))
    take_out("I'm Zebra Quagga and my seat is numb")
    for event in (UserUttered("one more"), BotUttered("yes"), ActionExecuted("action_listen")):
        under_way.update(event, domain)
    asyncio.run(rasa.save(under_way))
    assert len(rows(events)) == before + 3
    assert "zebra" not in json.dumps(rows(events)).lower()
    again = asyncio.run(rasa.retrieve("c"))
    assert again is not None
    assert len(again.events) == len(under_way.events)
    assert again.get_slot("patient_name") is None
    assert again.get_slot("red_flag_level") == "emergency"
    rasa.engine.dispose()


def test_on_postgresql(postgresql: str) -> None:
    from fabricated import ServerEvents

    from clinic.conversations.store import open_store

    server = ServerEvents(postgresql)
    server.write("c", told())
    store = open_store()
    Tail(store).step()
    message = Message.objects.select_related("session").get(text__startswith="I'm")
    redact(message, "", "omar", store)
    with server.connection, server.connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events WHERE data ILIKE %s", ["%zebra%"])
        assert cursor.fetchone() == (0,)
    assert not Message.objects.filter(text__icontains="zebra").exists()
    server.close()


def test_sqlite_is_changed_while_others_read(
    database: Path, events: Events, tail: Tail, take_out: Callable[..., RedactionCounts]
) -> None:
    events.write("c", told())
    tail.step()
    reader = sqlite3.connect(events.file)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    assert take_out("I'm Zebra Quagga and my seat is numb").events
    reader.close()
