"""The slot lock, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinics import NATALIE, NOW, SAM, at, clinic_of, said
from django.db import IntegrityError, OperationalError, connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clinic.booking import holds
from clinic.booking.calendar import Slot, blocked, free_times, nearest
from clinic.booking.holds import expire, held, hold, keep, release, take
from clinic.booking.models import AppointmentRequest, Bucket, Hold
from clinic.booking.requests import (
    TimeGone,
    cancel_request,
    create_request,
    reschedule_request,
)
from clinic.environment import DATABASE_WAIT
from clinic.text import BadInput

TWO = clinic_of()
TEN = at("2026-11-24 10:00")
MINUTE = timedelta(minutes=1)


def get(
    start: datetime = TEN,
    conversation: str = "a",
    minutes: int = 60,
    who: str = NATALIE,
    now: datetime = NOW,
    **others: Any,
) -> Hold | None:
    return hold(who, start, minutes, conversation, now, clinic=TWO, **others)


def got(*args: Any, **others: Any) -> Hold:
    kept = get(*args, **others)
    assert kept is not None
    return kept


def ask(kept: Hold | None = None, **changes: Any) -> AppointmentRequest:
    values: dict[str, Any] = {
        "conversation_id": kept.conversation_id if kept else "a",
        "patient_name": "Priya Nair",
        "patient_contact": "604-555-0142",
        "preferred_time": "tuesday at ten",
        "idempotency_key": f"k{AppointmentRequest.objects.count()}",
        "hold": kept,
        "now": NOW,
    }
    return create_request(**values | changes)


def locked_whole() -> None:
    """Each hold has all its buckets, and no bucket is anyone else's."""
    for kept in Hold.objects.all():
        numbers = sorted(kept.buckets.values_list("number", flat=True))
        assert numbers == list(blocked(kept.starts_at, kept.free_at))
        assert set(kept.buckets.values_list("therapist", flat=True)) == {kept.therapist}
    assert Bucket.objects.filter(hold=None).count() == 0


