"""The command line: what each command prints, with an assistant that is made up."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from assistant.conversation import NoModelError, Reply


class Repeats:
    """An assistant that says a message again and counts those of its conversation."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def say(self, conversation: str, text: str) -> Reply:
        self.counts[conversation] = self.counts.get(conversation, 0) + 1
        said = f"{self.counts[conversation]}: {text}"
        data = {
            "intent": {"name": "faq", "confidence": 0.91234567},
            "acts": [{"label": "faq/cost", "confidence": 0.91234567}],
            "intent_ranking": [
                {"name": "faq/cost", "confidence": 0.9},
                {"name": "faq/insurance", "confidence": 0.05},
            ],
            "triage": {},
        }
        buttons = [{"title": "Book an appointment", "payload": "/book_appointment"}]
        return Reply(text, data, [{"text": said, "buttons": buttons}])


@pytest.fixture(autouse=True)
def _assistant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_load", Repeats)
    # The command turns logging off for its own process.
    monkeypatch.setattr("logging.disable", lambda level: None)


def run(monkeypatch: pytest.MonkeyPatch, typed: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return cli.main(list(arguments))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_is_a_conversation_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "how much\nça coûte\r\n\n", "ask", "--json") == 0
    printed = capsys.readouterr().out
    assert "ça coûte" in printed
    answers = lines(printed)
    assert [answer["text"] for answer in answers] == ["how much", "ça coûte", ""]
    assert [answer["replies"][0]["text"] for answer in answers] == [
        "1: how much",
        "1: ça coûte",
        "1: ",
    ]
    assert answers[0] | {"replies": None} == {
        "text": "how much",
        "intent": "faq",
        "topic": "cost",
        "confidence": 0.9123,
        "alternatives": [{"topic": "insurance", "confidence": 0.05}],
        "red_flag": None,
        "topics": ["cost"],
        "replies": None,
    }
    assert answers[0]["replies"][0]["buttons"] == [
        {"title": "Book an appointment", "payload": "/book_appointment"}
    ]


def test_all_lines_are_one_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "one\ntwo\n", "ask", "--json", "--session") == 0
    answers = lines(capsys.readouterr().out)
    assert [answer["replies"][0]["text"] for answer in answers] == ["1: one", "2: two"]


def test_chatting_until_an_empty_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "one\ntwo\n\nthree\n", "ask") == 0
    said = capsys.readouterr().out
    assert "Assistant: 2: two" in said
    assert "[Book an appointment]" in said
    assert "three" not in said


def test_evaluating_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "questions.yml"
    entry = {"source": "written for this test", "origin": "chat", "expected": "cost"}
    questions = [
        {"id": f"q{n}", "text": text, **entry} for n, text in enumerate(("how much", "$?"))
    ]
    file.write_text(json.dumps({"version": 1, "questions": questions}), encoding="utf-8")
    report = tmp_path / "report"
    assert run(monkeypatch, "", "evaluate", str(file), "--report", str(report)) == 0
    said = capsys.readouterr().out
    assert "Topic accuracy: 2 of 2" in said
    assert str(report) in said
    assert list(report.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "no-such-file.yml"], "no-such-file.yml"),
        (["evaluate"], "file"),
        (["ask", "--yaml"], "--yaml"),
        ([], "command"),
    ],
)
def test_a_wrong_command_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    try:
        code = run(monkeypatch, "", *arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code != 0
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_without_a_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise NoModelError("There is no trained model in models: run script/server once.")

    monkeypatch.setattr(cli, "_load", missing)
    assert run(monkeypatch, "hello\n", "ask", "--json") == 1
    assert "There is no trained model" in capsys.readouterr().err
