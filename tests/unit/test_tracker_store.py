"""A conversation in a real database file, and its erasing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from assistant.project import ROOT
from assistant.tracker_store import ERASE_SLOT, ClinicTrackerStore

DOMAIN = Domain.load(str(ROOT / "domain.yml"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[ClinicTrackerStore]:
    opened = ClinicTrackerStore(DOMAIN, dialect="sqlite", db=str(file))
    yield opened
    opened.engine.dispose()


def turn(store: TrackerStore, sender: str, *events: object) -> None:
    """What Rasa does in a turn: reads the conversation, adds to it, saves it."""
    tracker = read(store, sender) or DialogueStateTracker(sender, DOMAIN.slots)
    for event in (*events, ActionExecuted("action_listen")):
        tracker.update(event, DOMAIN)  # type: ignore[arg-type]
    asyncio.run(store.save(tracker))


def read(store: TrackerStore, sender: str) -> DialogueStateTracker | None:
    return asyncio.run(store.retrieve(sender))


def words(tracker: DialogueStateTracker | None) -> list[str | None]:
    return [e.text for e in (tracker.events if tracker else []) if isinstance(e, UserUttered)]


def test_a_conversation_is_kept(store: ClinicTrackerStore) -> None:
    turn(store, "sam", UserUttered("hello"), BotUttered("hi"))
    turn(store, "sam", UserUttered("how much"), SlotSet("patient_name", "Sam"))
    tracker = read(store, "sam")
    assert words(tracker) == ["hello", "how much"]
    assert tracker is not None
    assert tracker.get_slot("patient_name") == "Sam"


def test_the_wish_to_have_it_deleted_erases_everything(store: ClinicTrackerStore) -> None:
    turn(store, "sam", UserUttered("my name is Sam"), SlotSet("patient_name", "Sam"))
    turn(store, "sam", UserUttered("delete my data"), SlotSet(ERASE_SLOT, True))
    assert read(store, "sam") is None
    with store.session_scope() as session:
        assert session.query(store.SQLEvent).count() == 0


def test_the_first_turn_may_already_be_erased(store: ClinicTrackerStore) -> None:
    turn(store, "sam", UserUttered("delete my data"), SlotSet(ERASE_SLOT, True))
    assert read(store, "sam") is None


def test_other_conversations_stay(store: ClinicTrackerStore) -> None:
    turn(store, "alex", UserUttered("hello"))
    turn(store, "sam", UserUttered("hello"))
    turn(store, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
    assert words(read(store, "alex")) == ["hello"]


def test_a_conversation_begins_anew_after_it_was_erased(store: ClinicTrackerStore) -> None:
    turn(store, "sam", UserUttered("hello"), SlotSet("patient_name", "Sam"))
    turn(store, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
    turn(store, "sam", UserUttered("me again"))
    turn(store, "sam", UserUttered("and again"))
    tracker = read(store, "sam")
    assert words(tracker) == ["me again", "and again"]
    assert tracker is not None
    assert tracker.get_slot("patient_name") is None
    assert tracker.get_slot(ERASE_SLOT) is None


def holding(words: bytes, file: Path) -> list[Path]:
    """The database's files that hold these words."""
    return [path for path in file.parent.iterdir() if words in path.read_bytes()]


