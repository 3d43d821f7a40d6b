"""Reading a phone number or an e-mail address out of a sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.contacts import (
    Contact,
    ContactProblem,
    contact_of,
    contact_problem,
    read_contact,
    read_contacts,
)
from clinic.text import BadInput


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("416-555-0142", "+14165550142", "416-555-0142"),
        ("call me 604 555 0199 after 5", "+16045550199", "604-555-0199"),
        ("(416) 555-0142", "+14165550142", "416-555-0142"),
        ("416.555.0142.", "+14165550142", "416-555-0142"),
        ("+1 416 555 0142", "+14165550142", "416-555-0142"),
        ("1-416-555-0142 thanks", "+14165550142", "416-555-0142"),
        ("my cell is 4165550142", "+14165550142", "416-555-0142"),
        ("4 1 6 5 5 5 0 1 4 2", "+14165550142", "416-555-0142"),
        ("416 555 0142 ext 5", "+14165550142;ext=5", "416-555-0142 ext 5"),
        ("４１６ ５５５ ０１４２", "+14165550142", "416-555-0142"),  # noqa: RUF001
        ("+44 20 7946 0958", "+442079460958", "+44 20 7946 0958"),
        ("tel:+1-416-555-0142", "+14165550142", "416-555-0142"),
    ],
)
def test_phone_numbers(text: str, value: str, shown: str) -> None:
    contact = read_contact(text)
    assert contact is not None
    assert (contact.kind, contact.value, contact.shown) == ("phone", value, shown)
    assert contact.hint is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("jo@example.com", "jo@example.com"),
        ("my email is Jo.Lee+clinic@Example.COM.", "Jo.Lee+clinic@example.com"),
        ("(jo@example.com)", "jo@example.com"),
        ("e-mail:jo@example.com, please", "jo@example.com"),
        ("mailto:jo@example.com", "jo@example.com"),
        ("jo @ example.com", "jo@example.com"),
        ("jo (at) example (dot) com", "jo@example.com"),
        ("jo at example dot com", "jo@example.com"),
        ("josé@example.com", "josé@example.com"),
        ("sean.o'brien@example.com?", "sean.o'brien@example.com"),
        ("4165550142@example.com", "4165550142@example.com"),
    ],
)
def test_addresses(text: str, value: str) -> None:
    contact = read_contact(text)
    assert contact is not None
    assert (contact.kind, contact.value, contact.hint) == ("email", value, None)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        # a comma, a blank or nothing for the full stop, two signs for one
        ("sam@gmail,com", "sam@gmail.com"),
        ("sam.fox@example,com", "sam.fox@example.com"),
        ("sam@example. com", "sam@example.com"),
        ("sam@example .com", "sam@example.com"),
        ("sam @ example . com thanks", "sam@example.com"),
        ("sam@@example.com", "sam@example.com"),
        ("sam@example..ca", "sam@example.ca"),
        ("sam@gmailcom", "sam@gmail.com"),
        ("sam@gmail", "sam@gmail.com"),
        ("sam@icloud", "sam@icloud.com"),
        ("sam(at)gmail dot com", "sam@gmail.com"),
        ("sam{at}gmail{dot}com", "sam@gmail.com"),
        ("sam [at] example [dot] com", "sam@example.com"),
        # "at" alone, where nothing else is said
        ("sam at exmaple,com", "sam@exmaple.com"),
        ("its sam at example.com", "sam@example.com"),
        ("sam.fox at example.ca pls", "sam.fox@example.ca"),
        ("sam at gmail", "sam@gmail.com"),
        ("sam gmail.com", "sam@gmail.com"),
        ("my email is samfox hotmail.com", "samfox@hotmail.com"),
        ("sam#gmail.com", "sam@gmail.com"),
    ],
)
def test_slips_between_the_parts_of_an_address(typed: str, value: str) -> None:
    contact = read_contact(typed)
    assert contact is not None
    assert (contact.kind, contact.value) == ("email", value)


@pytest.mark.parametrize(
    "text",
    [
        "look at example.com",
        "see you at example.com",
        "i found it at example.com",
        "i am at gmail",
        "meet me at noon,ca va",
        "friday at 3, com",
    ],
)
def test_at_is_an_ordinary_word_elsewhere(text: str) -> None:
    assert read_contact(text) is None


def test_a_provider_with_two_endings_is_asked_about() -> None:
    contact = read_contact("sam@yahoo")
    assert contact is not None
    assert contact.choices == ("sam@yahoo.com", "sam@yahoo.ca")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jo@gmial.com", "jo@gmail.com"),
        ("jo@gmail.con", "jo@gmail.com"),
        ("jo@gamil.com", "jo@gmail.com"),
        ("jo@gmail.co", "jo@gmail.com"),
        ("jo@hotmial.com", "jo@hotmail.com"),
        ("jo@hotmal.ca", "jo@hotmail.ca"),
        ("jo@yaho.com", "jo@yahoo.com"),
        ("jo@outlok.com", "jo@outlook.com"),
        ("jo@iclould.com", "jo@icloud.com"),
        ("jo@example.con", "jo@example.com"),
    ],
)
def test_a_slip_in_a_known_provider_gives_a_hint_and_keeps_what_was_typed(
    typed: str, meant: str
) -> None:
    contact = read_contact(f"it's {typed}")
    assert contact == Contact("email", typed, typed, meant)


@pytest.mark.parametrize(
    "address",
    [
        "jo@gmail.com",
        "jo@mail.com",
        "jo@ymail.com",
        "jo@live.fr",
        "jo@me.com",
        "jo@gmx.de",
        "jo@yahoo.co.uk",
        "jo@example.org",
        "jo@shaw.ca",
        "jo@bell.ca",
    ],
)
def test_real_providers_give_no_hint(address: str) -> None:
    contact = read_contact(address)
    assert contact is not None
    assert contact.hint is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("lena dot okoro at example dot com", "lena.okoro@example.com"),
        ("it's lena underscore okoro at example dot com", "lena_okoro@example.com"),
        ("lena under score okoro dash 7 at example dot co dot uk", "lena_okoro-7@example.co.uk"),
        ("lena plus clinic at my dash mail dot example dot com", "lena+clinic@my-mail.example.com"),
        ("lena.okoro@example dot com", "lena.okoro@example.com"),
        ("lena dot okoro@example.com", "lena.okoro@example.com"),
        ("write to me at lena at gmail.com", "lena@gmail.com"),
    ],
)
def test_a_dictated_address_is_read_whole(text: str, address: str) -> None:
    contact = read_contact(text)
    assert contact is not None
    assert (contact.value, contact.choices) == (address, ())


@pytest.mark.parametrize("before", ["", "sure, its ", "my email is ", "Lena Okoro, reach me at: "])
def test_words_that_may_belong_to_a_dictated_address_are_asked_about(before: str) -> None:
    contact = read_contact(f"{before}lena okoro at example dot com")
    assert contact is not None
    assert contact.choices == (
        "lena.okoro@example.com",
        "lenaokoro@example.com",
        "okoro@example.com",
    )


@pytest.mark.parametrize("text", ["look at example.com", "meet me at noon", "it stops at the dot"])
def test_at_is_also_an_ordinary_word(text: str) -> None:
    assert read_contact(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("555-0199", ContactProblem.AREA_CODE_MISSING),
        ("phone 555 0199 thanks", ContactProblem.AREA_CODE_MISSING),
        ("5550199", ContactProblem.AREA_CODE_MISSING),
        ("416-555-014", ContactProblem.PHONE_NOT_VALID),
        ("999 999 9999", ContactProblem.PHONE_NOT_VALID),
        ("jo@example", ContactProblem.EMAIL_NOT_VALID),
        ("@jo", ContactProblem.EMAIL_NOT_VALID),
        ("a" * 70 + "@example.com", ContactProblem.EMAIL_NOT_VALID),
        ("911", ContactProblem.NOTHING_FOUND),
        ("between 2 and 4", ContactProblem.NOTHING_FOUND),
        ("2026-11-23 14:00", ContactProblem.NOTHING_FOUND),
        ("see you at 5", ContactProblem.NOTHING_FOUND),
        ("why do you need that", ContactProblem.NOTHING_FOUND),
        ("", ContactProblem.NOTHING_FOUND),
    ],
)
def test_what_is_no_contact_says_what_is_missing(text: str, problem: ContactProblem) -> None:
    assert read_contact(text) is None
    assert contact_problem(text) is problem


def test_several_contacts_are_read_in_order_and_once() -> None:
    found = read_contacts("jo@example.com or 416-555-0142, again (416) 555 0142")
    assert [contact.value for contact in found] == ["jo@example.com", "+14165550142"]
    assert contact_problem("555-0199, no, 416-555-0199") is None


def test_contact_of_takes_both_and_names_the_problem_without_the_words() -> None:
    contact = read_contact("416-555-0142")
    assert contact is not None
    assert contact_of(contact) is contact
    assert contact_of("416-555-0142") == contact
    with pytest.raises(BadInput, match="area_code_missing") as caught:
        contact_of("555-0199")
    assert "555-0199" not in str(caught.value)
    assert "Allowed" in str(caught.value)


MESSAGES = st.text(max_size=120) | st.text("0123456789 .-+()@abc/:,xt", max_size=60)


@given(MESSAGES)
@settings(max_examples=400, deadline=None)
def test_no_message_raises_and_what_is_found_reads_as_itself(text: str) -> None:
    found = read_contacts(text)
    assert (contact_problem(text) is None) == bool(found)
    for contact in found:
        again = read_contact(contact.value)
        assert again is not None
        assert (again.kind, again.value) == (contact.kind, contact.value)
        assert contact.shown
        assert len(contact.value) <= 320
        assert 0 < len(contact.typed) <= 500


@given(
    st.sampled_from(["416", "604", "514", "902", "250"]),
    st.integers(100, 199),
    st.sampled_from(
        ["{a}-555-0{n}", "({a}) 555 0{n}", "{a}.555.0{n}", "+1{a}5550{n}", "{a}5550{n}"]
    ),
    st.sampled_from(["{}", "call me at {} please", "it's {}.", "{} or text", "tel: {}, after 5"]),
)
@settings(max_examples=200, deadline=None)
def test_every_spelling_of_a_number_reads_the_same(
    area: str, last: int, spelling: str, sentence: str
) -> None:
    contact = read_contact(sentence.format(spelling.format(a=area, n=last)))
    assert contact is not None
    assert contact.value == f"+1{area}5550{last}"


@pytest.mark.parametrize(
    "text",
    [
        "its my the best email is at use ",
        "sam at gmail ",
        "sam@ ",
        "thanks pls ",
        "a at ",
        "my mail ",
    ],
)
def test_a_long_message_is_read_in_no_time(text: str) -> None:
    begun = time.perf_counter()
    read_contacts(text * 300)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("six four seven five five five zero one two two", "+16475550122"),
        ("416 five five five 0199 is my cell", "+14165550199"),
        ("its four one six, double five five oh one nine nine thanks", "+14165550199"),
        ("one two three four", None),
        ("two or three or four or five", None),
        ("one six four seven five five five zero one two two", "+16475550122"),
    ],
)
def test_a_phone_number_in_words(text: str, value: str | None) -> None:
    found = read_contact(text)
    assert (found.value if found else None) == value
