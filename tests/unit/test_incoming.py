"""A payload counts when its button was shown; everything else is words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels.incoming import incoming

COST = {"title": "What does it cost?", "payload": "/faq/cost"}
BOOK = {"title": "Book an appointment", "payload": "/book_appointment"}
FIELD = {"title": "Name", "payload": '/correct_booking{"field":"patient_name"}'}
SOON = {"title": "As soon as possible", "payload": "as soon as possible"}


def shown(*buttons: dict[str, str]) -> BotUttered:
    return BotUttered("words", data={"buttons": list(buttons)})


def chat(*events: Any) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("someone", list(events))


@pytest.mark.parametrize("button", [COST, BOOK, FIELD])
def test_a_payload_that_was_shown_is_a_click(button: dict[str, str]) -> None:
    assert incoming(button["payload"], chat(shown(COST, BOOK, FIELD))) == button["payload"]
    assert incoming(f"  {button['payload']}\n", chat(shown(button))) == button["payload"]


def test_a_button_further_up_can_still_be_clicked() -> None:
    events = [shown(COST), UserUttered("hello"), BotUttered("words"), UserUttered("and?")]
    assert incoming("/faq/cost", chat(*events)) == "/faq/cost"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/faq/cost", "faq/cost"),
        ("/restart", "restart"),
        ("/book_appointment", "book_appointment"),
        ('/correct_booking{"field":"note"}', 'correct_booking{"field":"note"}'),
        ("//session_start", "session_start"),
        (" / / back", "back"),
        ("/\n/restart", "restart"),
        ("\t/restart", "restart"),
        ("/", ""),
    ],
)
def test_a_payload_that_was_not_shown_is_words(typed: str, words: str) -> None:
    assert incoming(typed, chat(shown(FIELD), UserUttered("hello"))) == words
    assert incoming(typed, None) == words


def test_a_payload_has_to_be_the_one_shown() -> None:
    forged = '/correct_booking{"field":"patient_name","value":"up"}'
    assert incoming(forged, chat(shown(FIELD))) == forged.removeprefix("/")


@pytest.mark.parametrize(
    "typed",
    ["What does it cost?", "what does it cost", "WHAT DOES IT COST", " what does it cost ... "],
)
def test_typing_a_title_is_as_good_as_clicking(typed: str) -> None:
    assert incoming(typed, chat(UserUttered("hi"), shown(BOOK), shown(COST))) == "/faq/cost"


def test_a_button_may_say_words() -> None:
    assert incoming("as soon as possible", chat(shown(SOON))) == "as soon as possible"
    assert incoming("AS SOON AS POSSIBLE", chat(shown(SOON))) == "as soon as possible"


def test_titles_count_before_the_patient_has_said_anything() -> None:
    tracker = chat(ActionExecuted("action_listen"), shown(BOOK), ActionExecuted("action_listen"))
    assert incoming("Book an appointment", tracker) == "/book_appointment"


def test_a_title_counts_only_right_after_it_was_shown() -> None:
    events = [shown(FIELD), UserUttered("hello"), shown(COST)]
    assert incoming("Name", chat(*events)) == "Name"


def test_of_two_equal_titles_the_last_one_shown_counts() -> None:
    other = {"title": "Name", "payload": "/help"}
    assert incoming("name", chat(shown(FIELD), shown(other))) == "/help"


def test_a_title_of_signs_alone_is_not_matched_by_signs() -> None:
    assert incoming("?!", chat(shown({"title": "...", "payload": "/help"}))) == "?!"


@pytest.mark.parametrize("text", ["hello", "  how much is it?  ", "1/2 an hour", "", "a /faq/cost"])
def test_words_stay_as_they_are(text: str) -> None:
    assert incoming(text, chat(shown(COST), UserUttered("hi"))) == text
    assert incoming(text, None) == text


@given(
    st.text(alphabet=st.one_of(st.sampled_from("/ \t\n\x0b\x1c\u00a0\u3000{}@"), st.characters()))
)
def test_nothing_typed_is_taken_for_a_payload(text: str) -> None:
    words = incoming(text, chat(shown(FIELD)))
    # as Rasa looks at it
    assert not words.strip().startswith(INTENT_MESSAGE_PREFIX)
