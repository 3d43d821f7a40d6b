"""The one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinic import clock

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_setting_it_is_now_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLINIC_NOW", raising=False)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("setting", "moment"),
    [
        ("2026-11-23T09:30:00-05:00", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),
        ("2026-11-23T14:30:00Z", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),
        ("2026-11-23T09:30", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),  # the clinic's clock
        ("2026-07-01", datetime(2026, 7, 1, 4, tzinfo=UTC)),
    ],
)
def test_it_can_be_fixed(monkeypatch: pytest.MonkeyPatch, setting: str, moment: datetime) -> None:
    monkeypatch.setenv("CLINIC_YML", str(ROOT / "clinic.yml"))
    monkeypatch.setenv("CLINIC_NOW", setting)
    assert clock.now() == moment


@pytest.mark.parametrize("setting", ["yesterday", "23/11/2026", "2026-13-01"])
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("CLINIC_NOW", setting)
    with pytest.raises(clock.ClockError) as caught:
        clock.now()
    assert str(caught.value).startswith(f'CLINIC_NOW is "{setting}". Allowed: ')
    assert "2026-11-23T09:30:00-05:00" in str(caught.value)
