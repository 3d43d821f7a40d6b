"""How each app shows what the assistant says: the calls of renderings.yml."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from apps import PROVIDERS

from assistant.channels.apps import settings
from assistant.channels.apps.app import App, client
from assistant.channels.apps.catalogue import APPS
from assistant.channels.apps.outgoing import outgoing
from assistant.channels.mailbox import Stored
from clinic.seal import Seal

TABLE: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("renderings.yml").read_text(encoding="utf-8")
)
SEAL = Seal(["a key of the tests"])
ID = "53d1fb1b-f1e9-4a6e-8000-000000000000"


def app(name: str) -> App:
    provider = PROVIDERS[name]()
    provider.close()
    with mock.patch.dict(os.environ, provider.settings()):
        kind = next(each for each in APPS if each.name == name)
        found = settings.read(kind)
    assert found is not None
    return kind(found.secrets, found.address, client())


def calls(name: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What an app is called with for a message of the mailbox; a calendar's ticket is "TICKET"."""
    # A person may write without being asked.
    asked = {} if body.get("from") == "person" else {"in_reply_to": "a question"}
    kept = {"id": ID, "from": "assistant", **asked, **body}
    message = Stored("conversation", 1, ID, kept["from"], kept)
    said = outgoing(message, "en", SEAL, "https://chat.example.com/webhooks/app")
    return [_without_tickets(dict(call.body)) for call in app(name).render(said)]


def _without_tickets(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"calendar/[\w-]+\.ics", "calendar/TICKET.ics", value)
    if isinstance(value, list):
        return [_without_tickets(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_tickets(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@pytest.mark.parametrize("case", TABLE)
def test_a_message_is_shown_as_its_app_expects(case: str, name: str) -> None:
    assert calls(name, TABLE[case]["message"]) == TABLE[case][name]
