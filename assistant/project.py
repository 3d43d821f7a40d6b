"""Where the project's files are, whatever the working directory is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
MODELS = ROOT / "models"
SAFETY_TABLE = DATA / "safety"
