"""The real assistant in messaging apps: whole conversations, a booking, a person, deleting."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from app_chat import AppChat
from apps import PROVIDERS
from providers.messenger import Messenger
from providers.provider import Provider, Shown
from scenario_chat import VAGUE, read
from scenario_logs import said_in_logs
from scenario_servers import NOW, Servers, current_model, servers_in, wait_until
from scenario_steps import Scenario, play, scenarios
from test_apps import _fixtures, settled
from test_proposed_time import Desk

from clinic.booking.models import AppointmentRequest, Status
from clinic.booking.requests import change_status
from clinic.conversations import erasing
from clinic.environment import sqlite
from clinic.live import chats, duty
from clinic.live.models import Chat, Step
from clinic.privacy.erasing import erase

PUBLIC = "https://chat.example.com"
THUMBS = "SELECT answer, value FROM conversations_feedback WHERE conversation_id = ?"
REQUESTS = "SELECT * FROM booking_appointmentrequest ORDER BY id"
AT = datetime.fromisoformat(NOW)
_patients = itertools.count(9000)
# How a person's typing is shown, where an app can without a message to mark as read.
TYPING = {"telegram": "typing", "messenger": "typing_on"}


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
    with _fixtures.pointed_at(sqlite(pair.clinic_database)):
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


def ask(provider: Provider, servers: Servers, sender: str, text: str) -> tuple[list[str], str]:
    """A patient writes; the responses to it, once all are sent, and what the patient reads."""
    newest = "SELECT max(number) AS last FROM website_messages"
    patients = f"{newest} WHERE sender = 'patient'"
    before = read(servers.tracker_database, newest)[0]["last"] or 0
    shown = len(provider.seen(sender))
    provider.typed.append(text)
    assert provider.deliver(provider.text(sender, text)) == 200

    def is_answered() -> bool:
        (row,) = read(servers.tracker_database, patients)
        pending = "SELECT 1 FROM website_messages WHERE state = 'pending'"
        return (row["last"] or 0) > before and not read(servers.tracker_database, pending)

    wait_until(is_answered, "it is answered")
    settled(servers.tracker_database.parent)
    query = "SELECT * FROM website_messages ORDER BY number"
    rows = [row for row in read(servers.tracker_database, query) if row["number"] > before]
    said = [row["response"] for row in rows if row["sender"] != "patient"]
    return said, words(provider.seen(sender)[shown:])


def newest(servers: Servers, provider: Provider) -> str:
    """The conversation of whoever wrote first last."""
    query = "SELECT app, conversation FROM app_senders ORDER BY rowid DESC"
    rows = read(servers.tracker_database, query)
    return next(str(row["conversation"]) for row in rows if row["app"] == provider.name)


def reads(provider: Provider, sender: str, part: str) -> None:
    """Waits until the patient has read something."""
    provider.wait(lambda: part in words(provider.shown.get(sender, [])), part)


@pytest.mark.parametrize(
    "scenario",
    [each for each in scenarios() if each.in_apps],
    ids=lambda scenario: scenario.name,
)
def test_a_scenario(scenario: Scenario, provider: Provider, running: Servers) -> None:
    """One of tests/scenarios goes as it is written down, whatever stands for buttons here."""
    play(AppChat(running, provider, str(next(_patients))), scenario.steps)


def test_not_understood_three_times(provider: Provider, running: Servers) -> None:
    """Topics to choose from, then other words, then a person."""
    for number, text in enumerate(VAGUE, 7300):
        said, _ = ask(provider, running, str(number), text)
        if said == ["utter_not_understood_1"]:
            break
    else:
        raise AssertionError("all of VAGUE is understood: put other words there")
    assert ask(provider, running, str(number), text)[0] == ["utter_not_understood_2"]
    assert ask(provider, running, str(number), text)[0] == ["utter_not_understood_3"]
    offered = provider.seen(str(number))[-1].buttons
    assert list(offered) == ["Talk to a person", "What can you answer?"]


def test_a_person(provider: Provider, running: Servers) -> None:
    """Asked for, there, silent assistant but for an alarm, and the assistant again."""
    duty.set_available("natalie", "Natalie Yeo", True, AT)
    # The assistant looks four times a second: where it finds this step, it finds her on duty.
    ask(provider, running, "7401", "hello")
    looked = chats.join(newest(running, provider), "natalie", "Natalie Yeo", AT)
    wait_until(lambda: not Step.objects.filter(chat=looked, done_at=None).exists(), "a look")
    ask(provider, running, "7400", "hello")
    conversation = newest(running, provider)
    called = Chat.objects.filter(conversation_id=conversation, state="waiting")
    said, _ = ask(provider, running, "7400", "I want to talk to a person please")
    assert said == ["utter_person_called"]
    assert called.exists()
    chat = chats.join(conversation, "natalie", "Natalie Yeo", AT)
    undone = Step.objects.filter(chat=chat, done_at=None)
    wait_until(lambda: not undone.exists(), "the person is there")
    reads(provider, "7400", "Natalie Yeo of")
    signs = len(provider.signs)
    chats.stay(chat.pk, "natalie", typing=True)
    if provider.name in TYPING:
        provider.wait(lambda: ("7400", TYPING[provider.name]) in provider.signs[signs:], "typing")
    assert ask(provider, running, "7400", "is it quiet in the mornings")[0] == []
    chats.say(chat.pk, "natalie", "Mornings are quiet.", f"reply in {provider.name}", AT)
    reads(provider, "7400", "Natalie Yeo")
    reads(provider, "7400", "Mornings are quiet.")
    numb = "since this morning I can't feel anything when I wipe"
    assert "911" in ask(provider, running, "7400", numb)[1]
    chats.hand_back(chat.pk, "natalie", AT)
    wait_until(lambda: not undone.exists(), "the person has left")
    said, _ = ask(provider, running, "7400", "what should I wear?")
    assert said[:1] == ["utter_faq/what_to_wear"]


@pytest.mark.parametrize("typed", ["2", "the second", "two"])
def test_the_second_of_what_is_offered(
    running: Servers, providers: dict[str, Provider], typed: str
) -> None:
    """Where choices are numbered."""
    texts = providers["sms"]
    sender = f"75{len(typed):02}"
    ask(texts, running, sender, "book 60 min wednesday december 9 in the afternoon")
    second = list(texts.seen(sender)[-1].buttons)[1]
    ask(texts, running, sender, typed)
    rows = read(running.tracker_database, "SELECT * FROM website_messages ORDER BY number")
    pressed = [row["body"] for row in rows if row["sender"] == "patient"][-1]
    assert second in pressed
    assert not texts.broken


def test_a_danger_sign_told_to_another_app_keeps_bookings_closed(
    running: Servers, providers: dict[str, Provider]
) -> None:
    """Nobody here answers it, and the assistant knows of it when the chat is its own again."""
    messenger = providers["messenger"]
    assert isinstance(messenger, Messenger)
    ask(messenger, running, "7700", "book 60 min wednesday december 9 in the afternoon")
    conversation, shown = newest(running, messenger), len(messenger.seen("7700"))
    numb = "since this morning I can't feel anything when I wipe"
    messenger.typed.append(numb)
    messenger.elsewhere.add("7700")
    assert messenger.deliver(messenger.overheard("7700", text=numb)) == 200
    alarm = (
        "SELECT 1 FROM events WHERE sender_id = ? AND type_name = 'slot'"
        " AND data LIKE '%red_flag_level%emergency%'"
    )
    wait_until(
        lambda: bool(read(running.tracker_database, alarm, conversation)), "the alarm is noted down"
    )
    messenger.elsewhere.clear()
    assert len(messenger.seen("7700")) == shown
    said, words_read = ask(messenger, running, "7700", "can you book me in for wednesday please")
    assert said == ["utter_booking_blocked_red_flag"], words_read
    assert "911" in words_read


def test_the_desk_erases_the_address(
    provider: Provider, running: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", running.tracker_database.parent)
    monkeypatch.setattr(erasing, "IDLE", -60)
    ask(provider, running, "7600", "hello")
    conversation = newest(running, provider)
    assert len(erase([conversation], "natalie").receipts) == 1
    rows = read(running.tracker_database, "SELECT conversation FROM app_senders")
    assert conversation not in {row["conversation"] for row in rows}


def test_an_alarm(provider: Provider) -> None:
    """The action comes first, before the notice."""
    shown = provider.say("7101", "since this morning I can't feel anything when I wipe", count=2)
    assert "emergency department or call 911" in shown[0].text
    assert "automated assistant" in shown[-1].text


def test_a_booking(provider: Provider, running: Servers) -> None:
    """To the end, with a time chosen by its button, a link to the calendar file, and its news."""
    booked = len(read(running.clinic_database, REQUESTS))
    provider.say("7102", "can I book 60 minutes with Natalie thursday after 4", count=2)
    offered = provider.seen("7102")[-1]
    title = next(iter(offered.buttons))
    answers = provider.click("7102", title)
    noted = False
    for _ in range(11):
        asked = words(answers)
        if "reference" in asked:
            break
        if "Send request" in answers[-1].buttons and not noted:
            noted = True
            provider.click("7102", "Change something")
            answers = provider.click("7102", "Note")
            assert "nothing about your health" in words(answers)
            assert "pregnan" not in words(answers)
        elif "Send request" in answers[-1].buttons:
            answers = provider.click("7102", "Send request")
        elif "name" in asked.casefold() and "phone" not in asked.casefold():
            answers = provider.say("7102", "Priya Nair")
        elif "phone" in asked.casefold():
            answers = provider.say("7102", "416-555-0173")
        else:
            answers = provider.click("7102", next(iter(answers[-1].buttons)))
    assert "requested" in words(answers)
    link = re.search(rf"{PUBLIC}(/webhooks/{provider.name}/calendar/[\w-]+\.ics)", words(answers))
    assert link
    file = httpx.get(running.rasa_url + link[1], trust_env=False)
    assert file.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in file.text
    ticket = link[1].removesuffix(".ics")
    # Cut off, and of another message.
    other = "A" if ticket[-20] != "A" else "B"
    for wrong in (f"{ticket[:-4]}.ics", f"{ticket[:-20]}{other}{ticket[-19:]}.ics"):
        assert httpx.get(running.rasa_url + wrong, trust_env=False).status_code == 404
    *before, row = read(running.clinic_database, REQUESTS)
    assert row["patient_name"] == "Priya Nair"
    assert len(before) == booked
    request = AppointmentRequest.objects.get(reference=row["reference"])
    change_status(request, Status.CONFIRMED, "natalie", AT)
    reads(provider, "7102", "is confirmed")
    said, _ = ask(provider, running, "7102", f"please cancel my appointment {row['reference']}")
    for _ in range(4):
        request.refresh_from_db()
        if request.status == Status.CANCELLED:
            break
        asked = provider.seen("7102")[-1]
        said = words(provider.click("7102", next(iter(asked.buttons))))
        settled(running.tracker_database.parent)
    assert request.status == Status.CANCELLED, said


@pytest.fixture(scope="module")
def front_desk(running: Servers) -> Desk:
    """Mara, who decides about requests."""
    from django.core.management import call_command

    # The desk's own tables, beside those that the action server has made.
    call_command("migrate", verbosity=0, interactive=False)
    return Desk(running)


def is_proposed(texts: Provider, servers: Servers, desk: Desk, sender: str, day: int) -> str:
    """A request by text message for which another time was proposed; its reference."""
    wanted = f"can I book 60 minutes January {day} at 11 am, I'm Mirabel Okonkwo, 604-555-0173"
    _, shown = ask(texts, servers, sender, wanted)
    for _ in range(4):
        if "Send request" in texts.seen(sender)[-1].buttons:
            break
        ask(texts, servers, sender, "no")
    _, shown = ask(texts, servers, sender, texts.seen(sender)[-1].buttons["Send request"])
    reference = shown.partition("your reference is ")[2][:6]
    desk.proposes(reference)
    reads(texts, sender, "They can offer")
    settled(servers.tracker_database.parent)
    return reference


def test_a_proposal_is_refused_by_its_number(
    running: Servers, providers: dict[str, Provider], front_desk: Desk
) -> None:
    """And so is what is asked about it then."""
    texts = providers["sms"]
    reference = is_proposed(texts, running, front_desk, "7801", 5)
    assert texts.seen("7801")[-1].buttons == {
        "Yes, that suits me": "1",
        "Ask for another time": "2",
        "It does not suit me": "3",
    }
    ask(texts, running, "7801", "3")
    titles = list(texts.seen("7801")[-1].buttons)
    assert titles == ["Another time", "Get in touch with me", "Cancel it"]
    assert front_desk.now(reference)["status"] == "changed"
    assert "in touch with you at" in ask(texts, running, "7801", "2")[1]
    stands = front_desk.now(reference)
    assert (stands["status"], stands["starts_at"]) == ("requested", None)
    assert not texts.broken


def test_another_time_than_the_proposed_is_asked_for_by_its_number(
    running: Servers, providers: dict[str, Provider], front_desk: Desk
) -> None:
    texts = providers["sms"]
    reference = is_proposed(texts, running, front_desk, "7803", 12)
    ask(texts, running, "7803", "2")
    assert front_desk.now(reference)["status"] == "changed"
    assert "1 pm to 2 pm" in ask(texts, running, "7803", "january 12 at 1 pm")[1]
    ask(texts, running, "7803", "yes")
    stands = front_desk.now(reference)
    assert (stands["status"], stands["starts_at"][8:13]) == ("changed", "12 18")
    assert front_desk.changes(reference)[-1]["who"] == "patient"
    assert not texts.broken


def test_a_proposal_is_accepted_by_its_number(
    running: Servers, providers: dict[str, Provider], front_desk: Desk
) -> None:
    texts = providers["sms"]
    reference = is_proposed(texts, running, front_desk, "7802", 7)
    assert "your appointment is confirmed" in ask(texts, running, "7802", "the first")[1]
    assert front_desk.changes(reference)[-1]["who"] == "patient"
    assert front_desk.now(reference)["status"] == "confirmed"
    assert not texts.broken


def test_a_thumb(provider: Provider, running: Servers) -> None:
    answer = provider.say("7103", "does massage help sciatica?", count=2)[-1]
    token = answer.buttons["👍"]
    before = len(provider.seen("7103"))
    assert provider.deliver(provider.press("7103", token)) == 200
    if token.isdigit():
        assert provider.until("7103", before + 1)[-1].text == "Thank you."
    conversation = newest(running, provider)
    mine = (running.clinic_database, THUMBS, conversation)
    wait_until(lambda: bool(read(*mine)), "the thumb is stored")
    query = "SELECT response FROM website_messages WHERE conversation = ? AND sender = 'assistant'"
    (said,) = read(running.tracker_database, query, conversation)
    assert read(*mine) == [{"answer": said["response"], "value": "up"}]


@pytest.mark.parametrize(
    ("sender", "asked", "notice", "answer", "unread"),
    [
        (
            "7104",
            "Bonjour, je voudrais prendre rendez-vous s'il vous plaît",
            "l'assistant automatique",
            "Je suis un assistant automatisé",
            "Je ne peux lire que des mots",
        ),
        (
            "7105",
            "Hola, ¿puedo pedir una cita por favor?",
            "el asistente automático",
            "Soy un asistente automático",
            "Solo puedo leer palabras",
        ),
    ],
)
def test_other_languages(
    provider: Provider, sender: str, asked: str, notice: str, answer: str, unread: str
) -> None:
    """The assistant says what it can do, and the app's own sentences are in that language then."""
    first, second = provider.say(sender, asked, count=2)
    assert notice in first.text
    assert answer in second.text
    picture, _ = provider.unread(sender)[0]
    assert provider.deliver(picture) == 200
    assert unread in provider.until(sender, 3)[-1].text