def test_nothing_erased_is_left_in_the_file(store: ClinicTrackerStore, file: Path) -> None:
    for number in range(50):
        turn(store, "sam", UserUttered(f"a quite unusual sentence {number} " + "x" * 500))
    assert holding(b"a quite unusual sentence", file)
    turn(store, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
    assert not holding(b"unusual sentence", file)


def test_what_a_reader_kept_in_the_log_is_removed_with_the_next_turn(
    store: ClinicTrackerStore, file: Path
) -> None:
    turn(store, "sam", UserUttered("a quite unusual sentence"))
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchall()
    turn(store, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
    assert read(store, "sam") is None
    reader.close()
    turn(store, "alex", UserUttered("hello"))
    assert not holding(b"unusual sentence", file)


def test_overwriting_does_not_depend_on_how_sqlite_was_built(store: ClinicTrackerStore) -> None:
    connection = store.engine.raw_connection()
    connection.execute("PRAGMA secure_delete=OFF")
    connection.close()
    store.engine.dispose()
    with store.session_scope() as session:
        assert session.execute(text("PRAGMA secure_delete")).scalar() == 1


def test_rasa_opens_it_as_endpoints_yml_says(file: Path) -> None:
    endpoint = EndpointConfig(
        type="assistant.tracker_store.ClinicTrackerStore", dialect="sqlite", db=str(file)
    )
    opened = TrackerStore.create(endpoint, DOMAIN)
    turn(opened, "sam", UserUttered("hello"))
    turn(opened, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
    assert read(opened, "sam") is None


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Another process is writing: nobody else can."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def unreadable(file: Path) -> Iterator[None]:
    """The table is not there for a while."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("ALTER TABLE events RENAME TO events_elsewhere")
    yield
    connection.execute("ALTER TABLE events_elsewhere RENAME TO events")
    connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.tracker_store.SQLITE_WAIT", 0)


@pytest.mark.usefixtures("impatient")
def test_a_turn_that_could_not_be_written_is_remembered_and_written_later(
    store: ClinicTrackerStore, file: Path
) -> None:
    turn(store, "sam", UserUttered("hello"))
    with held(file):
        turn(store, "sam", UserUttered("I feel numb"), SlotSet("red_flag_level", "emergency"))
        tracker = read(store, "sam")
        assert tracker is not None
        assert tracker.get_slot("red_flag_level") == "emergency"
    turn(store, "sam", UserUttered("ok"))
    another = ClinicTrackerStore(DOMAIN, dialect="sqlite", db=str(file))
    assert words(read(another, "sam")) == ["hello", "I feel numb", "ok"]


@pytest.mark.usefixtures("impatient")
def test_what_is_remembered_is_a_copy(store: ClinicTrackerStore, file: Path) -> None:
    with held(file):
        turn(store, "sam", UserUttered("hello"))
        abandoned = read(store, "sam")
        assert abandoned is not None
        abandoned.update(UserUttered("never saved"), DOMAIN)
        assert words(read(store, "sam")) == ["hello"]


@pytest.mark.usefixtures("impatient")
def test_a_turn_begun_without_the_conversation_is_not_mixed_into_it(
    store: ClinicTrackerStore, file: Path
) -> None:
    turn(store, "sam", UserUttered("hello"), SlotSet("red_flag_level", "emergency"))
    with unreadable(file), pytest.raises(OperationalError):
        read(store, "sam")
    stopgap = DialogueStateTracker("sam", DOMAIN.slots)
    stopgap.update_with_events([UserUttered("just book it"), ActionExecuted("x")] * 9, DOMAIN)
    asyncio.run(store.save(stopgap))
    tracker = read(store, "sam")
    assert words(tracker) == ["hello"]
    assert tracker is not None
    assert tracker.get_slot("red_flag_level") == "emergency"
    turn(store, "sam", UserUttered("and now"))
    assert words(read(store, "sam")) == ["hello", "and now"]


@pytest.mark.usefixtures("impatient")
def test_what_could_not_be_erased_is_erased_with_the_next_turn_of_anybody(
    store: ClinicTrackerStore, file: Path
) -> None:
    turn(store, "sam", UserUttered("hello"))
    with held(file):
        turn(store, "sam", UserUttered("delete"), SlotSet(ERASE_SLOT, True))
        assert read(store, "sam") is None
    turn(store, "alex", UserUttered("hello"))
    another = ClinicTrackerStore(DOMAIN, dialect="sqlite", db=str(file))
    assert read(another, "sam") is None
    turn(store, "sam", UserUttered("me again"))
    assert words(read(another, "sam")) == ["me again"]


@pytest.mark.usefixtures("impatient")
def test_errors_do_not_hold_what_was_written(
    store: ClinicTrackerStore, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turn(store, "sam", UserUttered("hello"))
    with held(file):
        turn(store, "sam", UserUttered("a quite unusual sentence"))
    assert "could not be saved: OperationalError" in caplog.text
    assert "unusual" not in caplog.text
    with store.session_scope() as session, pytest.raises(OperationalError) as caught:
        session.execute(text("SELECT :word FROM nothing"), {"word": "unusual"})
    assert "unusual" not in str(caught.value)
