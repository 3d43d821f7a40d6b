"""WhatsApp: what is its own, beside what holds for all apps (test_apps.py)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from apps import PROVIDERS
from providers.meta import DAY, VERIFY_TOKEN
from providers.twilio import Texts
from providers.twilio import limits as twilio_limits
from providers.whatsapp import WhatsApp
from scenario_servers import Server, wait_until
from test_apps import NOTICE, database, handled, migrated, settled, started, texts

from assistant.channels.apps import settings
from assistant.channels.apps.app import Call, Choice, Outgoing, client
from assistant.channels.whatsapp import WhatsApp as Channel
from clinic.conversations.store import open_store
from clinic.environment import EnvironmentProblem
from clinic.live import chats
from clinic.live.limits import message_id
from clinic.outbox.models import LateMessage

__all__ = ["database", "migrated"]

Echo = Callable[..., Server]
TEMPLATE = {"CLINIC_WHATSAPP_TEMPLATE": "appointment_news"}


@pytest.fixture
def whatsapp() -> Iterator[WhatsApp]:
    """Meta's servers."""
    made = WhatsApp()
    yield made
    made.close()
    assert not made.broken, made.broken


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch, whatsapp: WhatsApp) -> Channel:
    """The channel itself, with a template."""
    for name, value in {**whatsapp.settings(), **TEMPLATE}.items():
        monkeypatch.setenv(name, value)
    found = settings.read(Channel)
    assert found is not None
    return Channel(found.secrets, found.address, client())


def choices(*titles: str) -> tuple[Choice, ...]:
    return tuple(Choice(title, f"53d1fb1b-f1e9.{place}") for place, title in enumerate(titles))


def contents(calls: list[Call]) -> list[dict]:  # type: ignore[type-arg]
    return [call.body[call.body["type"]] for call in calls]


