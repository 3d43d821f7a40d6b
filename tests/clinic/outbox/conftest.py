"""Requests with a time, a clock that stands still, and the other sides of ``../handoff``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

_CLINIC = Path(__file__).resolve().parents[1]
if str(_CLINIC / "handoff") not in sys.path:
    # The other sides live with the tests that need them most.
    sys.path.insert(0, str(_CLINIC / "handoff"))


def _fixtures_of(folder: str) -> Any:
    spec = importlib.util.spec_from_file_location(
        f"{folder}_fixtures", _CLINIC / folder / "conftest.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_handoff = _fixtures_of("handoff")
mail_server, radicale, caldav_login = (
    _handoff.mail_server,
    _handoff.radicale,
    _handoff.caldav_login,
)


class Clock:
    """A clock that stands still until it is told otherwise, and is never behind the real one.

    What is noted down is due at the real moment.
    """

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **length: float) -> None:
        """Let time go by."""
        self.at = max(self.at, datetime.now(UTC)) + timedelta(**length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clinic_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes the clinic's file with another ``booking.system``, for this and further processes."""
    from handoff_peers.samples import ROOT

    text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    start, end = text.index("  system:\n"), text.index("# What is kept of a conversation")

    def write(keys: str) -> Path:
        file = tmp_path / "clinic.yml"
        file.write_text(f"{text[:start]}  system:\n{keys}\n{text[end:]}", encoding="utf-8")
        monkeypatch.setenv("CLINIC_YML", str(file))
        return file

    return write


@pytest.fixture
def mail_settings(mail_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The mail server, named in the environment."""
    monkeypatch.setenv("CLINIC_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("CLINIC_SMTP_PORT", str(mail_server.mailbox.port))
    monkeypatch.setenv("CLINIC_SMTP_SECURITY", "none")
    monkeypatch.setenv("CLINIC_MAIL_FROM", "desk@sorrel-lane.example.com")
    return mail_server


@pytest.fixture(autouse=True)
def _no_settings_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "SECURITY", "USER", "PASSWORD"):
        monkeypatch.delenv(f"CLINIC_SMTP_{name}", raising=False)
    for name in ("CLINIC_NOW", "CLINIC_YML", "CLINIC_MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _nothing_known_of_any_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.booking import handoff

    monkeypatch.setattr(handoff, "_down_until", {})
    monkeypatch.setattr(handoff, "_known", {})