@pytest.mark.usefixtures("any_database")
class TestHolding:
    def test_a_time_is_kept_for_one_and_others_get_other_times(self) -> None:
        first = got()
        assert (first.starts_at, first.ends_at) == (TEN, TEN + 60 * MINUTE)
        assert first.free_at == TEN + 75 * MINUTE
        assert first.expires_at == NOW + 10 * MINUTE
        assert get(conversation="b") is None
        assert said(nearest(60, NATALIE, TEN, NOW, clinic=TWO)) == ["08:00", "08:30", "11:30"]
        assert get(conversation="b", who=SAM)
        locked_whole()

    @pytest.mark.parametrize(
        ("minutes_later", "length", "possible"),
        [
            *((-75, 60, True), (-70, 60, False), (-30, 15, True), (-30, 240, False)),
            *((-5, 5, False), (0, 5, False), (70, 30, False), (74, 30, False), (75, 30, True)),
        ],
    )
    def test_overlaps_count_with_the_buffer(
        self, minutes_later: int, length: int, possible: bool
    ) -> None:
        got()
        other = get(TEN + minutes_later * MINUTE, "b", length)
        assert (other is not None) is possible
        locked_whole()

    def test_it_is_over_after_ten_minutes_and_then_in_nobodys_way(self) -> None:
        got()
        assert get(conversation="b", now=NOW + 10 * MINUTE - timedelta(seconds=1)) is None
        assert held("a", NOW + 10 * MINUTE - timedelta(seconds=1))
        assert held("a", NOW + 10 * MINUTE) is None
        second = got(conversation="b", now=NOW + 10 * MINUTE)
        assert Hold.objects.get() == second
        locked_whole()

    def test_another_time_releases_the_first(self) -> None:
        got()
        second = got(TEN + 180 * MINUTE)
        assert list(Hold.objects.all()) == [second]
        assert held("a", NOW) == second
        assert get(conversation="b")
        locked_whole()

    def test_a_time_that_overlaps_ones_own_can_be_had(self) -> None:
        got()
        second = got(TEN + 30 * MINUTE)
        third = got(TEN + 30 * MINUTE, now=NOW + 5 * MINUTE)
        assert second.pk != third.pk
        assert Hold.objects.get() == third
        assert third.expires_at == NOW + 15 * MINUTE
        locked_whole()

    def test_when_the_new_time_is_not_to_be_had_the_first_stays(self) -> None:
        first = got()
        got(TEN + 180 * MINUTE, "b")
        assert get(TEN + 180 * MINUTE) is None
        assert held("a", NOW) == first

    def test_two_appointments_of_one_conversation(self) -> None:
        first, second = got(), got(TEN + 180 * MINUTE, draft="2")
        assert held("a", NOW) == first
        assert held("a", NOW, draft="2") == second
        assert get(TEN + 180 * MINUTE) is None  # its own other appointment
        assert get(TEN + 360 * MINUTE, draft="3")
        with pytest.raises(BadInput, match="Allowed: 3"):
            get(TEN + 500 * MINUTE, draft="4")
        assert release("a", NOW, draft="2") == 1
        assert held("a", NOW) == first
        assert held("a", NOW, draft="2") is None
        assert release("a", NOW) == 2
        assert Hold.objects.count() == Bucket.objects.count() == 0

    def test_releasing_never_frees_anothers(self) -> None:
        got()
        second = got(conversation="b", now=NOW + 10 * MINUTE)
        assert release("a", NOW + 11 * MINUTE) == 0
        assert held("b", NOW + 11 * MINUTE) == second
        ask(second, now=NOW + 11 * MINUTE)
        assert release("b", NOW + 11 * MINUTE) == 0
        assert get(conversation="c", now=NOW + 60 * MINUTE) is None

    @pytest.mark.parametrize("start", ["2026-11-24 07:00", "2026-11-29 10:00", "2026-11-23 10:00"])
    def test_what_the_clinic_does_not_offer_is_not_kept(self, start: str) -> None:
        assert get(at(start)) is None
        assert Hold.objects.count() == 0

    def test_nonsense_is_named(self) -> None:
        with pytest.raises(BadInput, match="therapist"):
            get(who="Nobody")
        with pytest.raises(BadInput, match="minutes"):
            get(minutes=0)
        with pytest.raises(BadInput, match="conversation_id"):
            get(conversation=" ")
        with pytest.raises(BadInput, match="draft"):
            get(draft="")

    def test_expiring_deletes_what_is_over_and_nothing_else(self) -> None:
        got()
        taken = ask(got(TEN + 180 * MINUTE, "b"))
        got(TEN + 360 * MINUTE, "c", now=NOW + 5 * MINUTE)
        assert expire(NOW + 10 * MINUTE) == 1
        assert Hold.objects.count() == 2
        assert expire(NOW + 15 * MINUTE) == 1
        assert expire(TEN) == 0
        # The day after, the request keeps its time and the lock is no longer needed.
        assert expire(TEN + timedelta(days=1)) == 1
        assert Hold.objects.count() == Bucket.objects.count() == 0
        taken.refresh_from_db()
        assert taken.starts_at == TEN + 180 * MINUTE

    def test_the_database_itself_refuses_the_second(self) -> None:
        first = got()
        bucket = first.buckets.first()
        assert bucket is not None
        other = got(who=SAM, conversation="b")
        with pytest.raises(IntegrityError), transaction.atomic():
            Bucket.objects.create(hold=other, therapist=NATALIE, number=bucket.number)
        with pytest.raises(IntegrityError), transaction.atomic():
            Hold.objects.filter(pk=other.pk).update(conversation_id="a")
        with pytest.raises(IntegrityError), transaction.atomic():
            Hold.objects.filter(pk=other.pk).update(expires_at=None)
        with pytest.raises(IntegrityError), transaction.atomic():
            Hold.objects.filter(pk=other.pk).update(ends_at=TEN)

    def test_a_lost_race_behind_the_first_look_is_none_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = got()
        # As if the other had not been there at any look: the constraint is what decides.
        monkeypatch.setattr(holds, "_someone_else_has", lambda *_: False)
        assert get(conversation="b") is None
        assert get(TEN + 30 * MINUTE, "b") is None
        assert list(Hold.objects.all()) == [first]
        locked_whole()


