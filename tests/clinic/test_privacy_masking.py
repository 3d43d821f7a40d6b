"""What tells who a patient is is masked wherever staff read along."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import phonenumbers
import pytest
import test_clinic_contacts
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic import facts
from clinic.contacts import read_contacts
from clinic.privacy.masking import mask, mask_all, scrub


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-27T15:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call me at 416-555-0143 please", "call me at [phone] please"),
        ("(416) 555 0142", "[phone]"),
        ("4165550142", "[phone]"),
        ("+1 416.555.0142 ext 5", "[phone]"),
        ("it's 555-0142", "it's [phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("416 / 555 / 0142", "[phone]"),
        ("".join(chr(0xFF10 + int(digit)) for digit in "4165550142"), "[phone]"),
        ("416\u200b555\u200b0142", "[phone]"),
        ("416\u2013555\u20130142", "[phone]"),
        ("four one six five five five oh one four two", "[phone]"),
        ("416 five five five 0199 is my cell", "[phone] is my cell"),
        ("six four seven, double five five 0122", "[phone]"),
        ("call five five five, oh one four two", "call [phone]"),
        ("its lena okoro at example dot com ok", "its [e-mail] ok"),
        ("jo@yahoo", "[e-mail]"),
        ("sam at gmail", "[e-mail]"),
        ("my email is samfox hotmail.com", "my email is [e-mail]"),
        ("priya@example.com, thanks", "[e-mail], thanks"),
        ("priya.nair+x@mail.example.co.uk", "[e-mail]"),
        ("priya (at) example (dot) com", "[e-mail]"),
        ("priya at example dot com", "[e-mail]"),
        ("priya at example.com", "[e-mail]"),
        ("priya @ example.com", "[e-mail]"),
        ("priya\uff20example.com", "[e-mail]"),
        ("born 12 May 1980", "born [birth date]"),
        ("my dob is 1980-05-12", "my dob is [birth date]"),
        ("DOB: 05/12/80", "DOB: [birth date]"),
        ("date of birth May 12th, 1980.", "date of birth [birth date]."),
        ("12.05.1980", "[birth date]"),
        ("19800512", "[birth date]"),
        ("my birthday is May 12", "my birthday is [birth date]"),
        ("health card 1234-567-890-AB", "health card [health number]"),
        ("1234 567 890 AB", "[health number]"),
        ("NAIP 8005 1234", "[health number]"),
        ("my ohip number is 12345 6789", "my ohip number is [health number]"),
        ("card 4111 1111 1111 1111", "card [phone]"),
    ],
)
def test_what_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "since 2015, unchanged",
        "surgery in March 2019",
        "how about 2026-12-03 at 14:30?",
        "12/03/2026 or 13/03/2026",
        "December 3, 2026",
        "3 Dec at 9:30, 10:00 or 11:15",
        "60 or 90 minutes",
        "$120, $145",
        "my L4-L5 disc, 7/10 pain",
        "meet @ 5",
        "I look at example videos",
        "call 911 or 811",
        "your reference is 7KQ3RD",
        "l5 s1 at rest",
        "one or two of four, five at most",
        "I am at gmail",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert mask(text) == text


def test_how_to_reach_the_clinic_is_no_secret() -> None:
    clinic = facts.current()
    said = f"Please call {clinic.phone} or write to {clinic.email}."
    assert mask(said) == said
    assert mask(f"{said} I am at 604-555-0142.") == f"{said} I am at [phone]."


def test_names_are_masked_when_they_are_given() -> None:
    text = "Priya Nair here, that is nair. Ask for PRIYA's appointment, not Priyanka's."
    assert mask(text) == text
    assert (
        mask(text, ["Priya Nair"])
        == "[name] here, that is [name]. Ask for [name] appointment, not Priyanka's."
    )
    assert mask("Jo Le", ["Jo Le"]) == "[name]"
    assert mask("le dos de Jo", ["Jo Le"]) == "le dos de Jo"


def test_everything_in_a_value_is_masked() -> None:
    value = {"contact": {"value": "+14165550142", "n": [4165550142, 3, True, None]}}
    assert mask_all(value) == {"contact": {"value": "[phone]", "n": ["[phone]", 3, True, None]}}


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("my name is Priya Nair, is it open?", "my name is Sam, is it open?"),
        ("I live at 77 Baker Street, M5V 2T6", "I live at 12 Elm Street, 12 Elm Street"),
        ("claim 55123 please", "claim that number please"),
        ("see https://example.org/me?x=1", "see example.com"),
        ("reach me at 647-555-0111", "reach me at 416-555-0142"),
    ],
)
def test_examples_hold_invented_ones(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


digits = st.text("0123456789", min_size=4, max_size=4).map(lambda last: f"416555{last}")
separators = st.sampled_from(["", " ", "-", ".", " - ", "/", "\u2011", "\u00a0", ") "])
around = st.text(
    st.characters(blacklist_categories=("Nd", "Nl", "No", "Cs"), blacklist_characters="$€."),
    max_size=20,
)


@given(around, digits, separators, separators, around)
@settings(max_examples=400, deadline=None)
def test_no_phone_number_is_left(
    before: str, number: str, first: str, second: str, after: str
) -> None:
    typed = f"{number[:3]}{first}{number[3:6]}{second}{number[6:]}"
    left = mask(f"{before} {typed} {after}")
    assert typed not in left
    assert number[6:] not in left


# All that the tests of reading contacts have patients type.
CONTACTS = sorted(
    {
        each[0]
        for test in vars(test_clinic_contacts).values()
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "parametrize"
        for each in mark.args[1]
        if isinstance(each, tuple) and read_contacts(each[0])
    }
)
SPOKEN = dict(enumerate(["zero oh o", "one", "two", "three", "four", "five", "six", "seven"]))
SPOKEN |= {8: "eight", 9: "nine"}


INVENTED = {"+14165550142", "sam@example.com"}  # those of examples


def left_in(masked: str) -> set[str]:
    """The contacts that are still to be read."""
    return {contact.value for contact in read_contacts(masked)} - INVENTED


@pytest.mark.parametrize("hide", [mask, scrub])
@pytest.mark.parametrize("typed", CONTACTS)
def test_no_contact_that_is_read_is_left(typed: str, hide: Callable[[str], str]) -> None:
    for text in (typed, f"Lena here.\n{typed}", f"\u200b{typed}", typed.upper()):
        hidden = hide(text)
        assert not left_in(hidden)
        for contact in read_contacts(text):
            assert contact.value in INVENTED or contact.typed not in hidden


def test_there_are_contacts_of_all_kinds() -> None:
    kinds = {contact.kind for contact in chain.from_iterable(map(read_contacts, CONTACTS))}
    assert (len(CONTACTS) > 60, kinds) == (True, {"phone", "email"})


@st.composite
def dictated(draw: st.DrawFn) -> str:
    """A phone number of which at least one figure is a word, others may be."""
    digits = "416555" + draw(st.text("0123456789", min_size=4, max_size=4))
    as_words = draw(st.lists(st.booleans(), min_size=10, max_size=10).filter(any))
    said = [
        draw(st.sampled_from(SPOKEN[int(digit)].split())) if word else digit
        for digit, word in zip(digits, as_words, strict=True)
    ]
    return "".join(each + draw(st.sampled_from([" ", ", ", "-", ". "])) for each in said).strip()


@given(dictated(), st.sampled_from(["{}", "my cell is {}", "{} is my cell", "so, {}, after 5"]))
@settings(max_examples=300, deadline=None)
def test_no_number_that_is_dictated_is_left(number: str, sentence: str) -> None:
    text = sentence.format(number)
    assert read_contacts(text)
    for hidden in (mask(text), scrub(text)):
        assert not left_in(hidden)
        assert number.strip(" ,.-") not in hidden


@given(st.text(max_size=80) | st.text("0123456789 .-+()@abc/:,xt", max_size=60))
@settings(max_examples=400, deadline=None)
def test_what_is_read_as_a_contact_is_masked(text: str) -> None:
    masked = mask(text)
    for contact in read_contacts(text):
        assert contact.value not in masked
        assert contact.typed not in masked
    assert mask(masked) == masked


@given(st.sampled_from(CONTACTS), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=400, deadline=None)
def test_no_contact_in_a_text_is_left(typed: str, before: str, after: str) -> None:
    assert not left_in(mask(f"{before} {typed} {after}"))


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
@settings(max_examples=300, deadline=None)
def test_numbers_of_all_countries(region: str) -> None:
    number = phonenumbers.example_number(region)
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert shown[-4:] not in mask(f"please call {shown} today")
