"""What only Telegram has: callbacks, groups, its pauses, and a start by a command."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from providers.telegram import Telegram, too_many
from scenario_servers import Server, wait_until
from test_apps import database, handled, migrated, restart, settled, started, texts
from test_live_chat import join, reads, say
from window import Window

from assistant.channels import telegram as channel
from assistant.channels.apps import settings
from clinic.environment import EnvironmentProblem, chat_keys
from clinic.live import chats
from clinic.outbox.models import LateMessage
from clinic.seal import Seal

__all__ = ["database", "migrated"]

Echo = Callable[..., Server]


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    made = Telegram()
    yield made
    made.close()
    assert not made.broken, made.broken


def test_a_pressed_button_is_acknowledged_and_shown(
    telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """Pressed twice in a hurry, it is pressed once."""
    started(telegram, echo)
    shown = telegram.say("700", "hello", count=2)[1]
    presses = [telegram.press("700", shown.buttons["Again"]) for _ in range(2)]
    for press in presses:
        assert telegram.deliver(press) == 200
    telegram.wait(lambda: telegram.chosen, "the chosen option")
    assert telegram.chosen[0] == ["✓ Again"]
    telegram.until("700", 3)
    telegram.say("700", "the end")
    assert handled(tmp_path) == {"hello": 1, "/again hello": 1, "the end": 1}
    telegram.wait(lambda: not telegram.open_queries, "the app hears of each press")


def test_a_press_from_before_a_restart_is_answered(
    telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """What is needed to show it in the app is gone then."""
    server = started(telegram, echo)
    shown = telegram.say("700", "hello", count=2)[1]
    telegram.say("700", "hold on", count=0)
    wait_until((tmp_path / "holding").exists, "it is being answered")
    assert telegram.deliver(telegram.press("700", shown.buttons["Again"])) == 200
    restart(telegram, server)
    (tmp_path / "go").touch()
    telegram.wait(
        lambda: any("/again" in each.text for each in telegram.shown["700"]), "the answer"
    )
    assert "could not be followed up" not in server.tail()


def test_an_old_message_is_not_played_again(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    started(telegram, echo)
    month = 31 * 24 * 3600
    old = {**telegram.message("700", text="numb"), "date": int(time.time()) - month}
    assert telegram.deliver(telegram.update(message=old)) == 200
    telegram.say("701", "the end", count=2)
    assert handled(tmp_path) == {"the end": 1}


@pytest.mark.usefixtures("database")
def test_staff_see_what_a_patient_who_blocks_the_bot_does_not_get(
    database: Path, telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """Not of one who had everything; the other's message is not said to be tried again."""
    started(telegram, echo)
    telegram.say("701", "hello", count=2)
    settled(tmp_path)
    assert telegram.deliver(telegram.blocks("701")) == 200
    telegram.say("700", "hello", count=2)
    telegram.failing = [too_many(3600)]
    assert telegram.deliver(telegram.text("700", "second")) == 200
    wait_until(lambda: LateMessage.objects.filter(state="failed").exists(), "it is late")
    assert telegram.deliver(telegram.blocks("700")) == 200
    wait_until(lambda: LateMessage.objects.filter(state="stuck").exists(), "the desk knows")
    (row,) = LateMessage.objects.all()
    assert row.reason == "stopped"


