"""The staff desk's own settings, from the environment (``.env.example`` lists all)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from clinic.environment import EnvironmentProblem, number, proxies


@dataclass(frozen=True)
class Options:
    """Where the desk listens, how people reach it, and when an idle session ends.

    ``address`` is what stands in the browser's address bar, without a slash at its end.
    """

    port: int
    address: str
    idle: timedelta
    proxies: int

    @property
    def encrypted(self) -> bool:
        """Whether people reach the desk over TLS, so that cookies are sent over nothing else."""
        return self.address.startswith("https://")

    @property
    def host(self) -> str:
        """The name in the address."""
        return urlsplit(self.address).hostname or ""


def port() -> int:
    """The port the desk listens on, on this computer only. Raises EnvironmentProblem."""
    return number("CLINIC_DESK_PORT", 8010, 1, 65535)


def read() -> Options:
    """Read and check the settings. Raises EnvironmentProblem."""
    listens = port()
    return Options(
        port=listens,
        address=_address() or f"http://127.0.0.1:{listens}",
        idle=timedelta(minutes=number("CLINIC_DESK_IDLE_MINUTES", 30, 1, 720)),
        proxies=proxies(),
    )


def _address() -> str:
    value = os.environ.get("CLINIC_DESK_ADDRESS", "").strip().rstrip("/")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        whole = None
    local = whole and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not whole or parts.path or parts.query or parts.username or parts.fragment:
        raise EnvironmentProblem(
            f'CLINIC_DESK_ADDRESS is "{value}". Allowed: empty, or https:// and a name, for '
            "example https://desk.example.com."
        )
    if parts.scheme == "http" and not local:
        raise EnvironmentProblem(
            f'CLINIC_DESK_ADDRESS is "{value}": passwords and patients\' words would be sent '
            "unencrypted. Allowed: https://, or http:// on this computer only."
        )
    return value
