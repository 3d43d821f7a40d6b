"""What staff read follows what was said, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fabricated import INSERT, Events, Talk, many, question

from clinic import clock
from clinic.conversations import bulk, listing, projection, rechecks, search
from clinic.conversations.feedback import save_feedback, withdraw_feedback
from clinic.conversations.listing import Filters
from clinic.conversations.models import (
    Correction,
    Message,
    Note,
    Position,
    Recheck,
    Session,
)
from clinic.conversations.projection import Tail
from clinic.conversations.reading import Row
from clinic.conversations.store import Sqlite, StoreMissing
from clinic.privacy.deletion import delete_conversation


def read_all(tail: Tail) -> None:
    while tail.step():
        pass


def session(conversation: str) -> Session:
    return Session.objects.get(conversation_id=conversation)


def patient_messages(conversation: str) -> list[Message]:
    rows = Message.objects.filter(session__conversation_id=conversation, author="patient")
    return list(rows.order_by("event_id"))


@pytest.fixture
def say(database: Path, events: Events, tail: Tail) -> Callable[[Talk], list[Message]]:
    """Has a conversation "c" written and read; gives the patient's messages."""

    def write(talk: Talk) -> list[Message]:
        events.write("c", talk)
        read_all(tail)
        return patient_messages("c")

    return write


def test_nothing_is_read_before_anybody_has_talked(database: Path, tmp_path: Path) -> None:
    store = Sqlite(tmp_path / "none.sqlite3")
    with pytest.raises(StoreMissing):
        Tail(store).step()
    assert not Position.objects.exists()


