"""What a question is about in particular, and the answer to that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant import asked_day
from assistant.nlg import ResponseGenerator
from assistant.nlu import mentions
from assistant.project import DATA, ROOT
from clinic import facts

SAMPLE = facts.load(ROOT / "clinic.yml")
# A Thursday, 6:30 pm.
NOW = datetime(2026, 11, 26, 18, 30, tzinfo=ZoneInfo("America/Toronto"))

Answer = Callable[..., str]


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The answer to a message on a topic, with some lines of clinic.yml filled in."""
    monkeypatch.setenv("CLINIC_NOW", NOW.isoformat())
    responses: dict[str, Any] = {}
    for path in (DATA / "responses").glob("*.yml"):
        responses |= yaml.safe_load(path.read_text(encoding="utf-8"))["responses"]
    domain = Domain.load(str(ROOT / "domain.yml")).merge(Domain.from_dict({"responses": responses}))

    def say(text: str, name: str, **filled_in: str) -> str:
        clinic = (ROOT / "clinic.yml").read_text(encoding="utf-8")
        for key, value in filled_in.items():
            clinic, found = re.subn(
                rf"^( *){key}:.*$", rf"\g<1>{key}: {value}", clinic, flags=re.MULTILINE
            )
            assert found == 1
        file = tmp_path / "clinic.yml"
        file.write_text(clinic, encoding="utf-8")
        monkeypatch.setenv("CLINIC_YML", str(file))
        tracker = DialogueStateTracker.from_events(
            "someone",
            [ActionExecuted("action_listen"), UserUttered(text)],
            slots=domain.slots,
            domain=domain,
        )
        message = asyncio.run(
            ResponseGenerator(domain=domain).generate(f"utter_{name}", tracker, "rest")
        )
        assert message
        return str(message["text"])

    return say


# the day that a question names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("are you open on sunday", "closed on Sunday 29 November"),
        ("how late are you open friday", "open tomorrow, Friday 27 November, from 8 am to 8 pm"),
        ("what time do you close thursday",
         "open today, Thursday 26 November, from 8 am to 8 pm"),
        ("open today?", "open today, Thursday 26 November, from 8 am to 8 pm"),
        ("are you open on christmas", "closed on Friday 25 December (Christmas Day)"),
        ("hours on mondays", "open on Monday 30 November, from 8 am to 8 pm"),
        ("are you open weekends",
         "open on Saturday 28 November, from 8 am to 8 pm and closed on Sunday 29 November"),
        ("what are your hours", None),
        ("are you open in the evening", None),
    ],
)  # fmt: skip
def test_the_hours_of_a_day(text: str, said: str | None) -> None:
    assert asked_day.hours_on(text, SAMPLE, NOW) == said


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    asked_day.hours_on(text, SAMPLE, NOW)
    assert set(mentions.find(text)) <= set(mentions.keys())


def test_only_what_is_asked_for_is_looked_for() -> None:
    text = "I am pregnant and on blood thinners"
    assert list(mentions.find(text)) == ["blood_thinners", "pregnancy"]
    assert list(mentions.find(text, {"pregnancy", "clot"})) == ["pregnancy"]


def test_the_answer_is_about_the_day(answer: Answer) -> None:
    text = answer("are you open on sunday?", "faq/opening_hours")
    assert text.startswith("The clinic is closed on Sunday 29 November.")
    text = answer("what are your hours?", "faq/opening_hours")
    assert text.startswith("The clinic's hours are Monday to Saturday 8 am to 8 pm")
    text = answer("are you open right now", "faq/opening_hours")
    assert text.startswith("The clinic is open now, until 8 pm.")


# what a question mentions


