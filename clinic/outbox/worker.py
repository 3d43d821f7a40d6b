"""The worker that delivers what is noted down.

Any number may run at once, and each may be killed at any moment: what it was at is tried again when
its lease is over. No log line holds a word of a patient, an address or a secret.
"""

from __future__ import annotations

import logging
import math
import time
import traceback
from collections.abc import Callable
from datetime import datetime

from django.db import close_old_connections

from clinic import clock, facts
from clinic.booking import handoff, waiting
from clinic.booking.handoff import mail
from clinic.booking.handoff.interface import Appointment, Delivery, Outcome, Part, Reason, Trouble
from clinic.booking.handoff.interface import WayOut as Way
from clinic.booking.handoff.requests import Requests
from clinic.booking.handoff.ways import way_out
from clinic.booking.models import StatusChange, WaitingOffer
from clinic.booking.requests import PATIENT
from clinic.environment import EnvironmentProblem
from clinic.facts import Facts
from clinic.live import letters
from clinic.live.models import State, Step
from clinic.outbox import queue, slack, telling
from clinic.outbox.models import Item
from clinic.outbox.reading import appointment_of, appointment_offered, last_in_system

logger = logging.getLogger(__name__)


class Worker:
    """Delivers one item at a time.

    ``now`` is the clock of waiting and leases, ``today`` the one by which an appointment is over,
    ``way_of`` makes the way out of the clinic's facts.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = queue.real_now,
        today: Callable[[], datetime] = clock.now,
        way_of: Callable[[Facts], Way] = way_out,
    ) -> None:
        self._now = now
        self._today = today
        self._way_of = way_of

    def run_due(
        self, should_stop: Callable[[], bool] = lambda: False, seconds: float = math.inf
    ) -> int:
        """Try what is due, beginning nothing more after so many seconds; how many were tried."""
        tried, begun = 0, time.monotonic()
        while not should_stop() and time.monotonic() - begun < seconds and self.run_once():
            tried += 1
        return tried

    def run_once(self) -> bool:
        """Try what is due first; False when nothing is."""
        close_old_connections()
        item = queue.claim(self._now())
        if item is None:
            return False
        delivery = self._try(item)
        if delivery is None:
            queue.drop(item)
            return True
        # Nothing may come between the other side's acceptance and this: whoever is killed here
        # has a letter sent twice.
        ours = queue.finish(item, delivery, self._now())
        if delivery.finish:
            delivery.finish()
        _log(item, delivery, ours)
        return True

    def _try(self, item: Item) -> Delivery | None:
        """One try; None when it is not needed any more."""
        try:
            part = Part(item.part)
            if part == Part.SLACK:
                return slack.tell(item)
            if item.offer is not None:
                return self._tell_of_free_time(item.offer, part)
            if item.step is not None:
                return self._tell_of_wait(item.step)
            assert item.change is not None
            last = last_in_system(item) if part == Part.SYSTEM else None
            appointment = appointment_of(item.change, item.sequence, last)
            if part == Part.PATIENT and not appointment.patient_email:
                # The patient's data was deleted meanwhile.
                return None
            if self._is_over(appointment):
                return Delivery.stuck(Reason.OVER)
            delivery = self._way_of(facts.current()).deliver(appointment, part)
            unsent = delivery.reason == Reason.NO_MAIL
            return None if unsent and _stands_elsewhere(item.change, part) else delivery
        except Trouble as trouble:
            return trouble.as_delivery()
        except EnvironmentProblem as problem:
            logger.error("delivery %s: %s", item.pk, problem)
            return Delivery.stuck(Reason.LOGIN)
        except Exception as error:
            # The text of an unforeseen error could hold what a patient wrote; its place cannot.
            where = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(
                "delivery %s: %s in %s line %s",
                item.pk,
                type(error).__name__,
                where.name,
                where.lineno,
            )
            return Delivery(Outcome.LATER, Reason.OWN_MISTAKE)

    def _tell_of_free_time(self, offer: WaitingOffer, part: Part) -> Delivery | None:
        """Tell someone on the waiting list, unless the time is gone or the patient waits no more.

        While the connected calendar cannot be read nobody is told: the time may be gone there.
        """
        clinic = facts.current()
        busy = handoff.busy(offer.starts_at, offer.ends_at, clinic, fresh=True)
        if busy is None:
            return Delivery(Outcome.LATER, Reason.BUSY)
        if not waiting.still_open(offer, self._today(), busy, clinic):
            waiting.forget_offer(offer)
            return None
        letters = Requests(clinic, mail.settings())
        return letters.tell_of_free_time(appointment_offered(offer), part)

    def _tell_of_wait(self, step: Step) -> Delivery | None:
        """Tell the clinic of a patient who waits in the chat, unless somebody has come by now."""
        if step.chat.state != State.WAITING:
            return None
        delivery = letters.send_wait(step, facts.current(), mail.settings())
        # Without mail the staff desk alone says that somebody waits.
        return None if delivery.reason == Reason.NO_MAIL else delivery

    def _is_over(self, appointment: Appointment) -> bool:
        start = appointment.starts_at
        return start is not None and not appointment.is_over and start <= self._today()


def _stands_elsewhere(change: StatusChange, part: Part) -> bool:
    """Whether a letter about a change of a request says what its reader sees without it.

    The clinic sees it at the staff desk. Patients have made the change in the chat, or are told
    there, and called when they do not read it.
    """
    if part == Part.PATIENT:
        return change.who == PATIENT or telling.is_news(change)
    return part == Part.CLINIC


def _log(item: Item, delivery: Delivery, ours: bool) -> None:
    level = logging.INFO if delivery.outcome == Outcome.SENT else logging.WARNING
    logger.log(
        level,
        "delivery %s (%s): try %s, %s %s %s%s",
        item.pk,
        item.part,
        item.attempts,
        delivery.outcome,
        delivery.reason or "",
        delivery.code,
        "" if ours else " (too late: its lease was over)",
    )
