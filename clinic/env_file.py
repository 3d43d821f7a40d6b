"""The file ``.env``: settings for all programs."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from clinic.environment import ROOT, EnvironmentProblem

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
