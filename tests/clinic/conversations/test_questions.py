"""Questions that went wrong: collected once, grouped, sorted by staff, exported."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fabricated import Events, Talk, question

from clinic.conversations.feedback import save_feedback
from clinic.conversations.models import Correction, Message, Session
from clinic.conversations.projection import Tail
from clinic.privacy.deletion import delete_conversation
from clinic.questions import collecting, exporting, grouping, inbox
from clinic.questions.models import Question
from clinic.text import BadInput


@pytest.fixture
def said(database: Path, events: Events, tail: Tail) -> Callable[..., Message]:
    """Has a conversation with one message of a patient; gives that message."""

    def say(text: str, conversation: str = "c", *, sure: float = 0.1, lost: bool = True) -> Message:
        talk = Talk(time.time() - 9000).start().patient(text, "faq/cost", sure)
        talk.assistant("?", "utter_not_understood_1" if lost else "utter_faq/cost").listen()
        events.write(conversation, talk)
        tail.step()
        collecting.collect()
        rows = Message.objects.filter(session__conversation_id=conversation, author="patient")
        found = rows.order_by("-event_id").first()
        assert found is not None
        return found

    return say


def only() -> Question:
    return Question.objects.get()


def test_the_same_question_is_one(said: Callable[..., Message]) -> None:
    said("Do you do CUPPING?", "a")
    said("do you do cupping", "b")
    assert (only().text, only().count) == ("do you do cupping", 2)
    assert only().occurrences.count() == 2
    assert collecting.collect() == 0


def test_why_it_is_there(said: Callable[..., Message], tail: Tail) -> None:
    said("is it cheap", sure=0.9, lost=False)
    assert not Question.objects.exists()
    save_feedback(conversation_id="c", answer="utter_faq/cost", value="down", message_reference="")
    tail.step()
    collecting.collect()
    assert (only().thumbs_down, only().low_confidence, only().not_understood) == (
        True,
        False,
        False,
    )
    said("is it cheap", "d", sure=0.3, lost=False)
    assert (only().low_confidence, only().not_understood) == (True, False)
    said("is it cheap", "e", sure=0.3)
    assert only().not_understood
    assert [each.text for each in inbox.questions("open", "thumbs_down")] == ["is it cheap"]
    assert not inbox.questions("open", "marked_wrong")


def test_forms_and_clicks_are_no_questions(database: Path, events: Events, tail: Tail) -> None:
    talk = Talk().start().form("booking_form").patient("deep tissue", "nlu_fallback", 0.1)
    talk.assistant("Hm?", "utter_not_understood_1", {"/x": "X"}).form(None).listen()
    events.write("c", talk.patient("/x", "x", 0.1).assistant("Hm", "utter_not_understood_1"))
    tail.step()
    assert collecting.collect() == 0


def test_a_correction_decides(said: Callable[..., Message]) -> None:
    message = said("is parking free", sure=0.9, lost=False)
    Correction.objects.create(
        session=message.session,
        event_id=message.event_id,
        kind="topic",
        right_topic="faq/location",
        by="natalie",
    )
    collecting.collect()
    assert (only().state, only().topic, only().decided_by) == ("topic", "faq/location", "natalie")
    assert only().marked_wrong


def test_nobody_is_named_in_the_inbox(said: Callable[..., Message]) -> None:
    said("my name is Priya Nair, call 416-555-0199, do you do cupping")
    for part in ("Priya", "Nair", "0199"):
        assert part not in only().text
        assert part.casefold() not in only().key


def test_what_is_deleted_takes_its_questions_along(said: Callable[..., Message]) -> None:
    said("only here", "a")
    said("here and there", "a")
    said("here and there", "b")
    said("decided", "a")
    inbox.decide([Question.objects.get(text="decided").pk], "topic", "natalie", "faq/cost")
    delete_conversation("a")
    assert {each.text for each in Question.objects.all()} == {"here and there", "decided"}


def test_staff_sort_and_take_back(said: Callable[..., Message]) -> None:
    said("do you do cupping")
    assert inbox.decide([only().pk], "topic", "natalie", "faq/techniques") == 1
    assert inbox.decide([only().pk], "topic", "natalie", "faq/techniques") == 0
    assert (only().decided_by, inbox.counts()["topic"]) == ("natalie", 1)
    inbox.decide([only().pk], "open", "natalie")
    assert (only().state, only().topic, only().decided_at) == ("open", "", None)
    for state, topic in (("topic", ""), ("gone", "")):
        with pytest.raises(BadInput):
            inbox.decide([only().pk], state, "natalie", topic)


def test_groups_are_named_by_the_most_typical(said: Callable[..., Message]) -> None:
    for number, text in enumerate(("do you do cupping", "cupping?", "is there a lift")):
        said(text, f"c{number}")
    first, second, third = Question.objects.order_by("pk")
    made = grouping.Understood("faq/cost", 0.8, "1", "faq/techniques")
    grouping.write([[second.pk, first.pk], [third.pk, 999]], {first.pk: made})
    groups = inbox.groups()
    assert [(group.name, group.count) for group in groups] == [
        ("cupping?", 2),
        ("is there a lift", 1),
    ]
    inbox.decide([first.pk], "topic", "natalie", "faq/insurance")
    first.refresh_from_db()
    assert first.conflict == "faq/techniques"
    inbox.decide([first.pk], "topic", "natalie", "faq/cost")
    first.refresh_from_db()
    assert first.understood_now


def test_the_patch_is_examples_for_the_training(said: Callable[..., Message]) -> None:
    for number, (text, state, topic) in enumerate(
        [
            ("do you [really] do cupping", "topic", "faq/techniques"),
            ("sing me a song", "out_of_scope", ""),
            ("is there a lift", "needs_answer", ""),
            ("what is the price", "topic", "faq/insurance"),
            ("price please", "topic", "faq/cost"),
        ]
    ):
        said(text, f"c{number}")
        found = Question.objects.get(count=1, state="open")
        inbox.decide([found.pk], state, "natalie", topic)
    Question.objects.filter(text__contains="price").update(taught_as="faq/cost")
    written = exporting.patch(mark=True)
    assert yaml.safe_load(written) == {
        "version": "3.1",
        "nlu": [
            {"intent": "faq/techniques", "examples": "- do you really do cupping\n"},
            {"intent": "out_of_scope", "examples": "- sing me a song\n"},
        ],
    }
    assert "# Left out, an example of faq/cost already and wanted as faq/insurance" in written
    assert "lift" not in written
    assert "intent" not in exporting.patch()


def test_a_conversation_to_test_with(database: Path, events: Events, tail: Tail) -> None:
    talk = question(text="I'm Priya Nair, what does it cost")
    talk.patient("parking?", "faq/cost").assistant("100", "utter_faq/cost").listen()
    events.write("c", talk)
    tail.step()
    session = Session.objects.get()
    wrong = Message.objects.get(text="parking?")
    Correction.objects.create(
        session=session,
        event_id=wrong.event_id,
        kind="topic",
        right_topic="faq/location",
        by="natalie",
    )
    cases = yaml.safe_load(exporting.conversation(session))["cases"]
    assert cases[f"conversation_{session.pk}"] == [
        {"patient": "I'm Sam, what does it cost"},
        {"assistant": {"response": ["utter_faq/cost"]}},
        {"patient": "parking?"},
        {"assistant": {"response": ["utter_faq/location"]}},
    ]
