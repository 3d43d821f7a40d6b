"""What staff read, of conversations that Rasa's own code wrote into its database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.checks.project import Project
from assistant.project import ROOT
from assistant.tracker_store import ERASE_SLOT, ClinicTrackerStore
from clinic.conversations import reading

DOMAIN = Domain.load(str(ROOT / "domain.yml"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations.sqlite3"


@pytest.fixture
def rasa(file: Path) -> Iterator[ClinicTrackerStore]:
    opened = ClinicTrackerStore(DOMAIN, dialect="sqlite", db=str(file))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def tailing(database: Path, file: Path) -> Iterator[None]:
    """The worker's thread that reads along."""
    from clinic.conversations.store import Sqlite
    from clinic.conversations.tailing import Tailing

    stop = threading.Event()
    thread = Tailing(stop, Sqlite(file))
    thread.start()
    yield
    stop.set()
    thread.join(10)


def turn(rasa: ClinicTrackerStore, sender: str, text: str, *more: object) -> None:
    """A turn as Rasa stores it."""
    tracker = asyncio.run(rasa.retrieve(sender))
    start: list[object] = []
    if tracker is None:
        tracker = DialogueStateTracker(sender, DOMAIN.slots)
        start = [
            SlotSet("session_started_metadata", None),
            ActionExecuted("action_session_start"),
            SessionStarted(),
            ActionExecuted("action_listen"),
        ]
    intent = {"name": "faq", "confidence": 0.9, "full_retrieval_intent_name": "faq/cost"}
    said = UserUttered(text, intent, input_channel="website")
    answer = BotUttered("It is 100.", metadata={"utter_action": "utter_faq/cost"})
    done = ActionExecuted("utter_faq/cost", policy="RulePolicy")
    for event in (*start, said, *more, done, answer, ActionExecuted("action_listen")):
        tracker.update(event, DOMAIN)  # type: ignore[arg-type]
    asyncio.run(rasa.save(tracker))


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Looks again and again, at most so long."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        threading.Event().wait(0.05)


def test_what_rasa_writes_is_read(rasa: ClinicTrackerStore, tailing: None, file: Path) -> None:
    from clinic.conversations import projection
    from clinic.conversations.models import Message, Session
    from clinic.conversations.store import Sqlite

    for number in range(40):
        turn(rasa, f"c{number % 4}", f"message {number}")
    until(lambda: Message.objects.count() == 80)
    read = Session.objects.values_list("messages", "channel", "topics")
    assert list(read) == [(20, "website", ["faq/cost"])] * 4
    assert projection.reconcile(Sqlite(file)).equal


def test_what_is_said_is_seen_within_two_seconds(
    rasa: ClinicTrackerStore, tailing: None, file: Path
) -> None:
    """Half of it at least, whatever else runs here; ``script/bench --desk`` wants all of it."""
    from clinic.conversations import projection
    from clinic.conversations.models import Message
    from clinic.conversations.store import Sqlite

    turn(rasa, "first", "first")
    until(lambda: Message.objects.filter(text="first").exists())
    written: dict[str, float] = {}

    def write() -> None:
        begin = time.monotonic()
        for number in range(60):
            threading.Event().wait(max(0.0, begin + number / 20 - time.monotonic()))
            turn(rasa, f"c{number % 10}", f"lag {number}")
            written[f"lag {number}"] = time.monotonic()

    writer = threading.Thread(target=write)
    writer.start()
    seen: dict[str, float] = {}

    def look() -> bool:
        for text in Message.objects.filter(text__startswith="lag ").values_list("text", flat=True):
            seen.setdefault(text, time.monotonic())
        return len(seen) == 60

    until(look, 60)
    writer.join()
    lags = sorted(max(seen[text] - at, 0.0) for text, at in written.items())
    assert lags[len(lags) // 2] < 2.0
    assert projection.reconcile(Sqlite(file)).equal


def test_readers_and_a_writer_do_not_lock_each_other_out(
    rasa: ClinicTrackerStore, tailing: None, file: Path
) -> None:
    """Staff page through the list and review, while patients write and it is read along."""
    from django.db import connection

    from clinic import clock
    from clinic.conversations import listing
    from clinic.conversations.listing import Filters
    from clinic.conversations.models import Message, Session

    turn(rasa, "first", "first")
    until(lambda: Session.objects.exists())
    stop, wrong, looks = threading.Event(), [], [0, 0]

    def staff(which: int) -> None:
        try:
            while not stop.wait(0.01):
                page = listing.page(Filters(text="message" if which else ""), size=20)
                Session.objects.filter(pk__in=[one.pk for one in page.sessions[:3]]).update(
                    reviewed_at=clock.now(), reviewed_by=f"staff-{which}"
                )
                looks[which] += 1
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=staff, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for number in range(80):
        turn(rasa, f"c{number % 8}", f"message {number}")
    until(lambda: Message.objects.filter(author="patient").count() == 81, 60)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert min(looks) > 5
    assert Session.objects.filter(reviewed_by__startswith="staff-").exists()


def test_a_chat_deleted_by_its_patient_is_not_read_again(
    rasa: ClinicTrackerStore, tailing: None
) -> None:
    from clinic.conversations.models import Session
    from clinic.privacy.deletion import delete_conversation

    turn(rasa, "stays", "hello")
    turn(rasa, "goes", "hello")
    until(lambda: Session.objects.count() == 2)
    delete_conversation("goes")
    turn(rasa, "goes", "yes, delete it", SlotSet(ERASE_SLOT, True))
    turn(rasa, "other", "hello")
    until(
        lambda: set(Session.objects.values_list("conversation_id", flat=True)) == {"stays", "other"}
    )


def test_the_names_that_are_read_are_those_of_the_assistant() -> None:
    """Of responses, slots and actions that clinic/ knows by name."""
    responses = Project(ROOT).responses.keys()
    assert responses >= reading.BOOKED | reading.HANDED_OVER
    assert any(name.startswith(reading.NOT_UNDERSTOOD) for name in responses)
    assert any(name.startswith(reading.ANSWER) for name in responses)
    slots = {slot.name for slot in DOMAIN.slots}
    assert slots >= {"red_flag_level", "open_forms", "patient_name", "requested_slot"}
    assert set(DOMAIN.intents) >= reading.COURTESIES | reading.NOTHING_GUESSED


def test_the_mailbox_that_is_erased_is_the_websites(
    rasa: ClinicTrackerStore,
    file: Path,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.conf import settings

    from assistant.channels import mailbox
    from assistant.channels.mailbox import Mailbox
    from clinic import clock
    from clinic.conversations.erasing import erase_idle, is_idle
    from clinic.conversations.store import Sqlite

    monkeypatch.setattr(settings, "VAR", file.parent)
    Mailbox(rasa.engine).create_tables()
    now = clock.now()
    with rasa.engine.begin() as connection:
        accepted = mailbox.accept(connection, "c", {"id": "m1", "text": "hi"}, None, now, "en")
    assert not is_idle("c")
    assert not erase_idle("c")
    with rasa.engine.begin() as connection:
        mailbox.finish(connection, accepted.message, [], now)
    assert Sqlite(file).left_in_mailbox(now) == []
    assert Sqlite(file).left_in_mailbox(clock.now()) in ([], ["c"])
    assert erase_idle("c")
    with rasa.engine.connect() as connection:
        assert mailbox.after(connection, "c", 0) == []
        with pytest.raises(mailbox.Gone):
            mailbox.standing(connection, "c")
