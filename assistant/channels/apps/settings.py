"""Settings of the messaging apps, from the environment (``.env.example`` lists all)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from assistant.channels.apps.app import App
from clinic.environment import EnvironmentProblem

PUBLIC = "CLINIC_PUBLIC_ADDRESS"


@dataclass(frozen=True)
class AppSettings:
    """``secrets`` by the name of their setting, and where the provider's interface is."""

    secrets: dict[str, str]
    address: str


def read(app: type[App]) -> AppSettings | None:
    """The settings of an app; None when a secret is missing. Raises EnvironmentProblem."""
    secrets = {name: os.environ.get(name, "").strip() for name in app.settings}
    if not all(secrets.values()):
        return None
    for name, default in app.defaults.items():
        secrets[name] = os.environ.get(name, "").strip() or default
    if problem := app.problem(secrets):
        raise EnvironmentProblem(problem)
    return AppSettings(secrets, _stand_in(app) or app.address)


def missing(app: type[App]) -> list[str]:
    """The names of settings that are empty, because of which the app is off."""
    return [name for name in app.settings if not os.environ.get(name, "").strip()]


def off(app: type[App]) -> str:
    """One sentence for an app that is off; "" when it is on."""
    names = missing(app)
    if not names:
        return ""
    verb = "is" if len(names) == 1 else "are"
    return f"{app.title} is off: {listed(names)} {verb} empty."


def listed(names: Sequence[str]) -> str:
    """Names as they stand in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def public_address() -> str:
    """Where patients and providers reach this server: ``CLINIC_PUBLIC_ADDRESS``.

    Without a slash at its end; "" when it is not set. Raises EnvironmentProblem.
    """
    value = os.environ.get(PUBLIC, "").strip().rstrip("/")
    if not value or _is_https(value) or _is_here(value):
        return value
    raise EnvironmentProblem(
        f'{PUBLIC} is "{value}". Allowed: empty, or https:// and a name, for example '
        "https://chat.example.com."
    )


def _stand_in(app: type[App]) -> str:
    value = os.environ.get(app.stand_in, "").strip().rstrip("/")
    if value and not _is_here(value):
        raise EnvironmentProblem(
            f'{app.stand_in} is "{value}". Allowed: empty for {app.title} itself, or a server on '
            "this computer, for example http://127.0.0.1:8081."
        )
    return value


def _is_https(value: str) -> bool:
    try:
        parts = urlsplit(value)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or parts.username or parts.path)
    return parts.scheme == "https" and whole and bare


def _is_here(value: str) -> bool:
    try:
        parts = urlsplit(value)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1") and parts.port != 0
    except ValueError:
        return False
    return parts.scheme == "http" and local and not (parts.path or parts.query or parts.username)
