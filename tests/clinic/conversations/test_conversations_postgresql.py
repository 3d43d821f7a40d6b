"""Reading along on PostgreSQL, where numbers are given before a transaction ends."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fabricated import ServerEvents, question

from clinic.conversations import listing, projection
from clinic.conversations.listing import Filters
from clinic.conversations.models import Message, Session
from clinic.conversations.projection import Tail
from clinic.conversations.store import StoreMissing, open_store
from clinic.privacy import retention
from clinic.privacy.deletion import delete_conversation
from clinic.privacy.erasing import erase
from clinic.questions import collecting

LONG_AGO = time.time() - 10_000


@pytest.fixture
def server(postgresql: str) -> Iterator[ServerEvents]:
    """Rasa's table in the clinic's database."""
    opened = ServerEvents(postgresql)
    yield opened
    opened.close()


@pytest.fixture
def tail(server: ServerEvents) -> Tail:
    return Tail(open_store())


def who() -> set[str]:
    return set(Session.objects.values_list("conversation_id", flat=True))


def test_nothing_is_read_before_there_is_a_table(postgresql: str) -> None:
    with pytest.raises(StoreMissing):
        Tail(open_store()).step()


def test_what_was_left_before_there_is_a_table_is_erased(postgresql: str) -> None:
    from clinic.handoff.messages import leave_message
    from clinic.handoff.models import PatientMessage

    leave_message(
        conversation_id="c", patient_contact="416-555-0142", text="please call", idempotency_key="c"
    )
    done = erase(["c"], "omar")
    assert (len(done.receipts), done.failed) == (1, [])
    assert not PatientMessage.objects.exists()


def test_a_transaction_that_ends_late_is_read(server: ServerEvents, tail: Tail) -> None:
    server.write("first", question())
    tail.step()
    slow = server.begin("slow", question())
    server.write("quick", question())
    tail.step()
    assert who() == {"first", "quick"}
    slow.commit()
    slow.close()
    assert tail.step() > 0
    assert who() == {"first", "quick", "slow"}
    assert projection.reconcile(tail.store).equal


def test_a_transaction_that_ends_after_a_restart_is_read(server: ServerEvents, tail: Tail) -> None:
    server.write("first", question())
    tail.step()
    slow = server.begin("slow", question())
    server.write("quick", question())
    tail.step()
    slow.commit()
    slow.close()
    Tail(open_store()).step()
    assert who() == {"first", "quick", "slow"}


def read_all(tail: Tail) -> None:
    while tail.step():
        pass


@pytest.mark.parametrize("restarted", [False, True])
def test_a_transaction_that_ends_after_many_others_is_read(
    server: ServerEvents, tail: Tail, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """Further back than is looked at again: the missing numbers are remembered."""
    monkeypatch.setattr(projection, "OVERLAP", 3)
    server.write("first", question())
    read_all(tail)
    slow = server.begin("slow", question())
    for number in range(10):
        server.write(f"quick {number}", question())
        read_all(tail)
    if restarted:
        tail = Tail(open_store())
        read_all(tail)
    assert "slow" not in who()
    slow.commit()
    slow.close()
    # Missing numbers are not looked for each time.
    read_all(tail)
    assert "slow" not in who()
    later = time.monotonic() + projection.HOLES_EVERY
    monkeypatch.setattr(projection.time, "monotonic", lambda: later)
    assert tail.step() > 0
    assert "slow" in who()
    assert projection.reconcile(tail.store).equal
    assert not tail._holes


def test_a_transaction_that_ends_while_nobody_reads_is_read(
    server: ServerEvents, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "OVERLAP", 3)
    server.write("first", question())
    slow = server.begin("slow", question())
    for number in range(10):
        server.write(f"quick {number}", question())
    read_all(tail)
    slow.commit()
    slow.close()
    read_all(Tail(open_store()))
    assert "slow" in who()


def test_numbers_that_never_come_are_not_looked_for_for_ever(
    server: ServerEvents, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "OVERLAP", 3)
    slow = server.begin("undone", question())
    for number in range(10):
        server.write(f"quick {number}", question())
    # The first look takes all there is, the next ones read along.
    read_all(tail)
    read_all(tail)
    slow.rollback()
    slow.close()
    assert tail._holes
    later = time.monotonic() + projection.HOLES_FOR + 1
    monkeypatch.setattr(projection.time, "monotonic", lambda: later)
    assert tail.step() == 0
    assert not tail._holes


def test_a_conversation_grows(server: ServerEvents, tail: Tail) -> None:
    talk = question(text="my calf is burning")
    server.write("c", talk)
    tail.step()
    talk.patient("a\0t night \ud83d", "faq/symptoms", 0.3).assistant("I see", "utter_faq/symptoms")
    server.write("c", talk)
    tail.step()
    assert Message.objects.count() == 4
    assert listing.count(Filters(text="burns night")) == 1
    assert listing.count(Filters(text='"burning calf"')) == 0
    assert projection.rebuild(tail.store).equal
    assert collecting.collect() == 1
    assert collecting.collect() == 0


def test_a_deleted_chat_is_gone(server: ServerEvents, tail: Tail) -> None:
    for conversation in ("goes", "stays", "live"):
        server.write(conversation, question(at=LONG_AGO))
    server.write("live", question(at=time.time() - 20))
    tail.step()
    done = erase(["goes", "live"], "natalie")
    assert done.talking == ["live"]
    assert len(done.receipts) == 1
    tail.step()
    assert server.conversations() == who() == {"stays", "live"}
    delete_conversation("stays")
    assert who() == {"live"}


def test_old_conversations_go(server: ServerEvents, tail: Tail) -> None:
    from clinic import clock

    server.write("old", question(at=time.time() - 91 * 86400))
    server.write("young", question(at=time.time() - 89 * 86400))
    tail.step()
    done = retention.run(clock.now(), "natalie", tail.store)
    assert (done.deleted, done.failed) == (1, 0)
    assert server.conversations() == who() == {"young"}
