"""What the assistant does when a patient asks for a person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from clinic.live.models import Chat


def act(action: Any) -> list[str]:
    """The wordings that are said."""
    dispatcher = CollectingDispatcher()
    tracker = Tracker("c1", {}, {}, [], False, None, {}, "action_listen")
    assert asyncio.run(action.run(dispatcher, tracker, {})) == []
    return [message["response"] for message in dispatcher.messages]


@pytest.fixture
def call(database: Path) -> Any:
    from actions.action_call_person import ActionCallPerson

    return ActionCallPerson()


def test_asking_once_and_again(call: Any) -> None:
    assert act(call) == ["utter_person_called"]
    assert Chat.objects.get().state == "waiting"
    assert act(call) == ["utter_person_called_again"]
    assert Chat.objects.count() == 1


def test_when_the_database_fails_the_patient_hears_how_to_reach_the_clinic(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("clinic.live.chats.ask", fail)
    assert act(call) == ["utter_person_not_called"]
