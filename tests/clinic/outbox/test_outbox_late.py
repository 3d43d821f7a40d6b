"""What the Rasa server notes down of messages that do not arrive, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from django.db import connection

from assistant.channels.apps import late as noted
from assistant.tracker_store import kept_open
from clinic.outbox.models import LateMessage

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def do(any_database: str, request: pytest.FixtureRequest) -> Any:
    """Runs an operation in a transaction of its own."""
    if any_database == "sqlite":
        engine = kept_open(f"sqlite:///{Path(connection.settings_dict['NAME'])}")
    else:
        engine = sa.create_engine(request.getfixturevalue("postgresql"))

    def run(operation: Callable[..., Any], *arguments: Any) -> Any:
        with engine.begin() as opened:
            return operation(opened, *arguments)

    yield run
    engine.dispose()


def reasons() -> list[str]:
    return [row.reason for row in LateMessage.objects.all()]


def test_what_is_over_is_taken_back_and_nothing_else(do: Any) -> None:
    """What arrives ends what was late; "yes" ends a stop, and not what still fails."""
    do(noted.note, "one", "sms", noted.FAILED, "busy", NOW)
    do(noted.resumed, "one", "sms")
    assert reasons() == ["busy"]
    do(noted.arrived, "one", "sms")
    assert reasons() == []
    do(noted.note, "one", "sms", noted.STUCK, noted.OPTED_OUT, NOW)
    do(noted.arrived, "one", "sms")
    assert reasons() == ["opted_out"]
    do(noted.resumed, "one", "sms")
    assert reasons() == []
