"""Noting down what is to be delivered, giving it out to workers, and what became of it.

Needs ``clinic.setup.ready()``. Moments are aware; waiting and leases go by the real clock, whatever
``CLINIC_NOW`` says, because the other side's clock is real too.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Q, QuerySet

from clinic import clock, facts
from clinic.booking import waiting
from clinic.booking.handoff.interface import ENDINGS, Delivery, Event, Outcome, Part, Reason
from clinic.booking.handoff.ways import parts
from clinic.booking.models import AppointmentRequest, ContactKind, StatusChange
from clinic.live.models import Step
from clinic.outbox import telling
from clinic.outbox.models import OPEN, Item, State
from clinic.outbox.reading import NOT_CLINIC, appointment_of, sequence_of
from clinic.text import BadInput, required

#: How long one try may take before another worker may try. Longer than all limits of one try
#: together: a letter takes at most 12 answers of 5 seconds and one of 30, everything else
#: ``interface.IN_ALL``.
LEASE = timedelta(minutes=3)

#: Seconds to wait after the first failed try; doubled after each further one up to the longest.
FIRST_WAIT, LONGEST_WAIT = 10, 1800

#: After so long without success someone must look.
GIVE_UP = timedelta(hours=24)

_WORDING = Path(__file__).with_name("wording.yml")


@dataclass(frozen=True)
class RequestState:
    """How far the deliveries of a request are: the worst of its parts, and each of them.

    ``state`` is ``waiting``, ``failed``, ``sent`` or ``stuck``; ``reasons`` say in words, for the
    clinic, why something has not arrived.
    """

    state: str
    reasons: tuple[str, ...]
    items: tuple[Item, ...]


def real_now() -> datetime:
    """The real moment, in UTC."""
    return datetime.now(UTC)


def on_status_changed(sender: object, change: StatusChange, **_: Any) -> None:
    """Listener of ``clinic.booking.signals.status_changed``."""
    enqueue(change)


def enqueue(change: StatusChange, now: datetime | None = None) -> tuple[Part, ...]:
    """Note down what this change has to bring where, and give that; again changes nothing.

    In the transaction of the change itself, so that both are stored or neither.
    """
    if change.status not in set(Event):
        return ()
    sequence = sequence_of(change)
    if sequence == 0 and change.status in ENDINGS:
        # A time that was only held: nobody outside knows of it.
        return ()
    appointment = appointment_of(change, sequence)
    wanted = parts(facts.current(), appointment, by_clinic=change.who not in NOT_CLINIC)
    now = now or real_now()
    if telling.is_news(change):
        telling.tell(change, appointment)
        wanted = (*wanted, Part.CHAT)
    Item.objects.bulk_create(
        [
            Item(
                request_id=change.request_id,
                change=change,
                part=part,
                sequence=sequence,
                due_at=now + telling.READ_WITHIN if part == Part.CHAT else now,
                waiting_since=now,
            )
            for part in wanted
        ],
        ignore_conflicts=True,
    )
    return wanted


def enqueue_offers(now: datetime, real: datetime | None = None) -> int:
    """Note down every freed time that someone on the waiting list is still to be told of; how many.

    Again changes nothing: one offer is one delivery, whoever notes it down and however often. The
    letter goes to a patient who left an e-mail address, and for one who left a phone number to the
    clinic, which calls. ``now`` is the clinic's clock, ``real`` the one of waiting.
    """
    real = real or real_now()
    noted = 0
    for offer, entry in waiting.to_tell(now):
        by_mail = entry.patient_contact_kind == ContactKind.EMAIL
        item, new = Item.objects.get_or_create(
            offer=offer,
            part=Part.PATIENT if by_mail else Part.CLINIC,
            defaults={"sequence": 0, "due_at": real, "waiting_since": real},
        )
        # Gone before it was told, and free once more: it is news again.
        again = Item.objects.filter(pk=item.pk, state=State.DROPPED)
        noted += new or again.update(
            state=State.WAITING, attempts=0, due_at=real, waiting_since=real
        )
    return noted


def enqueue_wait(step: Step, real: datetime | None = None) -> bool:
    """Note down that the clinic is to be told of a patient who waits in the chat; whether it is.

    In the transaction that stores the step. A clinic without an e-mail address is not told.
    """
    if not facts.current().email:
        return False
    real = real or real_now()
    Item.objects.create(step=step, part=Part.CLINIC, sequence=0, due_at=real, waiting_since=real)
    return True


def claim(now: datetime) -> Item | None:
    """The next delivery to try, leased to the caller; None when there is none.

    Of several changes of one request only the last is given out: it says all the others said. No
    two are given out at the same time for the same part of a request, so they arrive in order.
    What is told in the chat is not given out: see ``telling``.
    """
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Item.objects.filter(free, state__in=OPEN, due_at__lte=now).exclude(part=Part.CHAT)
    due = due.order_by("due_at", "id")
    for about in due.values("request_id", "offer_id", "step_id", "late_id", "part")[:50]:
        if item := _lease(about, now):
            return item
    return None


def _lease(about: dict[str, Any], now: datetime) -> Item | None:
    with transaction.atomic():
        rows = list(
            Item.objects.select_for_update()
            .filter(**about, state__in=(*OPEN, State.STUCK))
            .order_by("sequence")
        )
        if any(row.leased_until and row.leased_until > now for row in rows):
            return None
        if not rows or rows[-1].state not in OPEN or rows[-1].due_at > now:
            return None
        *older, newest = rows
        for row in older:
            row.state = State.DROPPED
            row.leased_by, row.leased_until = "", None
            row.save(update_fields=["state", "leased_by", "leased_until"])
        newest.attempts += 1
        newest.leased_by = uuid.uuid4().hex
        newest.leased_until = now + LEASE
        newest.save(update_fields=["attempts", "leased_by", "leased_until"])
        return newest


def finish(item: Item, delivery: Delivery, now: datetime) -> bool:
    """Note what became of a try. False when the lease has passed to someone else meanwhile."""
    values: dict[str, Any] = {
        "leased_by": "",
        "leased_until": None,
        "reason": delivery.reason or "",
        "code": delivery.code[:20],
    }
    if delivery.external_id:
        values["external_id"] = delivery.external_id[:500]
    if delivery.outcome == Outcome.SENT:
        values |= {"state": State.SENT, "sent_at": now}
    elif delivery.outcome == Outcome.STUCK or now - item.waiting_since >= GIVE_UP:
        values["state"] = State.STUCK
    else:
        due = now + wait_after(item.attempts)
        values |= {"state": State.FAILED, "due_at": max(due, delivery.retry_at or due)}
    with transaction.atomic():
        ours = Item.objects.filter(pk=item.pk, leased_by=item.leased_by).update(**values)
        if ours and item.offer is not None and delivery.outcome == Outcome.SENT:
            waiting.mark_told(item.offer, clock.now())
    return bool(ours)


def drop(item: Item) -> None:
    """A leased delivery is not needed any more."""
    Item.objects.filter(pk=item.pk, leased_by=item.leased_by).update(
        state=State.DROPPED, leased_by="", leased_until=None
    )


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failed tries."""
    doublings = min(max(attempts - 1, 0), 20)
    return timedelta(seconds=min(FIRST_WAIT * 2**doublings, LONGEST_WAIT))


