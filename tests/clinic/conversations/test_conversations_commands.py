"""The commands about what staff read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from fabricated import Events, question

from clinic.conversations.models import Message, Session


@pytest.fixture(autouse=True)
def rasas_folder(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which Rasa's database is looked for."""
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", tmp_path)


@pytest.mark.parametrize("what", ["status", "reconcile", "rebuild"])
def test_before_anybody_has_talked(what: str) -> None:
    with pytest.raises(CommandError, match="nothing to read"):
        call_command("projection", what)


def test_compare_and_mend(events: Events, capsys: Any) -> None:
    events.write("c", question())
    with pytest.raises(CommandError, match="differs"):
        call_command("projection", "reconcile")
    call_command("projection", "rebuild")
    assert "9 events of 1 conversations. Missing: 4." in capsys.readouterr().out
    call_command("projection", "reconcile")
    assert "Missing: 0. Other: 0. Too many: 0." in capsys.readouterr().out
    call_command("projection")
    assert "1 sessions with 2 messages. Read up to event 9, 0 behind" in capsys.readouterr().out
    Message.objects.filter(author="patient").update(text="something else")
    with pytest.raises(CommandError, match="rebuild"):
        call_command("projection", "reconcile")


def test_what_was_sorted(events: Events, capsys: Any) -> None:
    call_command("questions", "patch")
    assert "Nothing new" in capsys.readouterr().out
    call_command("questions")
    assert "open: 0" in capsys.readouterr().out
    events.write("c", question())
    call_command("projection", "rebuild")
    call_command("questions", "conversation", str(Session.objects.get().pk))
    assert "- patient: what does it cost" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no session"):
        call_command("questions", "conversation", "999")
