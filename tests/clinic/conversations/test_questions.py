"""Questions that went wrong: collected once, grouped, sorted by staff, exported."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fabricated import Events, Talk, question

from clinic import clock
from clinic.conversations.feedback import save_feedback, withdraw_feedback
from clinic.conversations.models import Message, RatedDown, Session
from clinic.conversations.projection import Tail
from clinic.desk import reviewing
from clinic.privacy.deletion import delete_conversation
from clinic.questions import collecting, exporting, grouping, inbox, taught
from clinic.questions.models import Meaning, Question
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


@pytest.fixture(autouse=True)
def teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has a folder data/nlu of its own; teaches examples of a topic in it."""
    folder = tmp_path / "nlu"
    folder.mkdir()
    monkeypatch.setattr(taught, "FOLDER", folder)
    taught._examples.cache_clear()

    def examples(topic: str, *texts: str) -> None:
        entry = {"intent": topic, "examples": "".join(f"- {text}\n" for text in texts)}
        file = folder / f"{topic.replace('/', '_')}.yml"
        file.write_text(yaml.safe_dump({"version": "3.1", "nlu": [entry]}), encoding="utf-8")
        taught._examples.cache_clear()

    return examples


def only() -> Question:
    return Question.objects.get()


def rate_down(conversation: str) -> None:
    save_feedback(
        conversation_id=conversation,
        answer="utter_faq/cost",
        value="down",
        message_reference="",
    )


def test_the_same_question_is_one(said: Callable[..., Message]) -> None:
    said("Do you do CUPPING?", "a")
    said("do you do cupping", "b")
    assert (only().text, only().count) == ("do you do cupping", 2)
    assert only().occurrences.count() == 2
    assert collecting.collect() == 0


def test_why_it_is_there(said: Callable[..., Message], tail: Tail) -> None:
    said("is it cheap", sure=0.9, lost=False)
    assert not Question.objects.exists()
    rate_down("c")
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


def test_a_thumb_that_is_taken_back_leaves_nothing(
    said: Callable[..., Message], tail: Tail
) -> None:
    def take_back(conversation: str) -> None:
        withdraw_feedback(
            conversation_id=conversation, answer="utter_faq/cost", message_reference=""
        )
        tail.step()
        collecting.collect()

    for conversation in ("a", "b"):
        said("is it cheap", conversation, sure=0.9, lost=False)
        rate_down(conversation)
        tail.step()
        collecting.collect()
    take_back("a")
    assert only().thumbs_down, "somebody else minds the answer"
    take_back("b")
    assert not Question.objects.exists()
    said("is it cheap", "c", sure=0.3, lost=False)
    rate_down("c")
    tail.step()
    collecting.collect()
    assert only().thumbs_down
    take_back("c")
    assert (only().thumbs_down, only().low_confidence) == (False, True)


def test_a_thumb_down_after_a_click_is_collected_by_what_the_button_said(
    database: Path, events: Events, tail: Tail
) -> None:
    for conversation, shown in (("a", {"/ask_cost": "Prices"}), ("b", {})):
        talk = Talk(time.time() - 9000).start().patient("hi", "greet")
        talk.assistant("Hello.", "utter_greet", shown)
        talk.patient("/ask_cost", "faq/cost").assistant("It costs.", "utter_faq/cost").listen()
        events.write(conversation, talk)
    tail.step()
    assert collecting.collect() == 0
    for conversation in ("a", "b"):
        rate_down(conversation)
    tail.step()
    assert collecting.collect() == 2
    found = {each.text: each for each in Question.objects.all()}
    assert set(found) == {"Prices", "Cost"}, "without its title, by the topic"
    assert all(each.thumbs_down and each.guess == "faq/cost" for each in found.values())


def test_forms_and_clicks_are_no_questions(database: Path, events: Events, tail: Tail) -> None:
    talk = Talk().start().form("booking_form").patient("deep tissue", "nlu_fallback", 0.1)
    talk.assistant("Hm?", "utter_not_understood_1", {"/x": "X"}).form(None).listen()
    events.write("c", talk.patient("/x", "x", 0.1).assistant("Hm", "utter_not_understood_1"))
    tail.step()
    assert collecting.collect() == 0


