"""What the Rasa server notes down of messages that do not arrive, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.channels.apps import late as noted
from clinic.outbox import late, queue, slack
from clinic.outbox.models import LateMessage

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


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


def test_who_has_seen_to_a_stop_has_not_seen_to_what_came_after(do: Any) -> None:
    """The page was drawn before."""
    do(noted.note, "one", "sms", noted.STUCK, noted.OPTED_OUT, NOW)
    drawn = LateMessage.objects.get()
    do(noted.note, "one", "sms", noted.STUCK, "window", NOW)
    do(noted.note, "one", "sms", noted.FAILED, "busy", NOW)
    assert not late.settle(drawn.pk, NOW)
    now = LateMessage.objects.get()
    assert now.reason == "window"
    assert late.settle(now.pk, NOW)
    do(noted.note, "one", "sms", noted.FAILED, "busy", NOW)
    assert not late.reopen(now.pk)
    assert reasons() == ["busy"]


def test_each_message_that_is_stuck_is_told_in_slack(
    do: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while nobody has seen to the one before in the same chat."""
    monkeypatch.setenv(slack.SETTING, "http://127.0.0.1:9/services/T0/B0/secret")
    now = queue.real_now()
    told = []
    for _ in range(2):
        do(noted.note, "one", "sms", noted.STUCK, "window", now)
        told += [slack.enqueue(now), slack.enqueue(now)]
    assert told == [1, 0, 1, 0]
