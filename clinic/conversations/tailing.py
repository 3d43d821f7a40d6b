"""A thread that keeps sessions and messages in step with Rasa's events, in the worker's process.

Apart from the worker's other duties, which may wait a minute and more for a mail server.
"""

from __future__ import annotations

import logging
import threading
import traceback

from django.db import connections

from clinic.conversations.projection import Tail
from clinic.conversations.store import Store, StoreMissing, open_store

logger = logging.getLogger("clinic.conversations")

#: Seconds between two looks for something new.
PAUSE = 0.5
#: So many events at a time, and it looks again at once.
MANY = 1000
#: After a failure, and while nobody has talked to the assistant yet.
LONGER_PAUSE = 5.0


class Tailing(threading.Thread):
    """Reads along until ``stop`` is set. A failure is logged once and tried again."""

    def __init__(self, stop: threading.Event, store: Store | None = None) -> None:
        super().__init__(name="reading along", daemon=True)
        self._stopped = stop
        self._store = store

    def run(self) -> None:
        """Look, wait, and look again."""
        store = self._store or open_store()
        tail = Tail(store)
        failed_before = ""
        while not self._stopped.is_set():
            pause = PAUSE
            try:
                while tail.step() >= MANY and not self._stopped.is_set():
                    pass
                failed_before = ""
            except StoreMissing:
                pause = LONGER_PAUSE
            except Exception as error:
                # The text of an error could hold what a patient wrote; its type and place cannot.
                where = traceback.extract_tb(error.__traceback__)[-1]
                how = f"{type(error).__name__} in {where.name} line {where.lineno}"
                if how != failed_before:
                    logger.error("Reading along failed: %s", how)
                failed_before = how
                pause = LONGER_PAUSE
                store.close()
                connections.close_all()
            self._stopped.wait(pause)
        store.close()
        connections.close_all()