def test_two_answers_are_numbered_on(running: Servers, providers: dict[str, Provider]) -> None:
    """A number means one of them, the first one, too."""
    texts = providers["sms"]
    chat = AppChat(running, texts, "7110")
    chat.say("How much is one session, and where exactly is your clinic?")
    first, second = (reply.buttons for reply in chat.replies)
    numbers = [*first.values(), *second.values()]
    assert numbers == list(map(str, range(1, len(numbers) + 1)))
    assert texts.say("7110", first["👎"])[0].text == "Thank you."
    wait_until(lambda: bool(read(running.clinic_database, THUMBS, chat.sender)), "it is stored")
    assert read(running.clinic_database, THUMBS, chat.sender) == [
        {"answer": "utter_faq/cost", "value": "down"}
    ]


def test_deleting(provider: Provider, running: Servers) -> None:
    """The last words arrive, and nothing is kept of who it was."""
    provider.say("7106", "hello", count=2)
    conversation = newest(running, provider)
    kept = running.tracker_database
    (row,) = read(kept, "SELECT name FROM app_senders WHERE conversation = ?", conversation)
    provider.say("7106", "delete my data")
    assert "Done: this chat" in words(provider.click("7106", "Delete it"))
    query = "SELECT 1 FROM app_senders WHERE name = ?"
    wait_until(lambda: not read(kept, query, row["name"]), "the address is gone")
    for query in (
        "SELECT 1 FROM events WHERE sender_id = ?",
        "SELECT 1 FROM website_messages WHERE conversation = ?",
        "SELECT 1 FROM app_taken WHERE conversation = ?",
    ):
        assert not read(kept, query, conversation), query
