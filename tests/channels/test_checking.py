"""python -m assistant channels check | connect."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import yaml
from apps import PROVIDERS
from providers import meta
from providers.messenger import Messenger
from providers.provider import Provider
from providers.telegram import Telegram
from providers.twilio import Texts
from providers.whatsapp import WhatsApp
from test_apps import Echo, started

from assistant.channels.apps.catalogue import APPS
from assistant.cli import main
from assistant.project import ROOT
from clinic.live.limits import CHANNELS

Read = pytest.CaptureFixture[str]
# Providers that say whom they call.
SAY = ("messenger", "sms", "telegram", "whatsapp")
# And those that can be told nothing.
BY_HAND = ("twilio-whatsapp",)
SETTINGS = {name for app in APPS for name in (*app.settings, app.stand_in)}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the computer's own settings are; and other tests read their logs."""
    for name in (*SETTINGS, "CLINIC_PUBLIC_ADDRESS"):
        monkeypatch.setenv(name, "")
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Each provider in turn, with its channel on."""
    made = PROVIDERS[request.param]()
    for name, value in made.settings().items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()
    assert not made.broken, made.broken


def test_what_is_missing(capsys: Read) -> None:
    """All of it is named, and nothing is wrong with an app that is off."""
    assert main(["channels", "check"]) == 0
    told = capsys.readouterr().out
    assert all(f"{app.title} is off: {app.settings[0]}" in told for app in APPS)


def test_connecting(
    provider: Provider, echo: Echo, capsys: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it the provider calls nobody, after it this server."""
    started(provider, echo)
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", provider.server)
    webhook = f"{provider.server}/webhooks/{provider.name}/webhook"
    if provider.name in BY_HAND:
        assert main(["channels", "check"]) == 0
        assert main(["channels", "connect", provider.name]) == 1
        assert webhook in "".join(capsys.readouterr())
        return
    assert main(["channels", "check"]) == 1
    assert f"channels connect {provider.name}" in capsys.readouterr().out
    assert main(["channels", "connect", provider.name]) == 0
    assert webhook in capsys.readouterr().out
    assert main(["channels", "check"]) == 0
    told = capsys.readouterr().out
    assert f"calls {webhook}" in told
    assert f"This server answers at {webhook.removesuffix('webhook')}" in told
    assert "problem" not in told
    if provider.name in SAY:
        assert provider.webhook.partition("#")[0] == webhook


@pytest.mark.parametrize("provider", SAY, indirect=True)
def test_another_server_is_called(
    provider: Provider, capsys: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", "http://127.0.0.1:9")
    provider.webhook = "https://old.example.com/webhook"
    assert main(["channels", "check"]) == 1
    told = capsys.readouterr().out
    assert "calls https://old.example.com/webhook, not http://127.0.0.1:9/webhooks/" in told
    assert "This server does not answer at http://127.0.0.1:9/webhooks/" in told


@pytest.mark.parametrize("provider", ["whatsapp"], indirect=True)
@pytest.mark.parametrize(
    ("told", "template", "approved", "mark", "words"),
    [
        (["messages"], "appointment_news", "APPROVED", "ok", '"en" is approved.'),
        (["account_update"], "", "APPROVED", "problem", "The app does not pass on messages."),
        (["messages"], "appointment_news", "PENDING", "problem", '"en" is pending.'),
        (["messages"], "another", "APPROVED", "problem", "is not there."),
        (["messages"], "", "APPROVED", "note", "CLINIC_WHATSAPP_TEMPLATE is empty"),
    ],
)
def test_what_is_passed_on_and_the_template(
    provider: Provider,
    echo: Echo,
    capsys: Read,
    monkeypatch: pytest.MonkeyPatch,
    told: list[str],
    template: str,
    approved: str,
    mark: str,
    words: str,
) -> None:
    """Otherwise nobody would notice until a patient is not answered, or not told."""
    assert isinstance(provider, WhatsApp)
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", "http://127.0.0.1:9")
    monkeypatch.setenv("CLINIC_WHATSAPP_TEMPLATE", template)
    provider.webhook = "http://127.0.0.1:9/webhooks/whatsapp/webhook"
    provider.told, provider.approved = told, approved
    assert main(["channels", "check"]) == 1, "this server does not answer"
    (line,) = [line for line in capsys.readouterr().out.splitlines() if words in line]
    assert line.split()[0] == mark


def test_a_provider_that_is_not_there(
    provider: Provider, capsys: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, without a secret."""
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", "http://127.0.0.1:9")
    for name, value in provider.settings().items():
        if value == provider.url:
            monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["channels", "check"]) == 1
    assert main(["channels", "connect", provider.name]) == 1
    told = "".join(capsys.readouterr())
    assert "127.0.0.1 cannot be reached" in told
    assert not any(value in told for value in provider.settings().values() if len(value) > 20)


@pytest.mark.parametrize("provider", ["messenger", "whatsapp"], indirect=True)
def test_an_app_that_meta_does_not_name(
    provider: Provider, capsys: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked about an app without an id, nor with a login that has none."""
    monkeypatch.setattr(meta, "APP", "")
    monkeypatch.setenv("CLINIC_PUBLIC_ADDRESS", "http://127.0.0.1:9")
    assert main(["channels", "check"]) == 1
    assert "Meta does not say which app" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "setting", "value", "words"),
    [
        (Telegram, "CLINIC_TELEGRAM_TOKEN", "4243:" + "another-token-" * 3, "refuses the login"),
        (WhatsApp, "CLINIC_WHATSAPP_TOKEN", "another-token-" * 3, "refuses the login"),
        (Messenger, "CLINIC_MESSENGER_TOKEN", "another-token-" * 3, "refuses the login"),
        (Texts, "CLINIC_TWILIO_TOKEN", "6b" * 16, "refuses the login"),
        (Texts, "CLINIC_TWILIO_SMS", "+14165550199", "has no number +14165550199"),
        (Texts, "CLINIC_TWILIO_SMS", "4165550100", "country"),
        (Texts, "CLINIC_PUBLIC_ADDRESS", "", "CLINIC_PUBLIC_ADDRESS is empty"),
    ],
)
def test_a_wrong_setting(
    kind: type[Provider],
    setting: str,
    value: str,
    words: str,
    capsys: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = kind()
    wrong = {"CLINIC_PUBLIC_ADDRESS": "http://127.0.0.1:9", **provider.settings(), setting: value}
    for name, each in wrong.items():
        monkeypatch.setenv(name, each)
    assert main(["channels", "check"]) == 1
    assert words in capsys.readouterr().out
    assert main(["channels", "connect", provider.name]) == 1
    assert words in capsys.readouterr().err
    provider.close()


def test_the_staff_desk_names_all_apps() -> None:
    """And all can be taken over there."""
    words = yaml.safe_load((ROOT / "clinic/desk/wording.yml").read_text(encoding="utf-8"))
    names = {app.name for app in APPS}
    assert words["apps"].keys() == names
    assert names < set(CHANNELS)


def test_no_such_app(capsys: Read) -> None:
    assert main(["channels", "connect", "pigeon"]) == 1
    assert 'no app "pigeon"' in capsys.readouterr().err
