"""``python -m clinic when`` reads the clinic's own file: its zone, its hours, its notice."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from clinic.booking.when.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def test_the_zone_and_the_hours_are_those_of_clinic_yml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "clinic.yml").read_text(encoding="utf-8")
    for before, after in (
        ("time_zone: America/Toronto", "time_zone: America/Vancouver"),
        ("province: ON", "province: BC"),
        ("opening_hours: Mo-Sa 08:00-20:00; PH off", "opening_hours: Tu 10:00-12:30"),
    ):
        assert text.count(f"\n{before}\n") == 1
        text = text.replace(before, after)
    file = tmp_path / "clinic.yml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("CLINIC_YML", str(file))
    monkeypatch.setenv("CLINIC_NOW", "2026-11-23T09:30:00-05:00")
    monkeypatch.setattr("sys.stdin", io.StringIO("tomorrow\nwednesday\n"))
    assert main([]) == 0
    tomorrow, wednesday = map(json.loads, capsys.readouterr().out.splitlines())
    assert tomorrow["windows"] == [
        {"start": "2026-11-24T10:00:00-08:00", "end": "2026-11-24T12:30:00-08:00"}
    ]
    assert (wednesday["windows"], wednesday["status"]) == ([], "understood")
    assert "closed on Wednesday" in wednesday["say"]
