"""Each provider's rates are kept, by a clock that is the test's own."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from apps import PROVIDERS
from providers.provider import Provider

from assistant.channels.apps import couriers
from assistant.channels.apps.app import App
from assistant.channels.apps.catalogue import APPS
from assistant.channels.apps.couriers import Couriers

# Patients at once, and messages to one of them.
PATIENTS, MESSAGES = 700, 120


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moment now, in seconds; whoever waits passes it."""
    now = [1000.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(couriers.asyncio, "sleep", sleep)
    return now


def called(app: type[App], provider: Provider) -> float:
    """Makes as many calls as the couriers let through; the seconds for all."""
    made: Any = Couriers(app, *[None] * 3, "", None)  # type: ignore[arg-type, call-arg]
    patients = [*range(PATIENTS), *[PATIENTS] * MESSAGES]

    async def call() -> float:
        began = time.monotonic()
        for patient in patients:
            await made._turn(SimpleNamespace(name=str(patient)))
            provider.too_fast(str(patient))
        return time.monotonic() - began

    return asyncio.run(call())


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_the_rates_are_kept(
    app: type[App], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To all together and to one patient; and with twice the rate they would not be."""
    provider = PROVIDERS[app.name]()
    called(app, provider)
    assert provider.limited == []
    if provider.rates:
        monkeypatch.setattr(app, "per_second", 2 * app.per_second)
        clock[0] += 3600
        called(app, provider)
        assert "all" in provider.limited
    if "per_chat" in provider.rates:
        assert app.per_chat is not None
        monkeypatch.setattr(app, "per_chat", (app.per_chat[0] / 2, app.per_chat[1]))
        clock[0] += 3600
        called(app, provider)
        assert "one" in provider.limited
    provider.close()
