"""What is said: facts, needs, turns of wording, problems with an answer, buttons."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.channels.turns import CollectedForApp
from assistant.nlg import ResponseGenerator
from assistant.project import DATA, ROOT

RESPONSES: dict[str, list[dict[str, Any]]] = {
    "utter_plain": [{"text": "Call {clinic_phone}."}],
    "utter_turns": [{"text": "One."}, {"text": "Two."}, {"text": "Three."}],
    "utter_facts": [
        {"text": "It costs {prices}.", "metadata": {"needs": ["prices"], "source": ["x"]}},
        {"text": "{prices}, and {insurance}", "metadata": {"needs": ["prices", "insurance"]}},
        {"text": "I don't have that."},
        {"text": "I have not been told."},
    ],
    "utter_only_with_facts": [{"text": "It is {prices}.", "metadata": {"needs": ["prices"]}}],
    "utter_read_back": [{"text": "Name: {patient_name}\nNote: {note}\nShall I send it?"}],
    "utter_alarm": [{"text": "Go now.\n\n{why}\n\nLater."}],
    "utter_offer": [
        {
            "text": "Well?",
            "buttons": [
                {"title": "Book with {therapist_name}", "payload": "/book_appointment"},
                {"title": "Name", "payload": '/correct_booking{{"field":"patient_name"}}'},
                {"title": "Prices", "payload": "/faq/cost"},
            ],
        }
    ],
    "utter_faq/cost": [{"text": "It depends.", "buttons": [{"title": "a", "payload": "/help"}]}],
    "utter_more_cost": [{"text": "More of it."}],
    "utter_faq/what_to_wear": [
        {"text": "Wear anything. All is fine."},
        {"text": "Come on time. Call if not.", "metadata": {"about": "arrive"}},
    ],
    "utter_more_what_to_wear": [{"text": "Bring a list."}],
    "utter_as_said": [{"text": "As I said: {said} What else?"}],
    "utter_ask_patient_contact": [{"text": "Your number?"}],
    "utter_ask_patient_contact_stuck": [{"text": "Call us instead."}],
    "utter_ask_patient_name": [{"text": "Your name?"}],
    "utter_ask_message_form_patient_name": [{"text": "Who is it from?"}],
    "utter_invalid_patient_contact": [{"text": "That is no number."}],
    "utter_invalid_patient_name": [{"text": "That is no name."}],
    "utter_time_question": [{"text": "Which one?", "buttons": []}],
    "utter_ask_service": [{"text": "How long?"}],
    "utter_ask_service_shorter": [{"text": "30 or 60?"}],
    "utter_ask_service_stuck": [{"text": "Shall I pick?"}, {"text": "Or call."}],
    "utter_invalid_service": [{"text": "That is none."}, {"text": "How many minutes?"}],
    "utter_not_understood_1": [{"text": "Did you mean one of these?"}],
}
TITLES = yaml.safe_load((DATA / "titles.yml").read_text(encoding="utf-8"))
RESPONSES["utter_signs"] = [{"text": f"{TITLES['once'][0]['whole']} Otherwise: shall I send it?"}]
DOMAIN = Domain.load(str(ROOT / "domain.yml")).merge(
    Domain.from_dict({"responses": RESPONSES})  # type: ignore[arg-type]
)

Say = Callable[..., dict[str, Any]]


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fills in keys of clinic.yml for this test; what is not named is as in the sample."""

    def fill_in(**values: str) -> None:
        text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
        for key, value in values.items():
            text, found = re.subn(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
            assert found == 1
        file = tmp_path / "clinic.yml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("CLINIC_YML", str(file))

    fill_in()
    return fill_in


def with_prices(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for minutes, price in ((30, 75), (45, 100), (60, 120)):
        text = re.sub(rf"^      {minutes}:$", f"      {minutes}: {price}", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def conversation(*events: Any, **slots: Any) -> DialogueStateTracker:
    return DialogueStateTracker.from_events(
        "someone",
        [*(SlotSet(name, value) for name, value in slots.items()), *events],
        slots=DOMAIN.slots,
        domain=DOMAIN,
    )


@pytest.fixture
def say(clinic: Callable[..., None]) -> Say:
    generator = ResponseGenerator(domain=DOMAIN)

    def generate(name: str, tracker: DialogueStateTracker | None = None, **filled: Any) -> Any:
        tracker = tracker or conversation()
        return asyncio.run(generator.generate(name, tracker, "rest", **filled))

    return generate


def told(name: str) -> BotUttered:
    """The event of a response that was said, as Rasa stores it."""
    metadata = {"utter_action": name, "metadata": {"response": name}}
    return BotUttered("words", metadata=metadata)


# facts


@pytest.mark.parametrize(
    ("now", "when"),
    [
        ("2026-11-23T07:10", "opens today at 8 am"),
        ("2026-11-23T21:10", "opens tomorrow at 8 am"),
        # A Saturday evening.
        ("2026-11-28T21:10", "opens Monday at 8 am"),
    ],
)
def test_who_asks_for_a_person_outside_hours_hears_when_someone_will_be_there(
    clinic: Callable[..., None], monkeypatch: pytest.MonkeyPatch, now: str, when: str
) -> None:
    words = yaml.safe_load((DATA / "responses" / "live.yml").read_text(encoding="utf-8"))
    theirs = Domain.from_dict({"responses": words["responses"]})
    monkeypatch.setenv("CLINIC_NOW", now)
    generator = ResponseGenerator(domain=DOMAIN.merge(theirs))
    said = asyncio.run(generator.generate("utter_nobody_there", conversation(), "website"))
    assert said is not None
    assert (
        f"Nobody can join this chat right now. The clinic is closed now and {when}." in said["text"]
    )


def test_facts_come_from_the_clinics_file(say: Say, clinic: Callable[..., None]) -> None:
    assert say("utter_plain")["text"] == "Call 416-555-0142."
    clinic(phone="416-555-0199")
    assert say("utter_plain")["text"] == "Call 416-555-0199."


def test_slots_and_what_an_action_passes_are_filled_in(say: Say) -> None:
    tracker = conversation(patient_name="Sam", note="my knee")
    assert say("utter_read_back", tracker)["text"].startswith("Name: Sam\nNote: my knee\n")
    assert "Name: Alex" in say("utter_read_back", tracker, patient_name="Alex")["text"]


def test_what_a_patient_typed_is_not_filled_in_again(say: Say) -> None:
    tracker = conversation(patient_name="{clinic_phone}", note="\\g<0> {why} %s")
    text = say("utter_read_back", tracker)["text"]
    assert text.startswith("Name: {clinic_phone}\nNote: \\g<0> {why} %s\n")


def test_a_line_of_a_read_back_without_a_value_is_left_out(say: Say) -> None:
    for nothing in ("", None):
        text = say("utter_read_back", conversation(patient_name="Sam", note=nothing))["text"]
        assert text == "Name: Sam\nShall I send it?"


def test_a_reason_that_is_not_known_leaves_no_gap(say: Say) -> None:
    assert say("utter_alarm", conversation(why="It may be a nerve."))["text"] == (
        "Go now.\n\nIt may be a nerve.\n\nLater."
    )
    assert say("utter_alarm")["text"] == "Go now.\n\nLater."


def test_a_wording_that_needs_facts_waits_for_them(
    say: Say, clinic: Callable[..., None], tmp_path: Path
) -> None:
    assert say("utter_facts")["text"] == "I don't have that."
    with_prices(tmp_path / "clinic.yml")
    assert say("utter_facts")["text"].startswith("It costs ")
    clinic(insurance="We give you a receipt.")
    assert say("utter_facts")["text"] == "I don't have that."
    with_prices(tmp_path / "clinic.yml")
    assert say("utter_facts")["text"].endswith("and We give you a receipt.")


def test_there_is_nothing_to_say_without_a_wording(say: Say) -> None:
    assert say("utter_only_with_facts") is None
    assert say("utter_that_nobody_wrote") is None


# turns of wording


def test_wordings_take_turns_in_a_conversation(say: Say) -> None:
    heard = [
        say("utter_turns", conversation(*[told("utter_turns")] * times))["text"]
        for times in range(4)
    ]
    assert heard == ["One.", "Two.", "Three.", "One."]
    assert say("utter_turns", conversation(told("utter_plain")))["text"] == "One."


def test_the_same_answer_is_not_read_twice_in_a_row(say: Say) -> None:
    asked = [UserUttered("what does it cost"), BotUttered("It depends.", metadata={})]
    again = conversation(*asked, UserUttered("so what does it cost"))
    assert say("utter_faq/cost", again)["text"] == "More of it."
    once_more = conversation(*asked, told("utter_more_cost"), UserUttered("but what does it cost"))
    short = say("utter_faq/cost", once_more)
    assert short["text"] == "As I said: It depends. What else?"
    assert [button["title"] for button in short["buttons"]][:1] == ["a"]
    # later in the conversation it may be told in full
    others = [UserUttered(word) for word in ("one", "two", "three", "four")]
    assert say("utter_faq/cost", conversation(*asked, *others))["text"] == "It depends."


def test_what_is_asked_in_particular_again_is_said_again_and_nothing_beside_it(say: Say) -> None:
    text = "Come on time. Call if not."
    asked = [UserUttered("how soon should I arrive"), BotUttered(text, metadata={})]
    again = conversation(*asked, UserUttered("and what happens when I am late"))
    assert say("utter_faq/what_to_wear", again)["text"] == "As I said: Come on time. What else?"
    # another particular is told in full
    other = conversation(*asked, UserUttered("and shoes"))
    assert say("utter_faq/what_to_wear", other)["text"] == "Wear anything. All is fine."


def test_only_the_wordings_that_may_be_used_take_turns(say: Say) -> None:
    heard = [
        say("utter_facts", conversation(*[told("utter_facts")] * times))["text"]
        for times in range(3)
    ]
    assert heard == ["I don't have that.", "I have not been told.", "I don't have that."]


def test_the_message_names_what_was_said_and_its_sources(
    say: Say, clinic: Callable[..., None], tmp_path: Path
) -> None:
    with_prices(tmp_path / "clinic.yml")
    metadata = say("utter_facts")["metadata"]
    assert metadata["response"] == "utter_facts"
    assert metadata["source"] == ["x"]


def test_the_response_itself_is_not_changed(say: Say) -> None:
    say("utter_offer", conversation(red_flag_level="urgent"))
    assert len(say("utter_offer")["buttons"]) == 3


def test_danger_signs_are_named_in_full_once_in_a_form(say: Say) -> None:
    (signs,) = TITLES["once"]
    written = yaml.safe_load((DATA / "responses/booking.yml").read_text(encoding="utf-8"))
    read_back = written["responses"]["utter_ask_confirm_booking"][0]["text"]
    assert signs["whole"] in read_back
    first = say("utter_signs", conversation(ActiveLoop("booking_form")))
    assert signs["whole"] in first["text"]
    read = BotUttered(first["text"])
    second = say("utter_signs", conversation(ActiveLoop("booking_form"), read))
    assert (signs["whole"] in second["text"], signs["then"] in second["text"]) == (False, True)
    # the next request may be for somebody else
    anew = say("utter_signs", conversation(read, ActiveLoop("booking_form")))
    assert signs["whole"] in anew["text"]


# a form's question


def asked(
    slot: str, form: str = "booking_form", events: Iterable[Any] = (), **problem: Any
) -> DialogueStateTracker:
    return conversation(ActiveLoop(form), *events, requested_slot=slot, **problem)


def test_a_question_is_asked_plainly_at_first(say: Say) -> None:
    assert say("utter_ask_patient_contact", asked("patient_contact"))["text"] == "Your number?"


def test_after_an_answer_that_could_not_be_used_the_problem_is_said(say: Say) -> None:
    tracker = asked("patient_contact", problem="invalid_patient_contact", problem_count=1)
    message = say("utter_ask_patient_contact", tracker)
    assert message["text"] == "That is no number."
    assert message["metadata"]["response"] == "utter_invalid_patient_contact"


def test_a_problem_that_has_no_wording_leaves_the_question(say: Say) -> None:
    tracker = asked("patient_contact", problem="too_blue", problem_count=1)
    assert say("utter_ask_patient_contact", tracker)["text"] == "Your number?"


@pytest.mark.parametrize(("count", "text"), [(2, "That is no number."), (3, "Call us instead.")])
def test_a_patient_who_is_stuck_is_offered_a_way_out(say: Say, count: int, text: str) -> None:
    tracker = asked("patient_contact", problem="invalid_patient_contact", problem_count=count)
    assert say("utter_ask_patient_contact", tracker)["text"] == text


def test_no_question_has_the_same_words_three_times(say: Say) -> None:
    problem = {"problem": "invalid_service"}
    turns: list[Any] = []
    texts: list[str] = []
    for turn in range(9):
        slots = {"problem_count": turn, **(problem if turn else {"problem": None})}
        tracker = asked("service", events=turns, **slots)
        message = say("utter_ask_service", tracker)
        texts.append(message["text"])
        metadata = {"metadata": message["metadata"]}
        turns += [BotUttered(message["text"], metadata=metadata), UserUttered("hm")]
    assert max(texts.count(text) for text in texts) == 2, texts
    assert "Shall I pick?" in texts[:4]


def test_a_question_that_interruptions_repeat_is_asked_shorter_the_third_time(say: Say) -> None:
    twice = [BotUttered("How long?"), UserUttered("cost?")] * 2
    assert say("utter_ask_service", asked("service", events=twice))["text"] == "30 or 60?"


def test_a_question_without_a_way_out_goes_on_saying_the_problem(say: Say) -> None:
    tracker = asked("patient_name", problem="invalid_patient_name", problem_count=5)
    assert say("utter_ask_patient_name", tracker)["text"] == "That is no name."


def test_a_question_written_for_one_form_has_problems_too(say: Say) -> None:
    tracker = asked("patient_name", "message_form", problem="invalid_patient_name", problem_count=1)
    assert say("utter_ask_message_form_patient_name", tracker)["text"] == "That is no name."


def test_a_problem_belongs_to_the_question_that_is_asked(say: Say) -> None:
    tracker = asked("patient_contact", problem="invalid_patient_contact", problem_count=1)
    assert say("utter_ask_patient_name", tracker)["text"] == "Your name?"
    assert say("utter_plain", tracker)["text"].startswith("Call")


def test_readings_of_a_time_are_buttons_that_say_themselves(say: Say) -> None:
    tracker = conversation(problem_choices=["Friday at 3 pm", "Friday at 3 am"])
    assert say("utter_time_question", tracker)["buttons"] == [
        {"title": "Friday at 3 pm", "payload": "Friday at 3 pm"},
        {"title": "Friday at 3 am", "payload": "Friday at 3 am"},
    ]
    assert say("utter_time_question")["buttons"] == []


# buttons


def payloads(message: dict[str, Any]) -> list[str]:
    return [button["payload"] for button in message["buttons"]]


def test_buttons_have_facts_in_their_titles_and_single_braces_in_their_payloads(say: Say) -> None:
    message = say("utter_offer")
    assert message["buttons"][0]["title"] == "Book with Natalie Yeo"
    assert payloads(message) == [
        "/book_appointment",
        '/correct_booking{"field":"patient_name"}',
        "/faq/cost",
    ]


@pytest.mark.parametrize("level", ["urgent", "emergency"])
def test_nothing_leads_to_booking_while_a_red_flag_is_open(say: Say, level: str) -> None:
    shown = payloads(say("utter_offer", conversation(red_flag_level=level)))
    assert shown == ['/correct_booking{"field":"patient_name"}', "/faq/cost"]


def test_an_answer_can_be_rated(say: Say) -> None:
    buttons = say("utter_faq/cost")["buttons"]
    assert buttons[0] == {"title": "a", "payload": "/help"}
    ratings = [button for button in buttons if button.get("kind") == "rating"]
    assert [json.loads(button["payload"].removeprefix("/feedback")) for button in ratings] == [
        {"value": "up", "answer": "cost"},
        {"value": "down", "answer": "cost"},
    ]


@pytest.mark.parametrize("name", ["utter_more_cost", "utter_plain", "utter_turns"])
def test_only_answers_can_be_rated(say: Say, name: str) -> None:
    assert not say(name)["buttons"]


def not_understood(*ranking: tuple[str, float]) -> DialogueStateTracker:
    listed = [{"name": name, "confidence": sure} for name, sure in ranking]
    parse_data = {"intent": {"name": "nlu_fallback"}, "intent_ranking": listed}
    return conversation(UserUttered("hm", parse_data=parse_data))


def test_the_likeliest_topics_are_offered_in_plain_words(say: Say) -> None:
    tracker = not_understood(
        ("out_of_scope", 0.2),
        ("faq/cost", 0.15),
        ("greet", 0.12),
        ("faq/insurance", 0.1),
        ("book_appointment", 0.05),
        ("faq/location", 0.04),
    )
    titles = TITLES["topics"]
    assert say("utter_not_understood_1", tracker)["buttons"] == [
        {"title": titles[label], "payload": f"/{label}"}
        for label in ("faq/cost", "faq/insurance", "book_appointment")
    ]


def test_what_is_hardly_likely_is_not_offered(say: Say) -> None:
    tracker = not_understood(("faq/cost", 0.15), ("faq/insurance", 0.02))
    assert payloads(say("utter_not_understood_1", tracker)) == ["/faq/cost"]


def test_popular_topics_are_offered_when_nothing_was_likely(say: Say) -> None:
    popular = [f"/{label}" for label in TITLES["popular"]][:3]
    assert payloads(say("utter_not_understood_1", not_understood(("greet", 0.5)))) == popular
    assert payloads(say("utter_not_understood_1")) == popular


def test_a_suggestion_to_book_is_left_out_while_a_red_flag_is_open(say: Say) -> None:
    tracker = not_understood(("book_appointment", 0.2), ("faq/cost", 0.1))
    tracker.update(SlotSet("red_flag_level", "urgent"))
    assert payloads(say("utter_not_understood_1", tracker)) == ["/faq/cost"]


@pytest.mark.parametrize("response", ["utter_emergency", "utter_urgent"])
def test_an_alarm_says_that_details_are_kept_only_when_there_are_some(
    response: str, clinic: Callable[..., None]
) -> None:
    safety = Domain.from_file(str(DATA / "responses" / "safety.yml"))
    generator = ResponseGenerator(domain=safety)

    def ends(**slots: Any) -> str:
        said = asyncio.run(generator.generate(response, conversation(**slots), "rest", why="Why."))
        return str(said["text"]).split("\n\n")[-1]

    assert ends().endswith("We can pick this up later.")
    kept = "We can pick this up later, and anything you told me for an appointment is kept."
    assert ends(preferred_time="thursday").endswith(kept)


def test_nothing_is_asked_about_health(clinic: Callable[..., None]) -> None:
    """What is volunteered goes into the note. In messaging apps providers forbid that, too."""
    whole = Domain.load([str(ROOT / "domain.yml"), str(DATA / "responses")])
    generator = ResponseGenerator(domain=whole)

    def asked(channel: str) -> str:
        said = asyncio.run(generator.generate("utter_ask_note", conversation(), channel))
        assert said is not None
        return str(said["text"])

    assert "need not write about your health" in asked("website")
    for channel in ("website", CollectedForApp.name()):
        assert not re.search(r"pregnan|thinner|operation|condition|medic", asked(channel))
    assert "nothing about your health" in asked(CollectedForApp.name())
