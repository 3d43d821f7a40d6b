"""The REST channel is there only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from scenario_servers import Server
from window import READY

from assistant.channels.chat_settings import rest_is_on
from clinic.environment import EnvironmentProblem


@pytest.mark.parametrize(("setting", "status"), [("", 404), ("off", 404), ("on", 200)])
def test_rest(echo: Callable[..., Server], setting: str, status: int) -> None:
    server = echo(CLINIC_REST=setting)
    address = server.url.removesuffix(READY)
    body = {"sender": "me", "message": "hello"}
    answer = httpx.post(f"{address}/webhooks/rest/webhook", json=body, trust_env=False)
    assert answer.status_code == status


def test_a_setting_that_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_REST", "yes")
    with pytest.raises(EnvironmentProblem, match='CLINIC_REST is "yes"'):
        rest_is_on()
