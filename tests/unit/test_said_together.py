"""Several things said at once while an appointment is read back: none of them is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from form_messages import GIVEN, heard
from rasa_sdk import Tracker

from actions import services
from actions.validate_booking_form import ValidateBookingForm, _name_in_full, _two_names
from assistant.policies.situation import Situation
from assistant.policies.turn import plan
from assistant.policies.wishes import note_and_rest, note_in, says, statements, tells_length
from clinic.mentions import find_name, listed_names, without_names
from clinic.names import read_name

READ_BACK = "confirm_booking"


def read_by(form: ValidateBookingForm, tracker: Tracker) -> dict[str, Any]:
    return asyncio.run(form.values_from(tracker))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("can you put that im 12 weeks pregnant on it", "im 12 weeks pregnant"),
        ("note: only the left hip", "only the left hip"),
        ("and a firm pressure please", "and a firm pressure please"),
        ("oh make it 30 mins n put its from rowing", "its from rowing"),
        ("looks fine but could you add that i saw a physio in may", "i saw a physio in may"),
        ("can it say about my right knee?", "about my right knee"),
        ("I have a hernia, please tell it to the therapist", "I have a hernia"),
        ("ok but put dont call, e-mail only", "dont call, e-mail only"),
        (
            "my hip has been hurting since may, can i get 60 min",
            "my hip has been hurting since may",
        ),
    ],
)
def test_what_the_therapist_shall_read_is_found(text: str, note: str) -> None:
    assert note_in(text) == note


@pytest.mark.parametrize(
    "text",
    ["put my mum down for friday", "add my number 416-555-0177", "add my name", "is that on it?"],
)
def test_what_is_for_the_request_is_no_note(text: str) -> None:
    assert note_in(text) is None


def test_what_stands_beside_the_note_is_not_lost() -> None:
    told, rest = note_and_rest("actually make it 45, and I also have scoliosis")
    assert told == "and I also have scoliosis"
    assert services.read(rest) == "massage therapy, 45 minutes"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("its 45 not 60", 45),
        ("no, 30 instead of 45 please", None),
        ("30 min, not 60 min", 30),
        ("can you do fri after work, 45, im Jo", 45),
        ("60, and is there parking?", 60),
        ("at 10:30, please", None),
    ],
)
def test_the_length_that_is_meant(text: str, minutes: int | None) -> None:
    read = services.read(text)
    assert (services.minutes_of(read) if read else None) == minutes


def test_a_length_that_is_only_asked_about_is_not_taken() -> None:
    assert tells_length("45 min. what's the difference to 60?")
    assert tells_length("60, and is parking free?")
    assert not tells_length("is 45 min enough for a first visit?")
    assert statements("60, and is parking free?") == "60"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jo like i said", "jo"),
        ("ya first time", None),
        ("Jo Park is my full name", "Jo Park"),
        ("jo. jo park", "jo park"),
    ],
)
def test_a_name_with_words_around_it(text: str, name: str | None) -> None:
    assert read_name(services.without_visit(text)) == name


def test_whose_name_it_is() -> None:
    assert find_name("no its for my mum, her name is Ana Ruiz not me") == "Ana Ruiz"
    assert listed_names("actually thursday, make it 45, and jo@example.com") == []
    assert "thursday" in without_names("actually thursday, make it 45, jo@example.com")
    both = _two_names(heard("Names Ana Ruiz and Leo Ruiz", asked="patient_name"))
    assert (both["patient_name"], both["next_patient"]) == ("Ana Ruiz", "Leo Ruiz")


def test_the_whole_name_takes_the_place_of_its_part() -> None:
    told = heard("Sam Wilson Park is my full name", asked="patient_contact", slots=GIVEN)
    assert _name_in_full(told)["patient_name"] == "Sam Wilson Park"
    other = heard("Kim Park is her friend", asked="patient_contact", slots=GIVEN)
    assert _name_in_full(other) == {}


def test_who_writes_is_not_who_is_treated() -> None:
    slots = {**GIVEN, "for_whom": "my mum", "patient_contact": None}
    told = heard("use my cell 416-555-0177. im Kim", asked="chosen_time", slots=slots, name="Kim")
    assert "patient_name" not in read_by(ValidateBookingForm(), told)


def test_the_end_of_a_number_is_put_right() -> None:
    values = read_by(
        ValidateBookingForm(),
        heard("its 0142 at the end", "correct_booking", asked=READ_BACK, slots=GIVEN),
    )
    assert values["patient_contact"] == "416-555-0142"
    assert values.get("confirm_booking") is None


def test_an_address_besides_takes_nothing_away() -> None:
    values = read_by(
        ValidateBookingForm(),
        heard(
            "email me jo@example.com too",
            asked=READ_BACK,
            slots=GIVEN,
            contact="jo@example.com",
        ),
    )
    assert values["patient_contact"] == "416-555-0199"
    assert "jo@example.com" in values["note"]


def test_the_name_is_taken_out_of_the_note_and_nothing_else() -> None:
    slots = {**GIVEN, "note": "sam wilson\nbad left hip"}
    told = heard("take my name out of the note. then yes send", asked=READ_BACK, slots=slots)
    values = read_by(ValidateBookingForm(), told)
    assert (values["note"], values["confirm_booking"]) == ("bad left hip", None)


@pytest.mark.parametrize("text", ["bet", "send er", "then yes send", "ok send it over thx"])
def test_a_yes_whatever_it_resembles(text: str) -> None:
    told = heard(text, "out_of_scope", asked=READ_BACK, slots=GIVEN)
    assert read_by(ValidateBookingForm(), told)["confirm_booking"] == "yes"
    beside_the_point = (("out_of_scope", 0.9),)
    now = Situation(text, beside_the_point, form="booking_form", requested_slot=READ_BACK)
    assert plan(now) is None


@pytest.mark.parametrize(
    "text", ["hmm the other one, but yes", "yes but not 45", "other than that yes"]
)
def test_a_yes_beside_a_change_that_was_not_read_sends_nothing(text: str) -> None:
    told = heard(text, "affirm", asked=READ_BACK, slots=GIVEN)
    values = read_by(ValidateBookingForm(), told)
    assert (values.get("confirm_booking"), values["problem"]) == (None, "ask_which_field")


def test_a_number_is_no_numbness() -> None:
    assert not says("denies_signs", "no. friday instead, my number is wrong too")
    assert says("denies_signs", "no numbness")


def test_whom_it_is_for_as_it_is_read_back() -> None:
    assert services.read_for_whom("30 min for me mum") == "my mum"
    assert services.read_for_whom("an appointment for me please") is None


def test_a_pressure_asked_for_is_for_the_therapist() -> None:
    assert note_in("and can it be light pressure") == "light pressure"
