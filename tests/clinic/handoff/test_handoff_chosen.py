"""``booking.system`` in clinic.yml: each way with its keys, a sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from handoff_peers.samples import ROOT

from clinic.booking.handoff.chosen import BookingSystem
from clinic.facts import ClinicFileError, Facts, load

SAMPLE = (ROOT / "clinic.yml").read_text(encoding="utf-8")
EMPTY = SAMPLE[SAMPLE.index("  system:\n") : SAMPLE.index("# What is kept of a conversation")]

CALDAV = """
    way: caldav
    therapists:
      Natalie Yeo: https://cloud.example.com/dav/natalie/
"""
CLINIKO = """
    way: cliniko
    business: 1390053865344214699
    therapists:
      Natalie Yeo: 1390053863163176768
    services:
      massage therapy:
        30: 11
        45: 12
        60: 13
"""
LINK = """
    way: link
    program: jane
    address: https://sorrel-lane.janeapp.com/
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clinic.yml"


def with_keys(file: Path, keys: str, *changes: tuple[str, str]) -> Facts:
    for old, new in changes:
        assert keys.count(old) == 1, old
        keys = keys.replace(old, new)
    text = SAMPLE.replace(EMPTY, f"  system:{keys}\n")
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_the_sample_and_no_section_at_all_mean_requests(file: Path) -> None:
    assert load(ROOT / "clinic.yml").booking.system == BookingSystem()
    file.write_text(SAMPLE.replace(EMPTY, ""), encoding="utf-8")
    assert load(file).booking.system.way == "requests"


def test_each_way_with_its_keys(file: Path) -> None:
    link = with_keys(file, LINK + "    prefill: false\n    therapists: {Natalie Yeo: a-1}\n")
    assert link.booking.system == BookingSystem(
        way="link",
        program="jane",
        address="https://sorrel-lane.janeapp.com/",
        prefill=False,
        therapists={"Natalie Yeo": "a-1"},
    )
    caldav = with_keys(file, CALDAV).booking.system
    assert caldav.therapists == {"Natalie Yeo": "https://cloud.example.com/dav/natalie/"}
    cliniko = with_keys(file, CLINIKO).booking.system
    assert cliniko.business == "1390053865344214699"
    assert cliniko.services == {
        ("massage therapy", 30): "11",
        ("massage therapy", 45): "12",
        ("massage therapy", 60): "13",
    }


def test_keys_of_another_way_may_stay(file: Path) -> None:
    keys = CLINIKO.replace("way: cliniko", "way: requests") + "    address: nonsense\n"
    assert with_keys(file, keys).booking.system == BookingSystem()


@pytest.mark.parametrize(
    ("keys", "old", "new", "said"),
    [
        (LINK, "way: link", "way: fax", 'booking.system.way is "fax"'),
        (LINK, "program: jane", "program: june", 'booking.system.program is "june"'),
        (LINK, "program: jane", "program:", "booking.system.program is empty"),
        (LINK, "https://sorrel-lane.janeapp.com/", "", "booking.system.address is empty"),
        (LINK, "https://", "http://", "does not start with https://"),
        (LINK, "janeapp.com", "example.com", "its host is not janeapp.com"),
        (LINK, "program: jane", "program: jane\n    prefill: maybe", 'prefill is "maybe"'),
        (LINK, "program: jane", "program: jane\n    progam: x", "is not a key"),
        (
            LINK,
            "program: jane",
            "program: jane\n    therapists: {Natalie Yeo: a/b}",
            'booking.system.therapists.Natalie Yeo is "a/b"',
        ),
        (
            LINK,
            "program: jane",
            "program: jane\n    services: {massage therapy: {50: 1}}",
            "booking.system.services.massage therapy.50",
        ),
        (CALDAV, "Natalie Yeo: https", "Natalie: https", "therapists.Natalie is"),
        (CALDAV, "https://cloud", "http://cloud", "does not start with https://"),
        (CALDAV, "https://cloud", "https://me:secret@cloud", "without a user name"),
        (CALDAV, "https://cloud.example.com/dav/natalie/", "", "therapists.Natalie Yeo is empty"),
        (CLINIKO, "45: 12", "45:", "booking.system.services.massage therapy.45 is empty"),
        (CLINIKO, "45: 12", "45: twelve", 'massage therapy.45 is "twelve"'),
        (CLINIKO, "business: 1390053865344214699", "business:", "business is empty"),
        (CLINIKO, "business: 1390053865344214699", "business: x", 'business is "x"'),
        (CLINIKO, "1390053863163176768", "[1, 2]", "booking.system.therapists.Natalie Yeo is"),
    ],
)
def test_a_mistake_is_named(file: Path, keys: str, old: str, new: str, said: str) -> None:
    with pytest.raises(ClinicFileError) as caught:
        with_keys(file, keys, (old, new))
    problem = next(p for p in caught.value.problems if said in p)
    assert problem.startswith("clinic.yml line ")
    if "is not a key" not in problem:
        assert "Allowed: " in problem
        assert "for example" in problem


def test_a_calendar_on_this_computer_needs_no_encryption(file: Path) -> None:
    here = ("https://cloud.example.com", "http://127.0.0.1:5232")
    assert with_keys(file, CALDAV, here).booking.system.way == "caldav"


def test_cliniko_needs_the_clinic_s_address(file: Path) -> None:
    text = SAMPLE.replace(EMPTY, f"  system:{CLINIKO}\n")
    file.write_text(text.replace("email: hello@", "# email: hello@"), encoding="utf-8")
    with pytest.raises(ClinicFileError, match="email filled in"):
        load(file)
