"""The time that the clinic proposes, found by the buttons below what is said of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# The entity in the payload of such a button: "K7M3QX-12".
PROPOSAL = "proposal"
_PAYLOAD = re.compile(r"/\w+(\{.*\})")


def proposal_in(buttons: Iterable[Mapping[str, Any]] | None) -> str | None:
    """Which proposal a message asks about; None when it has no button that answers one."""
    for button in buttons or ():
        match = _PAYLOAD.fullmatch(str(button.get("payload") or ""))
        if match:
            found = json.loads(match[1]).get(PROPOSAL)
            if found:
                return str(found)
    return None