@pytest.mark.parametrize("typed", ["Priya Nair", "/inform"])
def test_a_thumb_down_in_a_form_makes_no_question_of_what_was_answered(
    typed: str, database: Path, events: Events, tail: Tail
) -> None:
    talk = Talk(time.time() - 9000).start().form("booking_form").patient(typed, "faq/cost")
    events.write("a", talk.assistant("It costs.", "utter_faq/cost", {}).listen())
    tail.step()
    rate_down("a")
    tail.step()
    assert collecting.collect() == 0
    assert not RatedDown.objects.exists()
    message = Message.objects.get(author="patient")
    reviewing.correct(message, "topic", "faq/location", "natalie")
    assert (only().marked_wrong, only().thumbs_down) == (True, False), "staff said so"


def test_answers_in_forms_that_were_collected_before_go_with_the_update(
    any_database: str,
) -> None:
    from datetime import UTC, datetime

    from django.core.management import call_command

    from clinic.questions.models import Occurrence

    at = datetime(2026, 11, 23, tzinfo=UTC)
    values = dict.fromkeys(("messages", "patient_messages", "not_understood", "last_event_id"), 1)
    session = Session.objects.create(
        conversation_id="a", number=1, first_event_id=1, started_at=at, last_activity_at=at,
        channel="website", outcome="answered", **values,
    )  # fmt: skip
    cases = {
        "a name": ("booking_form", {"thumbs_down": True}),
        "a question": ("", {"thumbs_down": True}),
        "wrong": ("booking_form", {"thumbs_down": True, "marked_wrong": True}),
        "decided": ("booking_form", {"thumbs_down": True, "state": "out_of_scope"}),
    }
    for event, (text, (form, reasons)) in enumerate(cases.items(), 1):
        Message.objects.create(
            event_id=event, session=session, at=at, author="patient", text=text, form=form
        )
        asked = Question.objects.create(key=text, text=text, first_at=at, last_at=at, **reasons)
        Occurrence.objects.create(question=asked, session=session, event_id=event, at=at)
    call_command("migrate", "questions", "0004", verbosity=0)
    call_command("migrate", verbosity=0)
    assert set(Question.objects.values_list("text", flat=True)) == cases.keys() - {"a name"}
    assert Occurrence.objects.count() == 3


def test_numbers_in_words_that_were_collected_before_go_with_the_update(any_database: str) -> None:
    from datetime import UTC, datetime

    from django.core.management import call_command

    at = datetime(2026, 11, 23, tzinfo=UTC)
    texts = (
        "is 416 five five five 0199 right",
        "is six four seven, double five five 0122 right",
        "is it far",
    )
    for text in texts:
        asked = Question.objects.create(
            key=collecting.key_of(text), text=text, count=1, first_at=at, last_at=at,
            thumbs_down=text == texts[1], group=1,
        )  # fmt: skip
        Meaning.objects.create(question=asked, vector=b"x")
    call_command("migrate", "questions", "0005", verbosity=0)
    call_command("migrate", verbosity=0)
    one, other = Question.objects.order_by("pk")
    assert (one.text, one.count, one.thumbs_down) == ("is 416-555-0142 right", 2, True)
    assert (one.key, one.group) == ("is 416 555 0142 right", None)
    assert (other.text, other.group) == ("is it far", 1)
    assert grouping.meanings() == {other.pk: b"x"}


def test_a_correction_decides_at_once(said: Callable[..., Message]) -> None:
    message = said("is parking free", sure=0.9, lost=False)
    reviewing.correct(message, "topic", "faq/location", "natalie")
    assert (only().state, only().topic, only().decided_by) == ("topic", "faq/location", "natalie")
    assert only().marked_wrong


def test_a_correction_that_is_taken_back_leaves_no_example(said: Callable[..., Message]) -> None:
    sure = said("is parking free", "a", sure=0.9, lost=False)
    unsure = said("is it far", "b")
    for message in (sure, unsure):
        undo = reviewing.correct(message, "topic", "faq/location", "natalie")
        assert "faq/location" in exporting.patch()
        assert reviewing.take_back(undo, "natalie", clock.now())
        assert exporting.patch() == ""
    # What is in the inbox for no other reason goes.
    assert (only().text, only().state, only().marked_wrong) == ("is it far", "open", False)


