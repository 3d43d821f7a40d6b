"""The servers' logs hold nothing of what patients wrote, also when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable

from scenario_chat import Chat
from scenario_logs import said_in_logs
from scenario_servers import Servers, locked
from scenario_steps import fill, fragments, play


def test_nothing_patients_wrote(servers: Servers, new_chat: Callable[[], Chat]) -> None:
    """Neither whole messages nor names and numbers.

    Looked for here after failures made on purpose, and once more after all scenarios, when the
    servers are stopped.
    """
    chat = new_chat()
    play(chat, fragments()["book"])
    play(chat, fragments()["start_booking"])
    fill(chat, until="confirm_booking")
    with locked(servers.clinic_database):
        chat.click("Send request")
    for how in ("EXCLUSIVE", "IMMEDIATE"):
        with locked(servers.tracker_database, how):
            chat.say("I am Priya Venkataraman and my back hurts, 604-555-0173")
    logs = servers.logs().casefold()
    for failure in ("action_submit_booking failed", "conversation could not be saved"):
        assert failure in logs, "the logs are not complete"
    assert not said_in_logs(servers)
