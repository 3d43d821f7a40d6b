"""Settings from the environment, each checked with a sentence that names it.

``.env.example`` lists all of them. ``CLINIC_YML`` is read in :mod:`clinic.facts`, ``CLINIC_NOW`` in
:mod:`clinic.clock`.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent

#: Seconds a request waits for a busy database before it gives up and the patient is told.
DATABASE_WAIT = 5


class EnvironmentProblem(ValueError):
    """A setting cannot be used. The text names the setting, its value and what is allowed."""


def var_folder() -> Path:
    """The folder for everything kept on disk, made when missing (readable by its owner only).

    ``CLINIC_VAR``, by default ``var/`` in the project. Raises :class:`EnvironmentProblem`.
    """
    folder = Path(os.environ.get("CLINIC_VAR") or ROOT / "var").expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise EnvironmentProblem(
            f'CLINIC_VAR is "{folder}" and cannot be used ({error.strerror}). Allowed: a folder '
            "this user may write to, for example CLINIC_VAR=var."
        ) from None
    return folder


def secret_key(folder: Path) -> str:
    """The key Django signs with: ``CLINIC_SECRET_KEY``, or ``secret_key`` in ``folder``.

    The file is made at the first start, for its owner only. Raises :class:`EnvironmentProblem`.
    """
    return _key("CLINIC_SECRET_KEY", folder / "secret_key", "people at the staff desk log in again")


def number(name: str, default: int, least: int, most: int) -> int:
    """The whole number of the setting ``name``. Raises :class:`EnvironmentProblem`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise EnvironmentProblem(
            f'{name} is "{value}". Allowed: a number from {least} to {most}, for example {default}.'
        )
    return int(value)


def proxies() -> int:
    """How many reverse proxies add to X-Forwarded-For: ``CLINIC_PROXIES``."""
    return number("CLINIC_PROXIES", 0, 0, 9)


def chat_keys(folder: Path) -> tuple[str, ...]:
    """The keys of the website's chats: the one that signs, and one that is being rotated out.

    ``CLINIC_CHAT_KEY`` and ``CLINIC_CHAT_OLD_KEY``, or ``chat_key`` and ``chat_key.old`` in
    ``folder``; the first is made when missing. Raises :class:`EnvironmentProblem`.
    """
    key = _key("CLINIC_CHAT_KEY", folder / "chat_key", "patients' open chats start afresh")
    old = folder / "chat_key.old"
    if os.environ.get("CLINIC_CHAT_OLD_KEY") or old.exists():
        return key, _key("CLINIC_CHAT_OLD_KEY", old, "chats signed with it start afresh")
    return (key,)


def _key(setting: str, file: Path, without: str) -> str:
    given = os.environ.get(setting, "")
    if given:
        if len(given) < 50:
            raise EnvironmentProblem(
                f"{setting} has {len(given)} characters. Allowed: at least 50 random "
                "ones, or empty to have one made in the folder of CLINIC_VAR."
            )
        return given
    if not file.exists():
        # Written aside and linked into place, so that two processes starting at once agree.
        draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if len(key) < 50:
        raise EnvironmentProblem(
            f'The key in "{file}" cannot be used ({len(key)} characters). Allowed: at least 50; '
            f"delete the file to have a new one made ({without})."
        )
    file.chmod(0o600)
    return key


def database(folder: Path) -> dict[str, Any]:
    """Django's settings for the database named by ``CLINIC_DATABASE_URL``.

    Empty: SQLite in ``folder/clinic.sqlite3``. Otherwise
    ``postgresql://user:password@host:port/name``. Raises :class:`EnvironmentProblem`.
    """
    url = os.environ.get("CLINIC_DATABASE_URL", "").strip()
    if not url:
        file = folder / "clinic.sqlite3"
        # Made here, for its owner only; the files SQLite puts beside it follow its mode.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        return sqlite(file)

    def problem(part: str, value: str) -> EnvironmentProblem:
        # The whole value holds a password, so only the part in question is shown.
        return EnvironmentProblem(
            f'CLINIC_DATABASE_URL: the {part} is "{value}". Allowed: empty for SQLite, or '
            "postgresql://user:password@host:port/name, for example "
            "postgresql://clinic:secret@127.0.0.1:5432/clinic."
        )

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise problem("host or port", "not readable") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise problem("scheme", parts.scheme)
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise problem("database name", name)
    options: dict[str, Any] = {
        "connect_timeout": DATABASE_WAIT,
        "options": f"-c statement_timeout={DATABASE_WAIT}s -c lock_timeout={DATABASE_WAIT}s",
    }
    host = unquote(parts.hostname or "")
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "host":  # how a socket folder is written in such an address
            host = value
        elif key in ("sslmode", "sslrootcert"):
            options[key] = value
        else:
            raise problem("option", key)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def sqlite(file: Path) -> dict[str, Any]:
    """Django's settings for a SQLite database that several processes write to."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": DATABASE_WAIT,
            # A transaction that will write takes its place in the queue at once. Otherwise it
            # can be refused halfway without waiting.
            "transaction_mode": "IMMEDIATE",
            # WAL: readers do not stop writers. secure_delete: what is deleted is overwritten.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
            ),
        },
    }
