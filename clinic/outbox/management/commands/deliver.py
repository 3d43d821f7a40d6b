"""``python -m clinic deliver``: bring what is noted down to where it belongs, until stopped."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from clinic import clock, facts
from clinic.booking.handoff import mail
from clinic.booking.handoff.interface import Trouble
from clinic.booking.handoff.ways import way_out
from clinic.outbox import links, queue
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
        """``--once``: stop when nothing is due. ``--try``: only see whether all can be reached."""
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")
        parser.add_argument(
            "--try",
            action="store_true",
            dest="only_try",
            help="deliver nothing; see whether the mail server and the booking system answer",
        )

    def handle(self, *_: Any, once: bool = False, only_try: bool = False, **__: Any) -> None:
        """Run until SIGTERM or SIGINT; what is being delivered then is finished first."""
        if only_try:
            self._try()
            return
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

    def _try(self) -> None:
        """Log in to the mail server and read a week of busy times, writing nothing anywhere."""
        words = queue.wording()
        clinic = facts.current()
        way, now = way_out(clinic), clock.now()
        mail_settings = mail.settings()
        tries: list[tuple[str, Callable[[], object]]] = []
        if mail_settings:
            tries.append((mail_settings.host, lambda: mail.try_login(mail_settings)))
        else:
            self.stdout.write(words["trial"]["no_mail"])
        if clinic.booking.system.way in ("caldav", "cliniko"):
            tries += [
                (name, partial(way.offer_busy, now, now + timedelta(days=7), name))
                for name in (person.name for person in clinic.therapists)
            ]
        failed = False
        for name, work in tries:
            try:
                found = work()
            except Trouble as trouble:
                failed = True
                reason = words["reasons"][trouble.reason].format(part=name)
                self.stdout.write(f"{reason} {trouble.code}".strip())
            else:
                kind, count = ("busy", len(found)) if isinstance(found, list) else ("good", 0)
                self.stdout.write(words["trial"][kind].format(name=name, count=count))
        if failed:
            raise SystemExit(1)
