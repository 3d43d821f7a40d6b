"""The real assistant in messaging apps: an alarm, a booking, thumbs, deleting, other languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apps import PROVIDERS
from providers.provider import Provider, Shown
from scenario_chat import read
from scenario_logs import said_in_logs
from scenario_servers import Servers, current_model, servers_in, wait_until

PUBLIC = "https://chat.example.com"
REQUESTS = "SELECT * FROM booking_appointmentrequest ORDER BY id"


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    made = {name: kind() for name, kind in PROVIDERS.items()}
    yield made
    for provider in made.values():
        provider.close()


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, providers: dict[str, Provider]
) -> Iterator[Servers]:
    """The real servers, with all channels on."""
    pair = servers_in(tmp_path_factory.mktemp("apps"), current_model())
    for provider in providers.values():
        pair.rasa.environment.update(provider.settings())
        provider.server, provider.public = pair.rasa_url, PUBLIC
    pair.rasa.environment["CLINIC_PUBLIC_ADDRESS"] = PUBLIC
    pair.start()
    yield pair
    pair.typed.extend(words for provider in providers.values() for words in provider.typed)
    pair.stop()
    assert not said_in_logs(pair), "patients' words are in a log"


@pytest.fixture(params=sorted(PROVIDERS))
def provider(
    request: pytest.FixtureRequest, running: Servers, providers: dict[str, Provider]
) -> Iterator[Provider]:
    made = providers[request.param]
    yield made
    assert not made.broken, made.broken


def words(shown: list[Shown]) -> str:
    return "\n".join(message.text for message in shown)


def test_an_alarm(provider: Provider) -> None:
    """The action comes first, before the notice."""
    shown = provider.say("7101", "since this morning I can't feel anything when I wipe", count=2)
    assert "emergency department or call 911" in shown[0].text
    assert "automated assistant" in shown[-1].text


def test_a_booking(provider: Provider, running: Servers) -> None:
    """To the end, with a time chosen by its button, and a link to the calendar file."""
    booked = len(read(running.clinic_database, REQUESTS))
    provider.say("7102", "can I book 60 minutes with Natalie thursday after 4", count=2)
    offered = provider.seen("7102")[-1]
    title = next(iter(offered.buttons))
    answers = provider.click("7102", title)
    for _ in range(8):
        asked = words(answers)
        if "reference" in asked:
            break
        if "Send request" in answers[-1].buttons:
            answers = provider.click("7102", "Send request")
        elif "name" in asked.casefold() and "phone" not in asked.casefold():
            answers = provider.say("7102", "Priya Nair")
        elif "phone" in asked.casefold():
            answers = provider.say("7102", "416-555-0173")
        else:
            answers = provider.click("7102", next(iter(answers[-1].buttons)))
    assert "requested" in words(answers)
    assert f"{PUBLIC}/webhooks/{provider.name}/calendar/" in words(answers)
    *before, row = read(running.clinic_database, REQUESTS)
    assert row["patient_name"] == "Priya Nair"
    assert len(before) == booked


def test_a_thumb(provider: Provider, running: Servers) -> None:
    answer = provider.say("7103", "does massage help sciatica?", count=2)[-1]
    token = answer.buttons["👍"]
    before = len(provider.seen("7103"))
    assert provider.deliver(provider.press("7103", token)) == 200
    if token.isdigit():
        assert provider.until("7103", before + 1)[-1].text == "Thank you."
    query = "SELECT * FROM conversations_feedback"
    wait_until(lambda: bool(read(running.clinic_database, query)), "the thumb is stored")


def test_other_languages(provider: Provider) -> None:
    french = provider.say("7104", "Bonjour, je voudrais prendre rendez-vous s'il vous plaît", 2)
    assert "français" in words(french) or "anglais" in words(french)
    spanish = provider.say("7105", "Hola, ¿puedo pedir una cita por favor?", count=2)
    assert "español" in words(spanish) or "inglés" in words(spanish)


def test_deleting(provider: Provider, running: Servers) -> None:
    """The last words arrive, and nothing is kept of who it was."""
    provider.say("7106", "hello", count=2)
    answers = provider.say("7106", "delete my data")
    for title in ("Delete everything", "Yes, delete everything", "Yes, delete it", "Yes"):
        if title in answers[-1].buttons:
            answers = provider.click("7106", title)
            break
    assert "deleted" in words(answers)
    query = "SELECT * FROM app_senders WHERE state = 'leaving'"
    wait_until(lambda: not read(running.tracker_database, query), "the address is gone")
