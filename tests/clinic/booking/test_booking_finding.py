"""Finding a request again, and what wrong tries cost, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from clinics import NOW

from clinic.booking import finding, upkeep
from clinic.booking.finding import Throttled, find_request
from clinic.booking.models import AppointmentRequest, WrongPairs
from clinic.booking.requests import create_request
from clinic.contacts import read_contact
from clinic.privacy.deletion import delete_conversation

pytestmark = pytest.mark.usefixtures("any_database")

RIGHT = "604-555-0142"
NONE = "XXXXXX"


@pytest.fixture
def request_(any_database: str) -> AppointmentRequest:
    return make("c", RIGHT)


def make(conversation: str, contact: str) -> AppointmentRequest:
    return create_request(
        conversation_id=conversation,
        patient_name="Priya Nair",
        patient_contact=contact,
        preferred_time="tuesday",
        idempotency_key=conversation,
        now=NOW,
    )


def find(
    reference: str,
    contact: str = RIGHT,
    conversation: str = "x",
    now: datetime = NOW,
    address: str | None = None,
) -> AppointmentRequest | Throttled | None:
    return find_request(reference, contact, conversation_id=conversation, address=address, now=now)


@pytest.mark.parametrize("contact", [RIGHT, "it's (604) 555 0142", "+1 604 555-0142 ext 5"])
@pytest.mark.parametrize(
    "write", [str, str.lower, lambda r: f" {r[:3]}-{r[3:]} ", lambda r: f"#{r}"]
)
def test_reference_and_contact_may_be_as_typed(
    request_: AppointmentRequest, contact: str, write: type[str]
) -> None:
    assert find(write(request_.reference), contact) == request_


def test_a_contact_already_read_and_an_address_in_capitals(request_: AppointmentRequest) -> None:
    contact = read_contact(RIGHT)
    assert contact is not None
    assert find_request(request_.reference, contact, conversation_id="x", now=NOW) == request_
    other = make("d", "Priya.N@example.com")
    assert find(other.reference, "PRIYA.n@Example.com") == other


@pytest.mark.parametrize("contact", ["604-555-0143", "priya@example.com", "my phone", "", "ext 5"])
def test_a_wrong_contact_is_the_same_as_no_request(
    request_: AppointmentRequest, contact: str
) -> None:
    assert find(request_.reference, contact) is None
    assert find(NONE, contact) is None


@pytest.mark.parametrize("reference", ["", "K3", "K3F9PQX", "0O1ILZ", "'; --", "\x00" * 6, "é" * 6])
def test_what_is_no_reference_finds_nothing(request_: AppointmentRequest, reference: str) -> None:
    assert find(reference) is None


def test_after_five_wrong_pairs_it_slows_down_more_and_more(request_: AppointmentRequest) -> None:
    for _ in range(5):
        assert find(NONE, "604-555-0199") is None
    # The right pair too: otherwise the answer would tell that it is right.
    assert find(request_.reference) == Throttled(30)
    assert find(request_.reference, now=NOW + timedelta(seconds=29.5)) == Throttled(1)
    now = NOW + timedelta(seconds=30)
    for wait in (60, 120, 240, 480, 900, 900):
        assert find(NONE, now=now) is None
        assert find(NONE, now=now) == Throttled(wait)
        now += timedelta(seconds=wait)
    assert find(request_.reference, now=now, conversation="another") == request_
    # What was right does not pay for what was wrong.
    assert find(NONE, now=now) is None
    assert find(NONE, now=now) == Throttled(900)


def test_five_wrong_pairs_count_wherever_they_are_tried(request_: AppointmentRequest) -> None:
    for n in range(5):  # somebody's contact, from one conversation after the other
        assert find(NONE, RIGHT, f"a{n}") is None
    assert isinstance(find(request_.reference, RIGHT, "fresh"), Throttled)
    later = NOW + timedelta(days=2)
    for n in range(5):  # somebody's reference
        assert find(request_.reference, f"604-555-01{n:02d}", f"b{n}", later) is None
    assert isinstance(find(request_.reference, RIGHT, "fresh", later), Throttled)
    later += timedelta(days=2)
    for n in range(5):  # from one computer
        reference = f"{'34679'[n]}XXXXX"
        assert find(reference, f"604-555-01{n:02d}", f"d{n}", later, "192.0.2.7") is None
    assert isinstance(find(request_.reference, RIGHT, "new", later, "192.0.2.7"), Throttled)
    assert find(request_.reference, RIGHT, "new", later, "192.0.2.8") == request_
    assert find(request_.reference, RIGHT, "new", later) == request_


def test_wrong_pairs_are_forgotten_after_a_day(request_: AppointmentRequest) -> None:
    for _ in range(5):
        find(NONE, "604-555-0199")
    later = NOW + timedelta(hours=24, seconds=1)
    for _ in range(4):
        assert find(NONE, "604-555-0199", now=later) is None
    assert find(request_.reference, now=later) == request_
    assert upkeep.expire(later) > 0  # what was found right left counts of nought
    assert WrongPairs.objects.count() == 3
    assert upkeep.expire(later + timedelta(hours=24)) == 3
    assert WrongPairs.objects.count() == 0


def test_nothing_readable_is_stored_about_tries(request_: AppointmentRequest) -> None:
    find(request_.reference, "604-555-0199", "secret-conversation", NOW, "192.0.2.7")
    digests = set(WrongPairs.objects.values_list("digest", flat=True))
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)


def test_comparing_takes_a_path_of_its_own_for_nothing(
    request_: AppointmentRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    real = finding.constant_time_compare

    def count(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return bool(real(one, other))

    monkeypatch.setattr(finding, "constant_time_compare", count)
    find(request_.reference)
    find(request_.reference, "604-555-0199")
    find(NONE)
    find("?", "nothing")
    assert compared == [(64, 64)] * 4


def test_an_erased_request_is_not_found_by_anything(request_: AppointmentRequest) -> None:
    delete_conversation("c")
    for contact in (RIGHT, "", "nothing"):
        assert find(request_.reference, contact, f"x {contact}") is None
