"""What only Telegram has: callbacks, groups, its pauses, and a start by a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from providers.telegram import Telegram, too_many
from scenario_servers import Server
from test_apps import handled, started, texts

from assistant.channels import telegram as channel
from assistant.channels.apps import settings
from clinic.environment import EnvironmentProblem

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


def test_opening_the_chat_is_a_greeting(telegram: Telegram, echo: Echo) -> None:
    started(telegram, echo)
    assert "Hello" in telegram.say("700", "/start", count=2)[1].text


def test_typing_is_shown(telegram: Telegram, echo: Echo, tmp_path: Path) -> None:
    started(telegram, echo)
    assert telegram.deliver(telegram.text("700", "hold on")) == 200
    telegram.wait(lambda: ("700", "typing") in telegram.signs, "the sign")
    (tmp_path / "go").touch()
    telegram.until("700", 2)
    assert texts(telegram, "700")[0].startswith("you said hold on")


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