def test_words_below_a_picture_are_read(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    started(telegram, echo)
    sent = telegram.message("700", photo=[{"file_id": "1"}], caption="my back")
    assert telegram.deliver(telegram.update(message=sent)) == 200
    said = [each.text for each in telegram.until("700", 3)]
    assert any("I can only read words" in text for text in said)
    assert any(text.startswith("you said my back") for text in said)
    assert handled(tmp_path) == {"my back": 1}


def test_groups_are_refused_once(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    started(telegram, echo)
    for words in ("hello all", "and again"):
        message = telegram.message("700", text=words)
        message["chat"] = {"id": -4200, "type": "supergroup"}
        assert telegram.deliver(telegram.update(message=message)) == 200
    telegram.say("700", "the end", count=2)
    (refusal,) = telegram.until("-4200", 1)
    assert "private chats" in refusal.text
    assert handled(tmp_path) == {"the end": 1}


def test_a_pause_is_kept(telegram: Telegram, echo: Echo) -> None:
    """Telegram says in its answer how long; other patients are not kept waiting."""
    started(telegram, echo)
    telegram.say("700", "hello", count=2)
    telegram.failing = [too_many(3)]
    began = time.monotonic()
    assert telegram.deliver(telegram.text("700", "second")) == 200
    telegram.wait(lambda: not telegram.failing, "the pause")
    telegram.say("701", "hello", count=2)
    assert len(telegram.seen("700")) == 2
    telegram.until("700", 3)
    assert time.monotonic() - began >= 3


def test_telegrams_rate_is_kept(telegram: Telegram, echo: Echo) -> None:
    """Many patients at once, and many messages to one."""
    started(telegram, echo)
    people = [str(number) for number in range(800, 830)]
    for person in people:
        assert telegram.deliver(telegram.text(person, "hello")) == 200
    for number in range(12):
        assert telegram.deliver(telegram.text("700", f"message {number}")) == 200
    for person in people:
        telegram.until(person, 2)
    telegram.until("700", 13)
    assert telegram.limited == []


def test_a_provider_that_takes_long_keeps_no_conversation_waiting(
    telegram: Telegram, echo: Echo
) -> None:
    """Twenty patients: all are being written to before the first call is answered."""
    started(telegram, echo)
    telegram.held = threading.Event()
    people = [str(number) for number in range(800, 820)]
    for person in people:
        assert telegram.deliver(telegram.text(person, "hello")) == 200
    telegram.wait(lambda: telegram.begun >= len(people), "a call to each")
    assert telegram.shown == {}
    telegram.held.set()
    for person in people:
        telegram.until(person, 2)


@pytest.mark.parametrize("command", ["/start", "/start poster"])
def test_opening_the_chat_is_a_greeting(telegram: Telegram, echo: Echo, command: str) -> None:
    """Also by a link of the clinic's own, on a poster, that is none from the website."""
    started(telegram, echo)
    assert "Hello" in telegram.say("700", command, count=2)[1].text


def test_typing_is_shown(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    started(telegram, echo)
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    telegram.wait(lambda: telegram.signs.count(("700", "typing")) >= 2, "the sign, again")
    (tmp_path / "go").touch()
    telegram.until("700", 2)
    assert texts(telegram, "700")[0].startswith("you said hold on")


@pytest.mark.usefixtures("database")
def test_a_slow_provider_keeps_no_live_chat_waiting(
    database: Path, telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """A person types to somebody here, and what is said on the website arrives meanwhile."""
    started(telegram, echo)
    telegram.say("700", "hello", count=2)
    settled(tmp_path)
    here = join(tmp_path)
    telegram.until("700", 3)
    window = Window(telegram.server).open()
    window.ask("hello")
    there = join(tmp_path, window)
    telegram.held = threading.Event()
    chats.stay(here.pk, "natalie", typing=True)
    telegram.wait(lambda: telegram.begun, "the sign is on its way")
    say(there, "Mornings are quiet.")
    reads(window, "Mornings are quiet.")
    assert not telegram.signs
    telegram.held.set()
    window.close()


def test_a_calendar_file_ends_after_30_days_and_with_the_chat(
    telegram: Telegram, echo: Echo, tmp_path: Path
) -> None:
    """The address is the only key to it."""
    public = "https://chat.example.com"
    started(telegram, echo, CLINIC_PUBLIC_ADDRESS=public)
    text = telegram.say("700", "booked", count=2)[1].text
    path, _, ticket = text.partition(public)[2].split()[0].removesuffix(".ics").rpartition("/")

    def opened(ticket: str) -> int:
        address = f"{telegram.server}{path}/{ticket}.ics"
        return httpx.get(address, trust_env=False).status_code

    assert opened(ticket) == 200
    seal = Seal(chat_keys(tmp_path))
    message = seal.read_ticket(ticket)
    assert message
    assert opened(seal.ticket(message, 60)) == 200
    assert opened(seal.ticket(message, -1)) == 404
    ends = int.from_bytes(base64.urlsafe_b64decode(f"{ticket}==")[16:21], "big")
    assert timedelta(days=29.9) < timedelta(seconds=ends - time.time()) <= timedelta(days=30)
    telegram.say("700", "erase me")
    assert opened(ticket) == 404


def test_without_its_secret_it_is_off(telegram: Telegram, echo: Echo) -> None:
    """And everything else runs."""
    server = echo(**(telegram.settings() | {"CLINIC_TELEGRAM_SECRET": ""}))
    telegram.server = server.url.partition("/webhooks")[0]
    assert telegram.deliver(telegram.text("700", "hello")) == 404
    assert httpx.get(server.url, trust_env=False).status_code == 200


def test_what_is_said_of_settings(telegram: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in channel.Telegram.settings:
        monkeypatch.delenv(name, raising=False)
    assert settings.off(channel.Telegram) == (
        "Telegram is off: CLINIC_TELEGRAM_TOKEN and CLINIC_TELEGRAM_SECRET are empty."
    )
    for name, value in telegram.settings().items():
        monkeypatch.setenv(name, value)
    assert settings.off(channel.Telegram) == ""
    found = settings.read(channel.Telegram)
    assert found
    assert found.address == telegram.url
    monkeypatch.setenv("CLINIC_TELEGRAM_ADDRESS", "https://elsewhere.example.com")
    with pytest.raises(EnvironmentProblem, match="CLINIC_TELEGRAM_ADDRESS"):
        settings.read(channel.Telegram)


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        *(("", True), ("https://chat.example.com", True), ("http://127.0.0.1:5005", True)),
        *(("http://chat.example.com", False), ("https://", False), ("https://a.b/c", False)),
        *(("https://user:pw@a.example.com", False), ("chat.example.com", False)),
    ],
)
def test_the_public_address(monkeypatch: pytest.MonkeyPatch, value: str, fine: bool) -> None:
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", value)
    if fine:
        assert settings.public_address() == value
        return
    with pytest.raises(EnvironmentProblem, match="CLINIC_PUBLIC_ADDRESS"):
        settings.public_address()
