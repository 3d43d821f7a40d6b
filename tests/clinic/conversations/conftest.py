"""Rasa's events beside the clinic's database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fabricated import Events

from clinic.conversations import projection
from clinic.conversations.projection import Tail
from clinic.conversations.store import Sqlite


@pytest.fixture
def events(tmp_path: Path) -> Events:
    """Rasa's table, empty."""
    return Events(tmp_path / "conversations.sqlite3")


@pytest.fixture
def store(events: Events) -> Iterator[Sqlite]:
    """The same for reading."""
    opened = Sqlite(events.file)
    yield opened
    opened.close()


@pytest.fixture
def tail(store: Sqlite, monkeypatch: pytest.MonkeyPatch) -> Tail:
    """What reads along. Looks each time at what is being erased."""
    monkeypatch.setattr(projection, "LOOKED_AT_EVERY", 0.0)
    return Tail(store)
