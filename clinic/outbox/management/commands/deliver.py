"""``python -m clinic deliver``: the worker. Runs until stopped; script/server starts it.

Brings what is noted down to where it belongs, lets expire what is over, tells those on the waiting
list of times that became free, and looks after live chats.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from clinic import clock, facts
from clinic.booking import handoff, upkeep, waiting
from clinic.booking.handoff import mail
from clinic.booking.handoff.interface import Trouble
from clinic.booking.handoff.ways import way_out
from clinic.conversations import counting
from clinic.conversations.tailing import Tailing
from clinic.live import upkeep as live
from clinic.outbox import links, queue, slack, telling
from clinic.outbox.worker import Worker
from clinic.privacy import retention
from clinic.questions import collecting, grouping

logger = logging.getLogger("clinic.outbox")

#: Seconds between two looks for something due.
_PAUSE = 1.0
#: Seconds after which no further delivery is begun before the other duties have had their turn: a
#: mail server that answers nothing must not keep live chats waiting, letter after letter.
_ROUND = 5.0
#: Seconds for which one thread may keep another waiting. Reading along takes a hundred small steps
#: in the databases: behind a duty that computes, each of them would wait ten times as long.
_SWITCH = 0.0005


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
        sys.setswitchinterval(_SWITCH)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logger.info("worker started")
        duties = _duties(stop.is_set, math.inf if once else _ROUND)
        if not once:
            Tailing(stop).start()
        while not stop.is_set():
            for duty in duties:
                duty.do_if_due()
            if once:
                return
            stop.wait(_PAUSE)
        grouping.stop()

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
        if clinic.booking.system.way in handoff.CONNECTED:
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


class _Duty:
    """Something the worker does every so many seconds. A failure is logged and costs one turn."""

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        self._name = name
        self._seconds = seconds
        self._work = work
        self._next = 0.0
        self._failed_before = ""

    def do_if_due(self) -> None:
        # By the real clock: CLINIC_NOW stops the other.
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._seconds
        close_old_connections()
        try:
            self._work()
        except Exception as error:
            # The text of an error could hold values of a row; its type and place cannot.
            where = traceback.extract_tb(error.__traceback__)[-1]
            how = f"{type(error).__name__} in {where.name} line {where.lineno}"
            if how != self._failed_before:
                # Once, and not every second while the database is away.
                logger.error("%s failed: %s", self._name, how)
            self._failed_before = how
        else:
            self._failed_before = ""


def _duties(should_stop: Callable[[], bool], seconds: float) -> list[_Duty]:
    worker = Worker()
    return [
        _Duty("expiring", 15, lambda: upkeep.expire(clock.now())),
        _Duty("looking for free times", 120, _look_around),
        _Duty("waiting list", 5, lambda: queue.enqueue_offers(clock.now())),
        _Duty("live chats", 5, lambda: live.look(clock.now(), facts.current().live_chat)),
        _Duty("seeing what was read", 3, lambda: telling.look(queue.real_now())),
        _Duty("notices in Slack", 5, lambda: slack.enqueue(queue.real_now())),
        _Duty("delivering", 0, lambda: worker.run_due(should_stop, seconds)),
        _Duty("collecting questions", 20, collecting.collect),
        _Duty("grouping questions", 300, grouping.start),
        _Duty("counting sessions by day", 3600, _count_days),
        _Duty("deleting old records", 3600, _purge),
        _Duty("deleting old conversations", 300, retention.tonight),
    ]


def _look_around() -> None:
    now = clock.now()
    waiting.pass_on(now, handoff.busy)
    if facts.current().booking.system.way in handoff.CONNECTED:
        waiting.look_around(now, handoff.busy)


def _count_days() -> None:
    """So that nobody waits for the numbers of a year when they open them."""
    today = clock.now().astimezone(facts.current().zone).date()
    counting.of_days(today - timedelta(days=365), today)


def _purge() -> None:
    kept_since = clock.now() - facts.current().privacy.keep_conversations
    links.purge(kept_since)
    live.purge(kept_since)
