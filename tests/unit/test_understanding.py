"""What a message asks for, and the model that ranks its parts.

The ranking itself is judged in tests/nlu with the real data; here a ranking by keywords shows
what is made of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu import understanding
from assistant.nlu.intent_classifier import ACTS, ClinicIntentClassifier
from assistant.nlu.intent_model import IntentModel
from assistant.nlu.sentence_encoder import DIMENSIONS
from assistant.nlu.understanding import Act, understand

KEYWORDS = {
    "price": ("faq/cost", 0.9),
    "parking": ("faq/location", 0.8),
    "insured": ("faq/insurance", 0.7),
    "hurt": ("faq/does_it_hurt", 0.6),
    "book": ("book_appointment", 0.8),
    "person": ("speak_to_human", 0.7),
    "hello": ("greet", 0.85),
    "mild": ("faq/symptoms", 0.4),
    "strong": ("faq/symptoms", 0.6),
    "perhaps": ("book_appointment", 0.35),
    "vague": ("faq/cost", 0.3),
    "mumble": ("faq/cost", 0.1),
}


class Keywords:
    """Ranks a text by the first keyword in it, less surely the longer the text is."""

    def __init__(self) -> None:
        self.labels = sorted({label for label, _ in KEYWORDS.values()})
        self.asked: list[str] = []

    def rank(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        self.asked += texts
        return [list(self._rank(text)) for text in texts]

    def mend(self, text: str) -> str:
        return text.replace("prcie", "price")

    def knows(self, text: str) -> bool:
        return False

    def _rank(self, text: str) -> Iterator[tuple[str, float]]:
        words = re.findall(r"[a-z]+", text.lower())
        found = [KEYWORDS[word] for word in words if word in KEYWORDS]
        label, sure = found[0] if found else (self.labels[0], 0.05)
        yield label, sure
        yield from ((other, 0.01) for other in self.labels if other != label)


def acts(text: str) -> list[str]:
    return [act.label for act in understand(text, Keywords()).acts]  # type: ignore[arg-type]


def test_one_thing_is_taken_as_a_whole() -> None:
    assert acts("what is the price?") == ["faq/cost"]
    assert acts("hello") == ["greet"]


def test_slips_are_mended_before_the_ranking() -> None:
    assert acts("what is the prcie?") == ["faq/cost"]
    assert acts("what is the prcie? is there parking?") == ["faq/cost", "faq/location"]


def test_what_is_clearer_as_typed_is_not_mended() -> None:
    # mended, the first keyword is "price", and less sure than "hello" typed so early
    model = Keywords()
    model.mend = lambda text: "mumble"  # type: ignore[method-assign]
    assert [act.label for act in understand("hello", model).acts] == ["greet"]  # type: ignore[arg-type]


def test_the_text_without_slips_is_kept_when_it_counted() -> None:
    assert understand("what is the prcie?", Keywords()).as_read == "what is the price?"  # type: ignore[arg-type]
    assert understand("what is the price?", Keywords()).as_read is None  # type: ignore[arg-type]
    model = Keywords()
    model.mend = lambda text: "mumble"  # type: ignore[method-assign]
    assert understand("hello", model).as_read is None  # type: ignore[arg-type]


def test_one_part_that_asks_is_read_with_the_rest() -> None:
    ranked = {
        "there is another place": [("out_of_scope", 0.9), ("faq/cost", 0.05)],
        "what is the price there?": [("faq/cost", 0.8), ("out_of_scope", 0.15)],
    }
    whole = "There is another place. What is the price there?"

    def rank(sure: float) -> str:
        model = Keywords()
        of_the_whole = [("out_of_scope", sure), ("faq/cost", 1 - sure)]
        model.rank = lambda texts: [  # type: ignore[method-assign]
            ranked.get(text.lower().rstrip("."), of_the_whole) for text in texts
        ]
        return understand(whole, model).acts[0].label  # type: ignore[arg-type]

    assert rank(0.8) == "out_of_scope"
    assert rank(0.5) == "faq/cost"


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("where are you exactly?", "faq/location"),
        # leans on the chat, so the whole message counts
        ("where is it exactly?", "out_of_scope"),
    ],
)
def test_a_question_that_is_whole_is_answered_whatever_is_chatted_around_it(
    question: str, first: str
) -> None:
    model = Keywords()
    model.rank = lambda texts: [  # type: ignore[method-assign]
        [("faq/location", 0.85), ("out_of_scope", 0.1)]
        if text == question
        else [("out_of_scope", 0.9), ("faq/location", 0.05)]
        for text in texts
    ]
    understood = understand(f"your page is a mess. {question}", model)  # type: ignore[arg-type]
    assert understood.acts[0].label == first


def test_signs_that_were_dictated() -> None:
    model = Keywords()
    understand("does it hurt question mark hello comma is there parking question mark", model)  # type: ignore[arg-type]
    assert model.asked[0] == "does it hurt? hello, is there parking?"


def test_pictures_alone() -> None:
    assert acts("\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}") == ["affirm"]
    assert acts("\N{HEAVY BLACK HEART}\ufe0f \N{HEAVY BLACK HEART}\ufe0f") == ["thank"]
    assert acts("\N{PILE OF POO}") == ["no_words"]
    assert acts("\N{THUMBS UP SIGN}\N{THUMBS DOWN SIGN}") == ["no_words"]


@pytest.mark.parametrize("text", ["你好 多少钱", "сколько стоит массаж", "كم سعر الجلسة"])
def test_another_alphabet_is_another_language(text: str) -> None:
    assert acts(text) == ["speak_other_language"]


def test_in_a_long_message_what_is_asked_counts() -> None:
    story = "We went on about the price. " + "It was a long story about my uncle and his car. " * 5
    assert acts(story + "Does it hurt?") == ["faq/does_it_hurt"]
    assert acts("We went on about the price. Does it hurt?") == ["faq/cost"]


def test_a_request_has_to_be_clear() -> None:
    assert acts("perhaps") == ["nlu_fallback"]
    assert acts("perhaps?") == ["nlu_fallback"]


def test_what_is_all_english_once_mended_is_english() -> None:
    model = Keywords()
    model.mend = lambda text: "does it hurt"  # type: ignore[method-assign]
    model.knows = lambda text: True  # type: ignore[method-assign]
    assert [act.label for act in understand("hello hurrt", model).acts] == ["faq/does_it_hurt"]  # type: ignore[arg-type]


def test_a_fragment_is_not_taken_for_a_sign() -> None:
    assert acts("mild ache") == ["nlu_fallback"]
    assert acts("strong ache") == ["faq/symptoms"]
    assert acts("mild ache?") == ["faq/symptoms"]


def test_several_questions_in_the_order_asked() -> None:
    assert acts("what is the price? is there parking?") == ["faq/cost", "faq/location"]
    assert acts("is there parking and what is the price") == ["faq/location", "faq/cost"]


def test_at_most_three() -> None:
    text = "what is the price? is there parking? am I insured? does it hurt?"
    assert acts(text) == ["faq/cost", "faq/location", "faq/insurance"]


def test_the_same_question_twice_is_one() -> None:
    assert acts("what is the price? no really, what is the price?") == ["faq/cost"]


def test_a_request_counts_without_being_a_question() -> None:
    assert acts("book me in. what is the price?") == ["book_appointment", "faq/cost"]
    assert acts("what is the price? I want a person.") == ["faq/cost", "speak_to_human"]


def test_a_greeting_or_a_statement_is_not_a_second_thing() -> None:
    assert acts("hello. what is the price?") == ["faq/cost"]
    assert acts("my back does hurt. what is the price?") == ["faq/cost"]


def test_a_part_has_to_be_clear() -> None:
    assert acts("what is the price? is it vague?") == ["faq/cost"]


def test_what_is_asked_goes_before_what_is_told_on_the_way() -> None:
    part = understand("hello. is there parking?", Keywords())  # type: ignore[arg-type]
    assert [act.label for act in part.acts] == ["faq/location"], "0.8, and 0.85 for the greeting"


def test_the_clearest_reading_counts_when_only_one_thing_is_asked() -> None:
    assert acts("vague. is there parking?") == ["faq/location"]


def test_what_is_hardly_likely_is_not_understood() -> None:
    unsure = understand("mumble", Keywords())  # type: ignore[arg-type]
    assert [act.label for act in unsure.acts] == [understanding.NOT_UNDERSTOOD]
    assert unsure.ranking[0].label == "faq/cost", "what it may have been stays in the ranking"


@pytest.mark.parametrize("text", ["", "   ", "?", "\U0001f642\U0001f642", "...!", "\u200d"])
def test_no_words(text: str) -> None:
    model = Keywords()
    assert [act.label for act in understand(text, model).acts] == [understanding.NO_WORDS]  # type: ignore[arg-type]
    assert not model.asked


def test_digits_are_words() -> None:
    assert acts("42") == [understanding.NOT_UNDERSTOOD]


def test_a_click_on_a_topic_is_certain() -> None:
    clicked = understand("/faq/cost", Keywords())  # type: ignore[arg-type]
    assert clicked.acts == (Act("faq/cost", 1.0),)
    assert clicked.ranking == clicked.acts
    assert acts("/faq/astrology") == [understanding.NOT_UNDERSTOOD]


@given(st.text(max_size=200))
def test_any_text_is_understood_somehow(text: str) -> None:
    found = understand(text, Keywords())  # type: ignore[arg-type]
    assert 1 <= len(found.acts) <= understanding.MAX_ACTS
    assert len({act.label for act in found.acts}) == len(found.acts)
    assert found.ranking


# the model


def encode(texts: list[str]) -> np.ndarray:
    """A stand-in for meaning: a text's letters in a vector of length 1."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for letter in text.encode():
            vectors[row, letter] += 1
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-9)


