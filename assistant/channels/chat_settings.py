"""Settings of the channels, from the environment (``.env.example`` lists all)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from clinic.environment import EnvironmentProblem, number, proxies


@dataclass(frozen=True)
class ChatSettings:
    """``proxies`` counts the reverse proxies that add to X-Forwarded-For; no Redis is ""."""

    connections: int
    connections_from_one: int
    per_minute: int
    per_minute_from_one: int
    waiting: int
    proxies: int
    redis_url: str


def read() -> ChatSettings:
    """Reads and checks the settings. Raises EnvironmentProblem."""
    return ChatSettings(
        connections=number("CLINIC_CHAT_CONNECTIONS", 2000, 1, 100_000),
        connections_from_one=number("CLINIC_CHAT_CONNECTIONS_PER_ADDRESS", 30, 1, 100_000),
        per_minute=number("CLINIC_CHAT_MESSAGES_PER_MINUTE", 20, 1, 10_000),
        per_minute_from_one=number("CLINIC_CHAT_MESSAGES_PER_MINUTE_PER_ADDRESS", 90, 1, 100_000),
        waiting=number("CLINIC_CHAT_WAITING", 300, 1, 100_000),
        proxies=proxies(),
        redis_url=_redis_url(),
    )


def rest_is_on() -> bool:
    """Whether the REST channel is there: ``CLINIC_REST``. Raises EnvironmentProblem."""
    value = os.environ.get("CLINIC_REST", "").strip() or "off"
    if value not in ("on", "off"):
        raise EnvironmentProblem(f'CLINIC_REST is "{value}". Allowed: on or off.')
    return value == "on"


def _redis_url() -> str:
    value = os.environ.get("CLINIC_REDIS_URL", "").strip()
    if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        # The whole value may hold a password.
        raise EnvironmentProblem(
            f'CLINIC_REDIS_URL begins with "{urlsplit(value).scheme}". Allowed: empty, or '
            "redis://host:port/number, rediss:// or unix://, for example redis://127.0.0.1:6379/0."
        )
    return value
