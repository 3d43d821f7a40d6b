"""A message that is not understood: once, twice, three times; and messages of extreme length."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scenario_chat import VAGUE, Chat
from scenario_steps import expect

QUESTION = "what does one massage cost at your clinic? "
FILLER = "I have been thinking about it for a while. "
RED_FLAG = " Since this morning I cannot feel anything when I wipe myself."


@pytest.fixture
def vague(new_chat: Callable[[], Chat]) -> str:
    """A message that is not understood."""
    for text in VAGUE:
        chat = new_chat()
        chat.say(text)
        if chat.responses() == ["utter_not_understood_1"]:
            return text
    raise AssertionError("all of VAGUE is understood: put other words there")


def test_a_person_after_the_third_time(chat: Chat, vague: str) -> None:
    """Topics to choose from, then other words, then a person."""
    chat.say(vague)
    expect(chat, {"response": ["utter_not_understood_1"]})
    assert 1 <= len(chat.buttons) <= 3, chat
    chat.say(vague)
    expect(chat, {"response": ["utter_not_understood_2"], "contains": "other words"})
    chat.say(vague)
    expect(
        chat,
        {
            "response": ["utter_not_understood_3"],
            "contains": "{clinic_phone}",
            "buttons_include": "Talk to a person",
        },
    )
    chat.click("Talk to a person")
    expect(chat, {"form": "message_form"})


def test_an_answer_in_between_begins_anew(chat: Chat, vague: str) -> None:
    """Twice in a row means in a row."""
    chat.say(vague)
    chat.say("what does it cost")
    chat.say(vague)
    expect(chat, {"response": ["utter_not_understood_1"]})


def test_a_topic_can_be_chosen(chat: Chat, vague: str) -> None:
    """Each of the choices leads somewhere."""
    chat.say(vague)
    chat.click(chat.buttons[0])
    expect(chat, {"not_response": ["utter_not_understood_2", "utter_technical_problem"]})


def long_text(length: int, end: str = "") -> str:
    """A text of exactly this many characters that begins with a question."""
    middle = FILLER * (length // len(FILLER))
    return (QUESTION + middle)[: length - len(end)] + end


def test_2000_characters_are_read(chat: Chat) -> None:
    """The longest message there may be is answered."""
    chat.say(long_text(2000))
    expect(chat, {"not_response": ["utter_too_long", "utter_technical_problem"]})


def test_2001_characters_are_too_many(chat: Chat) -> None:
    """The patient is asked for the most important part, and reminded of the signs."""
    chat.say(long_text(2001))
    expect(chat, {"response": ["utter_too_long"], "contains": ["bladder", "911"]})


@pytest.mark.parametrize("length", [2000, 2001, 6000])
def test_a_red_flag_at_the_end_of_a_long_message(chat: Chat, length: int) -> None:
    """Length does not hide a sign of danger."""
    chat.say(long_text(length, RED_FLAG))
    expect(chat, {"response": ["utter_emergency"]})


def test_too_long_inside_a_form(chat: Chat) -> None:
    """The form asks again."""
    chat.say("I want to leave a message for a real person")
    chat.say(long_text(2001))
    expect(chat, {"response": "utter_too_long", "asks": "message_text"})


@pytest.mark.parametrize(
    "text",
    [
        "\ud83d half an emoji",
        "a\x00b what does it cost",
        "{patient_name} {clinic_phone} {0} %s $HOME",
        "<script>alert(1)</script>",
        "'; DROP TABLE events; --",
        "\u202ewhat does it cost",
        "what " * 300,
        "\n\n\n",
    ],
    ids=["half", "null", "braces", "script", "sql", "bidi", "repeated", "lines"],
)
def test_strange_texts_are_answered(chat: Chat, text: str) -> None:
    """Whatever is typed, the patient reads words, and the next message is answered too."""
    chat.say(text)
    chat.say("what does it cost")
    expect(chat, {"response": ["utter_faq/cost"]})
