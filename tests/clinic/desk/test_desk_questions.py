"""The questions inbox at the desk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from desk_chats import NOW, chat, understood
from desk_people import browser, deeds, person

PHONE = "416-555-0177"


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, any_database: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())


@pytest.fixture
def desk() -> Any:
    return browser(person("rui", "reviewer"))


@pytest.fixture
def asked() -> list[Any]:
    """Three questions that were not understood."""
    from clinic.questions.collecting import collect
    from clinic.questions.models import Question

    for place, words in enumerate(("do you take bitcoin", "how much is it", f"call me {PHONE}")):
        more = {**understood("faq/cost", 0.35), "understood": False}
        chat(f"c{place}", [("patient", "hello", {}), ("patient", words, more)])
    collect()
    return list(Question.objects.order_by("text"))


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.content.decode()))


def test_questions_are_sorted_and_that_is_undone(desk: Any, asked: list[Any]) -> None:
    from clinic.questions.models import Question

    page = desk.get("/questions/")
    assert "how much is it" in text(page)
    assert "555-0177" not in page.content.decode()
    by_text = {question.text: question.pk for question in asked}
    bitcoin, price = by_text["do you take bitcoin"], by_text["how much is it"]
    desk.post("/questions/decide", {"questions": [price], "what": "guess"})
    desk.post("/questions/decide", {"questions": [bitcoin], "what": "out_of_scope"})
    assert Question.objects.get(pk=price).topic == "faq/cost"
    both = {"questions": [bitcoin, price], "what": "topic", "topic": "faq/insurance"}
    done = desk.post("/questions/decide", {**both, "back": "/questions/"}, follow=True)
    assert "Sorted: 2." in text(done)
    undo = re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1]
    desk.post(undo)
    assert Question.objects.get(pk=price).topic == "faq/cost"
    assert Question.objects.get(pk=bitcoin).state == "out_of_scope"
    assert "Needs an answer 0" in text(desk.get("/questions/?state=topic"))
    assert ("rui", "change") in deeds(about="questions")


def test_an_old_undo_leaves_what_a_colleague_decided_since(desk: Any, asked: list[Any]) -> None:
    from clinic.questions.models import Question

    ticked = {"questions": [one.pk for one in asked[:2]]}
    done = desk.post("/questions/decide", {**ticked, "what": "out_of_scope"}, follow=True)
    undo = re.findall(r'action="(/undo/\d+)"', done.content.decode())[-1]
    ana = browser(person("ana", "reviewer"))
    ana.post("/questions/decide", {"questions": [asked[0].pk], "what": "missed_red_flag"})
    assert "Undone, but for 1" in text(desk.post(undo, follow=True))
    states = Question.objects.in_bulk()
    assert states[asked[0].pk].state == "missed_red_flag"
    assert states[asked[1].pk].state == "open"


@pytest.mark.parametrize(
    "form",
    [
        {"what": "discarded"},
        {"what": "topic", "topic": "faq/astrology"},
        {"what": "burn"},
    ],
)
def test_what_makes_no_sense_changes_nothing(
    desk: Any, asked: list[Any], form: dict[str, str]
) -> None:
    from clinic.questions.models import Question

    ticked = [] if form["what"] == "discarded" else [one.pk for one in asked]
    done = desk.post("/questions/decide", {**form, "questions": ticked}, follow=True)
    assert "Tick at least one question" in text(done)
    assert Question.objects.filter(state="open").count() == 3


def test_where_it_was_asked_is_shown_masked(desk: Any, asked: list[Any]) -> None:
    from clinic.questions.models import Occurrence

    one = Occurrence.objects.order_by("-event_id").first()
    for headers in ({}, {"HX-Request": "true"}):
        page = desk.get(f"/questions/{one.question_id}", headers=headers)
        assert "hello" in text(page)
        assert f"/conversations/{one.session_id}?message={one.event_id}" in page.content.decode()
        assert "555-0177" not in page.content.decode()


def test_what_was_sorted_is_downloaded_for_training(desk: Any, asked: list[Any]) -> None:
    assert desk.post("/questions/patch").content.decode() == "# Nothing new.\n"
    price = next(one for one in asked if one.text == "how much is it")
    desk.post("/questions/decide", {"questions": [price.pk], "what": "guess"})
    kept = desk.post("/questions/patch", {"mark": "1"}).content.decode()
    assert "intent: faq/cost" in kept
    assert "- how much is it" in kept
    assert desk.post("/questions/patch").content.decode() == "# Nothing new.\n"
    assert deeds(action="export", about="questions") == [("rui", "export")] * 3


def test_missed_red_flags_have_a_place_of_their_own(desk: Any, asked: list[Any]) -> None:
    """On Today, in the inbox, in the list of conversations, and in a download of their own."""
    from clinic.questions.models import Occurrence

    numb = next(one for one in asked if one.text == "do you take bitcoin")
    place = Occurrence.objects.get(question=numb)
    assert "missed red flag to hand" not in text(desk.get("/"))
    desk.post(f"/messages-said/{place.event_id}/wrong", {"wrong": "missed_red_flag"})
    today = desk.get("/").content.decode()
    assert "1 missed red flag to hand to the clinician" in text(desk.get("/"))
    inbox = re.search(r'href="(/questions/\?state=missed_red_flag)"', today)[1]
    assert "Missed red flag 1" in text(desk.get("/questions/"))
    assert "do you take bitcoin" not in text(desk.get("/questions/"))
    page = text(desk.get(inbox))
    assert "do you take bitcoin" in page
    assert "Download 1 for the clinician" in page
    assert "how much is it" not in page
    listed = desk.get("/conversations/?wrong=missed_red_flag").content.decode()
    assert f'value="{place.session_id}"' in listed
    assert listed.count('name="sessions"') == 1
    assert "No conversation fits" in text(desk.get("/conversations/?wrong=false_alarm"))
    assert desk.get("/conversations/?wrong=burn").status_code == 400
    desk.post("/questions/decide", {"questions": [asked[0].pk], "what": "false_alarm"})
    kept = desk.post("/questions/for-clinician", {"mark": "1"}).content.decode()
    assert kept.startswith("# For the clinician")
    assert "- text: do you take bitcoin" in kept
    assert "missed red flag to hand" not in text(desk.get("/"))
    assert desk.post("/questions/patch").content.decode() == "# Nothing new.\n"


def test_reasons_words_and_odd_addresses(desk: Any, asked: list[Any]) -> None:
    assert "do you take bitcoin" in text(desk.get("/questions/?q=bitcoin"))
    assert "how much is it" not in text(desk.get("/questions/?q=bitcoin"))
    assert "No question here fits" in text(desk.get("/questions/?reason=thumbs_down"))
    for odd in ("state=burn", "reason=burn", "start=-1", "start=99999999"):
        assert desk.get(f"/questions/?{odd}").status_code == 200


def test_a_conflict_is_told_when_it_is_decided(
    desk: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the files as they are, before anything has gone through the questions."""
    from clinic.questions import taught

    monkeypatch.setattr(taught, "FOLDER", tmp_path)
    taught._examples.cache_clear()
    (tmp_path / "cost.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: faq/cost\n  examples: |\n    - How much is it?\n'
    )
    by_text = {question.text: question.pk for question in asked}
    assert "an example of Cost already" in text(desk.get("/questions/"))
    both = [by_text["how much is it"], by_text["do you take bitcoin"]]
    wanted = {"questions": both, "what": "topic", "topic": "faq/insurance"}
    said = text(desk.post("/questions/decide", wanted, follow=True))
    assert "Not downloaded, 1: an example of another topic already (Cost)" in said
    page = desk.get("/questions/?state=topic")
    assert 'class="chip red">an example of Cost already' in page.content.decode()
    assert "Download 1 as examples" in text(page)
    written = desk.post("/questions/patch", {}).content.decode()
    assert "- do you take bitcoin" in written
    assert "- how much is it" not in written


