"""Settings of the servers, from the environment.

``.env.example`` lists all settings; those of the clinic's data are in :mod:`clinic.environment`.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
from dataclasses import dataclass

from clinic import environment
from clinic.desk import options
from clinic.environment import EnvironmentProblem


@dataclass(frozen=True)
class Settings:
    """Where the servers listen."""

    host: str
    port: int
    action_port: int
    desk_port: int

    @property
    def address(self) -> str:
        """Where the Rasa server is reached from this machine."""
        everywhere = ipaddress.ip_address(self.host).is_unspecified
        host = "127.0.0.1" if everywhere else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def action_address(self) -> str:
        """Where the action server is reached from this machine, and from nowhere else."""
        return f"http://127.0.0.1:{self.action_port}"

    @property
    def desk_address(self) -> str:
        """Where the staff desk is reached from this machine."""
        return f"http://127.0.0.1:{self.desk_port}"


def read() -> Settings:
    """Reads and checks the settings. Raises EnvironmentProblem."""
    host = os.environ.get("CLINIC_HOST", "").strip() or "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise EnvironmentProblem(
            f'CLINIC_HOST is "{host}". Allowed: the IP address of one of this computer\'s '
            "interfaces, for example 127.0.0.1."
        ) from None
    settings = Settings(
        host=host,
        port=environment.number("CLINIC_PORT", 5005, 1, 65535),
        action_port=environment.number("ACTION_SERVER_PORT", 5055, 1, 65535),
        desk_port=options.port(),
    )
    ports = {
        "CLINIC_PORT": settings.port,
        "ACTION_SERVER_PORT": settings.action_port,
        "CLINIC_DESK_PORT": settings.desk_port,
    }
    for one, other in itertools.combinations(ports, 2):
        if ports[one] == ports[other]:
            raise EnvironmentProblem(
                f"{one} and {other} are both {ports[one]}. Allowed: different ports, for example "
                "5005, 5055 and 8010."
            )
    return settings
