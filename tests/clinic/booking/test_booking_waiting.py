"""The waiting list, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from clinics import NATALIE, NOW, SAM, at, clinic_of
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import facts
from clinic.booking import holds, upkeep
from clinic.booking.calendar import Slot
from clinic.booking.models import AppointmentRequest, WaitingEntry, WaitingOffer
from clinic.booking.requests import (
    cancel_request,
    change_status,
    create_request,
    reschedule_request,
)
from clinic.booking.waiting import (
    join_waiting_list,
    leave_waiting_list,
    mark_told,
    offers_for,
    pass_on,
    to_tell,
)
from clinic.text import BadInput

TWO = clinic_of()
TEN = at("2026-11-24 10:00")
MINUTE = timedelta(minutes=1)
DAY = (at("2026-11-24 08:00"), at("2026-11-24 20:00"))

pytestmark = pytest.mark.usefixtures("any_database")


@pytest.fixture(autouse=True)
def two_therapists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "current", lambda: TWO)


def book(
    start: datetime = TEN, conversation: str = "a", minutes: int = 60, who: str = NATALIE
) -> AppointmentRequest:
    kept = holds.hold(who, start, minutes, conversation, NOW)
    assert kept is not None
    return create_request(
        conversation_id=conversation,
        patient_name="Priya Nair",
        patient_contact="604-555-0142",
        preferred_time="tuesday",
        idempotency_key=f"{conversation} {start}",
        hold=kept,
        now=NOW,
    )


def wait(conversation: str = "w", **changes: Any) -> WaitingEntry:
    values: dict[str, Any] = {
        "conversation_id": conversation,
        "patient_name": "Sam Roy",
        "patient_contact": "sam@example.com",
        "minutes": 60,
        "windows": [DAY],
        "idempotency_key": conversation,
        "now": NOW,
    }
    return join_waiting_list(**values | changes)


def told() -> list[tuple[str, str, datetime]]:
    return [(e.conversation_id, o.therapist, o.starts_at) for o, e in to_tell(NOW)]


def test_who_waits_is_told_of_a_time_that_frees_up() -> None:
    request = book()
    entry = wait()
    assert told() == []
    cancel_request(request, now=NOW)
    ((offer, whose),) = to_tell(NOW)
    assert whose == entry
    assert (offer.therapist, offer.created_at) == (NATALIE, NOW)
    # The first that touches what became free, on the grid; half of it was free before.
    assert (offer.starts_at, offer.ends_at) == (TEN - 60 * MINUTE, TEN)


@pytest.mark.parametrize("over", ["declined", "cancelled", "expired"])
def test_however_a_request_ends(over: str) -> None:
    request = book()
    wait()
    change_status(request, over, "desk", NOW)
    assert len(told()) == 1


def test_many_who_wait_in_vain_keep_nobody_waiting() -> None:
    """A time is freed within a transaction: free times are looked up once, not for each of them."""
    request = book()
    # until just before the time that is freed would be over
    for number in range(30):
        wait(f"w{number}", windows=[(TEN + MINUTE, TEN + 61 * MINUTE)])
    with CaptureQueriesContext(connection) as queries:
        cancel_request(request, now=NOW)
    assert told() == []
    asked = [query for query in queries if "booking_hold" in query["sql"].split("WHERE")[0]]
    assert len(asked) < 10


def test_a_time_that_nobody_takes_is_passed_on() -> None:
    """The fourth hears of it when the three who were told first have had their time."""
    request = book()
    for number in range(5):
        wait(f"w{number}", windows=[(TEN, TEN + 60 * MINUTE)], now=NOW - 5 * MINUTE)
    cancel_request(request, now=NOW)

    def hear(at: datetime) -> list[str]:
        pass_on(at, lambda start, end: {}, clinic=TWO)
        told = [offer for offer, _ in to_tell(at)]
        for offer in told:
            mark_told(offer, at)
        return [offer.entry.conversation_id for offer in told]

    assert hear(NOW) == ["w0", "w1", "w2"]
    wait("later", windows=[(TEN, TEN + 60 * MINUTE)], now=NOW + 30 * MINUTE)
    assert hear(NOW + 90 * MINUTE) == []
    # who joined while it was free has seen it
    assert hear(NOW + 121 * MINUTE) == ["w3", "w4"]
    assert hear(NOW + 150 * MINUTE) == []
    assert hear(NOW + 300 * MINUTE) == []


def test_a_time_that_is_taken_is_not_passed_on() -> None:
    request = book()
    for number in range(4):
        wait(f"w{number}", windows=[(TEN, TEN + 60 * MINUTE)], now=NOW - 5 * MINUTE)
    cancel_request(request, now=NOW)
    for offer, _ in to_tell(NOW):
        mark_told(offer, NOW)
    busy = {NATALIE: [(TEN, TEN + 30 * MINUTE)]}
    assert pass_on(NOW + 180 * MINUTE, lambda start, end: busy, clinic=TWO) == []
    assert pass_on(NOW + 180 * MINUTE, lambda start, end: None, clinic=TWO) == []
    book(TEN, "w0")
    assert pass_on(NOW + 180 * MINUTE, lambda start, end: {}, clinic=TWO) == []


def test_moving_a_request_frees_its_old_time() -> None:
    request = book()
    wait(windows=[(TEN, TEN + 60 * MINUTE)])
    new = holds.hold(NATALIE, TEN + 180 * MINUTE, 60, "a", NOW, moving=request)
    assert new is not None
    reschedule_request(request, new, now=NOW)
    assert told() == [("w", NATALIE, TEN)]


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"windows": [(TEN, TEN + 60 * MINUTE)]}, True),
        ({"windows": [(TEN + MINUTE, TEN + 61 * MINUTE)]}, False),
        ({"windows": [(TEN + timedelta(days=7), TEN + timedelta(days=7, hours=1))]}, False),
        ({"windows": [(DAY[0], DAY[0] + 120 * MINUTE), DAY]}, True),
        ({"minutes": 30}, True),
        ({"minutes": 105, "windows": [(TEN, TEN + 120 * MINUTE)]}, False),
        ({"therapist": NATALIE}, True),
        ({"therapist": SAM}, False),
    ],
)
def test_only_of_a_time_that_fits(changes: dict[str, Any], fits: bool) -> None:
    request = book()
    book(TEN + 90 * MINUTE, "next")
    wait(**changes)
    cancel_request(request, now=NOW)
    assert (len(told()) == 1) is fits


def test_first_come_first_told_and_three_at_most() -> None:
    request = book()
    for number in range(5):
        wait(f"w{number}", now=NOW + number * MINUTE)
    cancel_request(request, now=NOW + 10 * MINUTE)
    assert [conversation for conversation, _, _ in told()] == ["w0", "w1", "w2"]


def test_nobody_is_told_twice_of_one_time() -> None:
    wait(windows=[(TEN, TEN + 60 * MINUTE)])
    cancel_request(book(), now=NOW)
    ((offer, _),) = to_tell(NOW)
    assert mark_told(offer, NOW + MINUTE)
    assert not mark_told(offer, NOW + 2 * MINUTE)
    offer.refresh_from_db()
    assert (offer.state, offer.told_at) == ("told", NOW + MINUTE)
    cancel_request(book(conversation="b"), now=NOW)
    assert told() == []


def test_a_time_taken_again_before_it_was_told_is_gone() -> None:
    wait(windows=[(TEN, TEN + 60 * MINUTE)])
    cancel_request(book(), now=NOW)
    assert len(told()) == 1
    assert to_tell(NOW, busy=[(TEN, TEN + 5 * MINUTE)]) == []
    assert WaitingOffer.objects.get().state == "gone"
    # Free once more: it is the same time, but the patient was never told.
    cancel_request(book(conversation="b"), now=NOW)
    assert len(told()) == 1
    book(conversation="c")
    assert told() == []


def test_a_hold_that_ends_is_told_to_those_who_came_while_it_was_held() -> None:
    wait("before", now=NOW - MINUTE)
    holds.hold(NATALIE, TEN, 60, "a", NOW)
    wait("meanwhile", now=NOW + MINUTE)
    upkeep.expire(NOW + 10 * MINUTE)
    assert [conversation for conversation, _, _ in told()] == ["meanwhile"]
    holds.hold(SAM, TEN, 60, "b", NOW + 20 * MINUTE)
    wait("later", now=NOW + 21 * MINUTE)
    holds.release("b", NOW + 22 * MINUTE)
    assert [conversation for conversation, _, _ in told()] == ["meanwhile", "later"]
    holds.hold(SAM, TEN, 60, "c", NOW + 30 * MINUTE)
    wait("last", now=NOW + 31 * MINUTE, windows=[(TEN, TEN + 60 * MINUTE)])
    holds.hold(SAM, TEN + 180 * MINUTE, 60, "c", NOW + 32 * MINUTE)
    assert [conversation for conversation, _, _ in told()][-1] == "last"


def test_who_has_a_time_or_leaves_waits_no_longer() -> None:
    wait("a", windows=[(TEN, TEN + 60 * MINUTE)])
    wait("b")
    request = book(conversation="x")
    cancel_request(request, now=NOW)
    assert len(told()) == 2
    assert leave_waiting_list("b") == 1
    assert leave_waiting_list("b") == 0
    book(conversation="a")
    assert told() == []
    assert set(WaitingEntry.objects.values_list("conversation_id", "state")) == {
        ("a", "booked"),
        ("b", "left"),
    }


def test_what_was_said_is_kept_with_the_words_agreed_to() -> None:
    said = {
        "note": "A sore neck.",
        "for_whom": "my mother",
        "new_or_returning": "returning",
        "consent_version": "2026-11",
        "consent_at": NOW,
    }
    entry = wait(**said)
    entry.refresh_from_db()
    assert {name: getattr(entry, name) for name in said} == said
    with pytest.raises(BadInput, match="new_or_returning"):
        wait("b", new_or_returning="often")
    with pytest.raises(BadInput, match="consent_at"):
        wait("c", consent_version="2026-11")


def test_another_time_than_those_waited_for_does_not_end_the_waiting() -> None:
    entry = wait("a", windows=[(TEN, TEN + 60 * MINUTE)])
    book(TEN + 180 * MINUTE, "a")
    entry.refresh_from_db()
    assert entry.state == "waiting"


def test_waiting_is_over_when_its_days_are() -> None:
    entry = wait()
    cancel_request(book(), now=NOW)
    upkeep.expire(DAY[1] - MINUTE)
    entry.refresh_from_db()
    assert entry.state == "waiting"
    assert WaitingOffer.objects.get().state == "gone"
    upkeep.expire(DAY[1])
    entry.refresh_from_db()
    assert entry.state == "expired"
    assert offers_for(Slot(NATALIE, *DAY), NOW) == []


def test_joining_twice_is_once() -> None:
    first = wait()
    assert wait(minutes=30) == first
    assert len(first.reference) == 6
    assert (first.minutes, first.until, first.therapist) == (60, DAY[1], "")
    assert wait("other").reference != first.reference


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"windows": []}, "windows has 0"),
        ({"windows": [(TEN, TEN + 59 * MINUTE)]}, "windows has 0"),
        ({"windows": [(NOW - timedelta(days=1), NOW + 30 * MINUTE)]}, "windows has 0"),
        ({"windows": [DAY] * 51}, "1 to 50"),
        ({"windows": [(TEN.replace(tzinfo=None), DAY[1])]}, "time zone"),
        ({"therapist": "Nobody"}, f"Allowed: {NATALIE}"),
        ({"minutes": 0}, "minutes is 0"),
        ({"patient_contact": "call me"}, "patient_contact"),
        ({"patient_name": ""}, "patient_name"),
        ({"conversation_id": ""}, "conversation_id"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_nonsense_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        wait(**changes)
    assert WaitingEntry.objects.count() == 0


def test_someone_who_no_longer_works_here_has_nothing_to_offer() -> None:
    wait()
    assert offers_for(Slot("Former Colleague", *DAY), NOW) == []
    WaitingOffer.objects.create(
        entry=WaitingEntry.objects.get(),
        therapist="Former Colleague",
        starts_at=TEN,
        ends_at=TEN + 60 * MINUTE,
        created_at=NOW,
    )
    assert to_tell(NOW) == []
