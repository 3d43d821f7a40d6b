"""Reading a name out of the answer to "What is your name?"."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.names import read_name
from clinic.text import clean

AS_TYPED = [
    "Marie-Claire Tremblay", "O'Brien", "Sean O\u2019Brien", "José", "李明", "Мария Иванова",
    "محمد علي", "प्रिया", "Nguyễn Thị Ánh", "mark ellis", "SAM LEE", "Prince", "mohammed", "Kim",
    "Maria de la Cruz Santos Lima", "Ahmed bin Rashid al Maktoum", "Tremblay, Marie-Claire",
    "John Smith Jr.", "J. R. Lee", "Mary-Jo St. John", "Dr. Sam Lee", "D'Arcy McGee",
    "Will Young", "May Chen", "Can Yilmaz", "Wednesday Smith", "Alan Price", "Sam (they/them)",
]  # fmt: skip

LEAD_INS = [
    ("my name is Marie-Claire Tremblay", "Marie-Claire Tremblay"),
    ("My name's Sam", "Sam"),
    ("name: Sam Lee", "Sam Lee"),
    ("the name is Sam Lee", "Sam Lee"),
    ("it's sam", "sam"),
    ("Its Dave", "Dave"),
    ("im dave", "dave"),
    ("I'm Priya Nair", "Priya Nair"),
    ("I\u2019m Priya Nair.", "Priya Nair"),
    ("i am priya", "priya"),
    ("This is Sam speaking", "Sam"),
    ("Sean O'Brien here", "Sean O'Brien"),
    ("call me Zé", "Zé"),
    ("you can call me Jo", "Jo"),
    ("my friends call me Bo", "Bo"),
    ("I go by Ace", "Ace"),
    ("je m'appelle Élodie", "Élodie"),
    ("Hello, my name is sam, please", "sam"),
    ("hi, it's sam", "sam"),
    ("yes it's Sam Lee", "Sam Lee"),
    ("Sure, Sam Lee", "Sam Lee"),
    ("Sam Lee is my name", "Sam Lee"),
    ('"Sam Lee"', "Sam Lee"),
    ("Sam 😊", "Sam"),
    ("Sam!", "Sam"),
    ("my name is May", "May"),
    ("My name is My", "My"),
    ("Priya Nair, 604-555-0142", "Priya Nair"),
    ("Priya Nair 604-555-0142", "Priya Nair"),
    ("Priya Nair priya@example.com", "Priya Nair"),
    ("my name is Sam and my number is 416-555-0142", "Sam"),
    ("My name is Sam, can I book for thursday?", "Sam"),
    ("Sam Lee and I need it early", "Sam Lee"),
]

NO_NAMES = [
    "", "   ", "😊", "?", "...", "x" * 200, "no", "No", "yes", "ok", "skip", "cancel", "stop",
    "why?", "why do you need that", "Why do you need my name?", "who are you", "is it sam?",
    "416-555-0142", "jo@example.com", "R2D2", "60 minutes", "I'm 13", "https://example.com",
    "/greet", '{"a": 1}', "tomorrow", "tuesday", "tuesday morning", "asap", "thanks", "hello",
    "hi there", "good morning", "bonjour", "I'm in pain", "i'm pregnant", "i am limping",
    "it's urgent", "I'm not sure", "i'm fine thanks", "my name is not important",
    "none of your business", "it's private", "prefer not to say", "rather not", "never mind",
    "do you take insurance", "can you", "how much is it", "my leg hurts", "sciatica",
    "massage therapy", "is this a bot", "i'm asking for my mother", "chest pain",
    "i fell yesterday",
    "i can't feel my legs", "numb down below", "lost control of my bladder", "change my number",
    "go back", "start over", "no thanks", "not now", "my name is", "I'm", "it's", "name", "the",
]  # fmt: skip


@pytest.mark.parametrize("name", AS_TYPED)
def test_a_name_is_kept_as_typed(name: str) -> None:
    assert read_name(name) == name
    assert read_name(f"  my name is {name} ") == name


@pytest.mark.parametrize(("text", "name"), LEAD_INS)
def test_what_people_say_around_a_name_is_taken_off(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_is_no_name_is_none(text: str) -> None:
    assert read_name(text) is None


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(LEAD_INS), max_size=4).map(
        lambda parts: " ".join(text for text, _ in parts)
    )
)
@settings(max_examples=400, deadline=None)
def test_no_text_raises_and_a_name_is_a_piece_of_it(text: str) -> None:
    name = read_name(text)
    if name is not None:
        assert 0 < len(name) <= 100
        assert not any(c.isdigit() or c == "@" for c in name)
        plain = " ".join(clean(text).split())
        assert all(word in plain for word in name.split())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Priya Nair, no", "Priya Nair"),
        ("Priya Nair, yes", "Priya Nair"),
        ("my name is actually Mirabel Okonkwo", "Mirabel Okonkwo"),
        ("lol its Tremaine", "Tremaine"),
        ("change name its Siobhán Ní Dhuill", "Siobhán Ní Dhuill"),
        ("kayleigh mcdonut lol no mcdonough", "kayleigh mcdonough"),
    ],
)
def test_an_answer_beside_the_name_is_not_part_of_it(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "siobhan ni dhuill",
        "aoife nic dhomhnaill",
        "nguyen thi minh khai",
        "wojciech szczesny",
        "harpreet kaur dhillon",
        "jean-francois tremblay",
        "joao da silva",
        "una byrne",
    ],
)
def test_a_name_in_small_letters_from_anywhere(text: str) -> None:
    assert read_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "je ne parle pas anglais",
        "no hablo ingles",
        "quiero una cita",
        "ich spreche kein englisch",
        "nie mowie po angielsku",
        "buongiorno vorrei prenotare",
        "dzien dobry",
        "tengo dolor",
    ],
)
def test_a_sentence_in_another_language_is_no_name(text: str) -> None:
    assert read_name(text) is None


@pytest.mark.parametrize("text", ["same time", "whenever", "earlier", "quarter past"])
def test_words_about_when_are_no_name(text: str) -> None:
    assert read_name(text) is None