TEXTS = [
    *("what does it cost", "how much does it cost", "cost of a massage", "what is the cost"),
    *("where is the clinic", "where are you", "how do I find the clinic", "clinic address"),
    *("hello", "hello there", "well hello", "hello you"),
]
LABELS = ["faq/cost"] * 4 + ["faq/location"] * 4 + ["greet"] * 4


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return IntentModel.train(TEXTS, LABELS, encode)


def test_the_model_ranks_every_label(model: IntentModel) -> None:
    (ranking,) = model.rank(["whats the cost"])
    assert ranking[0][0] == "faq/cost"
    assert {label for label, _ in ranking} == set(LABELS)
    assert sum(sure for _, sure in ranking) == pytest.approx(1, abs=1e-5)
    assert [sure for _, sure in ranking] == sorted((sure for _, sure in ranking), reverse=True)


def test_a_text_is_ranked_the_same_alone_and_among_others(model: IntentModel) -> None:
    (alone,) = model.rank(["where is it"])
    among = model.rank(["hello", "where is it"])[1]
    assert [label for label, _ in alone] == [label for label, _ in among]
    assert alone[0][1] == pytest.approx(among[0][1], abs=1e-5)


def test_the_same_data_give_the_same_model(model: IntentModel) -> None:
    assert IntentModel.train(TEXTS, LABELS, encode).rank(TEXTS) == model.rank(TEXTS)


