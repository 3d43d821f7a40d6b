"""``python -m clinic deliver``: bring what is noted down to where it belongs, until stopped."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from clinic import clock, facts
from clinic.outbox import links
from clinic.outbox.worker import Worker

logger = logging.getLogger("clinic.outbox")

#: Seconds between two looks for something due.
_PAUSE = 1.0
#: How often records that are old enough are deleted.
_CLEANING = timedelta(hours=1)


class Command(BaseCommand):
    """Runs one worker; several may run at once."""

    help = "Deliver requests to the mail server and the booking system, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--once``: stop when nothing is due."""
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, *_: Any, once: bool = False, **__: Any) -> None:
        """Run until SIGTERM or SIGINT; what is being delivered then is finished first."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        worker = Worker()
        if once:
            worker.run_due(stop.is_set)
            return
        cleaned = None
        while not stop.is_set():
            try:
                worker.run_due(stop.is_set)
                if cleaned is None or clock.now() - cleaned >= _CLEANING:
                    cleaned = clock.now()
                    links.purge(cleaned - facts.current().privacy.keep_conversations)
            except DatabaseError as error:
                # Its text could hold values of a row.
                logger.error("the database cannot be used: %s", type(error).__name__)
            stop.wait(_PAUSE)
