"""A client record that becomes one while the night's deletion is at work."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from fabricated import Events, Talk

from clinic import clock
from clinic.conversations.models import Session
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite
from clinic.desk import reviewing
from clinic.privacy import retention


def test_a_hold_that_comes_after_the_list_was_made_is_kept(
    database: Path,
    events: Events,
    tail: Tail,
    store: Sqlite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "VAR", events.file.parent)
    for conversation in ("held", "goes"):
        talk = Talk(time.time() - 9000).start().patient("hello", "greet")
        events.write(conversation, talk.assistant("Hi", "utter_greet").listen())
    tail.step()
    tonight = clock.now() + timedelta(days=1000)
    assert sorted(retention.due(tonight, store).delete) == ["goes", "held"]
    erase = retention.erase

    def meanwhile(conversations: list[str], who: str) -> object:
        reviewing.hold("held", "omar", on=True)
        return erase(conversations, who)

    monkeypatch.setattr(retention, "erase", meanwhile)
    done = retention.run(tonight, "retention", store)
    assert (done.deleted, done.held, done.failed) == (1, 1, 0)
    assert Session.objects.get().conversation_id == "held"