def test_a_correction_that_is_changed_changes_the_example(said: Callable[..., Message]) -> None:
    message = said("is parking free")
    first = reviewing.correct(message, "topic", "faq/cost", "natalie")
    second = reviewing.correct(message, "topic", "faq/location", "natalie")
    assert "faq/cost" not in exporting.patch()
    reviewing.take_back(second, "natalie", clock.now())
    assert "faq/cost" in exporting.patch()
    reviewing.correct(message, "out_of_scope", "", "rui")
    assert "out_of_scope" in exporting.patch()
    reviewing.correct(message, "", "", "rui")
    assert (only().state, exporting.patch()) == ("open", "")
    reviewing.take_back(first, "natalie", clock.now())
    assert only().state == "open"


def test_what_was_decided_in_the_inbox_stays(said: Callable[..., Message]) -> None:
    message = said("is parking free")
    undo = reviewing.sort_questions({only().pk: ("topic", "faq/cost")}, "rui")
    reviewing.correct(message, "topic", "faq/location", "natalie")
    assert only().topic == "faq/cost"
    reviewing.correct(message, "", "", "natalie")
    assert only().topic == "faq/cost"
    reviewing.take_back(undo, "rui", clock.now())
    assert (only().state, only().topic) == ("open", "")


def test_undoing_in_the_inbox_leaves_what_was_exported(said: Callable[..., Message]) -> None:
    message = said("is parking free")
    reviewing.correct(message, "topic", "faq/location", "natalie")
    exporting.patch(mark=True)
    undo = reviewing.sort_questions({only().pk: ("discarded", "")}, "rui")
    reviewing.take_back(undo, "rui", clock.now())
    assert (only().topic, only().decided_by, exporting.patch()) == ("faq/location", "natalie", "")
    reviewing.correct(message, "", "", "natalie")
    assert only().state == "open"


def test_a_missed_red_flag_goes_to_the_clinician_and_never_to_the_training(
    said: Callable[..., Message],
) -> None:
    missed = said("my seat is numb", "a")
    said("my leg sleeps", "b")
    reviewing.sort_questions(
        {each.pk: ("topic", "faq/symptoms") for each in Question.objects.all()}, "rui"
    )
    reviewing.correct(missed, "missed_red_flag", "", "natalie")
    reviewing.correct(said("it burns", "c"), "false_alarm", "", "natalie")
    patch = exporting.patch()
    assert "my leg sleeps" in patch
    assert "my seat is numb" not in patch
    assert "it burns" not in patch
    assert yaml.safe_load(exporting.for_clinician(mark=True)) == {
        "missed_red_flag": [{"text": "my seat is numb", "asked": 1}],
        "false_alarm": [{"text": "it burns", "asked": 1}],
    }
    assert exporting.for_clinician() == ""
    reviewing.correct(missed, "", "", "natalie")
    assert Question.objects.get(text="my seat is numb").state == "open"


def test_while_nothing_is_new_nothing_is_read_again_or_written(
    said: Callable[..., Message], tail: Tail
) -> None:
    for number in range(20):
        message = said(f"is it cheap {number}", f"c{number}", sure=0.9, lost=False)
        rate_down(f"c{number}")
        reviewing.correct(message, "out_of_scope", "", "natalie")
    tail.step()
    assert collecting.collect() == 0
    assert Question.objects.filter(thumbs_down=True).count() == 20
    with CaptureQueriesContext(connection) as asked:
        assert collecting.collect() == 0
    assert len(asked) <= 6
    assert all(each["sql"].startswith("SELECT") for each in asked)


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
    made = grouping.Understood("faq/cost", 0.8, "1")
    grouping.write([[second.pk, first.pk], [third.pk, 999]], {first.pk: made}, {}, {})
    groups = inbox.groups()
    assert [(group.name, group.count) for group in groups] == [
        ("cupping?", 2),
        ("is there a lift", 1),
    ]
    inbox.decide([first.pk], "topic", "natalie", "faq/insurance")
    first.refresh_from_db()
    assert not first.understood_now
    inbox.decide([first.pk], "topic", "natalie", "faq/cost")
    first.refresh_from_db()
    assert first.understood_now


