"""A clinic with two therapists: whom the patient names is seen, in a first message too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scenario_chat import Chat, stored
from scenario_servers import Servers, current_model, servers_in
from scenario_steps import expect, fill

from assistant.project import ROOT


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this file's own: Sam Lee works beside Natalie Yeo."""
    folder = tmp_path_factory.mktemp("two-therapists")
    clinic = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    assert clinic.count("\ntherapists:\n") == 1
    file = folder / "clinic.yml"
    file.write_text(
        clinic.replace("\ntherapists:\n", "\ntherapists:\n  - name: Sam Lee\n    title: RMT\n"),
        encoding="utf-8",
    )
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
