"""What a scenario takes for an alarm: one that the last message raised."""

from __future__ import annotations

from typing import Any

import pytest
from scenario_chat import Chat
from scenario_steps import expect

USER: dict[str, Any] = {"event": "user"}
RAISED = {"event": "slot", "name": "red_flag_level", "value": "emergency"}
ASKED = {"event": "slot", "name": "safety_check", "value": {"response": "utter_check_legs"}}
CLEARED = {"event": "slot", "name": "red_flag_level", "value": None}
OTHER = {"event": "slot", "name": "note", "value": "left leg"}


@pytest.mark.parametrize(
    ("events", "alarm"),
    [
        ([USER, RAISED], True),
        ([USER, ASKED, OTHER], True),
        ([USER, OTHER], False),
        ([USER, CLEARED], False),
        # That one was raised before.
        ([USER, RAISED, USER, OTHER], False),
    ],
)
def test_an_alarm_is_one_that_the_message_raises(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], alarm: bool
) -> None:
    monkeypatch.setattr(Chat, "events", lambda _: events)
    chat = Chat(servers=None, sender="c")  # type: ignore[arg-type]
    expect(chat, {"alarm": alarm})
    with pytest.raises(AssertionError, match="alarm is raised"):
        expect(chat, {"alarm": not alarm})