def retry(item_id: int, who: str, now: datetime | None = None) -> Item:
    """Someone at the clinic wants a stuck or failed delivery tried again, now.

    Raises :class:`BadInput` when there is no such delivery, it is not stuck or failed, a later
    change of the request has taken its place, or the patient is to be called.
    """
    who = required("who", who, 150)
    now = now or real_now()
    with transaction.atomic():
        item = Item.objects.select_for_update().filter(pk=item_id).first()
        if item is None or item.state not in (State.STUCK, State.FAILED):
            raise BadInput("item is not to be retried. Allowed: one that is stuck or failed.")
        if item.part == Part.CHAT:
            raise BadInput("item is told in the chat. Allowed: to call the patient.")
        if _later(item).exists():
            raise BadInput("item is out of date. Allowed: the last change of a request.")
        if item.leased_until and item.leased_until > now:
            return item
        item.state = State.WAITING
        item.attempts = 0
        item.due_at = item.waiting_since = now
        item.retried_by = who
        item.leased_by, item.leased_until = "", None
        item.save()
    return item


def done_by_hand(item_id: int, who: str, now: datetime | None = None) -> Item:
    """Someone at the clinic has called the patient, or entered it themselves: it is done.

    Raises :class:`BadInput` when there is no such delivery or it is not stuck.
    """
    # Why it was stuck stays, in case it is not done after all.
    values = {
        "state": State.SENT,
        "done_by": required("who", who, 150),
        "sent_at": now or real_now(),
    }
    if not Item.objects.filter(pk=item_id, state=State.STUCK).update(**values):
        raise BadInput("item is not to be done by hand. Allowed: one that is stuck.")
    return Item.objects.get(pk=item_id)