def test_a_question_and_its_answer(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("what does it cost", "faq/cost", 0.81, reference="m1")
    talk.assistant("It is 100.", "utter_faq/cost", {"/book_appointment": "Book"}).listen()
    (message,) = say(talk)
    assert (message.intent, message.confidence, message.topics) == ("faq/cost", 0.81, ["faq/cost"])
    assert message.actions == [{"name": "utter_faq/cost", "policy": "RulePolicy"}]
    assert message.reference == "m1"
    answer = Message.objects.get(author="assistant")
    assert (answer.text, answer.response, answer.source) == (
        "It is 100.",
        "utter_faq/cost",
        ["dialogue"],
    )
    assert answer.buttons == [{"title": "Book", "payload": "/book_appointment"}]
    read = session("c")
    assert (read.outcome, read.channel, read.messages) == ("answered", "website", 2)
    assert (read.opening, read.lowest_confidence) == ("what does it cost", 0.81)
    assert read.last_activity_at == answer.at


def test_who_only_opens_the_chat_is_no_conversation(
    say: Callable[[Talk], list[Message]],
) -> None:
    assert say(Talk().start().assistant("Hello", "utter_greet").listen()) == []
    assert not Session.objects.exists()


def test_the_real_guess_is_shown_behind_a_fallback(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("what about it", "nlu_fallback", 0.15, guess="faq/cost")
    talk.assistant("In other words, please.", "utter_not_understood_1").listen()
    (message,) = say(talk)
    assert (message.intent, message.guess, message.confidence) == ("nlu_fallback", "faq/cost", 0.15)
    assert not message.understood
    assert session("c").outcome == "not_understood"
    assert session("c").not_understood == 1


def test_the_threshold_of_rasas_own_classifier_is_not_taken_for_a_confidence(
    say: Callable[[Talk], list[Message]],
) -> None:
    talk = Talk().start().patient("deep tissue", "nlu_fallback", 0.7)
    *before, user, _ = talk.events
    data = json.loads(user.data)
    del data["parse_data"]["acts"]
    ranking = [{"name": "nlu_fallback", "confidence": 0.7}, {"name": "greet", "confidence": 0.31}]
    data["parse_data"]["intent_ranking"] = ranking
    talk.events = [*before, user._replace(data=json.dumps(data))]
    (message,) = say(talk)
    assert (message.guess, message.confidence) == ("greet", 0.31)


def test_a_fallback_inside_a_form_is_no_failure(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("book", "book_appointment").form("booking_form")
    talk.assistant("Your number?", "utter_ask_patient_contact").listen()
    talk.patient("416-555-0142", "nlu_fallback", 0.1, guess="faq/cost")
    talk.slot("patient_contact", "416-555-0142").slot("requested_slot", "note")
    talk.assistant("Anything else?", "utter_ask_note").listen()
    asked, given = say(talk)
    assert given.understood
    assert (given.form, given.topics, given.slots) == (
        "booking_form",
        [],
        {"patient_contact": "416-555-0142"},
    )
    read = session("c")
    assert (read.outcome, read.not_understood) == ("abandoned", 0)
    assert read.lowest_confidence == asked.confidence
    say(talk.form(None).assistant("Noted.", "utter_booking_requested").listen())
    assert session("c").outcome == "requested_booking"


def test_how_far_a_booking_came_and_when_it_began(say: Callable[[Talk], list[Message]]) -> None:
    # 2026-11-01 12:00 UTC is 7 in the morning in Toronto.
    talk = Talk().start().patient("I am Priya", "greet").slot("patient_name", "Priya").listen()
    say(talk)
    assert (session("c").booking_step, session("c").began_hour) == (0, 7)
    for step, slot in ((4, None), (4, "service"), (5, "patient_contact")):
        talk.patient("book", "book_appointment").form("booking_form")
        if slot:
            talk.slot(slot, "x")
        say(talk.listen())
        assert session("c").booking_step == step
    say(talk.form(None).assistant("Noted.", "utter_booking_requested").listen())
    assert session("c").booking_step == 6


def test_a_click_reads_as_its_title(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("hi", "greet")
    talk.assistant("Hello", "utter_greet", {"/faq/cost": "What is the price?"}).listen()
    talk.patient("/faq/cost", "faq/cost", 1.0).assistant("100", "utter_faq/cost").listen()
    clicked = say(talk)[-1]
    assert (clicked.text, clicked.payload) == ("What is the price?", "/faq/cost")
    assert session("c").topics == ["faq/cost"]


def test_the_card_of_an_appointment_is_kept_without_its_file(
    say: Callable[[Talk], list[Message]],
) -> None:
    card = {
        **{"type": "booking", "reference": "ABC234", "status": "requested", "minutes": 60},
        **{"service": "massage", "therapist": "Natalie Yeo", "zone": "America/Toronto"},
        **{"starts": "2026-11-25T14:00-05:00", "ends": "2026-11-25T15:00-05:00"},
        **{"place": "12 Sorrel Lane", "ics": "BEGIN:VCALENDAR"},
    }
    talk = Talk().start().patient("/affirm", "affirm")
    talk.bot("Asked for.", {"utter_action": "utter_booking_requested", "card": card})
    # As a live chat's news of the clinic's answer, and a wording without a time.
    talk.bot("Confirmed.", {"live_step": "1", "card": {**card, "status": "confirmed"}})
    say(talk.bot("Later.", {"card": None}).listen())
    _, asked, confirmed, none = Message.objects.order_by("event_id")
    kept = ("reference", "status", "starts", "ends", "minutes", "service", "therapist")
    assert asked.card == {name: card[name] for name in kept}
    assert (confirmed.author, confirmed.card["status"]) == ("note", "confirmed")
    assert none.card == {}


def test_an_alarm_is_the_worst_of_a_session(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("numb", "red_flag", 1.0, guess="faq/symptoms", level="emergency")
    talk.slot("red_flag_level", "emergency").assistant("Call 911", "utter_emergency").listen()
    talk.patient("thanks", "thank").assistant("Bye", "utter_thank").listen()
    first, _ = say(talk)
    assert (first.triage_level, first.guess) == ("emergency", "faq/symptoms")
    assert first.triage == {"level": "emergency", "signs": ["x"]}
    assert (session("c").outcome, session("c").triage_level) == ("red_flag", "emergency")


def test_a_message_for_the_clinic(say: Callable[[Talk], list[Message]]) -> None:
    talk = Talk().start().patient("a person please", "speak_to_human")
    say(talk.assistant("It is with the clinic.", "utter_message_saved").listen())
    assert session("c").outcome == "handed_to_person"


def test_a_person_in_a_live_chat(say: Callable[[Talk], list[Message]]) -> None:
    talk = (
        Talk().start().patient("are you there", "faq/bot_identity", 0.2, metadata={"silent": True})
    )
    talk.bot("Natalie has joined.", {"live_step": "1", "utter_action": "utter_person_joined"})
    talk.bot("Yes, hello", {"live_step": "2", "person": "Natalie"}).listen()
    (message,) = say(talk)
    assert (message.confidence, message.topics) == (None, [])
    said = Message.objects.exclude(author="patient").order_by("event_id")
    assert list(said.values_list("author", "person", "text")) == [
        ("note", "", "Natalie has joined."),
        ("person", "Natalie", "Yes, hello"),
    ]
    assert session("c").outcome == "handed_to_person"


def test_a_break_begins_another_session(say: Callable[[Talk], list[Message]]) -> None:
    talk = question()
    say(talk)
    talk.at += 100_000
    say(talk.start())
    assert Session.objects.count() == 1
    say(talk.patient("and insurance", "faq/insurance").assistant("Yes", "utter_x").listen())
    assert list(Session.objects.order_by("number").values_list("number", "topics")) == [
        (1, ["faq/cost"]),
        (2, ["faq/insurance"]),
    ]


def test_what_no_database_stores_is_left_out(say: Callable[[Talk], list[Message]]) -> None:
    (message,) = say(Talk().start().patient("a\0b \ud83d", "faq/cost"))
    assert message.text == "ab ?"


def test_a_thumb_is_on_the_answer_it_was_given_to(
    say: Callable[[Talk], list[Message]], tail: Tail
) -> None:
    say(question())
    for value in ("down", "up"):
        save_feedback(
            conversation_id="c", answer="utter_faq/cost", value=value, message_reference="w1"
        )
        tail.step()
    assert Message.objects.get(author="assistant").feedback == "up"
    assert (session("c").feedback_up, session("c").feedback_down) == (True, False)
    about = {"conversation_id": "c", "answer": "utter_faq/cost", "message_reference": "w1"}
    assert withdraw_feedback(**about)
    tail.step()
    assert Message.objects.get(author="assistant").feedback == ""
    assert (session("c").feedback_up, session("c").feedback_down) == (False, False)
    assert not withdraw_feedback(**about)
    assert not Recheck.objects.exists()


def test_what_was_said_is_found_by_its_words(say: Callable[[Talk], list[Message]]) -> None:
    talk = question(text="my calf is burning")
    say(talk)
    say(talk.patient("at night", "faq/symptoms").assistant("I see", "utter_faq/symptoms"))
    assert listing.count(Filters(text="burns night")) == 1
    assert listing.count(Filters(text="morning")) == 0
    assert listing.count(Filters(topic="faq/symptoms")) == 1


def test_reading_again_changes_nothing(database: Path, events: Events, store: Sqlite) -> None:
    for number in range(3):
        events.write(f"c{number}", question())
    read_all(Tail(store))
    before = list(Message.objects.order_by("pk").values())
    read_all(Tail(store))
    assert list(Message.objects.order_by("pk").values()) == before
    found = projection.rebuild(store)
    assert found.equal
    assert found.conversations == 3


@pytest.mark.parametrize(
    ("news", "again"),
    [
        (Talk().patient("I cannot feel my legs", "faq/cost", level="emergency").listen(), True),
        (Talk().patient("hm").assistant("Pardon?", "utter_not_understood_1").listen(), True),
        (Talk().patient("and when", "faq/hours").assistant("At 8.", "utter_faq/hours"), False),
    ],
)
def test_what_calls_for_a_look_after_a_review_takes_it_back(
    news: Talk, again: bool, database: Path, events: Events, store: Sqlite, tail: Tail
) -> None:
    talk = Talk().start().patient("numb below", "faq/symptoms", level="urgent")
    events.write("c", talk.assistant("About it.", "utter_faq/symptoms").listen())
    read_all(tail)
    reviewed = clock.now()
    Session.objects.update(reviewed_at=reviewed, reviewed_by="natalie")
    projection.rebuild(store)
    assert session("c").reviewed_by == "natalie"
    # Read in the middle of the turn, and again at its end.
    first, *rest = news.events
    for some in ([first], rest):
        part = Talk()
        part.events = list(some)
        events.write("c", part)
        read_all(tail)
    read = session("c")
    expected = (None, "", reviewed) if again else (reviewed, "natalie", None)
    assert (read.reviewed_at, read.reviewed_by, read.reviewed_before) == expected
    if again:
        # Once: who has seen to that is not asked again by reading again.
        Session.objects.update(reviewed_at=reviewed, reviewed_by="natalie")
        projection.rebuild(store)
        assert session("c").reviewed_by == "natalie"


def test_a_thumb_down_after_a_review_takes_it_back(
    database: Path, events: Events, tail: Tail
) -> None:
    events.write("c", question())
    read_all(tail)
    Session.objects.update(reviewed_at=clock.now(), reviewed_by="natalie")
    thumb = {"conversation_id": "c", "answer": "utter_faq/cost", "message_reference": "w1"}
    save_feedback(**thumb, value="up")
    read_all(tail)
    assert session("c").reviewed_by == "natalie"
    save_feedback(**thumb, value="down")
    read_all(tail)
    assert session("c").reviewed_at is None


def test_a_rebuild_mends_everything_and_keeps_what_people_added(
    database: Path, events: Events, store: Sqlite
) -> None:
    for number in range(3):
        events.write(f"c{number}", question())
    read_all(Tail(store))
    kept = session("c0")
    Session.objects.filter(pk=kept.pk).update(reviewed_by="natalie", hold=True, outcome="abandoned")
    Note.objects.create(session=kept, text="odd", by="natalie")
    Correction.objects.create(
        session=kept, event_id=5, kind="topic", right_topic="faq/cost", by="natalie"
    )
    Message.objects.filter(session=session("c1"), author="patient").update(text="other")
    session("c2").delete()
    Session.objects.create(
        conversation_id="ghost",
        number=1,
        first_event_id=9999,
        **{name: getattr(kept, name) for name in projection._SESSION_FIELDS},
    )
    found = projection.reconcile(store)
    assert (found.missing, found.other, found.too_many) == (4, 2, 1)
    assert not projection.rebuild(store).equal
    assert projection.reconcile(store).equal
    kept.refresh_from_db()
    assert (kept.reviewed_by, kept.hold, kept.outcome) == ("natalie", True, "answered")
    assert kept.notes.count() == kept.corrections.count() == 1
    assert not Session.objects.filter(conversation_id="ghost").exists()


def test_whenever_reading_is_killed_it_goes_on(
    database: Path, events: Events, store: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every place where something is written fails once; the next reader makes it whole."""
    talks = {f"c{number}": question() for number in range(2)}
    places = [
        (Session.objects.__class__, "bulk_create"),
        (bulk, "update"),
        (bulk, "upsert"),
        (search, "put"),
        (Position, "save"),
    ]
    for owner, name in places:
        for who, talk in talks.items():
            talk.patient("again", "faq/insurance").assistant("Yes", "utter_faq/insurance").listen()
            events.write(who, talk)
        with monkeypatch.context() as patch:

            def killed(*_: object, **__: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(owner, name, killed)
            with pytest.raises(KeyboardInterrupt):
                read_all(Tail(store))
        read_all(Tail(store))
        assert projection.reconcile(store).equal, name


def test_a_row_that_shows_late_is_read(database: Path, events: Events, tail: Tail) -> None:
    """As on PostgreSQL, where numbers are given before the transaction ends."""
    events.write("early", question())
    first = question().events
    connection = events.connection
    last = connection.execute("SELECT max(id) FROM events").fetchone()[0]
    for number, event in enumerate(first, last + 100):
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (number, "b", *event))
    read_all(tail)
    for number, event in enumerate(question().events, last + 10):
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (number, "late", *event)
        )
    read_all(tail)
    assert session("late").messages == 2
    assert projection.reconcile(tail.store).equal


def test_a_deleted_chat_is_gone_and_stays_gone(database: Path, events: Events, tail: Tail) -> None:
    events.write("stays", question())
    events.write("goes", question(text="my zebra burns"))
    read_all(tail)
    Note.objects.create(session=session("goes"), text="zebra", by="natalie")
    delete_conversation("goes")
    assert not Session.objects.filter(conversation_id="goes").exists()
    # Until its turn is over the events are still there, and are read once more.
    tail.step()
    events.erase("goes")
    tail.step()
    assert [each.conversation_id for each in Session.objects.all()] == ["stays"]
    assert not Note.objects.exists()
    assert listing.count(Filters(text="zebra")) == 0
    assert b"zebra" not in database.read_bytes()
    assert projection.reconcile(tail.store).equal


@pytest.mark.parametrize("conversation", ["other", "goes"])
def test_numbers_given_again_are_read_again(
    database: Path, events: Events, tail: Tail, conversation: str
) -> None:
    """SQLite gives the numbers of the last rows, when they are erased, to the next ones."""
    events.write("stays", question())
    events.write("goes", question())
    read_all(tail)
    delete_conversation("goes")
    events.erase("goes")
    events.write(conversation, question("insurance", "are you covered"))
    read_all(tail)
    assert session(conversation).opening == "are you covered"
    assert projection.reconcile(tail.store).equal


def test_many_numbers_given_again_are_read_again(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are looked at again anyway."""
    monkeypatch.setattr(projection, "OVERLAP", 3)
    monkeypatch.setattr(projection, "OVERLAP_AT_START", 3)
    events.write("stays", question())
    for _ in range(3):
        events.write("goes", question())
    read_all(tail)
    delete_conversation("goes")
    events.erase("goes")
    for conversation in ("b", "c", "d"):
        events.write(conversation, question())
    read_all(tail)
    assert {each.conversation_id for each in Session.objects.all()} == {"stays", "b", "c", "d"}


def test_an_older_record_that_was_put_back_is_read_on(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "OVERLAP", 3)
    monkeypatch.setattr(projection, "OVERLAP_AT_START", 3)
    events.write("a", question())
    for _ in range(3):
        events.write("lost", question())
    read_all(tail)
    events.erase("lost")
    tail.step()
    for conversation in ("b", "c"):
        events.write(conversation, question())
        tail.step()
    assert {each.conversation_id for each in Session.objects.all()} >= {"a", "b", "c"}


def test_after_a_while_nobody_looks_again(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("goes", question())
    read_all(tail)
    delete_conversation("goes")
    events.erase("goes")
    later = datetime.now(UTC) + rechecks.ERASED_WITHIN + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    tail.step()
    assert not Recheck.objects.exists()


def test_reading_does_not_stop_the_writer(database: Path, events: Events, store: Sqlite) -> None:
    """In WAL mode, while a statement of the reader is open."""
    events.write("c", question())
    store.newest()
    reading = store._open().execute("SELECT id FROM events")
    reading.fetchone()
    events.write("d", question())
    reading.close()
    read_all(Tail(store))
    assert Session.objects.count() == 2


def test_a_file_that_was_put_back_is_read(database: Path, events: Events, store: Sqlite) -> None:
    events.write("c", question())
    assert store.newest() > 0
    events.connection.close()
    for part in ("", "-wal", "-shm"):
        events.file.with_name(events.file.name + part).unlink(missing_ok=True)
    with pytest.raises(StoreMissing):
        store.newest()
    Events(events.file)
    assert store.newest() == 0


def test_only_so_many_conversations_are_in_memory_at_once(
    database: Path, events: Events, store: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(since: Mapping[str, int]) -> dict[str, list[Row]]:
        read.append(len(since))
        return Sqlite.events(store, since)

    monkeypatch.setattr(store, "events", counted)
    tail = Tail(store)
    tail.step()
    for number in range(130):
        events.write(f"c{number}", question())
    read_all(tail)
    assert projection.reconcile(store).equal
    projection.rebuild(store)
    assert Session.objects.count() == 130
    assert max(read) <= 50
    # Each conversation is read once by each of the three.
    assert sum(read) == 3 * 130


def test_thousands_of_conversations(database: Path, events: Events, store: Sqlite) -> None:
    with events.connection as connection:
        connection.execute("BEGIN")
        connection.executemany(
            INSERT, ((conversation, *event) for conversation, event in many(5000))
        )
    read_all(Tail(store))
    assert Session.objects.count() == 5000
    assert projection.reconcile(store).equal
    seen: set[int] = set()
    place = None
    while place is not None or not seen:
        page = listing.page(Filters(), older=place, size=1000)
        seen |= {each.pk for each in page.sessions}
        place = page.older
    assert len(seen) == 5000