@pytest.mark.usefixtures("any_database")
class TestTaking:
    def test_a_request_takes_its_time_for_good(self) -> None:
        request = ask(got())
        assert (request.therapist, request.minutes) == (NATALIE, 60)
        assert (request.starts_at, request.ends_at) == (TEN, TEN + 60 * MINUTE)
        assert get(conversation="b", now=NOW + timedelta(hours=5)) is None
        assert held("a", NOW) is None
        assert get() is None
        kept = Hold.objects.get()
        assert (kept.request, kept.conversation_id, kept.expires_at) == (request, "", None)
        locked_whole()

    def test_send_pressed_twice_is_one_request(self) -> None:
        kept = got()
        again = Hold.objects.get()
        first = ask(kept, idempotency_key="k")
        assert ask(again, idempotency_key="k") == first
        assert take(again, first, NOW)
        assert Hold.objects.count() == 1

    def test_a_hold_that_is_over_still_counts_while_nobody_wants_the_time(self) -> None:
        kept = got()
        assert ask(kept, now=NOW + timedelta(hours=1)).starts_at == TEN
        gone = got(TEN + 180 * MINUTE, "b")
        expire(NOW + timedelta(hours=1))
        assert ask(gone, now=NOW + timedelta(hours=1)).starts_at == TEN + 180 * MINUTE
        locked_whole()

    def test_a_hold_that_is_over_and_gone_stores_nothing(self) -> None:
        mine = got()
        theirs = got(conversation="b", now=NOW + 10 * MINUTE)
        with pytest.raises(TimeGone):
            ask(mine, now=NOW + 11 * MINUTE)
        assert AppointmentRequest.objects.count() == 0
        taken = ask(theirs, now=NOW + 12 * MINUTE)
        with pytest.raises(TimeGone):
            ask(mine, now=NOW + 13 * MINUTE)
        assert list(AppointmentRequest.objects.all()) == [taken]
        locked_whole()

    def test_the_expired_hold_of_another_is_not_in_the_way(self) -> None:
        mine = got()
        expire(NOW + 10 * MINUTE)
        got(TEN + 30 * MINUTE, "b", now=NOW + 10 * MINUTE)
        with pytest.raises(TimeGone):
            ask(mine, now=NOW + 11 * MINUTE)
        assert ask(mine, now=NOW + 20 * MINUTE).starts_at == TEN
        assert Hold.objects.count() == 1

    def test_one_hold_is_one_request(self) -> None:
        kept = got()
        stale = Hold.objects.get()
        ask(kept, idempotency_key="k1")
        with pytest.raises(TimeGone):
            ask(stale, idempotency_key="k2")
        assert AppointmentRequest.objects.count() == 1

    def test_a_hold_of_another_conversation_is_refused(self) -> None:
        with pytest.raises(BadInput, match="hold is another"):
            ask(got(), conversation_id="b")
        assert AppointmentRequest.objects.count() == 0

    def test_cancelling_frees_the_time(self) -> None:
        request = ask(got())
        cancel_request(request, now=NOW)
        assert Hold.objects.count() == Bucket.objects.count() == 0
        assert get(conversation="b")

    def test_the_clinic_takes_a_time_without_holding_it(self) -> None:
        request = ask()
        early = Slot(NATALIE, TEN - 180 * MINUTE, TEN - 120 * MINUTE)  # before opening
        assert keep(request, early, NOW, TWO)
        other = ask()
        assert not keep(other, early, NOW, TWO)
        assert Hold.objects.get().request == request
        locked_whole()


