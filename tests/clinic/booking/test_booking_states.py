"""The states of a request, each with who, when and which time, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinics import NATALIE, NOW, SAM, at, clinic_of
from django.db import IntegrityError, transaction

from clinic.booking import upkeep
from clinic.booking.calendar import Slot
from clinic.booking.holds import held, hold
from clinic.booking.models import (
    AppointmentRequest,
    Bucket,
    Hold,
    StatusChange,
    WaitingEntry,
)
from clinic.booking.requests import (
    NEXT,
    ProposalOver,
    accept_proposal,
    cancel_request,
    change_status,
    create_request,
    refuse_proposal,
    reschedule_request,
    standing_proposal,
)
from clinic.booking.signals import status_changed
from clinic.booking.waiting import join_waiting_list
from clinic.privacy.deletion import delete_conversation
from clinic.text import BadInput

TWO = clinic_of()
TEN = at("2026-11-24 10:00")
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("any_database")


def ask(
    start: datetime | None = TEN, conversation: str = "a", **changes: Any
) -> AppointmentRequest:
    kept = hold(NATALIE, start, 60, conversation, NOW, clinic=TWO) if start else None
    assert (kept is None) == (start is None)
    values: dict[str, Any] = {
        "conversation_id": conversation,
        "patient_name": "Priya Nair",
        "patient_contact": "604-555-0142",
        "preferred_time": "tuesday at ten",
        "idempotency_key": f"{conversation} {AppointmentRequest.objects.count()}",
        "hold": kept,
        "now": NOW + 3 * MINUTE,
    }
    return create_request(**values | changes)


def history(request: AppointmentRequest) -> list[tuple[str, str, datetime]]:
    return [(c.status, c.who, c.at) for c in request.status_changes.all()]


@pytest.fixture
def heard() -> Iterator[list[StatusChange]]:
    changes: list[StatusChange] = []

    def listen(change: StatusChange, **_: Any) -> None:
        changes.append(change)

    status_changed.connect(listen)
    yield changes
    status_changed.disconnect(listen)


def test_a_request_keeps_everything_that_was_said() -> None:
    ask(
        service="massage therapy",
        new_or_returning="new",
        for_whom="my mother",
        note="left hip",
        consent_version="2026-11",
        consent_at=NOW + MINUTE,
    )
    stored = AppointmentRequest.objects.get()
    assert (stored.therapist, stored.service, stored.minutes) == (NATALIE, "massage therapy", 60)
    assert (stored.starts_at, stored.ends_at) == (TEN, TEN + 60 * MINUTE)
    assert (stored.new_or_returning, stored.for_whom) == ("new", "my mother")
    assert (stored.consent_version, stored.consent_at) == ("2026-11", NOW + MINUTE)
    assert (stored.note, stored.status, stored.created_at) == (
        *("left hip", "requested"),
        NOW + 3 * MINUTE,
    )


def test_without_a_time_the_wishes_are_kept() -> None:
    request = ask(None, therapist=SAM, minutes=45)
    assert (request.therapist, request.minutes, request.starts_at) == (SAM, 45, None)
    assert history(request) == [("requested", "patient", NOW + 3 * MINUTE)]
    assert Hold.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("new_or_returning", "maybe"),
        ("for_whom", "x" * 201),
        ("consent_version", "2026"),
        ("consent_at", NOW),
    ],
)
def test_wrong_values_are_named_and_nothing_is_stored(field: str, value: object) -> None:
    with pytest.raises(BadInput, match="Allowed"):
        ask(**{field: value})
    assert AppointmentRequest.objects.count() == 0
    assert held("a", NOW) is not None


def test_each_step_is_remembered_with_who_when_and_which_time() -> None:
    request = ask()
    later = Slot(NATALIE, TEN + 180 * MINUTE, TEN + 240 * MINUTE)
    change_status(request, "confirmed", "natalie", NOW + 10 * MINUTE)
    reschedule_request(request, later, who="patient", now=NOW + 20 * MINUTE)
    change_status(request, "confirmed", "desk", NOW + 30 * MINUTE)
    cancel_request(request, now=NOW + 40 * MINUTE)
    assert history(request) == [
        ("held", "patient", NOW),
        ("requested", "patient", NOW + 3 * MINUTE),
        ("confirmed", "natalie", NOW + 10 * MINUTE),
        ("changed", "patient", NOW + 20 * MINUTE),
        ("confirmed", "desk", NOW + 30 * MINUTE),
        ("cancelled", "patient", NOW + 40 * MINUTE),
    ]
    times = list(request.status_changes.values_list("starts_at", flat=True))
    assert times == [TEN] * 3 + [TEN + 180 * MINUTE] * 3


@pytest.mark.parametrize("status", ["declined", "cancelled"])
def test_what_is_over_frees_its_time_and_cannot_go_on(status: str) -> None:
    request = change_status(ask(), status, "desk", NOW)
    assert Hold.objects.count() == Bucket.objects.count() == 0
    assert request.starts_at == TEN
    assert ask(conversation="b").starts_at == TEN
    with pytest.raises(BadInput, match="over"):
        cancel_request(request)
    with pytest.raises(BadInput, match="over"):
        reschedule_request(request, Slot(SAM, TEN, TEN + 60 * MINUTE))


def test_confirming_keeps_the_time() -> None:
    change_status(ask(), "confirmed", "desk", NOW)
    assert hold(NATALIE, TEN, 60, "b", NOW + timedelta(hours=3), clinic=TWO) is None


def test_held_is_only_ever_the_first_step() -> None:
    assert all("held" not in following for following in NEXT.values())
    with pytest.raises(BadInput, match="Allowed: requested, confirmed"):
        change_status(ask(), "held", "desk")


def test_requests_nobody_answered_expire_when_their_time_comes() -> None:
    waits, confirmed = ask(), ask(TEN + 90 * MINUTE, "b")
    moved, open_ended = ask(TEN + 180 * MINUTE, "c"), ask(None, "d")
    change_status(confirmed, "confirmed", "desk", NOW)
    reschedule_request(moved, Slot(SAM, TEN, TEN + 60 * MINUTE), who="desk", now=NOW)
    assert upkeep.expire(TEN - MINUTE) == 0
    assert upkeep.expire(TEN) == 2
    for request in (waits, confirmed, moved, open_ended):
        request.refresh_from_db()
    assert [r.status for r in (waits, confirmed, moved, open_ended)] == [
        *("expired", "confirmed", "expired", "requested"),
    ]
    assert history(waits)[-1] == ("expired", "assistant", TEN)
    assert Hold.objects.get().request == confirmed


def test_listeners_hear_of_each_change_once_and_inside_the_transaction(
    heard: list[StatusChange],
) -> None:
    request = ask(idempotency_key="k")
    create_request(
        conversation_id="a",
        patient_name="Priya Nair",
        patient_contact="604-555-0142",
        preferred_time="again",
        idempotency_key="k",
    )
    change_status(request, "confirmed", "desk", NOW)
    reschedule_request(request, Slot(SAM, TEN, TEN + 60 * MINUTE), who="desk", now=NOW)
    cancel_request(request, now=NOW)
    assert [c.status for c in heard] == ["requested", "confirmed", "changed", "cancelled"]
    assert all(change.request_id == request.pk for change in heard)


def test_a_listener_that_fails_undoes_the_change() -> None:
    request = ask()

    def refuse(**_: Any) -> None:
        raise RuntimeError("the outbox is full")

    status_changed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            cancel_request(request, now=NOW)
        with pytest.raises(RuntimeError):
            ask(TEN + 180 * MINUTE, "b")
        with pytest.raises(RuntimeError):
            reschedule_request(request, Slot(SAM, TEN, TEN + 60 * MINUTE), now=NOW)
    finally:
        status_changed.disconnect(refuse)
    request.refresh_from_db()
    assert (request.status, request.therapist) == ("requested", NATALIE)
    assert Hold.objects.get(request=request).starts_at == TEN
    assert AppointmentRequest.objects.count() == 1
    assert held("b", NOW) is not None


@pytest.mark.parametrize(
    "change", [{"starts_at": None}, {"ends_at": None}, {"ends_at": TEN}, {"therapist": ""}]
)
def test_the_database_itself_refuses_half_a_time(change: dict[str, Any]) -> None:
    request = ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=request.pk).update(**change)


def test_deleting_a_conversation_frees_its_times_and_forgets_its_waiting(
    heard: list[StatusChange],
) -> None:
    request = ask(for_whom="my mother", consent_version="2026-11", consent_at=NOW)
    hold(SAM, TEN, 60, "a", NOW, clinic=TWO)
    other = ask(TEN + 180 * MINUTE, "b")
    join_waiting_list(
        conversation_id="a",
        patient_name="Priya",
        patient_contact="604-555-0142",
        minutes=60,
        windows=[(TEN, TEN + 90 * MINUTE)],
        idempotency_key="w",
        now=NOW,
    )
    heard.clear()
    assert delete_conversation("a").requests_anonymised == 1
    request.refresh_from_db()
    assert (request.status, request.for_whom, request.consent_version, request.consent_at) == (
        *("cancelled", "", ""),
        None,
    )
    assert request.starts_at == TEN
    assert Hold.objects.get().request == other
    assert WaitingEntry.objects.count() == 0
    # Whoever is told finds nothing personal.
    (change,) = heard
    assert (change.status, change.request.patient_name) == ("cancelled", "")


def test_deleting_leaves_a_confirmed_time_taken() -> None:
    request = change_status(ask(), "confirmed", "desk", NOW)
    delete_conversation("a")
    assert Hold.objects.get().request == request


# A time that the clinic proposes


ELEVEN = Slot(NATALIE, at("2026-11-24 11:00"), at("2026-11-24 12:00"))


def propose(request: AppointmentRequest, slot: Slot = ELEVEN) -> int:
    """Natalie offers another time; the key of that change."""
    assert reschedule_request(request, slot, who="natalie", now=NOW)
    standing = standing_proposal(request)
    assert standing
    return int(standing.pk)


def test_a_proposed_time_is_confirmed_by_the_patient_who_accepts_it_once(
    heard: list[StatusChange],
) -> None:
    request = ask()
    proposal = propose(request)
    for _ in range(2):
        accepted = accept_proposal(request, proposal, NOW + MINUTE)
        assert (accepted.status, accepted.starts_at) == ("confirmed", ELEVEN.start_utc)
    assert history(request)[-1] == ("confirmed", "patient", NOW + MINUTE)
    assert [change.status for change in heard] == ["requested", "changed", "confirmed"]
    assert hold(NATALIE, ELEVEN.start_utc, 60, "b", NOW, clinic=TWO) is None
    assert standing_proposal(request) is None
    with pytest.raises(ProposalOver):
        refuse_proposal(request, proposal, NOW + MINUTE)


def test_a_proposed_time_that_does_not_suit_is_free_again_and_the_request_waits(
    heard: list[StatusChange],
) -> None:
    request = ask()
    proposal = propose(request)
    for _ in range(2):
        waiting = refuse_proposal(request, proposal, NOW + MINUTE)
        assert (waiting.status, waiting.starts_at, waiting.ends_at) == ("requested", None, None)
    assert waiting.preferred_time == "tuesday at ten"
    last = heard[-1]
    assert (last.who, last.reason, last.starts_at) == ("patient", "refused", ELEVEN.start_utc)
    assert len(heard) == 3
    assert hold(NATALIE, ELEVEN.start_utc, 60, "b", NOW, clinic=TWO)
    with pytest.raises(ProposalOver):
        accept_proposal(request, proposal, NOW + MINUTE)
    # Another one can be proposed.
    later = Slot(NATALIE, at("2026-11-24 14:00"), at("2026-11-24 15:00"))
    assert accept_proposal(request, propose(request, later), NOW).starts_at == later.start_utc


@pytest.mark.parametrize("answer", [accept_proposal, refuse_proposal])
@pytest.mark.parametrize(
    "meanwhile", ["another", "declined", "confirmed", "moved", "cancelled", "its time"]
)
def test_a_proposal_that_does_not_stand_any_more_is_not_answered(
    meanwhile: str, answer: Any
) -> None:
    request = ask()
    proposal, now = propose(request), NOW + MINUTE
    later = Slot(NATALIE, at("2026-11-24 14:00"), at("2026-11-24 15:00"))
    if meanwhile == "another":
        propose(request, later)
    elif meanwhile == "moved":
        assert reschedule_request(request, later, now=NOW)
    elif meanwhile == "its time":
        now = ELEVEN.start_utc
    else:
        change_status(request, meanwhile, "patient" if meanwhile == "cancelled" else "natalie", NOW)
    before = history(request)
    with pytest.raises(ProposalOver):
        answer(request, proposal, now)
    assert history(request) == before


def test_a_time_that_the_patient_asked_for_is_no_proposal() -> None:
    request = ask()
    assert standing_proposal(request) is None
    reschedule_request(request, ELEVEN, now=NOW)
    assert standing_proposal(request) is None
    with pytest.raises(ProposalOver):
        accept_proposal(request, request.status_changes.last().pk, NOW)
