"""Settings of the servers, from the environment and ``.env``.

``.env.example`` lists all settings; those of the clinic's data are in :mod:`clinic.environment`.
"""

from __future__ import annotations

import difflib
import ipaddress
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from assistant.project import ROOT
from clinic import environment
from clinic.desk import options
from clinic.environment import EnvironmentProblem

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")

_QUOTED = re.compile(r"""(['"])(.*)\1\s*(#.*)?""")


def read_env_file(file: Path = ROOT / ".env", example: Path = ROOT / ".env.example") -> None:
    """Puts the lines ``NAME=value`` of ``file`` into the environment, which wins over them.

    Raises EnvironmentProblem for a line that is none, and for a name that looks like a setting
    of ``example`` and is not one. No file is no problem.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentProblem(
            f"{file.name} cannot be read ({type(error).__name__}). Allowed: a UTF-8 text file "
            "that this user may read."
        ) from None
    known = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example.read_text(encoding="utf-8"), re.M)
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            # The line may hold a password, so it is not shown.
            raise EnvironmentProblem(
                f"{file.name} line {number} is not a setting. Allowed: NAME=value, for example "
                "CLINIC_PORT=5005, or a comment that begins with #."
            )
        name, value = match[1], match[2].strip()
        close = difflib.get_close_matches(name, known, 1, 0.8)
        if close and name not in known:
            raise EnvironmentProblem(
                f"{file.name} line {number}: {name} is not a setting. Did you mean {close[0]}?"
            )
        quoted = _QUOTED.fullmatch(value)
        value = quoted[2] if quoted else re.split(r"\s#", value, maxsplit=1)[0].rstrip()
        os.environ.setdefault(name, value)


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
