"""Logging of the servers: warnings and errors, and nothing a patient wrote.

Rasa and its libraries put messages, slot values and SQL parameters into their warnings.
Here a record keeps what it says in the code that logs it; values beside it are dropped, and
of an exception only its type and place are shown. Until a server takes its first message there is
nothing to hide, and the texts of exceptions say why it does not start.
"""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# SQLAlchemy ends its messages with the statement and its values.
_VALUES = re.compile(r"\s*\[(SQL|parameters):.*", re.DOTALL)


class PrivateFormatter(logging.Formatter):
    """One line a record, without SQL values and, once ``serving``, the text of exceptions."""

    serving = False

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record."""
        record = logging.makeLogRecord(record.__dict__)
        text = record.getMessage()
        if isinstance(record.msg, BaseException):
            text = self._tell(record.msg)
        if record.exc_info and record.exc_info[1]:
            text = f"{text} ({self._tell(record.exc_info[1])})"
        record.msg, record.args = " ".join(_VALUES.sub("", text).split()), ()
        record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record)

    def _tell(self, error: BaseException) -> str:
        if self.serving:
            return _kind(error)
        while error.__cause__ or error.__context__:
            error = error.__cause__ or error.__context__ or error
        return f"{type(error).__name__}: {error}"


def _kind(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _only_what_the_code_says(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    said = ": ".join(str(event[key]) for key in ("event", "event_info") if event.get(key))
    return (said.replace("%", "%%"),), {"exc_info": method == "exception"}


_formatter = PrivateFormatter(FORMAT)


def serve() -> None:
    """From now on, messages of patients arrive."""
    _formatter.serving = True


def configure(level: int = logging.WARNING) -> None:
    """Sends records from ``level`` on to standard error. Replaces all other handlers."""
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("rasa", "rasa_sdk", "sanic.root", "sanic.error", "apscheduler"):
        logging.getLogger(name).setLevel(level)
    logging.getLogger("sanic.access").disabled = True
    # Notices to the programmers of libraries.
    warnings.simplefilter("ignore")
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _only_what_the_code_says],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
