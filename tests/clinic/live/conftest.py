"""The staff desk with somebody at the front desk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

_DESK = Path(__file__).resolve().parents[1] / "desk"
if str(_DESK) not in sys.path:
    sys.path.insert(0, str(_DESK))


@pytest.fixture
def natalie(database: Path) -> Any:
    """A browser at the front desk."""
    from desk_people import browser, person

    return browser(person("natalie", "front_desk", name="Natalie Yeo"))
