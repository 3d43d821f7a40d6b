"""How forms read a message: answers, what is mentioned beside them, corrections, skipping."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from form_messages import BOOKING, CHANGE, DELETION, FORM_OF, GIVEN, MESSAGE, heard
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import refining, services, times
from actions.action_change_appointment import _as_told_here
from actions.action_pass_change_on import ActionPassChangeOn
from actions.choosing import (
    _asked_of_the_day_before,
    _before,
    _denies,
    _picked,
    _refined,
    _same_time_again,
    _told_of_the_time,
    which_day,
    with_wish,
)
from actions.form_validation import FormValidation, no_problem
from actions.reading import SKIPPED, other_contacts, read
from actions.validate_booking_form import (
    _name_in_full,
    _no_such_time,
    _two_names,
)
from actions.validate_change_form import _kind
from assistant.checks.project import Project
from assistant.policies import wishes
from assistant.project import ROOT
from clinic import facts
from clinic.mentions import without_names


def values(tracker: Tracker, form: FormValidation = BOOKING) -> dict[str, Any]:
    """The slots that a message sets, without those of a problem that there is not."""
    found = form.read_message(tracker)
    if found.get("problem") is None:
        assert no_problem().items() <= found.items(), "the problem before is over"
        return {slot: value for slot, value in found.items() if slot not in no_problem()}
    return found


def problem(tracker: Tracker, form: FormValidation = BOOKING) -> str:
    found = values(tracker, form)
    assert found["problem_count"] >= 1
    return str(found["problem"])


# answers to the question


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ("patient_name", "Sam Wilson", "Sam Wilson"),
        ("patient_name", "it's Priya", "Priya"),
        ("patient_contact", "416 555 0199", "416-555-0199"),
        ("patient_contact", "write to sam@example.com please", "sam@example.com"),
        ("note", "I am on blood thinners", "I am on blood thinners"),
        ("service", "an hour", "massage therapy, 60 minutes"),
        ("service", "a hour", "massage therapy, 60 minutes"),
        ("service", "the friday one, hour", "massage therapy, 60 minutes"),
        ("service", "half a hour", "massage therapy, 30 minutes"),
        ("service", "45", "massage therapy, 45 minutes"),
    ],
)
def test_an_answer_fills_its_slot(slot: str, text: str, value: str) -> None:
    assert values(heard(text, asked=slot)) == {slot: value}


@pytest.mark.parametrize(
    ("text", "contact", "other"),
    [
        ("604-555-0142, priya@example.com", "priya@example.com", ["604-555-0142"]),
        ("priya@example.com or 604-555-0142", "priya@example.com", ["604-555-0142"]),
        # one that may be mistyped is not relied on
        ("604-555-0142 or priya@gmial.com", "604-555-0142", ["priya@gmial.com"]),
        ("604-555-0142, priya@example.com instead", "priya@example.com", []),
        ("604-555-0142", "604-555-0142", []),
    ],
)
def test_of_two_ways_to_be_reached_none_is_lost(text: str, contact: str, other: list[str]) -> None:
    found = values(heard(text, asked="patient_contact", contact="604-555-0142"))
    assert found == {"patient_contact": contact}
    assert other_contacts(text, contact) == other


@pytest.mark.parametrize(
    ("slot", "text", "expected"),
    [
        ("patient_name", "12345", "invalid_patient_name"),
        ("patient_contact", "I would rather not", "invalid_patient_contact_nothing_found"),
        ("patient_contact", "555 0199", "invalid_patient_contact_area_code_missing"),
        ("patient_contact", "sam@example", "invalid_patient_contact_email_not_valid"),
        ("patient_contact", "cant i just turn up", "invalid_patient_contact_just_comes"),
        ("preferred_time", "purple", "invalid_preferred_time"),
        ("service", "the usual", "invalid_service"),
        ("confirm_booking", "purple", "invalid_confirm_booking"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_problem_with_a_name(
    slot: str, text: str, expected: str
) -> None:
    assert problem(heard(text, asked=slot)) == expected


def test_every_problem_has_a_wording() -> None:
    responses = Project(ROOT).responses
    for form, name in FORM_OF.items():
        for slot in Project(ROOT).forms[name]:
            for text, intent in (("", "skip"), ("purple", "deny"), ("@", "affirm")):
                found = read(slot, heard(text, intent, slot, form, sure=0.1))
                if found.problem:
                    wording = found.problem.removeprefix("utter_")
                    assert f"utter_{wording}" in responses, f"{slot}: {text!r}"


def test_problems_in_a_row_are_counted_and_forgotten_after_an_answer() -> None:
    before = {"problem": "invalid_patient_name", "problem_count": 2}
    again = heard("123", asked="patient_name", slots=before)
    assert BOOKING.read_message(again)["problem_count"] == 3
    answered = heard("Sam", asked="patient_name", slots=before)
    assert BOOKING.read_message(answered)["problem_count"] == 0


def test_a_click_is_no_answer_in_words() -> None:
    assert problem(heard("/skip", "skip", "patient_name")) == "invalid_patient_name"
    assert problem(heard("/help", "help", "message_text", MESSAGE), MESSAGE) == "invalid_words"


# what is mentioned


def test_everything_is_taken_from_the_first_message() -> None:
    tracker = heard(
        "book an hour thursday, I'm Sam, 416-555-0199",
        "book_appointment",
        time="Thursday",
        name="Sam",
        contact="416-555-0199",
    )
    assert values(tracker) == {
        "service": "massage therapy, 60 minutes",
        "preferred_time": "Thursday",
        "patient_name": "Sam",
        "patient_contact": "416-555-0199",
    }


def test_what_is_mentioned_beside_the_answer_is_taken_too() -> None:
    tracker = heard("Sam, 416-555-0199", asked="patient_name", contact="416-555-0199")
    assert values(tracker) == {"patient_name": "Sam", "patient_contact": "416-555-0199"}


def test_the_answer_to_another_question_is_taken_and_the_one_asked_stays_open() -> None:
    tracker = heard("416-555-0199", asked="patient_name", contact="416-555-0199")
    assert values(tracker) == {"patient_contact": "416-555-0199"}


def test_a_mention_does_not_replace_what_was_given() -> None:
    slots = {"patient_contact": "604-555-0111"}
    tracker = heard("Sam, 416-555-0199", asked="patient_name", slots=slots, contact="416-555-0199")
    assert values(tracker) == {"patient_name": "Sam"}


@pytest.mark.parametrize("intent", ["correct_booking", "change_appointment", "book_appointment"])
def test_a_mention_in_a_change_does_replace_it(intent: str) -> None:
    tracker = heard("use friday", intent, "patient_name", slots=GIVEN, time="Friday")
    assert values(tracker) == {"preferred_time": "Friday"}


def test_repeating_the_wish_to_book_is_no_mistake() -> None:
    assert values(heard("I want to book", "book_appointment", "patient_name")) == {}


def test_a_form_reads_its_own_slots_only() -> None:
    tracker = heard("on friday", asked="message_text", form=MESSAGE, time="Friday")
    assert values(tracker, MESSAGE) == {"message_text": "on friday"}


# free text


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I need to cancel on Thursday", "change_appointment"),
        ("I would like to come next week", "book_appointment"),
        ("No, nothing works and the pain is back", "deny"),
        ("yes", "affirm"),
        ("skip the line", "skip"),
    ],
)
def test_a_message_to_the_clinic_is_taken_as_it_is(text: str, intent: str) -> None:
    tracker = heard(text, intent, "message_text", MESSAGE)
    assert values(tracker, MESSAGE) == {"message_text": text}


def test_a_message_with_a_number_in_it_stays_whole() -> None:
    text = "Please move my appointment, call me at 416-555-0199"
    tracker = heard(text, "change_appointment", "message_text", MESSAGE, contact="416-555-0199")
    assert values(tracker, MESSAGE) == {
        "message_text": text,
        "patient_contact": "416-555-0199",
    }


@pytest.mark.parametrize(
    ("text", "intent"), [("/skip", "skip"), ("no", "deny"), ("no thank you", "deny")]
)
def test_the_note_may_be_skipped(text: str, intent: str) -> None:
    assert values(heard(text, intent, "note")) == {"note": SKIPPED}


def test_a_note_may_begin_with_no() -> None:
    text = "no allergies, but I am on blood thinners"
    assert values(heard(text, "deny", "note")) == {"note": text}


# read-back


def at_read_back(text: str, intent: str, sure: float = 0.9, **entities: str) -> Tracker:
    return heard(text, intent, "confirm_booking", sure=sure, slots=GIVEN, **entities)


def test_a_yes_sends() -> None:
    assert values(at_read_back("yes please", "affirm")) == {"confirm_booking": "yes"}
    assert values(at_read_back("/affirm", "affirm", 1.0)) == {"confirm_booking": "yes"}


def test_a_yes_that_is_hardly_one_is_asked_again() -> None:
    assert problem(at_read_back("I guess", "affirm", 0.35)) == "invalid_confirm_booking"
    doubtful = heard("I guess", "affirm", "confirm_delete", DELETION, sure=0.35)
    assert problem(doubtful, DELETION) == "invalid_confirm_delete"


@pytest.mark.parametrize("intent", ["deny", "correct_booking", "change_appointment"])
def test_a_no_asks_what_is_wrong(intent: str) -> None:
    assert problem(at_read_back("that is wrong", intent)) == "ask_which_field"
    message = heard("no", "deny", "confirm_message", MESSAGE, slots=GIVEN)
    assert problem(message, MESSAGE) == "ask_which_message_field"


@pytest.mark.parametrize("intent", ["affirm", "deny", "nlu_fallback", "faq/location"])
def test_a_correction_at_the_read_back_replaces_what_was_given(intent: str) -> None:
    tracker = at_read_back("416-555-0111 is my number", intent, contact="416-555-0111")
    assert values(tracker) == {"patient_contact": "416-555-0111"}


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("the number is wrong", "patient_contact"),
        ("my e-mail has a typo", "patient_contact"),
        ("you spelled my name wrong", "patient_name"),
        ("another day please", "preferred_time"),
        ("I want to change the note", "note"),
    ],
)
@pytest.mark.parametrize("intent", ["correct_booking", "deny", "affirm", "nlu_fallback"])
def test_a_field_named_as_wrong_is_asked_for_again(text: str, slot: str, intent: str) -> None:
    assert values(at_read_back(text, intent)) == {slot: None, "confirm_booking": None}


def test_a_field_can_be_corrected_before_the_read_back() -> None:
    tracker = heard("my name is wrong", "correct_booking", "patient_contact", slots=GIVEN)
    assert values(tracker) == {"patient_name": None, "confirm_booking": None}


def test_two_fields_named_at_once_are_asked_about() -> None:
    tracker = at_read_back("the name and the number are wrong", "correct_booking")
    assert problem(tracker) == "ask_which_field"


@pytest.mark.parametrize("slot", ["patient_name", "patient_contact", "preferred_time", "note"])
def test_the_button_of_a_field_asks_for_it_again(slot: str) -> None:
    tracker = at_read_back("/correct_booking", "correct_booking", 1.0, field=slot)
    assert values(tracker) == {slot: None, "confirm_booking": None}


def test_the_field_of_another_form_is_no_field() -> None:
    tracker = at_read_back("/correct_booking", "correct_booking", 1.0, field="message_text")
    assert problem(tracker) == "ask_which_field"


# the form's turn


def events_of(form: FormValidation, tracker: Tracker) -> dict[str, Any]:
    events = asyncio.run(form.run(CollectingDispatcher(), tracker, {}))
    return {event["name"]: event["value"] for event in events if event["event"] == "slot"}


def user() -> dict[str, Any]:
    return {"event": "user"}


def action(name: str) -> dict[str, Any]:
    return {"event": "action", "name": name}


def test_a_message_that_was_dealt_with_is_not_read_again() -> None:
    answered = [user(), action("utter_faq/cost")]
    tracker = heard("Sam?", "faq/cost", "patient_name", MESSAGE, events=answered)
    assert events_of(MESSAGE, tracker) == no_problem()


def test_the_message_that_starts_a_form_is_read_though_something_was_said_before() -> None:
    started = [
        user(),
        action("utter_faq/cost"),
        action("message_form"),
        {"event": "active_loop", "name": "message_form"},
    ]
    tracker = heard("it's Sam", "speak_to_human", form=MESSAGE, events=started, name="Sam")
    assert events_of(MESSAGE, tracker)["patient_name"] == "Sam"


def test_a_form_that_begins_again_says_why_and_reads_nothing() -> None:
    gone = {"problem": "time_taken", "problem_count": 1}
    events = [
        user(),
        action("booking_form"),
        {"event": "active_loop", "name": None},
        action("action_submit_booking"),
        {"event": "active_loop", "name": "booking_form"},
    ]
    tracker = heard("/affirm", "affirm", slots=gone, events=events)
    assert events_of(BOOKING, tracker) == {**no_problem(), **gone}
    # The next message is an answer again.
    tracker = heard(
        "it's Sam", asked="patient_name", slots=gone, events=[*events, user()], name="Sam"
    )
    assert events_of(BOOKING, tracker)["patient_name"] == "Sam"
    assert events_of(BOOKING, tracker)["problem"] is None


def test_a_turn_of_the_form_itself_is_read() -> None:
    events = [action("utter_faq/cost"), user(), action("message_form")]
    tracker = heard("Sam", asked="patient_name", form=MESSAGE, events=events)
    assert events_of(MESSAGE, tracker)["patient_name"] == "Sam"


def test_a_form_always_sets_something_so_that_it_goes_on() -> None:
    assert events_of(MESSAGE, heard("/speak_to_human", "speak_to_human", form=MESSAGE))


def test_a_failure_is_told_and_the_form_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tracker: Tracker) -> dict[str, Any]:
        raise OSError("disk full")

    monkeypatch.setattr(MESSAGE, "read_message", fail)
    dispatcher = CollectingDispatcher()
    events = asyncio.run(MESSAGE.run(dispatcher, heard("Sam", asked="patient_name"), {}))
    assert [message["response"] for message in dispatcher.messages] == ["utter_technical_problem"]
    assert {event["name"] for event in events} == set(no_problem())


@pytest.mark.parametrize(("form", "name"), FORM_OF.items(), ids=str)
def test_forms_and_domain_name_the_same_slots(form: FormValidation, name: str) -> None:
    assert set(Project(ROOT).forms[name]) <= set(form.SLOTS)
    assert form.CONFIRMATION in Project(ROOT).forms[name]
    assert form.name() == f"validate_{name}"


def test_send_chooses_none_of_two_addresses() -> None:
    choices = ["ann@gmail.com", "ann@gmial.com"]
    slots = {"contact_choices": choices}
    asked = "patient_contact"
    assert problem(heard("send", "affirm", asked=asked, slots=slots)) == "contact_question"
    assert read(asked, heard("yes", "affirm", asked=asked, slots=slots)).value == choices[0]


def test_two_people_named_by_who_they_are() -> None:
    found = _two_names(heard("me is Yuki Tanaka and mom is Hanako", asked="patient_name"))
    assert (found["patient_name"], found["next_patient"]) == ("Yuki Tanaka", "Hanako")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("wait make it 4", "move"), ("cancle it my shift changed", "cancel"), ("hmm", None)],
)
def test_what_shall_become_of_an_appointment_is_heard(text: str, kind: str | None) -> None:
    time = {"time": "any day at 4 pm"} if "4" in text else {}
    assert _kind(heard(text, asked="change_kind", **time), "change_kind").get("change_kind") == kind


@pytest.mark.parametrize("asked", ["patient_name", "patient_contact", "new_or_returning"])
def test_a_time_that_is_no_answer_is_another_time(asked: str) -> None:
    tracker = heard("no 1pm", asked=asked, slots=GIVEN, time="1 pm")
    values = BOOKING.read_message(tracker)
    assert values["preferred_time"] == "1 pm"
    if asked != "new_or_returning":
        assert asked not in values


def test_when_to_call_is_no_other_time() -> None:
    tracker = heard("call me after 5", asked="patient_contact", slots=GIVEN, time="after 5 pm")
    assert "preferred_time" not in BOOKING.read_message(tracker)


def test_a_no_with_an_hour_says_nothing_about_the_visit() -> None:
    tracker = heard("wait no 11", intent="deny", asked="patient_name", slots=GIVEN, time="11 am")
    assert "new_or_returning" not in BOOKING.read_message(tracker)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("appt tmrw 5pm hour", 60),
        ("hour tmrw at 5", 60),
        ("hr massage pls", 60),
        ("an hr", 60),
        ("half hr", 30),
        ("three quarters of an hour", 45),
        ("three quarters o an hour", 45),
        ("three quarter hour pls", 45),
        ("i said three quarters, ta", 45),
        ("three quarters of my back", None),
        ("in an hour", None),
        ("an hour later", None),
        ("lunch hour", None),
        ("hour n a half", None),
        ("an hour drive away", None),
    ],
)
def test_lengths_in_words(text: str, minutes: int | None) -> None:
    service = services.read(text)
    assert (services.minutes_of(service) if service else None) == minutes


@pytest.mark.parametrize(
    ("text", "visit"),
    [
        ("shes 71, been b4", "returning"),
        ("not new", "returning"),
        ("thurs 4pm not the first time", "returning"),
        ("isnt my 1st visit", "returning"),
        ("not first thing in the morning", None),
        ("came last year", "returning"),
        ("saw natalie before", "returning"),
        ("long time client", "returning"),
        ("never been before", "new"),
        ("hasnt been b4", "new"),
        ("brand new client", "new"),
        ("new to you", "new"),
        ("friday at 3", None),
    ],
)
def test_whether_it_is_a_first_visit(text: str, visit: str | None) -> None:
    assert services.read_visit(text) == visit


@pytest.mark.parametrize("text", ["the .ca one", "ca", "dot ca please", ".ca"])
def test_an_address_is_picked_by_its_ending(text: str) -> None:
    choices = ["sam@yahoo.com", "sam@yahoo.ca"]
    tracker = heard(text, asked="patient_contact", slots={"contact_choices": choices})
    assert read("patient_contact", tracker).value == "sam@yahoo.ca"


def test_new_alone_is_heard_right_after_its_question() -> None:
    slots = {**GIVEN, "patient_contact": None, "new_or_returning": ""}
    tracker = heard("new", asked="patient_contact", slots=slots)
    assert BOOKING.read_message(tracker)["new_or_returning"] == "new"


def test_only_a_sure_yes_picks_an_address() -> None:
    slots = {"contact_choices": ["sam@yahoo.com", "sam@yahoo.ca"]}
    unsure = heard("x", intent="affirm", sure=0.39, asked="patient_contact", slots=slots)
    assert read("patient_contact", unsure).value is None
    sure = heard("yes", intent="affirm", asked="patient_contact", slots=slots)
    assert read("patient_contact", sure).value == "sam@yahoo.com"


TWO_DAYS = ["Saturday, November 28, any time from 8 am to 8 pm", "Saturday, December 5"]


@pytest.mark.parametrize(
    ("text", "hours"),
    [("8", "at 8 am"), ("4pm", "at 4 pm"), ("in the morning", "before noon")],
)
def test_an_hour_alone_does_not_settle_which_of_two_days_is_meant(
    monkeypatch: pytest.MonkeyPatch, text: str, hours: str
) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-26T10:00:00-05:00")
    slots = {"problem": "time_question", "problem_choices": TWO_DAYS}
    again = which_day(heard(text, asked="preferred_time", slots=slots))
    assert again["problem"] == "time_question"
    for day, choice in zip(("November 28", "December 5"), again["problem_choices"], strict=True):
        assert day in choice
        assert hours in choice
        assert choice in again["problem_text"]


@pytest.mark.parametrize(
    "text", ["the 5th", "the second one", "nov 28 at 8", "thursday", "8 am dec 5"]
)
def test_an_answer_that_says_the_day_settles_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-26T10:00:00-05:00")
    slots = {"problem": "time_question", "problem_choices": TWO_DAYS}
    assert which_day(heard(text, asked="preferred_time", slots=slots)) == {}


def begun(text: str, intent: str = "speak_to_human", **entities: str) -> dict[str, Any]:
    """What the message form holds after the message that begins it."""
    loop = [{"event": "user"}, {"event": "active_loop", "name": "message_form"}]
    return asyncio.run(
        MESSAGE.values_from(heard(text, intent, None, MESSAGE, events=loop, **entities))
    )


@pytest.mark.parametrize(
    "text",
    [
        "could she phone me about the pain in my hip",
        "have someone call me after 6",
        "please tell her my hip is worse again",
        "i need somebody to ring me because the exercises hurt",
    ],
)
def test_what_the_first_message_is_about_is_the_message(text: str) -> None:
    assert begun(text)["message_text"] == text


@pytest.mark.parametrize(
    "text",
    [
        "can I talk to a person",
        "call me please",
        "call me at 416-555-0166",
        "yes",
        "/speak_to_human",
    ],
)
def test_a_bare_wish_for_a_person_is_no_message(text: str) -> None:
    assert "message_text" not in begun(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("it's Lena Moss 416-555-0166", "Lena Moss"),
        ("its lena moss 416-555-0166", "lena moss"),
        ("this is Lena Moss", "Lena Moss"),
        ("416-555-0166", None),
    ],
)
def test_a_name_and_a_number_are_no_message(text: str, name: str | None) -> None:
    tracker = heard(text, asked="message_text", form=MESSAGE)
    found = asyncio.run(MESSAGE.values_from(tracker))
    assert found["problem"] == "invalid_words"
    assert "message_text" not in found
    assert found.get("patient_name") == name


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Lena Moss 416-555-0166 after 5", "after 5"),
        ("416-555-0166, best in the evening", "best in the evening"),
        ("416-555-0166 only weekdays", "only weekdays"),
        ("416-555-0166", None),
        ("Lena Moss", None),
        ("reach me at 416-555-0166", None),
        ("reach me on my cell 416-555-0166", None),
    ],
)
def test_when_to_call_goes_with_the_message(text: str, when: str | None) -> None:
    slots = {"message_text": "My hip hurts", "patient_name": None}
    found = asyncio.run(
        MESSAGE.values_from(heard(text, asked="patient_contact", form=MESSAGE, slots=slots))
    )
    assert found.get("message_text") == (f"My hip hurts\n{when}" if when else None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hi im Lena Moss need 60 min friday at 3 first time", "Lena Moss"),
        ("hello this is Noah O'Dell looking for an hour", "Noah O'Dell"),
        ("I am Ada Van Dorn and my back is killing me", "Ada Van Dorn"),
        ("hi im sore need 60 min friday", None),
        ("im Free Thursday after 4", None),
    ],
)
def test_a_name_in_the_middle_of_a_message(text: str, name: str | None) -> None:
    assert values(heard(text, "book_appointment")).get("patient_name") == name


BEGUN = {"therapist": "Natalie Yeo", "note": "", "for_whom": ""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("february 31", "not in the calendar"),
        ("october 12th", "has passed"),
        ("this sunday pls", "closed on Sunday"),
        ("thursday at 10pm", "open 8 am to 8 pm"),
    ],
)
def test_a_time_that_cannot_be_is_told_at_the_question_for_the_length(
    monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-25T10:00:00-05:00")
    tracker = heard(text, asked="service", slots=BEGUN, time_unclear=text)
    dispatcher = CollectingDispatcher()
    set_slots = {
        event["name"]: event["value"] for event in asyncio.run(BOOKING.perform(dispatcher, tracker))
    }
    assert [why in message.get("problem_text", "") for message in said(dispatcher)] == [True]
    assert set_slots["problem"] is None
    assert set_slots["unclear_time"] is None


@pytest.mark.parametrize(
    "text", ["purple", "my back has hurt since the third of november you know"]
)
def test_other_words_at_the_question_for_the_length_are_no_such_time(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-25T10:00:00-05:00")
    dispatcher = CollectingDispatcher()
    asyncio.run(
        BOOKING.perform(dispatcher, heard(text, asked="service", slots=BEGUN, time_unclear=text))
    )
    assert said(dispatcher) == []


def said(dispatcher: CollectingDispatcher) -> list[dict[str, Any]]:
    return list(dispatcher.messages)


def change_of(text: str, monkeypatch: pytest.MonkeyPatch, **where: Any) -> dict[str, Any]:
    """What the change form holds after a message, before an appointment is found."""

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setenv("CLINIC_NOW", "2026-11-25T10:00:00-05:00")
    monkeypatch.setattr("actions.times.let_go", nothing)
    tracker = heard(text, "change_appointment", form=CHANGE, **where)
    return asyncio.run(CHANGE.values_from(tracker))


@pytest.mark.parametrize("reference", ["AB-1234", "BK20931", "no. 5512-8"])
def test_a_wrong_reference_is_told_and_the_day_beside_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    loop = [{"event": "user"}, {"event": "active_loop", "name": "change_form"}]
    day = {"time": "Friday, November 27, in the afternoon (12 to 5 pm)"}
    text = f"can you move ref {reference} to friday afternoon"
    first = change_of(text, monkeypatch, events=loop, **day)
    assert first["problem"] == "invalid_change_reference"
    assert first["requested_slot"] == "change_reference"
    assert first["preferred_time"].startswith("Friday, November 27")
    kept = {slot: first[slot] for slot in ("preferred_time", "windows", "change_kind")}
    then = change_of(
        "4pm", monkeypatch, asked="change_reference", slots=kept, time="any day at 4 pm"
    )
    assert then["preferred_time"].startswith("Friday, November 27")
    assert then["windows"] != first["windows"]
    assert then["problem"] is None


# the time, in the middle of what was said before


def in_december(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_NOW", "2026-11-24T10:00:00-05:00")
    facts.load()


def offers(*hours: int, day: int = 10) -> list[dict[str, Any]]:
    zone = facts.current().zone
    starts = [datetime(2026, 12, day, hour, tzinfo=zone).astimezone(UTC) for hour in hours]
    return [times.Offer(start, 60, "Natalie Yeo").as_dict() for start in starts]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("the second one, love", 1),
        ("the 3rd one would be lovely, ta", 2),
        ("ok i'll take the first", 0),
        ("the first. I'm Jo Park and it's my first visit", 0),
        ("the 2nd one please, Jo Park, jo@example.com", 1),
    ],
)
def test_a_time_is_picked_by_its_number_with_what_else_is_said(
    monkeypatch: pytest.MonkeyPatch, text: str, index: int
) -> None:
    in_december(monkeypatch)
    shown = offers(9, 10, 11)
    picked = _picked(heard(text, asked="chosen_time", slots={"offered_times": shown}))
    assert picked is not None
    assert picked.as_dict() == shown[index]


@pytest.mark.parametrize(
    "text", ["it is my first visit", "Jo Park, first time", "what is the second thing you do"]
)
def test_a_number_of_something_else_picks_no_time(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    in_december(monkeypatch)
    assert _picked(heard(text, asked="chosen_time", slots={"offered_times": offers(9, 10)})) is None


@pytest.mark.parametrize(
    "text", ["10:30 if u can, not the early lot", "hmm 10:30 if my lift shows up"]
)
def test_an_hour_in_doubt_is_asked_about_on_the_day_before(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    in_december(monkeypatch)
    windows = times.stored(times.opening(date(2026, 12, 10)))
    tracker = heard(
        text, asked="chosen_time", slots={"offered_times": offers(8, 9), "windows": windows}
    )
    asked = _asked_of_the_day_before(tracker, {"problem": "time_question"})
    assert asked["problem_choices"] == ["Thursday, December 10, at 10:30 am"]


def test_a_weekday_is_of_the_week_that_is_talked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    in_december(monkeypatch)
    before = refining.Before(times.opening(date(2026, 12, 14)))
    meant = times.understood("anything on the thursday")
    found = _refined("anything on the thursday", meant, before)
    assert {times.local_day(start) for start, _ in found} == {date(2026, 12, 17)}


def test_a_name_and_the_like_are_no_doubt_about_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    in_december(monkeypatch)
    text = "half 4. Jo Park jo@example.com never been"
    assert _told_of_the_time(heard(text, contact="jo@example.com")) == "half 4"


def test_the_last_of_a_day_are_shown_for_as_late_as_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_december(monkeypatch)
    free = [times.Offer.from_dict(offer) for offer in offers(12, 13, 14, 15, 16)]
    assert [offer.local_start.hour for offer in times.choice(free, latest=True)] == [14, 15, 16]


@pytest.mark.parametrize("text", ["weds will do, 2ish", "next week, tues weds thurs arvo"])
def test_short_days_are_no_names(text: str) -> None:
    assert without_names(text) == text


def test_the_hour_of_a_date_there_is_not_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    in_december(monkeypatch)
    before = _before(heard("friday then", slots={"unclear_time": "monday the 31st november at 4"}))
    found = _refined("friday then", times.understood("friday then"), before)
    assert {times.minutes_of_day(window) for window in found} == {(16 * 60, 17 * 60)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("can i come on sunday", "We are closed on Sunday, November 29."),
        ("massage monday the 31st november at 4", "That date is not in the calendar."),
        ("a massage on friday", None),
        ("a massage please", None),
    ],
)
def test_a_day_there_is_not_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, text: str, told: str | None
) -> None:
    in_december(monkeypatch)
    begins = {"event": "active_loop", "name": "booking_form"}
    assert _no_such_time(heard(text, events=[{"event": "user"}, begins])) == told


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("move K7M3QX to the same time on wednesday please", date(2026, 12, 9)),
        ("move K7M3QX to the day after", date(2026, 12, 11)),
    ],
)
def test_a_wish_that_leans_on_an_appointment_waits_until_it_is_found(
    monkeypatch: pytest.MonkeyPatch, text: str, day: date
) -> None:
    in_december(monkeypatch)
    found = {"last_appointment": offers(16)[0]}
    tracker = heard("jo@example.com", form=CHANGE, slots={"unclear_time": text})
    values = asyncio.run(with_wish(tracker, found, text))
    start = times.local(times.loaded(values["windows"])[0][0])
    assert (start.date(), start.hour) == (day, 16)
    assert values["change_kind"] == "move"
    assert values["unclear_time"] is None


def test_after_somebody_on_the_same_day_is_no_week_later() -> None:
    tracker = heard("same day, straight after hers", slots={"last_appointment": offers(16)[0]})
    assert _same_time_again(tracker, {}) == {}


def test_a_message_for_a_person_tells_what_is_known_of_the_appointment() -> None:
    said = [
        "cancel my appointment please",
        "/speak_to_human",
        "no idea, it is under Jo Park, friday at 2",
    ]
    events = [{"event": "user", "text": text} for text in said]
    tracker = heard(said[-1], asked="change_reference", form=CHANGE, events=events)
    sent = asyncio.run(ActionPassChangeOn().perform(CollectingDispatcher(), tracker))
    (message,) = (event["value"] for event in sent if event["name"] == "message_text")
    assert said[-1] in message
    assert said[0] not in message


@pytest.mark.parametrize(
    "text",
    [
        "hm actually dont cancel, can i just move it to thurs same time",
        "no wait, don't cancel it, move it to friday please",
        "rather than cancel could we reschedule to monday at 3",
    ],
)
def test_a_message_for_a_person_is_begun_anew_when_the_wish_changes(text: str) -> None:
    wording = times.words()["message_without_reference"]
    events = [{"event": "user", "text": text}]
    before = {"message_text": f"Hello\n{wording['cancel']}\nWhat I know of it: tuesday"}
    tracker = heard(text, asked="patient_name", form=MESSAGE, events=events, slots=before)
    sent = asyncio.run(ActionPassChangeOn().perform(CollectingDispatcher(), tracker))
    (message,) = (event["value"] for event in sent if event["name"] == "message_text")
    assert message.startswith(f"Hello\n{wording['move']}")
    assert wording["cancel"] not in message
    assert text in message


@pytest.mark.parametrize("text", ["ok send", "send it", "yes send it please", "submit"])
def test_a_command_is_no_message(text: str) -> None:
    assert read("message_text", heard(text, form=MESSAGE)).problem == "invalid_words"


@pytest.mark.parametrize("text", ["send me the address", "please send my receipt to jo"])
def test_what_should_be_sent_is_a_message(text: str) -> None:
    assert read("message_text", heard(text, form=MESSAGE)).value == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oh duh. the thursday but not before 10", "Thursday, December 24, after 10 am"),
        ("the wednesday then, after 2", "Wednesday, December 23, after 2 pm"),
    ],
)
def test_a_weekday_is_that_of_the_times_on_offer(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    in_december(monkeypatch)
    wished = [window for day in (10, 22, 23, 24) for window in times.opening(date(2026, 12, day))]
    on_offer = [offers(9, day=day)[0] for day in (22, 23, 24)]
    slots = {"windows": times.stored(wished), "offered_times": on_offer}
    before = _before(heard(text, asked="chosen_time", slots=slots))
    meant = times.understood(text)
    assert times.said(_refined(text, meant, before)) == said


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("kindly amend the hour to a quarter past three", None),
        ("can u change the hour to 7", None),
        ("now make it 45, 15 min longer", 45),
        ("make that 60, 30 minutes more", 60),
        ("three-quarters of an hour", 45),
        ("45 minuets please", 45),
        ("it ought to be 45 minutes, not 60.", 45),
        ("the hour please", 60),
    ],
)
def test_a_length_is_no_hour_of_the_clock(text: str, minutes: int | None) -> None:
    service = services.read(text)
    assert (services.minutes_of(service) if service else None) == minutes


@pytest.mark.parametrize(
    ("text", "known", "minutes"),
    [
        ("30 min no 60", 60, 30),
        ("30 min no 60", 30, 60),
        ("45, no, an hour", None, 60),
        ("half an hour, no a full hour", 60, 30),
        ("no 45 min please", 60, 45),
        ("30 minutes, no pain now", 60, 30),
    ],
)
def test_of_two_lengths_the_one_that_is_new_is_meant(
    text: str, known: int | None, minutes: int
) -> None:
    before = services.in_full("massage therapy", known) if known else None
    assert services.minutes_of(str(services.read_instead(text, before))) == minutes


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("what do you advise? just a short one", 30),
        ("something small", 30),
        ("a longer one please", 60),
        ("at short notice", None),
        ("the small of my back", None),
    ],
)
def test_the_shortest_is_taken_where_a_small_one_is_wished_for(
    text: str, minutes: int | None
) -> None:
    service = services.pick(text)
    assert (services.minutes_of(service) if service else None) == minutes


@pytest.mark.parametrize("asked", ["patient_name", "confirm_booking"])
def test_a_length_that_is_not_the_one_before_replaces_it(asked: str) -> None:
    tracker = heard("30 mins not 60", "faq", asked, slots={"service": GIVEN["service"]})
    assert values(tracker) == {"service": "massage therapy, 30 minutes"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("last name is Doyle you missed it", "Sam Doyle"),
        ("my surname's Reyes", "Sam Reyes"),
        ("Doyle is my last name", "Sam Doyle"),
        ("it's Meghan, m e g h a n, Doyle", "Meghan Doyle"),
    ],
)
def test_a_last_name_joins_the_first(text: str, name: str) -> None:
    tracker = heard(text, "correct_booking", "confirm_booking", slots=GIVEN)
    told = {**values(tracker), **_name_in_full(tracker)}
    assert told["patient_name"] == name


@pytest.mark.parametrize("text", ["the last name is wrong", "last name is spelled wrong"])
def test_a_last_name_that_is_not_told_is_none(text: str) -> None:
    assert _name_in_full(heard(text, "correct_booking", "confirm_booking", slots=GIVEN)) == {}


@pytest.mark.parametrize("text", ["no wrong email its yahoo.com with oo", "wrong number, no phone"])
def test_a_wrong_contact_is_asked_for_again(text: str) -> None:
    assert wishes.refuses_contact(text) is None
    found = values(heard(text, "correct_booking", "confirm_booking", slots=GIVEN))
    assert found["patient_contact"] is None


@pytest.mark.parametrize(
    ("text", "note", "rest"),
    [
        ("add to the note call Eve the daughter not me", "call Eve the daughter not me", ""),
        ("make it 45, and put a cane user in the note", "a cane user", "make it 45"),
        ("at 3, and add that my left leg aches", "my left leg aches", "at 3"),
    ],
)
def test_what_is_added_to_the_note(text: str, note: str, rest: str) -> None:
    assert wishes.note_and_rest(text) == (note, rest)


@pytest.mark.parametrize("text", ["don't put my name in the note", "is there a note", "note it"])
def test_no_note_is_told(text: str) -> None:
    assert wishes.note_and_rest(text)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        *("Indeed.", "You may dispatch it.", "Pray send it.", "Precisely so.", "yes, exactly so"),
        *("aye go on", "Do, please do", "brilliant, put us down please", "Splendid. Do submit it."),
        *("Very good, dispatch it", "great, that's correct ta", "wonderful, many thanks"),
    ],
)
def test_a_formal_yes_sends(text: str) -> None:
    assert values(at_read_back(text, "nlu_fallback", 0.2)) == {"confirm_booking": "yes"}


@pytest.mark.parametrize(
    ("text", "sends"),
    [
        *(("Indeed.", False), ("quite so", False), ("indeed, send it", True)),
        *(("please do", False), ("great, thanks", False), ("go on then", False)),
    ],
)
def test_a_formal_yes_to_what_shall_change_sends_nothing(text: str, sends: bool) -> None:
    slots = {**GIVEN, "problem": "ask_which_field", "problem_count": 1}
    tracker = heard(text, "affirm", "confirm_booking", slots=slots)
    assert (read("confirm_booking", tracker).value == "yes") is sends


@pytest.mark.parametrize(
    "text",
    [
        *("indeed it hurts", "exactly how long is it", "you may not", "not yet", "do not"),
        *("I'm good, thanks", "no thank you", "please don't", "great but make it 45", "go on?"),
        *("put me down for friday", "book another", "that's not right, thanks", "thanks"),
    ],
)
def test_words_of_a_formal_yes_alone_send_nothing(text: str) -> None:
    assert not wishes.says("plain_yes", text)


PICKED_AT_SIX = {
    "start": "2026-12-01T23:00:00+00:00",
    "minutes": 45,
    "therapist": "Natalie Yeo",
}


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ("not 6, 6 and a bit", True),
        ("nah the 6 is no good", True),
        ("6 please", False),
        ("not 6, make it 45 minutes", False),
    ],
)
def test_an_hour_that_is_denied_is_not_put_down_again(text: str, denies: bool) -> None:
    tracker = heard(text, asked="confirm_booking", slots={"chosen": PICKED_AT_SIX})
    assert _denies(tracker, times.Offer.from_dict(PICKED_AT_SIX)) is denies


@pytest.mark.parametrize(("chosen", "says"), [("at 6", False), ("at 7", True)])
def test_only_another_time_is_said_to_be_put_down(
    monkeypatch: pytest.MonkeyPatch, chosen: str, says: bool
) -> None:
    async def read(_: Tracker) -> dict[str, Any]:
        return {"chosen_time": chosen, **no_problem()}

    monkeypatch.setattr(BOOKING, "values_from", read)
    dispatcher = CollectingDispatcher()
    slots = {**GIVEN, "chosen_time": "at 6"}
    asyncio.run(BOOKING.perform(dispatcher, heard("6", asked="confirm_booking", slots=slots)))
    assert bool(said(dispatcher)) is says


@pytest.mark.parametrize("text", ["the last one", "last pls", "the latest one", "the second one"])
def test_the_last_of_two_is_the_second(text: str) -> None:
    assert services.ordinal(text, 2) == 1
    assert services.ordinal("the first one", 2) == 0
    assert services.ordinal("the last one", 3) == 2


@pytest.mark.parametrize(
    "text", ["ok now carlos at 10 same email", "same number as before", "for my wife, same contact"]
)
@pytest.mark.parametrize("intent", ["change_appointment", "correct_booking", "book_appointment"])
def test_the_same_contact_stays(text: str, intent: str) -> None:
    found = values(heard(text, intent, slots=GIVEN))
    assert found.get("patient_contact", GIVEN["patient_contact"]) == GIVEN["patient_contact"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"reference": "K7M3QX", "patient_contact": "416-555-0199"}),
        ("416-555-0199", {"reference": "K7M3QX", "patient_contact": "416-555-0199"}),
        # a booking that is begun has another contact, which stays
        ("sam@example.com", {}),
    ],
)
def test_what_was_moved_by_its_reference_needs_none_again(
    before: str | None, after: dict[str, str]
) -> None:
    slots = {"change_reference": "K7M3QX", "change_contact": "416-555-0199"}
    assert _as_told_here({**slots, "patient_contact": before}) == after


@pytest.mark.parametrize("text", ["can I just telephone you", "I'd rather not share that."])
def test_who_gives_no_way_to_be_reached_hears_the_clinics_number(text: str) -> None:
    found = read("patient_contact", heard(text, "nlu_fallback", "patient_contact"))
    assert found.problem == "invalid_patient_contact_would_call"


def test_of_two_addresses_the_name_of_the_service_tells_which() -> None:
    slots = {"contact_choices": ["a@gmail.com", "a@gmial.com"]}
    tracker = heard("GMAIL of course", "nlu_fallback", "patient_contact", slots=slots)
    assert read("patient_contact", tracker).value == "a@gmail.com"


def test_nothing_is_no_note() -> None:
    assert read("note", heard("Nothing, thanks.", "nlu_fallback", "note")).value == ""