def not_done(item_id: int, who: str) -> bool:
    """Undo of :func:`done_by_hand`, by the same person; False when a later change has come."""
    with transaction.atomic():
        rows = Item.objects.select_for_update()
        item = rows.filter(pk=item_id, state=State.SENT, done_by=who).first()
        if item is None or _later(item).exists():
            return False
        item.state, item.done_by, item.sent_at = State.STUCK, "", None
        item.save(update_fields=["state", "done_by", "sent_at"])
    return True


def _later(item: Item) -> QuerySet[Item]:
    """What is to be delivered of later changes of the same thing."""
    return Item.objects.filter(
        request_id=item.request_id,
        offer_id=item.offer_id,
        step_id=item.step_id,
        part=item.part,
        sequence__gt=item.sequence,
    )


def retry_all(who: str, now: datetime | None = None) -> int:
    """Try everything that is stuck or failed again, now; how many. For a repaired password."""
    retried = 0
    for item in Item.objects.filter(state__in=(State.STUCK, State.FAILED)).order_by("id"):
        try:
            retry(item.pk, who, now)
        except BadInput:
            # Someone else has just done so, or a later change has taken its place.
            continue
        retried += 1
    return retried


def stuck() -> Iterable[Item]:
    """Everything someone at the clinic must look at, oldest first, with its request."""
    return _with_what_it_is_about(Item.objects.filter(state=State.STUCK))


def to_call() -> QuerySet[Item]:
    """Patients to be called about a decision, since nothing else has reached them."""
    return Item.objects.filter(state=State.STUCK, reason=Reason.NOT_REACHED)


def open_or_stuck() -> QuerySet[Item]:
    """Everything that has not arrived, oldest first, with what it is about."""
    return _with_what_it_is_about(Item.objects.filter(state__in=(*OPEN, State.STUCK)))


def _with_what_it_is_about(items: QuerySet[Item]) -> QuerySet[Item]:
    return items.select_related("request", "offer__entry").order_by("id")


def state_of(request: AppointmentRequest) -> RequestState | None:
    """How far a request's deliveries are; None when nothing is to be delivered."""
    newest: dict[str, Item] = {}
    deliveries = Item.objects.filter(request=request).exclude(part=Part.SLACK)
    for item in deliveries.exclude(state=State.DROPPED):
        if item.part not in newest or newest[item.part].sequence < item.sequence:
            newest[item.part] = item
    if not newest:
        return None
    items = tuple(newest[part] for part in Part if part in newest)
    order = (State.STUCK, State.FAILED, State.WAITING, State.SENT)
    worst = min((item.state for item in items), key=lambda state: order.index(State(state)))
    reasons = [in_words(item) for item in items if item.state in (State.STUCK, State.FAILED)]
    return RequestState(str(worst), tuple(dict.fromkeys(reasons)), items)


@lru_cache(maxsize=1)
def wording() -> dict[str, dict[str, str]]:
    """The whole of ``wording.yml``: for the clinic, not for patients."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(_WORDING.read_text(encoding="utf-8"))
    return loaded


def in_words(item: Item) -> str:
    """Why a delivery has not arrived, for the clinic; empty when nothing went wrong."""
    if not item.reason:
        return ""
    words = wording()
    text = words["reasons"][Reason(item.reason)].format(part=words["parts"][item.part])
    return f"{text} ({item.code})" if item.code else text
