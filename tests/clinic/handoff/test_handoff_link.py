"""Way out ``link``: where patients are sent, and where they are never sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from handoff_peers.samples import appointment, with_system

from clinic.booking.handoff.chosen import link_problem, programs
from clinic.booking.handoff.interface import Part
from clinic.booking.handoff.link import LinkOut, link_for
from clinic.booking.handoff.requests import Requests
from clinic.facts import Facts

PERSON = {"name": "Priya Nair-O'Neil", "email": "priya+rmt@example.com", "phone": "+16045550142"}
WANTED: dict[str, Any] = {
    "service": "massage therapy",
    "minutes": 60,
    "therapist": "Natalie Yeo",
}


def clinic_with(clinic: Facts, program: str, address: str, ids: str = "both", **more: Any) -> Facts:
    return with_system(
        clinic,
        way="link",
        program=program,
        address=address,
        therapists={"Natalie Yeo": "12"} if ids in ("both", "therapist") else {},
        services={("massage therapy", 60): "34"} if ids in ("both", "service") else {},
        **more,
    )


@pytest.mark.parametrize(
    ("program", "address", "ids", "expected"),
    [
        (
            "jane",
            "https://sorrel-lane.janeapp.com/",
            "both",
            "https://sorrel-lane.janeapp.com/#/staff_member/12/treatment/34",
        ),
        (
            "jane",
            "https://sorrel-lane.janeapp.com/",
            "therapist",
            "https://sorrel-lane.janeapp.com/#/staff_member/12",
        ),
        (
            "jane",
            "https://sorrel-lane.janeapp.com/#/discipline/1",
            "service",
            "https://sorrel-lane.janeapp.com/#/discipline/1",
        ),
        (
            "acuity",
            "https://sorrel.as.me/schedule.php?owner=9",
            "both",
            "https://sorrel.as.me/schedule.php?owner=9&appointmentType=34&calendarID=12",
        ),
        (
            "acuity",
            "https://sorrel.acuityscheduling.com/schedule.php",
            "service",
            "https://sorrel.acuityscheduling.com/schedule.php?appointmentType=34",
        ),
        (
            "square",
            "https://book.squareup.com/appointments/m1/location/L1/services/",
            "both",
            "https://book.squareup.com/appointments/m1/location/L1/services/34?team_member_id=12",
        ),
        (
            "square",
            "https://book.squareup.com/appointments/m1/location/L1/services",
            "none",
            "https://book.squareup.com/appointments/m1/location/L1/services",
        ),
        (
            "calendly",
            "https://calendly.com/sorrel-lane",
            "both",
            "https://calendly.com/sorrel-lane/34",
        ),
        ("cal.com", "https://cal.com/sorrel-lane", "both", "https://cal.com/sorrel-lane/34"),
        (
            "simplybook",
            "https://sorrel.simplybook.me/v2/",
            "both",
            "https://sorrel.simplybook.me/v2/#book/service/34/count/1/provider/12/",
        ),
        (
            "simplybook",
            "https://sorrel.simplybook.me/v2/",
            "therapist",
            "https://sorrel.simplybook.me/v2/#book/provider/12",
        ),
        ("noterro", "https://sorrel.noterro.com/", "both", "https://sorrel.noterro.com/"),
        ("other", "https://booking.example.com/a?b=c", "both", "https://booking.example.com/a?b=c"),
    ],
)
def test_each_program_is_told_what_it_understands(
    sample: Facts, program: str, address: str, ids: str, expected: str
) -> None:
    link = link_for(clinic_with(sample, program, address, ids), **WANTED, **PERSON)
    assert link.plain == expected
    assert link.program == program
    assert "Priya" not in link.plain


@pytest.mark.parametrize(
    ("program", "address", "filled"),
    [
        (
            "acuity",
            "https://sorrel.as.me/schedule.php",
            {
                "firstName": "Priya",
                "lastName": "Nair-O'Neil",
                "phone": "+16045550142",
                "email": "priya+rmt@example.com",
            },
        ),
        (
            "calendly",
            "https://calendly.com/sorrel-lane",
            {"name": "Priya Nair-O'Neil", "email": "priya+rmt@example.com"},
        ),
        (
            "cal.com",
            "https://cal.com/sorrel-lane",
            {"name": "Priya Nair-O'Neil", "email": "priya+rmt@example.com"},
        ),
        ("jane", "https://sorrel-lane.janeapp.com/", {}),
        ("square", "https://book.squareup.com/appointments/m1/location/L1/services", {}),
        ("simplybook", "https://sorrel.simplybook.me/v2/", {}),
        ("noterro", "https://sorrel.noterro.com/", {}),
        ("other", "https://booking.example.com/", {}),
    ],
)
def test_only_documented_fields_are_filled_in(
    sample: Facts, program: str, address: str, filled: dict[str, str]
) -> None:
    clinic = clinic_with(sample, program, address, "none")
    found = parse_qs(
        urlsplit(link_for(clinic, **PERSON).address).query, strict_parsing=bool(filled)
    )
    assert found == {key: [value] for key, value in filled.items()}
    assert link_for(clinic).address == link_for(clinic).plain == address


def test_filling_in_can_be_turned_off(sample: Facts) -> None:
    clinic = clinic_with(sample, "acuity", "https://sorrel.as.me/", "none", prefill=False)
    assert link_for(clinic, **PERSON).address == "https://sorrel.as.me/"


def test_words_of_a_patient_cannot_change_where_the_link_goes(sample: Facts) -> None:
    clinic = clinic_with(sample, "acuity", "https://sorrel.as.me/schedule.php", "both")
    evil = "x&appointmentType=9#@evil.example/ \r\nHost: evil"
    link = link_for(clinic, **WANTED, name=evil, email=evil, phone=evil)
    parts = urlsplit(link.address)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "sorrel.as.me", "")
    assert parse_qs(parts.query)["appointmentType"] == ["34"]


@pytest.mark.parametrize(
    ("program", "address", "why"),
    [
        ("jane", "http://sorrel-lane.janeapp.com/", "https"),
        ("jane", "javascript:alert(1)", "https"),
        ("jane", "https://janeapp.com.evil.example/", "host"),
        ("jane", "https://evil-janeapp.com/", "host"),
        ("jane", "https://evil.example/janeapp.com", "host"),
        ("jane", "https://sorrel@janeapp.com/", "user name"),
        ("jane", "https://janeapp.com@evil.example/", "user name"),
        ("jane", "https://janeapp.com:8443/", "port"),
        ("jane", "https://janeapp.com\\@evil.example/", "backslash"),
        ("jane", "https://janeapp.com/\n", "control"),
        ("jane", "https://[::1]/", "not a name"),
        ("other", "https://127.0.0.1/", "not a name"),
        ("other", "https://localhost/", "not a name"),
        ("other", "https://", "not a name"),
        ("acuity", "https://home.me/", "host"),
    ],
)
def test_an_address_that_is_not_sound_is_refused(program: str, address: str, why: str) -> None:
    assert why in (link_problem(program, address) or "")


def test_the_form_of_an_address_is_checked_before_a_patient_sees_it(sample: Facts) -> None:
    clinic = clinic_with(sample, "jane", "https://evil.example/")
    with pytest.raises(ValueError, match="not sound"):
        link_for(clinic, **WANTED)
    with pytest.raises(ValueError, match="not link"):
        link_for(sample)


def test_every_program_says_where_its_form_was_read() -> None:
    assert set(programs()) == {
        "jane", "acuity", "square", "calendly", "cal.com", "simplybook", "noterro", "other",
    }  # fmt: skip
    for name, program in programs().items():
        assert program["source"], name
        assert set(program) <= {"hosts", "forms", "prefill", "source"}, name
        assert name == "other" or program["hosts"], name


def test_a_stored_request_still_brings_the_letters(sample: Facts) -> None:
    clinic = clinic_with(sample, "jane", "https://sorrel-lane.janeapp.com/")
    way = LinkOut(clinic, Requests(clinic, None))
    assert way.parts(appointment(), by_clinic=False) == (Part.PATIENT, Part.CLINIC)
    assert way.offer_busy(appointment().starts_at, appointment().ends_at, "Natalie Yeo") == []  # type: ignore[arg-type]