@pytest.mark.parametrize(
    ("text", "topic", "said"),
    [
        ("I'm pregnant, can I come?", "safety_contraindications", "In pregnancy"),
        ("on eliquis, ok to get a massage?", "safety_contraindications", "With blood thinners"),
        ("i had breast cancer in 2019", "safety_contraindications", "With cancer"),
        ("my hip replacement was in May", "safety_contraindications", "After an operation"),
        ("had a DVT once", "safety_contraindications", "After a blood clot"),
        ("i have a fever", "safety_contraindications", "fever"),
        ("I have osteoporosis", "safety_contraindications", "With osteoporosis"),
        ("pregnant and on blood thinners", "safety_contraindications",
         "For blood thinners and pregnancy"),
        ("who should not have a massage", "safety_contraindications", "not right for everyone"),
        ("and for stenosis?", "underlying_condition", "With spinal stenosis"),
        ("I have a herniated disc", "underlying_condition", "disc"),
        ("arthritis in my hip", "underlying_condition", "With arthritis"),
        ("does it flush out toxins", "benefits_circulation_recovery", "No, there is no good"),
        ("is there parking?", "location", "I don't know about parking"),
        ("can I pay by debit", "cost", "I don't know how you can pay"),
        ("do you give receipts", "insurance", "I don't know how the clinic handles receipts"),
        ("is there a female therapist", "therapist_info", "I would rather not guess"),
        ("does massage cause cancer", "safety_contraindications", "no evidence that massage"),
        ("do you treat lower back pain", "therapist_info", "Back pain without sciatica"),
        ("is massage dangerous", "safety_contraindications", "Serious harm from massage is rare"),
        ("what are the side effects", "does_it_hurt", "Serious harm from massage is rare"),
        ("is it safe on warfarin", "safety_contraindications", "With blood thinners"),
        ("im 7 months preg", "safety_contraindications", "In pregnancy"),
        ("do you use deep pressure", "techniques", "You set the pressure"),
        ("will it come back", "what_is_sciatica", "It can come back"),
        ("what if im sore", "does_it_hurt", "Some people are sore"),
        ("and after?", "what_to_wear", "Take it easy"),
        ("what else do you treat", "therapist_info", "variety of other conditions"),
        ("how long till I feel better", "how_many_sessions", "How soon you feel a change"),
        ("no numbness or bladder problems", "symptoms", "that is good to know"),
        ("do you sell gift cards", "cost", "discount, package or gift card"),
        ("is there a washroom", "location", "the rooms"),
        ("It began last spring after a move. I wonder how much pressure you use?",
         "does_it_hurt", "You set the pressure"),
        ("does massage help my headaches", "how_massage_helps", "I only know about sciatica"),
        ("my knee hurts", "symptoms", "I only know about sciatica"),
        ("pain from my back down to the knee", "symptoms", "Sciatica can cause"),
        ("what age do you have to be", "safety_contraindications", "under 16"),
        ("do you do cupping", "techniques", "I have not been told about other techniques"),
        ("can my dog come to natalie", "therapist_info", "for people"),
        ("its piriformis not sciatica, whats the difference", "underlying_condition",
         "Sciatica is the pain along the nerve"),
        ("is tax added", "cost", "I don't know whether tax is added"),
        ("which bus stop is nearest", "location", "I don't know which stop is nearest"),
        ("do u take claims after a car accident", "insurance", "on the road or at work"),
        ("ok for the baby tho?", "safety_contraindications", "In pregnancy"),
        ("could lying like that hurt the baby", "safety_contraindications", "In pregnancy"),
        ("why does it shoot down into my foot", "what_is_sciatica", "runs from your lower back"),
        ("y does it go in my toes", "medical_advice", "runs from your lower back"),
        ("any dudes working there", "therapist_info", "I would rather not guess"),
        ("do you do direct biling", "insurance", "bills insurers directly"),
        ("what even is myofacial release", "techniques", "slow, steady pressure"),
        ("how would I know its an ER thing", "medical_advice", "Go to the emergency department"),
        ("when should I be worried", "medical_advice", "nurse"),
        ("how bad does it get before the er", "safety_contraindications", "after a bad fall"),
    ],
)  # fmt: skip
def test_what_is_mentioned_is_answered(answer: Answer, text: str, topic: str, said: str) -> None:
    assert said in answer(text, f"faq/{topic}")


def test_two_questions_on_one_topic_are_both_answered(answer: Answer) -> None:
    text = answer("is there parking? and is there an elevator?", "faq/location")
    assert "I don't know about parking" in text
    assert "steps or an elevator" in text
    text = answer("is there parking?", "faq/location")
    assert "elevator" not in text


def test_at_most_three_of_them(answer: Answer) -> None:
    asked = "is there parking? an elevator? is there a bus? is there a washroom? are dogs ok?"
    assert answer(asked, "faq/location").count("\n\n") == 2