def test_the_address_is_tried(whatsapp: WhatsApp, echo: Echo) -> None:
    """Only who knows the token gets the number back."""
    started(whatsapp, echo)
    address = f"{whatsapp.server}/webhooks/whatsapp/webhook"
    good = {
        "hub.mode": "subscribe",
        "hub.verify_token": VERIFY_TOKEN,
        "hub.challenge": "1158201444",
    }
    answer = httpx.get(address, params=good)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in (
        {"hub.verify_token": "another"},
        {"hub.verify_token": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": "two words"},
    ):
        assert httpx.get(address, params={**good, **wrong}).status_code == 403
    assert httpx.get(address).status_code == 403


def test_people_without_a_number(whatsapp: WhatsApp, echo: Echo, tmp_path: Path) -> None:
    """The id for this business is enough, and the number changes nothing."""
    started(whatsapp, echo)
    whatsapp.hidden.add("700")
    whatsapp.say("700", "hello", count=2)
    whatsapp.hidden.discard("700")
    assert whatsapp.say("700", "more")[0].text.startswith("you said more")
    whatsapp.old.add("701")
    assert whatsapp.say("701", "by phone", count=2)[1].text.startswith("you said by phone")
    assert handled(tmp_path) == {"hello": 1, "more": 1, "by phone": 1}


def test_a_whole_batch(whatsapp: WhatsApp, echo: Echo, tmp_path: Path) -> None:
    """Several entries, changes and messages in one request are all answered, in order."""
    started(whatsapp, echo)
    texts_of = [
        whatsapp.message("700", type="text", text={"body": f"text {place}"}) for place in range(3)
    ]
    contacts = [whatsapp.contact("700"), whatsapp.contact("701")]
    other = whatsapp.message("701", type="text", text={"body": "another"})
    entries = [
        whatsapp.entry(contacts=contacts, messages=[texts_of[0], other]),
        whatsapp.entry(contacts=contacts, messages=texts_of[1:]),
    ]
    assert whatsapp.deliver(whatsapp.request(*entries)) == 200
    whatsapp.until("700", 4)
    whatsapp.until("701", 2)
    said = [text.splitlines()[0] for text in texts(whatsapp, "700")]
    assert said == [f"you said text {place}" for place in range(3)]
    assert handled(tmp_path)["another"] == 1


def test_read_marks_and_typing_are_one_call(whatsapp: WhatsApp, echo: Echo) -> None:
    """One for each message; without the typing sign where nothing is being answered."""
    started(whatsapp, echo)
    whatsapp.say("700", "hello", count=2)
    picture = whatsapp.message("700", type="image", image={"id": "1", "mime_type": "image/jpeg"})
    assert whatsapp.deliver(whatsapp.messages("700", picture)) == 200
    whatsapp.wait(lambda: len(whatsapp.signs) == 2, "two calls")
    assert [sign for _, sign in whatsapp.signs] == ["typing", "read"]
    assert whatsapp.signs[1][0] == picture["id"]


def test_words_below_a_picture_are_read(whatsapp: WhatsApp, echo: Echo, tmp_path: Path) -> None:
    started(whatsapp, echo)
    image = {"id": "1", "mime_type": "image/jpeg", "caption": "my back"}
    sent = whatsapp.message("700", type="image", image=image)
    assert whatsapp.deliver(whatsapp.messages("700", sent)) == 200
    said = [each.text for each in whatsapp.until("700", 3)]
    assert any("I can only read words" in text for text in said)
    assert any(text.startswith("you said my back") for text in said)
    assert handled(tmp_path) == {"my back": 1}


def test_what_does_not_matter(whatsapp: WhatsApp, echo: Echo, tmp_path: Path) -> None:
    """It is acknowledged, and nobody reads anything about it."""
    started(whatsapp, echo)
    for request in whatsapp.ignored():
        assert whatsapp.deliver(request) == 200
    whatsapp.say("701", "the end", count=2)
    assert whatsapp.seen("700") == []
    assert handled(tmp_path) == {"the end": 1}


def test_an_old_message_is_not_played_again(whatsapp: WhatsApp, echo: Echo, tmp_path: Path) -> None:
    """Its signature is right for ever; what is remembered of updates is not."""
    started(whatsapp, echo)
    assert whatsapp.deliver(whatsapp.text("700", "numb", at=time.time() - 31 * DAY)) == 200
    whatsapp.say("701", "the end", count=2)
    assert handled(tmp_path) == {"the end": 1}


@pytest.mark.usefixtures("database")
def test_a_day_later_nothing_is_sent(
    database: Path, whatsapp: WhatsApp, echo: Echo, tmp_path: Path
) -> None:
    """WhatsApp would take it and never deliver it: the clinic is told, and chats go on."""
    started(whatsapp, echo, **TEMPLATE)
    assert whatsapp.deliver(whatsapp.text("700", "hello", at=time.time() - 25 * 3600)) == 200
    stuck = LateMessage.objects.filter(state="stuck", app="whatsapp", reason="window")
    wait_until(stuck.exists, "the clinic is told")
    assert whatsapp.seen("700") == []
    assert handled(tmp_path) == {"hello": 1}
    first, second = whatsapp.say("700", "more", count=2)
    assert NOTICE in first.text
    assert second.text.startswith("you said more")


def test_an_appointment_a_day_later(whatsapp: WhatsApp, echo: Echo) -> None:
    """What became of it is told by the approved template."""
    started(whatsapp, echo, **TEMPLATE)
    assert whatsapp.deliver(whatsapp.text("700", "booked", at=time.time() - 25 * 3600)) == 200
    (shown,) = whatsapp.until("700", 1)
    assert "you said booked" in shown.text
    assert shown.text.startswith("Your appointment: ")


@pytest.mark.parametrize("app", ["whatsapp", "twilio-whatsapp"])
def test_news_of_an_appointment_a_day_later(
    database: Path, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: str
) -> None:
    """Cancelled, declined or expired, which has no card; to somebody who wrote long ago."""
    provider = PROVIDERS[app]()
    template = {"CLINIC_TWILIO_TEMPLATE": twilio_limits()["template"], **TEMPLATE}
    started(provider, echo, **template)
    provider.say("700", "hello", count=2)
    settled(tmp_path)
    kept = tmp_path / "conversations.sqlite3"
    with sqlite3.connect(kept) as changed:
        changed.execute("UPDATE app_senders SET heard_at = '2020-01-01 00:00:00.000000'")
    provider.heard["700"] = 0.0
    ((conversation,),) = sqlite3.connect(kept).execute("SELECT conversation FROM app_senders")
    chats.tell(conversation, "change-1", "We had to cancel your appointment.", {"buttons": []})
    shown = provider.until("700", 3)
    assert shown[-1].text.startswith("Your appointment: We had to cancel")
    settled(tmp_path)
    assert is_read(tmp_path, conversation, monkeypatch)
    provider.close()
    assert not provider.broken


def is_read(
    folder: Path, conversation: str, monkeypatch: pytest.MonkeyPatch, key: str = "change-1"
) -> bool:
    """Whether the clinic takes a patient to have read the news of an appointment."""
    from django.conf import settings as django_settings

    monkeypatch.setattr(django_settings, "VAR", folder)
    store = open_store()
    try:
        return store.is_read(conversation, message_id(conversation, key, 0))
    finally:
        store.close()


def test_news_that_could_not_be_sent_are_not_read(
    database: Path,
    whatsapp: WhatsApp,
    echo: Echo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even when the patient writes and is answered afterwards: somebody has to call."""
    started(whatsapp, echo)
    whatsapp.say("700", "hello", count=2)
    settled(tmp_path)
    kept = tmp_path / "conversations.sqlite3"
    with sqlite3.connect(kept) as changed:
        changed.execute("UPDATE app_senders SET heard_at = '2020-01-01 00:00:00.000000'")
    ((conversation,),) = sqlite3.connect(kept).execute("SELECT conversation FROM app_senders")
    chats.tell(conversation, "change-1", "Your appointment is confirmed.", {"buttons": []})
    wait_until(LateMessage.objects.filter(reason="window").exists, "the clinic is told")
    whatsapp.say("700", "more")
    settled(tmp_path)
    assert not is_read(tmp_path, conversation, monkeypatch)


@pytest.mark.parametrize("app", ["whatsapp", "sms"])
def test_news_that_are_reported_lost_are_not_read(
    database: Path, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: str
) -> None:
    """The provider takes them first. What it had delivered before stays read."""
    provider = PROVIDERS[app]()
    started(provider, echo)
    provider.say("700", "hello", count=2)
    settled(tmp_path)
    kept = tmp_path / "conversations.sqlite3"
    ((conversation,),) = sqlite3.connect(kept).execute("SELECT conversation FROM app_senders")
    chats.tell(conversation, "change-1", "Your appointment is confirmed.", {"buttons": []})
    provider.until("700", 3)
    settled(tmp_path)
    assert is_read(tmp_path, conversation, monkeypatch)
    if isinstance(provider, WhatsApp):
        provider.blocked.add("700")
    chats.tell(conversation, "change-2", "Your appointment is cancelled.", {"buttons": []})
    if isinstance(provider, Texts):
        provider.until("700", 4)
        told = {"ErrorCode": "30006", "MessageSid": provider.sids[-1]}
        assert provider.deliver(provider.status("700", "undelivered", **told)) == 200
    wait_until(LateMessage.objects.filter(state="stuck").exists, "the clinic is told")
    settled(tmp_path)
    assert not is_read(tmp_path, conversation, monkeypatch, "change-2")
    assert is_read(tmp_path, conversation, monkeypatch)
    provider.close()
    assert not provider.broken


@pytest.mark.parametrize("name", ["", "another_name"])
def test_without_an_approved_template(whatsapp: WhatsApp, echo: Echo, name: str) -> None:
    """The clinic is told, whether none is named or Meta knows none of that name."""
    server = started(whatsapp, echo, CLINIC_WHATSAPP_TEMPLATE=name)
    assert whatsapp.deliver(whatsapp.text("700", "booked", at=time.time() - 25 * 3600)) == 200
    wait_until(lambda: "will not arrive" in server.tail(), "the clinic is told")
    assert whatsapp.seen("700") == []


def test_what_fails_afterwards_is_told(whatsapp: WhatsApp, echo: Echo) -> None:
    """WhatsApp takes the message, and says later that it could not be delivered."""
    server = started(whatsapp, echo)
    whatsapp.say("700", "hello", count=2)
    whatsapp.blocked.add("700")
    assert whatsapp.deliver(whatsapp.text("700", "more")) == 200
    wait_until(lambda: "will not arrive: stopped" in server.tail(), "the clinic is told")
    # Nobody is made a patient by a message that failed.
    unknown = {"id": "wamid.9=", "status": "failed", "recipient_id": "702", "errors": []}
    assert whatsapp.deliver(whatsapp.change(statuses=[unknown])) == 200


def test_up_to_three_choices_are_buttons(channel: Channel) -> None:
    (content,) = contents(channel.render(Outgoing("Which?", choices("One", "Two", "Three"))))
    assert content["type"] == "button"
    titles = [button["reply"]["title"] for button in content["action"]["buttons"]]
    assert titles == ["One", "Two", "Three"]


@pytest.mark.parametrize(
    "titles",
    [
        ("One", "Two", "Three", "Four"),
        ("One", "A title of more than twenty characters"),
        ("The same", "The same"),
    ],
)
def test_what_buttons_cannot_hold_is_a_list(channel: Channel, titles: tuple[str, ...]) -> None:
    """A long title stands in full below a short one."""
    (content,) = contents(channel.render(Outgoing("Which?", choices(*titles))))
    assert content["type"] == "list"
    (section,) = content["action"]["sections"]
    shown = [row.get("description", row["title"]) for row in section["rows"]]
    assert shown == list(titles)


def test_more_than_ten_choices_are_two_lists(channel: Channel) -> None:
    """The thumbs have a section of their own."""
    said = Outgoing(
        "Which?", choices(*map(str, range(12))), (Choice("👍", "a.u"), Choice("👎", "a.d"))
    )
    first, second = contents(channel.render(said))
    (section,) = first["action"]["sections"]
    assert [row["title"] for row in section["rows"]] == list(map(str, range(10)))
    rows, thumbs = ([row["title"] for row in part["rows"]] for part in second["action"]["sections"])
    assert (rows, thumbs) == (["10", "11"], ["👍", "👎"])


def test_thumbs_after_ten_choices_are_buttons(channel: Channel) -> None:
    """And say what they are about."""
    thumbs = (Choice("👍", "a.u"), Choice("👎", "a.d"))
    first, second = contents(
        channel.render(Outgoing("Which?", choices(*map(str, range(10))), thumbs))
    )
    assert first["type"] == "list"
    assert (second["type"], second["body"]["text"]) == ("button", "Was this helpful?")


def test_a_long_text_with_buttons_comes_in_parts(channel: Channel, whatsapp: WhatsApp) -> None:
    """Above buttons fewer characters have room. Nothing is lost."""
    text = "\n\n".join(f"Paragraph {place}. " + "word " * 90 for place in range(12))
    calls = channel.render(Outgoing(text, choices("One")))
    *before, last = contents(calls)
    parts = [part["body"] for part in before] + [last["body"]["text"]]
    assert all(len(part) <= 4096 for part in parts[:-1])
    assert len(parts[-1]) <= 1024
    assert " ".join(" ".join(parts).split()) == " ".join(text.split())


def test_bold_is_written_with_one_star(channel: Channel) -> None:
    (content,) = contents(channel.render(Outgoing("Call **911** now.")))
    assert content["body"] == "Call *911* now."


def test_what_fills_a_template_is_one_line(channel: Channel) -> None:
    text = "Your appointment is **confirmed**.\n\nTuesday\tat 10:00" + " word" * 400
    (content,) = contents(channel.render_late(Outgoing(text, appointment=True)))
    filling = content["components"][0]["parameters"][0]["text"]
    assert filling.startswith("Your appointment is confirmed. Tuesday at 10:00 word")
    assert len(filling) <= 900
    assert channel.render_late(Outgoing(text)) == []


def test_a_template_names_what_can_be_answered(channel: Channel) -> None:
    """It has no buttons."""
    said = Outgoing("They can offer Monday.", choices("Yes", "Another time"), appointment=True)
    (content,) = contents(channel.render_late(said))
    filling = content["components"][0]["parameters"][0]["text"]
    assert filling == 'They can offer Monday. You can answer: "Yes", "Another time".'


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("CLINIC_META_APP_SECRET", "too-short", False),
        ("CLINIC_META_VERIFY_TOKEN", "too short", False),
        ("CLINIC_META_VERSION", "26", True),
        ("CLINIC_WHATSAPP_TOKEN", "two words and more of them", False),
        ("CLINIC_WHATSAPP_NUMBER", "+1 555 555 0100", True),
        ("CLINIC_WHATSAPP_TEMPLATE", "Appointment News", True),
        ("CLINIC_WHATSAPP_ADDRESS", "https://example.com", True),
    ],
)
def test_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, whatsapp: WhatsApp, name: str, value: str, shown: bool
) -> None:
    """The sentence names the setting and what is allowed; secrets are not repeated."""
    for key, good in {**whatsapp.settings(), name: value}.items():
        monkeypatch.setenv(key, good)
    with pytest.raises(EnvironmentProblem) as problem:
        settings.read(Channel)
    assert name in str(problem.value)
    assert "Allowed" in str(problem.value)
    assert (value in str(problem.value)) is shown