def test_what_has_been_handed_on_is_not_undone(desk: Any, asked: list[Any]) -> None:
    """By anybody: the example is in the training data by now."""
    from clinic.conversations.models import Correction
    from clinic.questions.models import Question

    question = next(one for one in asked if one.text == "do you take bitcoin")
    event = question.occurrences.get().event_id
    sort = {"questions": [question.pk], "what": "topic", "topic": "faq/insurance"}
    decided = desk.post("/questions/decide", {**sort, "back": "/questions/"}, follow=True)
    colleague = browser(person("ana", "reviewer"))
    colleague.post("/questions/patch", {"mark": "1"})
    undo = re.findall(r'action="(/undo/\d+)"', decided.content.decode())[-1]
    assert "left as it is" in text(desk.post(undo, follow=True))
    question.refresh_from_db()
    assert (question.topic, question.exported_at is None) == ("faq/insurance", False)
    # The same by a correction beside the message.
    Question.objects.update(state="open", topic="", decided_by="", exported_at=None)
    wrong = f"/messages-said/{event}/wrong"
    corrected = desk.post(wrong, {"wrong": "topic:faq/cost"}, follow=True)
    colleague.post("/questions/patch", {"mark": "1"})
    undo = re.findall(r'action="(/undo/\d+)"', corrected.content.decode())[-1]
    assert "left as it is" in text(desk.post(undo, follow=True))
    question.refresh_from_db()
    assert (question.topic, question.exported_at is None) == ("faq/cost", False)
    assert Correction.objects.exists()


def test_groups_have_headings_and_what_is_understood_now_is_marked(
    desk: Any, asked: list[Any]
) -> None:
    from clinic.questions.models import Question

    for number, question in enumerate(asked[:2]):
        question.group = asked[1].pk
        question.now_as, question.now_confidence = "faq/cost", 0.8 if number else 0.1
        question.now_model = str(int(NOW.timestamp()) + 60)
        question.save()
    page = text(desk.get("/questions/"))
    assert "do you take bitcoin asked 2 times" in page
    assert page.count("understood now: Cost") == 1
    Question.objects.filter(pk=asked[0].pk).update(state="missed_red_flag", now_level="urgent")
    assert "understood now" in text(desk.get("/questions/?state=missed_red_flag"))
