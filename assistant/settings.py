"""Settings of the servers, from the environment and ``.env``.

``.env.example`` lists all settings; those of the clinic's data are in :mod:`clinic.environment`.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from assistant.project import ROOT
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
        port=_port("CLINIC_PORT", os.environ.get("CLINIC_PORT", ""), 5005),
        action_port=_port("ACTION_SERVER_PORT", os.environ.get("ACTION_SERVER_PORT", ""), 5055),
    )
    if settings.port == settings.action_port:
        raise EnvironmentProblem(
            f"CLINIC_PORT and ACTION_SERVER_PORT are both {settings.port}. Allowed: two different "
            "ports, for example 5005 and 5055."
        )
    return settings


def _port(name: str, value: str, default: int) -> int:
    value = value.strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise EnvironmentProblem(
            f'{name} is "{value}". Allowed: a number from 1 to 65535, for example {default}.'
        )
    return int(value)
