"""Settings of the channels: checked, with the value and what is allowed."""

from __future__ import annotations

import pytest

from assistant.channels import chat_settings
from clinic.environment import EnvironmentProblem


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLINIC_CHAT_CONNECTIONS", "CLINIC_PROXIES", "CLINIC_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = chat_settings.read()
    assert (settings.connections, settings.proxies, settings.redis_url) == (2000, 0, "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CLINIC_CHAT_CONNECTIONS", "many", 'CLINIC_CHAT_CONNECTIONS is "many".*from 1 to 100000'),
        ("CLINIC_CHAT_MESSAGES_PER_MINUTE", "0", "MESSAGES_PER_MINUTE.*from 1 to 10000"),
        ("CLINIC_PROXIES", "-1", 'CLINIC_PROXIES is "-1".*from 0 to 9'),
        ("CLINIC_REDIS_URL", "http://:secret@x", 'CLINIC_REDIS_URL begins with "http"'),
    ],
)
def test_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentProblem, match=said) as caught:
        chat_settings.read()
    assert "secret" not in str(caught.value)