def test_in_a_long_story_the_question_counts(answer: Answer) -> None:
    story = (
        "I have had low back pain for years and on Monday it got a lot worse after I lifted my "
        "grandson, so now I walk like my own grandmother and cannot sit through a film with my "
        "wife, which is a pity. "
    )
    assert "runs from" not in answer(story + "is Natalie gentle?", "faq/therapist_info")
    assert "Back pain without" not in answer(story + "is Natalie gentle?", "faq/therapist_info")
    asked = story + "Do you treat lower back pain too?"
    assert "Back pain without" in answer(asked, "faq/therapist_info")


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("lol", "out_of_scope", "Whenever you like"),
        ("i get headaches", "out_of_scope", "I only know about sciatica"),
        ("are you hiring", "out_of_scope", "nothing on jobs"),
        ("she does dogs?", "out_of_scope", "for people"),
        ("n 90", "cost_of_length", "You can book 30, 45 or 60 minutes"),
        ("that's not what i asked", "feedback_noted", "missed your question"),
        ("Natalie was lovely", "feedback_noted", "good to hear"),
        ("the answer was too long", "feedback_noted", "pass it on"),
    ],
)
def test_what_is_no_question_on_a_topic_is_answered_too(
    answer: Answer, text: str, name: str, said: str
) -> None:
    assert said in answer(text, name)


def test_what_the_owner_has_filled_in_is_told(answer: Answer) -> None:
    text = answer("is there a female therapist", "faq/therapist_info", gender="woman")
    assert text.startswith("Natalie Yeo is a woman.")
    text = answer("where can I park", "faq/location", parking="Behind the building.")
    assert text.startswith("Parking: Behind the building.")
    text = answer("do I get a receipt?", "faq/insurance", insurance="We give you a receipt.")
    assert "We give you a receipt." in text


def test_a_button_mentions_nothing(answer: Answer) -> None:
    assert answer("/faq/location", "faq/location").startswith("The clinic is at")


def test_another_part_of_the_body_is_told_what_natalie_may_help_with(answer: Answer) -> None:
    text = answer("can you help with my frozen shoulder", "out_of_scope")
    assert "whether yours is among them" in text


# when a therapist is in


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("is natalie in on fridays", "Natalie Yeo is not in tomorrow, Friday 27 November"),
        ("does she work mondays", "Natalie Yeo is in on Monday 30 November, from 9 am to 5 pm"),
        ("is natalie there on christmas", "Natalie Yeo is not in on Friday 25 December"),
        ("what days does the therapist work", "Natalie Yeo is in Monday to Wednesday 9 am to 5 pm"),
    ],
)
def test_the_days_of_a_therapist(answer: Answer, text: str, said: str) -> None:
    assert answer(text, "faq/opening_hours", hours="Mo-We 09:00-17:00").startswith(said)


def test_without_a_therapists_days_the_hours_are_said_to_be_the_clinics(answer: Answer) -> None:
    text = answer("Is Natalie in on Sundays?", "faq/opening_hours")
    assert "Natalie Yeo's own days, only the clinic's hours" in text
    assert "closed on Sunday 29 November" in text
    text = answer("what days is natalie in", "faq/opening_hours")
    assert "only the clinic's hours: Monday to Saturday" in text


# the rules for cancelling


def test_the_rules_for_cancelling_are_the_owners(answer: Answer) -> None:
    asked = "will I be charged if I cancel?"
    assert "I don't know the clinic's rules" in answer(asked, "faq/cost")
    text = answer(asked, "faq/cost", cancelling="Please cancel a day ahead.")
    assert "Please cancel a day ahead. To cancel" in text


@pytest.mark.parametrize(
    ("text", "mentioned", "said"),
    [
        ("do you guys help people who had chemo", "gender", False),
        ("hey guys is she good", "gender", False),
        ("could I have a guy", "gender", True),
        ("my job at the till ruins my leg", "job", False),
        ("got any jobs going", "job", True),
        ("is there a job opening", "job", True),
        ("could she massage my calves", "where_touched", True),
        ("my calf is sore", "where_touched", False),
    ],
)
def test_words_with_two_meanings(text: str, mentioned: str, said: bool) -> None:
    assert (mentioned in mentions.find(text)) is said