@pytest.mark.usefixtures("any_database")
class TestMoving:
    def test_a_request_gets_another_time_and_gives_back_its_own(self) -> None:
        request = ask(got())
        new = got(TEN + 180 * MINUTE, "another day", moving=request)
        assert get(TEN, "b") is None  # still its own until it is sent
        moved = reschedule_request(request, new, now=NOW, preferred_time="tuesday at one")
        assert moved is not None
        assert (moved.status, moved.starts_at) == ("changed", TEN + 180 * MINUTE)
        assert moved.preferred_time == "tuesday at one"
        assert Hold.objects.get().request == request
        assert get(TEN, "b")
        assert get(TEN + 180 * MINUTE, "c") is None
        locked_whole()

    @pytest.mark.parametrize("later", [-30, 0, 15, 30, 70])
    def test_the_new_time_may_overlap_the_old(self, later: int) -> None:
        request = ask(got())
        assert get(TEN + later * MINUTE, "b") is None
        new = got(TEN + later * MINUTE, "a", moving=request)
        offered = free_times(
            60,
            NATALIE,
            TEN,
            TEN + 90 * MINUTE,
            NOW,
            conversation_id="a",
            moving=request,
            clinic=TWO,
        )
        assert said(offered) == ["10:00", "10:30"]
        assert get(TEN + later * MINUTE, "b") is None
        moved = reschedule_request(request, new, now=NOW)
        assert moved is not None
        assert moved.starts_at == TEN + later * MINUTE
        assert Hold.objects.count() == 1
        locked_whole()

    def test_a_new_time_that_is_gone_leaves_the_old(self) -> None:
        request = ask(got())
        new = got(TEN + 180 * MINUTE, "a", moving=request)
        got(TEN + 180 * MINUTE, "b", now=NOW + 10 * MINUTE)
        assert reschedule_request(request, new, now=NOW + 11 * MINUTE) is None
        request.refresh_from_db()
        assert (request.status, request.starts_at) == ("requested", TEN)
        assert Hold.objects.get(request=request).starts_at == TEN
        assert request.status_changes.count() == 2
        locked_whole()

    def test_what_moves_over_a_request_cancelled_meanwhile_doubles_nothing(self) -> None:
        request = ask(got())
        new = got(TEN + 30 * MINUTE, "a", moving=request)
        cancel_request(request, "desk", NOW)
        # The time that was asked for is still held; the rest is free.
        assert get(TEN, "b", 15) is not None
        assert get(TEN + 30 * MINUTE, "c") is None
        with pytest.raises(BadInput, match="from cancelled to changed"):
            reschedule_request(request, new, now=NOW)

    def test_the_clinic_moves_a_request_to_another_therapist(self) -> None:
        request = ask(got())
        theirs = ask(got(who=SAM, conversation="b"))
        assert reschedule_request(request, Slot(SAM, TEN, TEN + 60 * MINUTE), who="desk") is None
        later = Slot(SAM, TEN + 90 * MINUTE, TEN + 120 * MINUTE)
        moved = reschedule_request(request, later, who="desk", now=NOW)
        assert moved is not None
        assert (moved.therapist, moved.minutes) == (SAM, 30)
        assert set(Hold.objects.values_list("request", flat=True)) == {request.pk, theirs.pk}
        change = moved.status_changes.last()
        assert change is not None
        assert (change.who, change.therapist, change.starts_at) == ("desk", SAM, later.start_utc)
        locked_whole()

    def test_a_request_without_a_time_gets_one(self) -> None:
        request = ask()
        moved = reschedule_request(request, Slot(SAM, TEN, TEN + 45 * MINUTE), who="desk", now=NOW)
        assert moved is not None
        assert (moved.therapist, moved.starts_at, moved.minutes) == (SAM, TEN, 45)
        assert get(TEN, "b", who=SAM) is None


def test_nobody_waits_as_long_as_others_for_a_database_that_is_busy(any_database: str) -> None:
    got(TEN + 180 * MINUTE, "b")
    if any_database == "sqlite":
        blocker: Any = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
    else:
        import psycopg2

        blocker = psycopg2.connect(**connection.get_connection_params())
        blocker.cursor().execute("LOCK TABLE booking_hold IN SHARE MODE")
    begin = time.monotonic()
    with pytest.raises(OperationalError):
        get()
    assert time.monotonic() - begin < DATABASE_WAIT
    # Whoever is late needs no lock to be told so.
    assert get(TEN + 180 * MINUTE) is None
    assert time.monotonic() - begin < DATABASE_WAIT
    blocker.rollback() if any_database == "postgresql" else blocker.execute("ROLLBACK")
    blocker.close()
    assert get()
    # Other writers wait as long as before.
    with connection.cursor() as cursor:
        if any_database == "sqlite":
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (5000,)
        else:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("5s",)


@pytest.mark.usefixtures("any_database")
def test_the_same_button_pressed_at_once_leaves_one_hold() -> None:
    barrier = threading.Barrier(4)
    found: list[Hold | None] = []

    def press(who: str) -> None:
        barrier.wait()
        try:
            found.append(get(who=who))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(who,)) for who in (NATALIE, SAM) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert any(found)
    assert Hold.objects.count() == 1
    locked_whole()


