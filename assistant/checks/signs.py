"""The check of the table of danger signs."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.checks.project import Project
from assistant.safety import table


def check_table(project: Project) -> Iterator[str]:
    """The table of signs can be read as it will be when the assistant starts."""
    try:
        table.load(project.root / "data" / "safety")
    except table.SafetyTableError as error:
        yield f"data/safety/{error}"
