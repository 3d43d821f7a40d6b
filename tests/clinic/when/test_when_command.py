"""``python -m clinic when``: one JSON object for each line."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest

from clinic.booking.when.__main__ import main


def _run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    *argv: str,
    now: str = "2026-11-22T12:24-05:00",
) -> tuple[int, list[dict[str, Any]], str]:
    monkeypatch.setenv("CLINIC_NOW", now)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code = main(argv)
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_phrases_can_be_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = _run(monkeypatch, capsys, "not read\n", "thursday after 4", "yesterday")
    assert code == 0
    assert [one["text"] for one in found] == ["thursday after 4", "yesterday"]


def test_each_line_gives_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = _run(
        monkeypatch,
        capsys,
        "thursday after 4\n\nnext friday\nyesterday\nhello\ndécembre 25\n",
        "--hours",
        "Mo-Sa 08:00-20:00; PH off",
    )
    assert code == 0
    assert [one["text"] for one in found] == [
        "thursday after 4",
        "",
        "next friday",
        "yesterday",
        "hello",
        "décembre 25",
    ]
    assert [one["status"] for one in found] == [
        "understood",
        "none",
        "ambiguous",
        "past",
        "none",
        "understood",
    ]
    assert found[0]["windows"] == [
        {"start": "2026-11-26T16:00:00-05:00", "end": "2026-11-26T20:00:00-05:00"}
    ]
    assert len(found[2]["readings"]) == 2
    assert found[5]["reason"] == "closed"
    assert found[5]["alternatives"]


def test_an_object_has_the_first_ten_windows_with_offsets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found, _ = _run(monkeypatch, capsys, "not monday\n", "--hours", "Mo-Sa 08:00-20:00")
    assert list(found[0]) == ["text", "status", "windows", "say"]
    assert len(found[0]["windows"]) == 10
    assert found[0]["windows"][0] == {
        "start": "2026-11-24T08:00:00-05:00",
        "end": "2026-11-24T20:00:00-05:00",
    }
    days = {datetime.fromisoformat(window["start"]).weekday() for window in found[0]["windows"]}
    assert days == {1, 2, 3, 4, 5}


def test_clock_changes_leap_days_and_far_days(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def one(text: str, now: str) -> dict[str, Any]:
        return _run(monkeypatch, capsys, text, "--hours", "Mo-Su 08:00-20:00", now=now)[1][0]

    before = one("saturday at 9 or sunday at 9", "2027-03-12T09:00-05:00")
    assert [window["start"] for window in before["windows"]] == [
        "2027-03-13T09:00:00-05:00",
        "2027-03-14T09:00:00-04:00",
    ]
    leap = one("feb 29 at 3", "2028-02-20T09:00-05:00")
    assert leap["windows"][0]["start"] == "2028-02-29T15:00:00-05:00"
    no_leap = one("feb 29 at 3", "2027-02-20T09:00-05:00")
    assert (no_leap["status"], no_leap["windows"]) == ("ambiguous", [])
    assert "not in the calendar" in no_leap["say"]
    far = one("june 3", "2027-02-20T09:00-05:00")
    assert (far["status"], far["windows"], far["reason"]) == ("understood", [], "beyond_horizon")
    assert far["alternatives"]


def test_hours_override_the_clinics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found, _ = _run(monkeypatch, capsys, "sunday at 2", "--hours", "Mo-Su 08:00-20:00")
    assert found[0]["windows"][0]["start"] == "2026-11-29T14:00:00-05:00"


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, err = _run(monkeypatch, capsys, "tomorrow", "--hours", "Mo-Sa 8-20")
    assert (code, found) == (2, [])
    assert '"Mo-Sa 8-20"' in err
    assert "Mo-Sa 08:00-20:00" in err
    code, found, err = _run(monkeypatch, capsys, "tomorrow", now="tomorrow")
    assert (code, found) == (2, [])
    assert "CLINIC_NOW" in err
