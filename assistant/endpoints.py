"""The endpoints file of the Rasa server: ``endpoints.yml``, or one made from it.

Rasa reads the action server's address and the conversations' database from a file. When the
environment names others, a file of its own is written to the folder of ``CLINIC_VAR``.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import yaml

from assistant.project import ROOT
from assistant.settings import Settings

SHIPPED = ROOT / "endpoints.yml"


def endpoints_file(settings: Settings, var: Path) -> Path:
    """Returns the file that fits the settings, written if need be."""
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    database_url = os.environ.get("CLINIC_DATABASE_URL", "").strip()
    wanted = adapted(shipped, settings, var, bool(database_url))
    if wanted == shipped:
        return SHIPPED
    file = var / "endpoints.yml"
    draft = var / f".endpoints.{os.getpid()}.yml"
    with draft.open("w", encoding="utf-8") as out:
        out.write("# Written by script/server at each start: change endpoints.yml or .env.\n")
        yaml.safe_dump(wanted, out, sort_keys=False)
    draft.replace(file)
    return file


def adapted(
    shipped: dict[str, Any], settings: Settings, var: Path, own_database: bool
) -> dict[str, Any]:
    """Returns the endpoints with these ports, this folder, or the database of the environment."""
    wanted = copy.deepcopy(shipped)
    wanted["action_endpoint"]["url"] = f"{settings.action_address}/webhook"
    store = wanted["tracker_store"]
    if own_database:
        # The address holds a password: Rasa takes it from the environment, too.
        wanted["tracker_store"] = {
            "type": store["type"],
            "dialect": "postgresql",
            "url": "${CLINIC_DATABASE_URL}",
        }
    elif var != ROOT / "var":
        store["db"] = str(var / "conversations.sqlite3")
    return wanted
