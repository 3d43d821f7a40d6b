"""Plays every scenario of the folders beside this file against the running servers."""

from __future__ import annotations

import pytest
from scenario_chat import Chat
from scenario_steps import Scenario, play, scenarios


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, chat: Chat) -> None:
    """The conversation goes as written down."""
    play(chat, scenario.steps)
