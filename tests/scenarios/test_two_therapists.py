"""A clinic with two therapists and one length: nobody is asked what there is no choice of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scenario_chat import Chat, stored
from scenario_servers import Servers, current_model, servers_in
from scenario_steps import expect, fill

from assistant.project import ROOT


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this file's own: Sam Lee works beside Natalie Yeo, an hour each time."""
    folder = tmp_path_factory.mktemp("two-therapists")
    clinic = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    colleague = "  - name: Sam Lee\n    title: RMT\n    gender: woman\n"
    for before, after in (
        ("\ntherapists:\n", f"\ntherapists:\n{colleague}"),
        ("    gender:\n", "    gender: woman\n"),
        ("    minutes: [30, 45, 60]\n", "    minutes: [60]\n"),
        ("      30:\n      45:\n      60:\n", "      60:\n"),
    ):
        assert clinic.count(before) == 1
        clinic = clinic.replace(before, after)
    file = folder / "clinic.yml"
    file.write_text(clinic, encoding="utf-8")
    pair = servers_in(folder, current_model())
    for server in (pair.rasa, pair.actions):
        server.environment |= {"CLINIC_YML": str(file)}
    pair.start()
    yield pair
    pair.stop()


@pytest.mark.parametrize(
    ("words", "therapist"),
    [
        ("can I book 60 minutes with Natalie, thursday after 4", "Natalie Yeo"),
        ("book 60 min with sam lee thursday after 4", "Sam Lee"),
        ("60 minutes thursday after 4 with anyone please, I want to book", "anyone"),
        ("book 60 minutes thursday after 4 with someone other than natalie", "Sam Lee"),
    ],
)
def test_named_in_the_first_message(two: Servers, words: str, therapist: str) -> None:
    chat = Chat(two)
    chat.say(words)
    expect(chat, {"form": "booking_form", "slots": {"therapist": therapist}})
    assert chat.asked == "chosen_time", chat


@pytest.mark.parametrize("words", ["natalie?", "Natalie, please", "with natalie yeo"])
def test_an_answer_to_the_question(two: Servers, words: str) -> None:
    chat = Chat(two)
    chat.say("I would like to book 60 minutes on thursday after 4")
    expect(chat, {"asks": "therapist", "buttons_include": ["Natalie Yeo", "Sam Lee", "Anyone"]})
    chat.say(words)
    expect(chat, {"asks": "chosen_time", "slots": {"therapist": "Natalie Yeo"}})


def test_anyone_is_read_back_with_the_name_of_the_time(two: Servers) -> None:
    chat = Chat(two)
    chat.say("60 minutes thursday after 4 with anyone please, I want to book")
    fill(chat, until="confirm_booking")
    expect(chat, {"contains": "massage therapy, 60 minutes with Sam Lee", "not_contains": "anyone"})
    chat.click("Change something")
    expect(
        chat,
        {"buttons_include": ["Length", "Therapist", "Who it is for", "First visit or not"]},
    )
    chat.click("Therapist")
    expect(chat, {"asks": "therapist"})
    chat.say("natalie then")
    fill(chat, until="confirm_booking")
    expect(chat, {"contains": "with Natalie Yeo"})
    fill(chat)
    (request,) = stored(chat).requests
    assert request["therapist"] == "Natalie Yeo"


def test_the_length_is_not_asked_where_there_is_one(two: Servers) -> None:
    chat = Chat(two)
    chat.say("I would like to make an appointment please")
    expect(chat, {"asks": "therapist", "slots": {"service": "massage therapy, 60 minutes"}})
    chat.click("Anyone")
    expect(chat, {"asks": "preferred_time"})
    fill(chat)
    (request,) = stored(chat).requests
    assert request["minutes"] == 60


@pytest.mark.parametrize(
    ("words", "response", "told"),
    [
        ("with a woman if possible", "utter_therapist_fits", "who is a woman"),
        ("i would rather see a man", "utter_no_therapist_fits", "not a man"),
    ],
)
def test_a_wish_that_clinic_yml_can_answer(
    two: Servers, words: str, response: str, told: str
) -> None:
    chat = Chat(two)
    chat.say("I would like to book on thursday after 4 with anyone")
    chat.say(words)
    expect(chat, {"response": response, "contains": [told, "note"], "form": "booking_form"})
    fill(chat)
    (request,) = stored(chat).requests
    assert request["note"].startswith("Asked to be treated by a")