def test_grouping_that_has_ended_leaves_no_process_behind(
    said: Callable[..., Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("true")
    assert program
    monkeypatch.setattr(sys, "executable", program)
    said("is there a lift")
    before = processes()
    ends = time.monotonic() + 15
    for _ in range(2):
        grouping.start()
        # A process of which nobody takes notice stays in this list for ever.
        while processes() - before:
            assert time.monotonic() < ends, "it is still there"
            threading.Event().wait(0.02)


def test_grouping_ends_with_the_worker(
    said: Callable[..., Message], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "long"
    program.write_text("#!/bin/sh\nexec sleep 300\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    said("is there a lift")
    before = processes()
    grouping.start()
    assert processes() - before
    grouping.stop()
    ends = time.monotonic() + 15
    while processes() - before:
        assert time.monotonic() < ends, "it is still there"
        threading.Event().wait(0.02)


def processes() -> set[str]:
    """What this program has started and not taken notice of the end of."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended meanwhile
            found.update((task / "children").read_text().split())
    return found


def test_the_patch_is_examples_for_the_training(
    said: Callable[..., Message], teach: Callable[..., None]
) -> None:
    teach("faq/cost", "Price, please!", "What's [the price](thing)?")
    for number, (text, state, topic) in enumerate(
        [
            ("do you [really] do cupping", "topic", "faq/techniques"),
            ("sing me a song", "out_of_scope", ""),
            ("is there a lift", "needs_answer", ""),
            ("whats the price", "topic", "faq/insurance"),
            ("price please", "topic", "faq/cost"),
        ]
    ):
        said(text, f"c{number}")
        found = Question.objects.get(count=1, state="open")
        inbox.decide([found.pk], state, "natalie", topic)
    written = exporting.patch(mark=True)
    assert yaml.safe_load(written) == {
        "version": "3.1",
        "nlu": [
            {"intent": "faq/techniques", "examples": "- do you really do cupping\n"},
            {"intent": "out_of_scope", "examples": "- sing me a song\n"},
        ],
    }
    assert (
        "# Left out, an example of faq/cost already and wanted as faq/insurance: whats the price"
        in written
    )
    assert "lift" not in written
    assert "intent" not in exporting.patch()
    # As the file is now, not as it was when somebody looked.
    teach("faq/cost", "Price, please!")
    assert "- whats the price" in exporting.patch()


def test_the_same_words_are_one_example_of_one_topic(
    said: Callable[..., Message], teach: Callable[..., None]
) -> None:
    for number, (text, topic) in enumerate(
        [
            ("what's cupping", "faq/techniques"),
            ("whats cupping", "faq/techniques"),
            ("who's there", "faq/therapist"),
            ("whos there", "faq/location"),
        ]
    ):
        said(text, f"c{number}")
        inbox.decide([Question.objects.get(state="open").pk], "topic", "natalie", topic)
    written = exporting.patch(mark=True)
    assert yaml.safe_load(written)["nlu"] == [
        {"intent": "faq/techniques", "examples": "- what's cupping\n"}
    ]
    assert "example of faq/location already and wanted as faq/therapist: who's there" in written
    assert "example of faq/therapist already and wanted as faq/location: whos there" in written


def test_a_file_that_is_being_written_stops_nothing(
    said: Callable[..., Message], teach: Callable[..., None], tmp_path: Path
) -> None:
    teach("faq/cost", "price please")
    for number, content in enumerate(("nlu: [", "", "nlu:\n- regex: x\n  examples: '- y'\n")):
        (tmp_path / "nlu" / f"a{number}.yml").write_text(content)
    said("price please")
    assert only().taught_as == "faq/cost"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"now_as": "faq/techniques", "now_confidence": 0.6}, True),
        ({"now_as": "faq/techniques", "now_confidence": 0.3}, False),
        ({"now_as": "nlu_fallback", "now_confidence": 0.6}, False),
        ({"now_as": "out_of_scope", "now_confidence": 0.9}, False),
        ({"now_as": "faq/techniques", "now_confidence": 0.6, "now_model": "1000"}, False),
        ({"now_as": "faq/cost", "now_confidence": 0.6}, True),
        ({"now_as": "faq/cost", "now_confidence": 0.6, "thumbs_down": True}, False),
        ({"now_as": "faq/techniques", "now_confidence": 0.6, "marked_wrong": True}, True),
        ({"state": "needs_answer", "now_as": "faq/techniques", "now_confidence": 0.6}, True),
        ({"state": "discarded", "now_as": "faq/techniques", "now_confidence": 0.6}, True),
        ({"state": "topic", "topic": "faq/cost", "now_as": "faq/cost", "now_model": "1"}, True),
        ({"state": "topic", "topic": "faq/cost", "now_as": "faq/techniques"}, False),
        ({"state": "missed_red_flag", "now_level": "check"}, True),
        ({"state": "missed_red_flag", "now_level": "none", "now_as": "faq/techniques"}, False),
        ({"state": "missed_red_flag"}, False),
        ({"state": "false_alarm", "now_level": "none"}, True),
        ({"state": "false_alarm", "now_level": "urgent"}, False),
        ({"state": "false_alarm"}, False),
    ],
)
def test_what_is_understood_since_a_training(
    said: Callable[..., Message], now: dict[str, object], expected: bool
) -> None:
    said("do you do cupping")
    trained = str(int(time.time()) + 100)
    Question.objects.update(**{"now_model": trained, **now})
    assert only().understood_now is expected


def test_a_conversation_to_test_with(database: Path, events: Events, tail: Tail) -> None:
    talk = question(text="I'm Priya Nair, what does it cost")
    talk.patient("parking?", "faq/cost").assistant("100", "utter_faq/cost").listen()
    talk.patient("thanks", "thank").assistant("Welcome.", "utter_thank").listen()
    assert exported(talk, events, tail, "parking?", "topic", "faq/location") == [
        {"patient": "I'm Sam, what does it cost"},
        {"assistant": {"response": ["utter_faq/cost"]}},
        {"patient": "parking?"},
        {"assistant": {"response": "utter_faq/location"}},
        {"patient": "thanks"},
        {"assistant": {"response": ["utter_thank"]}},
    ]


@pytest.mark.parametrize(
    ("kind", "topic", "expected"),
    [
        ("missed_red_flag", "", {"alarm": True}),
        ("false_alarm", "", {"alarm": False}),
        ("topic", "book_appointment", {"form": "booking_form"}),
    ],
)
def test_what_goes_another_way_ends_there(
    database: Path,
    events: Events,
    tail: Tail,
    kind: str,
    topic: str,
    expected: dict[str, object],
) -> None:
    talk = Talk(time.time() - 9000).start().patient("my seat is numb", "faq/symptoms")
    talk.assistant("Sciatica is...", "utter_faq/symptoms").listen()
    talk.patient("no", "deny").assistant("Anything else?", "utter_anything_else").listen()
    assert exported(talk, events, tail, "my seat is numb", kind, topic) == [
        {"patient": "my seat is numb"},
        {"assistant": expected},
    ]


@pytest.mark.parametrize(
    ("form", "kind", "topic", "expected"),
    [
        (None, "out_of_scope", "", {"response": "utter_out_of_scope"}),
        (None, "topic", "thank", {"response": "utter_thank"}),
        # What an answer to these is depends on what was asked before.
        (None, "topic", "affirm", {"not_response": ["utter_faq/symptoms"]}),
        ("booking_form", "topic", "thank", {"not_response": ["utter_faq/symptoms"]}),
        ("booking_form", "topic", "faq/cost", {"response": "utter_faq/cost"}),
    ],
)
def test_the_wrong_answer_is_never_what_is_expected(
    database: Path,
    events: Events,
    tail: Tail,
    form: str | None,
    kind: str,
    topic: str,
    expected: dict[str, object],
) -> None:
    talk = Talk(time.time() - 9000).start().form(form).patient("hm, so", "faq/symptoms")
    talk.assistant("Sciatica is...", "utter_faq/symptoms").listen()
    steps = exported(talk, events, tail, "hm, so", kind, topic)
    assert steps[1:] == [{"assistant": expected}]


def exported(
    talk: Talk, events: Events, tail: Tail, text: str, kind: str, topic: str
) -> list[dict[str, object]]:
    """The steps of a conversation to test with, after one of its messages was corrected."""
    events.write("c", talk)
    tail.step()
    reviewing.correct(Message.objects.get(text=text), kind, topic, "natalie")
    session = Session.objects.get()
    return yaml.safe_load(exporting.conversation(session))["cases"][f"conversation_{session.pk}"]