def test_a_stored_model_ranks_as_before(model: IntentModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = IntentModel.load(tmp_path, encode)
    assert loaded.labels == model.labels
    assert loaded.mend("massagw") == model.mend("massagw")
    for before, after in zip(model.rank(TEXTS), loaded.rank(TEXTS), strict=True):
        assert [label for label, _ in before] == [label for label, _ in after]
        assert [sure for _, sure in before] == pytest.approx([sure for _, sure in after], abs=1e-6)
    assert set(json.loads((tmp_path / "labels.json").read_text())) == {
        "labels",
        "vocabulary",
        "words",
    }


@settings(deadline=None)
@given(st.text(max_size=50) | st.text("whatse cop,.?'", max_size=50))
def test_a_text_is_read_as_those_the_model_learned_from(model: IntentModel, text: str) -> None:
    columns, values = model._words_of(text)
    learned = IntentModel._words([text], model._vectorizer).toarray()[0]
    read = np.zeros_like(learned)
    read[columns] = values
    assert read == pytest.approx(learned, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=50))
def test_any_text_is_ranked(text: str) -> None:
    model = IntentModel.train(TEXTS, LABELS, encode)
    assert len(model.rank([text])[0]) == 3


# the component


def describe(text: str, triage: dict[str, object] | None = None) -> Message:
    component = ClinicIntentClassifier(None, None, Keywords())  # type: ignore[arg-type]
    message = Message({TEXT: text, "triage": triage})
    (described,) = component.process([message])
    return described


def test_the_message_carries_intent_ranking_and_acts() -> None:
    message = describe("what is the price? is there parking?")
    assert message.get(INTENT) == {"name": "faq", "confidence": 0.9}
    assert message.get(ACTS) == [
        {"label": "faq/cost", "confidence": 0.9},
        {"label": "faq/location", "confidence": 0.8},
    ]
    assert message.get(INTENT_RANKING_KEY)[0] == {"name": "faq/cost", "confidence": 0.9}


@pytest.mark.parametrize("level", ["check", "urgent", "emergency"])
def test_a_sign_makes_it_a_red_flag_and_keeps_what_was_asked(level: str) -> None:
    message = describe("book me in", {"level": level})
    assert message.get(INTENT) == {"name": "red_flag", "confidence": 1.0}
    assert [act["label"] for act in message.get(ACTS)] == ["book_appointment"]


def test_a_message_without_a_sign_is_no_red_flag() -> None:
    assert describe("book me in", {"level": None}).get(INTENT)["name"] == "book_appointment"


def test_the_answer_of_a_topic_is_named() -> None:
    selected = describe("is there parking?").get("response_selector")
    assert selected["faq"]["response"]["utter_action"] == "utter_faq/location"
    assert selected["faq"]["response"]["intent_response_key"] == "faq/location"


def test_without_any_topic_no_answer_is_named() -> None:
    selected = describe("?").get("response_selector")
    assert selected == {"all_retrieval_intents": ["faq"]}