class Desk(RuleBasedStateMachine):
    """Patients and staff do whatever they like, in any order, while the time goes on."""

    starts = st.integers(0, 30).map(lambda n: TEN - 60 * MINUTE + n * 15 * MINUTE)
    people = st.sampled_from([NATALIE, SAM])
    patients = st.sampled_from(["a", "b", "c"])
    lengths = st.sampled_from([30, 45, 60])

    @initialize()
    def begin(self) -> None:
        Hold.objects.all().delete()
        AppointmentRequest.objects.all().delete()
        self.now = NOW
        self.keys = 0
        self.mine: dict[str, Hold] = {}

    @rule(who=people, start=starts, minutes=lengths, patient=patients, moves=st.booleans())
    def hold_one(self, who: str, start: datetime, minutes: int, patient: str, moves: bool) -> None:
        moving = self.open_request(patient) if moves else None
        wanted = blocked(start, start + (minutes + 15) * MINUTE)
        others = [
            kept
            for kept in Hold.objects.filter(therapist=who)
            if (kept.expires_at is None or kept.expires_at > self.now)
            and kept.conversation_id != patient
            and (moving is None or kept.request_id != moving.pk)
        ]
        clash = any(set(wanted) & set(blocked(kept.starts_at, kept.free_at)) for kept in others)
        kept = get(start, patient, minutes, who, self.now, moving=moving)
        assert (kept is None) == clash
        if kept:
            self.mine[patient] = kept

    @rule(patient=patients)
    def let_go(self, patient: str) -> None:
        others = list(Hold.objects.exclude(conversation_id=patient))
        release(patient, self.now)
        assert list(Hold.objects.all()) == others

    @rule(patient=patients)
    def send(self, patient: str) -> None:
        if patient not in self.mine:
            return
        self.keys += 1
        try:
            ask(self.mine[patient], idempotency_key=f"s{self.keys}", now=self.now)
        except TimeGone:
            return

    @rule(patient=patients)
    def cancel(self, patient: str) -> None:
        request = self.open_request(patient)
        if request:
            cancel_request(request, now=self.now)

    @rule(patient=patients, by_slot=st.booleans(), start=starts)
    def move(self, patient: str, by_slot: bool, start: datetime) -> None:
        request = self.open_request(patient)
        if request and by_slot:
            slot = Slot(SAM, start, start + 30 * MINUTE)
            reschedule_request(request, slot, who="desk", now=self.now)
        elif request and patient in self.mine:
            reschedule_request(request, self.mine[patient], now=self.now)

    @rule(minutes=st.integers(1, 12), tidy=st.booleans())
    def wait(self, minutes: int, tidy: bool) -> None:
        self.now += minutes * MINUTE
        if tidy:
            expire(self.now)

    def open_request(self, patient: str) -> AppointmentRequest | None:
        return (
            AppointmentRequest.objects.filter(conversation_id=patient)
            .exclude(status="cancelled")
            .first()
        )

    @invariant()
    def nothing_overlaps_and_nothing_free_is_taken(self) -> None:
        live = [
            kept
            for kept in Hold.objects.order_by("therapist", "starts_at")
            if kept.expires_at is None or kept.expires_at > self.now
        ]
        taken = [kept for kept in live if kept.request_id]
        for one in taken:
            for other in live:
                if one != other and one.therapist == other.therapist:
                    # Only a hold for moving a request may touch the request's own time.
                    shared = set(blocked(one.starts_at, one.free_at)) & set(
                        blocked(other.starts_at, other.free_at)
                    )
                    assert not shared or other.request_id is None
        free = free_times(
            30, None, TEN - 120 * MINUTE, TEN + timedelta(hours=9), self.now, clinic=TWO
        )
        for slot in free:
            for kept in live:
                assert (
                    kept.therapist != slot.therapist
                    or slot.end_utc + 15 * MINUTE <= kept.starts_at
                    or kept.free_at <= slot.start_utc
                )

    @invariant()
    def open_requests_have_their_time_and_closed_ones_none(self) -> None:
        for request in AppointmentRequest.objects.all():
            kept = Hold.objects.filter(request=request).first()
            if request.status == "cancelled":
                assert kept is None
            else:
                assert kept is not None
                assert (kept.therapist, kept.starts_at) == (request.therapist, request.starts_at)
                numbers = sorted(kept.buckets.values_list("number", flat=True))
                assert numbers == list(blocked(kept.starts_at, kept.free_at))


@pytest.mark.usefixtures("any_database")
def test_whatever_happens_in_whatever_order_nothing_is_doubled_or_stuck() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Desk, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )
