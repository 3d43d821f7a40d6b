"""How an appointment request leaves the clinic's own database, and what is known outside of it.

For the conversation and the staff desk; needs ``clinic.setup.ready()``. Nothing here waits for
another computer longer than five seconds, and nothing but :func:`busy` waits at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinic.booking.handoff.link import Link
    from clinic.booking.models import AppointmentRequest
    from clinic.facts import Facts
    from clinic.outbox.queue import RequestState

# clinic.facts reads a part of this package and needs no Django, so what does is imported late.

logger = logging.getLogger(__name__)

_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="handoff-busy")

#: Seconds for which a calendar that could not be read is not asked again, so that not every
#: patient waits for it.
LEFT_ALONE = 30.0
_down_until: dict[str, float] = {}
_monotonic = time.monotonic

Stretch = tuple[datetime, datetime]


def after_request(request: AppointmentRequest) -> None:
    """Note down what the request's last change of state has to bring where.

    Called inside the transaction of that change, both are stored or neither. The outbox listens to
    ``clinic.booking.signals.status_changed`` and does this by itself; a second time changes
    nothing. Returns at once: the worker delivers.
    """
    from clinic.outbox import queue

    change = request.status_changes.order_by("-id").first()
    if change is not None:
        queue.enqueue(change)


def busy(
    start: datetime, end: datetime, clinic: Facts | None = None
) -> Mapping[str, list[Stretch]] | None:
    """Each therapist's busy times between two aware moments, as the connected calendar knows them.

    To be handed to ``clinic.booking.calendar.free_times(busy=...)``. None when it could not be read
    within five seconds, or could not a moment ago: then only the clinic's own database is known,
    and a person must confirm.
    """
    from clinic import facts
    from clinic.booking.handoff.interface import LIMIT
    from clinic.booking.handoff.patience import Deadline
    from clinic.booking.handoff.ways import way_out

    clinic = clinic or facts.current()
    names = [person.name for person in clinic.therapists]
    way_name = clinic.booking.system.way
    if way_name in ("requests", "link"):
        return {name: [] for name in names}
    if _monotonic() < _down_until.get(way_name, 0.0):
        return None
    try:
        way = way_out(clinic)
        deadline = Deadline(LIMIT)
        asked = {name: _pool.submit(way.offer_busy, start, end, name) for name in names}
        return {name: future.result(deadline.left()) for name, future in asked.items()}
    except Exception as problem:
        # Whatever is wrong there, the patient's turn goes on.
        logger.warning("the connected calendar could not be read: %s", type(problem).__name__)
        _down_until[way_name] = _monotonic() + LEFT_ALONE
        return None


def hand_over(
    conversation_id: str,
    *,
    service: str | None = None,
    minutes: int | None = None,
    therapist: str | None = None,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    request: AppointmentRequest | None = None,
) -> Link:
    """Where to send this patient, with ``way: link``; that it was done is recorded.

    Raises ValueError when clinic.yml says another way.
    """
    from clinic import facts
    from clinic.booking.handoff.link import link_for
    from clinic.outbox import links

    link = link_for(
        facts.current(),
        service=service,
        minutes=minutes,
        therapist=therapist,
        name=name,
        email=email,
        phone=phone,
    )
    links.record(conversation_id, link, request)
    return link


def delivery_state(request: AppointmentRequest) -> RequestState | None:
    """Whether a request's last change has reached where it belongs; None when it has nowhere to."""
    from clinic.outbox import queue

    return queue.state_of(request)
