"""``python -m clinic when``: one JSON object for each line."""

from __future__ import annotations

import io
import json
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
