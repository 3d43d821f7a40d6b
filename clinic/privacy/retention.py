"""Deleting conversations when their days are over (``privacy.keep_conversations_days``).

Needs ``clinic.setup.ready()``. The days count from a conversation's last message, or from the end
of the last appointment asked for in it when that is later. What is held as part of a client's
health record is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from django.db import transaction
from django.db.models import Max

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.models import AppointmentRequest, WaitingEntry
from clinic.conversations import search
from clinic.conversations.models import Feedback, Session
from clinic.conversations.store import Store, StoreMissing, open_store
from clinic.handoff.models import PatientMessage
from clinic.privacy.erasing import erase
from clinic.privacy.models import RetentionRun

#: When the night's deletion is done, on the clinic's clock.
NIGHT = time(3)
_AT_ONCE = 200


@dataclass
class Due:
    """Conversations whose last message is older than the days that they are kept."""

    older_than: datetime
    delete: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    for_appointment: list[str] = field(default_factory=list)


def due(now: datetime, store: Store | None = None) -> Due:
    """What is to be deleted at an aware moment, and what is kept although it is old."""
    found = Due(now - facts.current().privacy.keep_conversations)
    for old in _old(store or open_store(), found.older_than):
        held = set(
            Session.objects.filter(conversation_id__in=old, hold=True).values_list(
                "conversation_id", flat=True
            )
        )
        recent = set(
            AppointmentRequest.objects.filter(conversation_id__in=old)
            .filter(ends_at__gte=found.older_than)
            .values_list("conversation_id", flat=True)
        )
        for conversation in old:
            if conversation in held:
                found.held.append(conversation)
            elif conversation in recent:
                found.for_appointment.append(conversation)
            else:
                found.delete.append(conversation)
    return found


def run(now: datetime, who: str, store: Store | None = None) -> RetentionRun:
    """Delete what is due at an aware moment, and note what was done."""
    found = due(now, store)
    ran = RetentionRun(
        at=now,
        who=who,
        older_than=found.older_than,
        held=len(found.held),
        for_appointment=len(found.for_appointment),
    )
    for begin in range(0, len(found.delete), _AT_ONCE):
        done = erase(found.delete[begin : begin + _AT_ONCE], who)
        ran.deleted += len(done.receipts)
        ran.held += len(done.held)
        ran.talking += len(done.talking)
        ran.failed += len(done.failed)
    search.tidy()
    with transaction.atomic():
        ran.save()
        log.note(who, Action.RETENTION, detail="night", count=ran.deleted)
    return ran


def is_night(now: datetime) -> bool:
    """Whether the night's deletion is to be done: past three at the clinic, and not done since."""
    local = now.astimezone(facts.current().zone)
    begins = datetime.combine(local.date(), NIGHT, local.tzinfo)
    if local < begins:
        begins = datetime.combine(local.date() - timedelta(days=1), NIGHT, local.tzinfo)
    return not RetentionRun.objects.filter(at__gte=begins.astimezone(UTC)).exists()


def _old(store: Store, older_than: datetime) -> Iterator[list[str]]:
    """Conversations with nothing said since a moment, with events or without."""
    yield from _old_chats(store, older_than)
    yield from _old_remains(store, older_than)


def _old_chats(store: Store, older_than: datetime) -> Iterator[list[str]]:
    after = ""
    limit = older_than.timestamp()
    while True:
        try:
            some = store.last_active(after, _AT_ONCE)
        except StoreMissing:
            return
        if not some:
            return
        after = some[-1][0]
        yield [conversation for conversation, last in some if last < limit]


def _old_remains(store: Store, older_than: datetime) -> Iterator[list[str]]:
    """What is left of chats without events: requests, messages, and what the website keeps."""
    remains: set[str] = set()
    for model in (AppointmentRequest, PatientMessage, WaitingEntry, Feedback):
        rows = model._default_manager.exclude(conversation_id="").order_by()
        last = rows.values("conversation_id").annotate(last=Max("created_at"))
        remains |= {row["conversation_id"] for row in last if row["last"] < older_than}
    some = sorted(remains | set(store.left_in_mailbox(older_than)))
    for begin in range(0, len(some), _AT_ONCE):
        portion = some[begin : begin + _AT_ONCE]
        try:
            there = store.with_events(portion)
        except StoreMissing:
            there = set()
        yield [conversation for conversation in portion if conversation not in there]


def last_runs(count: int = 30) -> list[RetentionRun]:
    """The newest runs first."""
    return list(RetentionRun.objects.order_by("-at")[:count])


def tonight(store: Store | None = None) -> RetentionRun | None:
    """Do the night's deletion if it is time for it."""
    now = clock.now()
    return run(now, "retention", store) if is_night(now) else None
