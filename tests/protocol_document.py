"""What docs/website-channel.md says of the protocol, read from its tables.

A table belongs to the heading above it; the back-ticked names of a row's first column are what the
row is about. A field of a field is written with a dot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from assistant.project import ROOT

DOCUMENT = ROOT / "docs" / "website-channel.md"
TO_SERVER, TO_WINDOW = "From the window to the server", "From the server to the window"
CONNECTING, CODES = "Connecting", "Error codes"
_QUOTED = re.compile(r"`([^`]+)`")


@lru_cache
def rows(heading: str) -> list[list[str]]:
    """The cells of the rows below a heading, without the lines that head a table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    (part,) = re.findall(rf"^##+ `?{heading}`?\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(heading: str) -> set[str]:
    """What the rows below a heading are about."""
    return {name for row in rows(heading) for name in _QUOTED.findall(row[0])}


def listed(cell: str) -> set[str]:
    """The fields of a cell such as ``{before?, limit?}``."""
    (inside,) = re.findall(r"{([^}]*)}", cell)
    return {name.strip(" ?") for name in inside.split(",") if name.strip()}


def to_server() -> dict[str, tuple[set[str], set[str]]]:
    """For each event of a window: the fields of its data and of the acknowledgement."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for event, data, acknowledged, *_ in rows(TO_SERVER):
        known = found.setdefault(event.strip("`"), (set(), set()))
        known[0].update(listed(data))
        known[1].update(listed(acknowledged))
    return found


def to_window() -> dict[str, set[str]]:
    """For each event of the server: its fields, those of a card and of all messages included."""
    fields = {event: names(event) if event != "deleted" else set() for event in names(TO_WINDOW)}
    fields["message"] |= {f"card.{name}" for name in names("card")}
    fields["history"] |= {f"messages.{name}" for name in fields["message"]}
    return fields


def fields_of(data: Mapping[str, Any], within: str = "") -> set[str]:
    """The fields of an event's data as the document would name them."""
    found = set()
    for name, value in data.items():
        if not isinstance(value, Mapping):
            found.add(within + name)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Mapping):
                found |= fields_of(inner, f"{within}{name}.")
    return found


def undocumented(event: str, data: Any) -> set[str]:
    """What an event has that the document does not know."""
    known = to_window().get(event)
    if known is None:
        return {event}
    return {f"{event}: {name}" for name in fields_of(data or {}) - known}


def undocumented_answer(event: str, told: Mapping[str, Any]) -> set[str]:
    """What an acknowledgement has that the document does not know."""
    found = {name for name in told if name not in ("ok", "error")} - to_server()[event][1]
    if not told["ok"]:
        found |= set(told["error"]) - names("error")
        found |= {told["error"]["code"]} - names(CODES)
    return {f"answer to {event}: {name}" for name in found}
