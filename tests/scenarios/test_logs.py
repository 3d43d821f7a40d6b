"""The servers' logs hold nothing of what patients wrote. Runs after all other tests here."""

from __future__ import annotations

import re
from collections.abc import Callable

from scenario_chat import Chat
from scenario_servers import Servers, locked
from scenario_steps import fill, fragments, play

# Names and contacts that are typed in the scenarios, and their normalised forms.
PERSONAL = (
    "priya",
    "venkat",
    "mirabel",
    "okonkwo",
    "philomena",
    "quackenbush",
    "555-0173",
    "555-0119",
    "5550173",
    "5550119",
)
# Shorter texts ("yes", "thank you") can stand in a log for other reasons.
SHORTEST = 12


def test_nothing_patients_wrote(servers: Servers, new_chat: Callable[[], Chat]) -> None:
    """Neither whole messages nor names and numbers, also when something goes wrong."""
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
    texts = {_words(text) for text in servers.typed if not text.startswith("/")}
    plain_logs = _words(logs)
    found = [text for text in texts if len(text) >= SHORTEST and text in plain_logs]
    found += [word for word in PERSONAL if word in logs]
    assert not found, f"in the logs: {found}"


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
