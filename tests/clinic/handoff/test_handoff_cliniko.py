"""Way out ``cliniko`` against a local server that follows the public documentation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from handoff_peers.bad import BadServer, saying, silent
from handoff_peers.cliniko import KEY, ClinikoServer
from handoff_peers.samples import NOW, START, appointment

from clinic.booking.handoff import cliniko as module
from clinic.booking.handoff import patience, web
from clinic.booking.handoff.cliniko import Cliniko, key_from_environment, shard_of
from clinic.booking.handoff.interface import Delivery, Event, Outcome, Part, Reason, Trouble
from clinic.booking.handoff.requests import Requests
from clinic.booking.handoff.ways import way_out
from clinic.environment import EnvironmentProblem
from clinic.facts import Facts

HOUR = timedelta(hours=1)
#: Thursday 2 pm in Toronto: the account is open from 9 to 17.
AT = START - 2 * HOUR


def way_to(server: ClinikoServer, clinic: Facts, key: str = KEY, now: datetime = NOW) -> Cliniko:
    return Cliniko(clinic, Requests(clinic, None), key, base=server.base, now=lambda: now)


@pytest.fixture
def way(cliniko: ClinikoServer, cliniko_clinic: Facts) -> Cliniko:
    return way_to(cliniko, cliniko_clinic)


def ask(way: Cliniko, **changes: Any) -> Delivery:
    return way.deliver(appointment(**{"starts_at": AT} | changes), Part.SYSTEM)


def test_a_request_becomes_one_appointment_of_one_new_patient(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    first = ask(way)
    assert first.outcome == Outcome.SENT
    assert ask(way).external_id == first.external_id
    assert ask(way, external_id=first.external_id).external_id == first.external_id
    (entry,) = cliniko.appointments
    assert entry["starts_at"] == "2026-11-26T19:00:00Z"
    assert entry["ends_at"] == "2026-11-26T20:00:00Z"
    assert entry["notes"].startswith("[7KQ3RD] ")
    assert "Zanzibar" in entry["notes"]
    (patient,) = cliniko.patients
    assert (patient["first_name"], patient["last_name"]) == ("Priya", "Nair")
    assert patient["email"] == "priya@example.com"
    assert entry["patient_id"] == patient["id"]
    assert cliniko.agents == {"Sciatica clinic assistant (hello@sorrel-lane.example.com)"}
    assert {"GET", "POST"} == {method for method, _ in cliniko.calls}
    assert cliniko.calls[-1][1].endswith("/conflicts")


def patient(server: ClinikoServer, **values: Any) -> dict[str, Any]:
    entry = {
        "id": server.new_id(),
        "first_name": "Priya",
        "last_name": "Nair",
        "email": "",
        "archived_at": None,
        "patient_phone_numbers": [],
    } | values
    server.patients.append(entry)
    return entry


def test_a_known_patient_is_found_by_name_and_address(way: Cliniko, cliniko: ClinikoServer) -> None:
    patient(cliniko, first_name="Arjun", email="priya@example.com")
    known = patient(cliniko, first_name="PRIYA", email="Priya@Example.com")
    ask(way)
    assert cliniko.appointments[0]["patient_id"] == known["id"]
    assert len(cliniko.patients) == 2


def test_a_known_patient_is_found_by_name_and_phone_however_it_is_written(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    patient(cliniko, patient_phone_numbers=[{"phone_type": "Home", "number": "416 555 0101"}])
    known = patient(
        cliniko, patient_phone_numbers=[{"phone_type": "Mobile", "number": "(604) 555-0142"}]
    )
    ask(way, patient_email=None, patient_phone="+16045550142")
    assert cliniko.appointments[0]["patient_id"] == known["id"]


def test_an_address_shared_in_a_family_does_not_make_one_person_of_two(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    patient(cliniko, first_name="Arjun", email="priya@example.com")
    patient(cliniko, email="priya@example.com", archived_at="2026-01-01T00:00:00Z")
    ask(way)
    assert len(cliniko.patients) == 3


def test_a_single_name_and_a_phone_are_enough(way: Cliniko, cliniko: ClinikoServer) -> None:
    ask(way, patient_name="Priya", patient_email=None, patient_phone="+16045550142")
    (made,) = cliniko.patients
    assert made["last_name"] == "(not given)"
    assert made["patient_phone_numbers"] == [{"phone_type": "Mobile", "number": "+16045550142"}]
    again = {"reference": "9CDFGH", "starts_at": AT + HOUR}
    ask(way, patient_name="Priya", patient_email=None, patient_phone="+16045550142", **again)
    assert len(cliniko.appointments) == 2
    assert len(cliniko.patients) == 1


def test_all_pages_are_looked_through(way: Cliniko, cliniko: ClinikoServer) -> None:
    cliniko.page = 3
    for number in range(7):
        patient(cliniko, first_name=f"P{number}", email="priya@example.com")
    known = patient(cliniko, email="priya@example.com")
    for number in range(5):
        cliniko.book(NOW + timedelta(days=20, hours=number), 30, notes=f"[00000{number}]")
    found = ask(way)
    assert cliniko.live()[-1]["patient_id"] == known["id"]
    assert ask(way).external_id == found.external_id
    assert len(cliniko.patients) == 8


def test_what_cliniko_does_not_offer_is_busy(way: Cliniko, cliniko: ClinikoServer) -> None:
    cliniko.book(AT, 60)
    day = datetime(2026, 11, 26, 5, tzinfo=UTC)
    opens, closes = day + 8 * HOUR, day + 20 * HOUR  # of the clinic, 8 to 20
    found = way.offer_busy(day, day + timedelta(days=1), "Natalie Yeo")
    assert found == [(opens, opens + HOUR), (AT, AT + HOUR), (closes - 3 * HOUR, closes)]


def test_a_month_is_asked_for_a_week_at_a_time_and_never_the_past(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    way.offer_busy(NOW - timedelta(days=3), NOW + timedelta(days=28), "Natalie Yeo")
    asked = [query for path, query in cliniko.queries if path.endswith("available_times")]
    assert [(q["from"], q["to"]) for q in asked if q["page"] == "1"] == [
        ("2026-11-20", "2026-11-26"),
        ("2026-11-27", "2026-12-03"),
        ("2026-12-04", "2026-12-10"),
        ("2026-12-11", "2026-12-17"),
        ("2026-12-18", "2026-12-18"),
    ]


def test_a_time_taken_meanwhile_is_not_booked(way: Cliniko, cliniko: ClinikoServer) -> None:
    cliniko.book(AT + HOUR / 2, 30)
    delivery = ask(way)
    assert (delivery.outcome, delivery.reason) == (Outcome.STUCK, Reason.TIME_TAKEN)
    assert len(cliniko.appointments) == 1
    assert not cliniko.patients


def test_a_conflict_seen_afterwards_is_for_a_person(way: Cliniko, cliniko: ClinikoServer) -> None:
    cliniko.before_create = lambda: cliniko.live() or cliniko.book(AT, 30)
    delivery = ask(way)
    assert (delivery.outcome, delivery.reason) == (Outcome.STUCK, Reason.CONFLICT)
    assert delivery.external_id == cliniko.appointments[-1]["id"]
    assert ask(way, external_id=delivery.external_id).reason == Reason.CONFLICT
    assert len(cliniko.appointments) == 2


def test_a_change_moves_it_and_an_end_cancels_it(way: Cliniko, cliniko: ClinikoServer) -> None:
    made = ask(way).external_id
    moved = {"status": Event.CHANGED, "sequence": 1, "starts_at": AT - 3 * HOUR}
    assert ask(way, **moved, external_id=made, external_sequence=0).external_id == made
    assert cliniko.appointments[0]["starts_at"] == "2026-11-26T16:00:00Z"
    over = {"status": Event.CANCELLED, "sequence": 2, "external_id": made}
    for _ in range(2):
        assert ask(way, **over).outcome == Outcome.SENT
    (entry,) = cliniko.appointments
    assert entry["cancelled_at"]
    assert entry["cancellation_reason"] == 50
    assert [c for c in cliniko.calls if c[1].endswith("/cancel")] == [
        ("PATCH", f"/individual_appointments/{made}/cancel")
    ]


def test_what_was_never_made_needs_no_cancelling(way: Cliniko, cliniko: ClinikoServer) -> None:
    assert ask(way, status=Event.DECLINED, sequence=1).outcome == Outcome.SENT
    assert cliniko.appointments == []


def test_a_confirmation_leaves_alone_what_the_clinic_moved(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    made = ask(way).external_id
    cliniko.appointments[0]["starts_at"] = "2026-11-26T16:00:00Z"
    confirmed = {"status": Event.CONFIRMED, "external_id": made, "external_sequence": 0}
    ask(way, sequence=1, **confirmed)
    assert cliniko.appointments[0]["starts_at"] == "2026-11-26T16:00:00Z"
    # A change in between that never arrived: now the time of the confirmation counts.
    ask(way, sequence=2, **confirmed)
    assert cliniko.appointments[0]["starts_at"] == "2026-11-26T19:00:00Z"


def test_what_the_clinic_deleted_is_made_anew_when_confirmed(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    made = ask(way).external_id
    cliniko.appointments.clear()
    ask(way, status=Event.CONFIRMED, sequence=1, external_id=made, external_sequence=0)
    assert len(cliniko.live()) == 1


def test_the_rate_limit_is_kept_and_the_time_to_wait_is_theirs(
    cliniko: ClinikoServer, cliniko_clinic: Facts
) -> None:
    cliniko.limit = 3
    with pytest.raises(Trouble) as caught:
        ask(way_to(cliniko, cliniko_clinic))
    assert (caught.value.reason, caught.value.final) == (Reason.RATE_LIMIT, False)
    assert caught.value.retry_at
    assert timedelta(seconds=59) < caught.value.retry_at - NOW <= timedelta(seconds=62)
    later = caught.value.retry_at
    cliniko.now, cliniko.limit = (lambda: later), 200
    assert ask(way_to(cliniko, cliniko_clinic, now=later)).outcome == Outcome.SENT


@pytest.mark.parametrize(
    ("header", "at"), [("soon", None), ("", None), ("99999999999", None), ("1", None)]
)
def test_a_time_to_wait_that_makes_no_sense_is_not_believed(header: str, at: None) -> None:
    answer = web.Answer(429, {"x-ratelimit-reset": header}, b"")
    assert module._reset(answer, NOW) is at


@pytest.mark.parametrize(
    ("status", "reason", "final"),
    [
        (400, Reason.REFUSED, True),
        (401, Reason.LOGIN, True),
        (403, Reason.LOGIN, True),
        (404, Reason.NOT_FOUND, True),
        (422, Reason.REFUSED, True),
        (408, Reason.UNEXPECTED, False),
        (429, Reason.RATE_LIMIT, False),
        (500, Reason.BUSY, False),
        (503, Reason.BUSY, False),
    ],
)
def test_every_refusal_is_final_or_not(
    way: Cliniko, cliniko: ClinikoServer, status: int, reason: Reason, final: bool
) -> None:
    cliniko.fail = [status]
    with pytest.raises(Trouble) as caught:
        ask(way)
    assert (caught.value.reason, caught.value.final) == (reason, final)
    assert caught.value.code == str(status)
    assert "Priya" not in str(caught.value)


def test_an_answer_lost_after_the_work_was_done_doubles_nothing(
    way: Cliniko, cliniko: ClinikoServer
) -> None:
    cliniko.fail_after = [502, 502]
    for _ in range(2):  # the patient's record first, then the appointment
        with pytest.raises(Trouble):
            ask(way)
    assert ask(way).outcome == Outcome.SENT
    assert (len(cliniko.patients), len(cliniko.appointments)) == (1, 1)


def test_a_wrong_key_is_final_and_stays_secret(
    cliniko: ClinikoServer, cliniko_clinic: Facts
) -> None:
    with pytest.raises(Trouble) as caught:
        ask(way_to(cliniko, cliniko_clinic, key="another-secret-ca1"))
    assert (caught.value.reason, caught.value.final) == (Reason.LOGIN, True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}"),
    ],
)
def test_answers_without_sense_are_tried_again(
    cliniko_clinic: Facts,
    bad_server: Callable[..., BadServer],
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[..., None],
) -> None:
    monkeypatch.setattr(patience, "LIMIT", 0.4)
    base = f"http://127.0.0.1:{bad_server(behave).port}/v1"
    way = Cliniko(cliniko_clinic, Requests(cliniko_clinic, None), KEY, base=base, now=lambda: NOW)
    with pytest.raises(Trouble) as caught:
        ask(way)
    assert not caught.value.final


def test_all_calls_of_one_delivery_have_a_limit_together(
    way: Cliniko, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_ALL", 0)
    with pytest.raises(Trouble) as caught:
        ask(way)
    assert (caught.value.reason, caught.value.final) == (Reason.TOO_SLOW, False)


def test_names_that_left_clinic_yml_are_for_a_person(way: Cliniko) -> None:
    for changes in ({"therapist": "Someone Gone"}, {"service": "hot stones"}):
        with pytest.raises(Trouble) as caught:
            ask(way, **changes)
        assert (caught.value.reason, caught.value.final) == (Reason.NO_SYSTEM, True)


def test_parts(way: Cliniko) -> None:
    assert way.parts(appointment(), by_clinic=False) == (Part.SYSTEM, Part.PATIENT, Part.CLINIC)
    without_time = appointment(starts_at=None)
    assert way.parts(without_time, by_clinic=False) == (Part.PATIENT, Part.CLINIC)
    assert way.deliver(appointment(), Part.CLINIC).reason == Reason.NO_MAIL


@pytest.mark.parametrize(
    ("key", "shard"),
    [("abc-ca1", "ca1"), ("a-b-UK12", "uk12"), ("oldkey", "au1"), ("a-evil.example.com/", None)],
)
def test_the_shard_is_at_the_end_of_the_key(key: str, shard: str | None) -> None:
    assert shard_of(key) == shard


def test_the_address_is_made_of_the_shard(cliniko_clinic: Facts) -> None:
    way = Cliniko(cliniko_clinic, Requests(cliniko_clinic, None), "abcdefghij-ca1")
    assert way._base == "https://api.ca1.cliniko.com/v1"


@pytest.mark.parametrize("key", ["", "short-ca1", "MS0xLWNsaW5pa28-evil.example", "with space-ca1"])
def test_a_wrong_key_setting_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("CLINIC_CLINIKO_KEY", key)
    with pytest.raises(EnvironmentProblem, match=r"^CLINIC_CLINIKO_KEY .*Allowed") as caught:
        key_from_environment()
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["https://api.example.com/v1", "http://api.example.com", "127.0.0.1:80", "ftp://127.0.0.1"],
)
def test_the_key_goes_to_cliniko_or_stays_on_this_computer(
    address: str, cliniko_clinic: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_CLINIKO_KEY", KEY)
    monkeypatch.setenv("CLINIC_CLINIKO_ADDRESS", address)
    with pytest.raises(EnvironmentProblem, match="CLINIC_CLINIKO_ADDRESS is"):
        way_out(cliniko_clinic)
