"""What patients wrote, looked for in the servers' logs."""

from __future__ import annotations

import re

from scenario_servers import Servers

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


def said_in_logs(servers: Servers) -> list[str]:
    """Messages, names and numbers that patients typed and that stand in a log."""
    logs = servers.logs().casefold()
    plain_logs = _words(logs)
    texts = {_words(text) for text in servers.typed if not text.startswith("/")}
    found = [text for text in texts if len(text) >= SHORTEST and text in plain_logs]
    return found + [word for word in PERSONAL if word in logs]


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
