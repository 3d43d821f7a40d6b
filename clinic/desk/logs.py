"""The desk's log: warnings and errors, without patients' words, addresses of pages or names."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path


class PrivateFormatter(logging.Formatter):
    """One line a record: what the code says and, of an exception, its type and place.

    Values are left out: Django puts addresses of pages, which can hold what was searched for, and
    the errors of its database, which can hold rows, beside the text.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record."""
        error = record.exc_info[1] if record.exc_info else None
        text = str(record.msg).replace("%s", "…").replace("%d", "…").replace("%r", "…")
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
            text = f"{text} ({type(error).__name__}{place})"
        plain = logging.makeLogRecord(
            {**record.__dict__, "msg": " ".join(text.split()), "args": None}
        )
        plain.exc_info = plain.exc_text = plain.stack_info = None
        return super().format(plain)
