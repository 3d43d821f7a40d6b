"""The sentences of ``wording.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


@lru_cache(maxsize=1)
def wording() -> dict[str, Any]:
    """The whole file."""
    file = Path(__file__).with_name("wording.yml")
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))
