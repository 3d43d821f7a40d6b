"""Conversations that are to be read again as a whole, and those of which the rest is to be erased.

Needs ``clinic.setup.ready()``. Whoever wants one read again asks for it in a row of
:class:`~clinic.conversations.models.Recheck`; :class:`clinic.conversations.projection.Tail` does
it. A row is counted up when it is asked for again, so that what is asked meanwhile is not lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction

from clinic import clock
from clinic.conversations.erasing import erase_idle
from clinic.conversations.models import Recheck, Session
from clinic.conversations.store import Store, portions

#: How long a conversation that is erased is compared with its events.
ERASED_WITHIN = timedelta(hours=1)
#: And one from which words are taken out.
REDACTED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Due:
    """What is to be read again now: the rows, by conversation.

    ``erasing`` are those of which something was left to erase, ``reading`` those in which there is
    something to read or to take away.
    """

    rows: dict[str, Recheck]
    erasing: frozenset[str]
    reading: frozenset[str]


def read_again(conversation_id: str, *, until: datetime | None = None) -> None:
    """Have a conversation read again soon, for what is not in its events: a thumb.

    Or again and again until a moment, for what is changed in them.
    """
    with transaction.atomic():
        row = _asked_once_more(conversation_id)
        if until is not None and (row.until is None or row.until < until):
            row.until = until
        row.save()


def erase_later(conversation_ids: Iterable[str], rewind_to: int, *, erase_events: bool) -> None:
    """Have conversations compared with their events for a while, as those go.

    Call it in the transaction that deletes what is kept of them.
    """
    until = clock.now() + ERASED_WITHIN
    for conversation_id in conversation_ids:
        row = _asked_once_more(conversation_id)
        row.until = until
        row.rewind_to = rewind_to if row.rewind_to is None else min(rewind_to, row.rewind_to)
        row.erase_events = row.erase_events or erase_events
        row.save()


def _asked_once_more(conversation_id: str) -> Recheck:
    rows = Recheck.objects.select_for_update()
    row, created = rows.get_or_create(conversation_id=conversation_id)
    if not created:
        row.asked += 1
    return row


def due(store: Store, *, every: bool) -> Due:
    """What is asked for anew, or ``every`` row there is. Erases what is left, where nobody talks.

    Call it outside of a transaction: Rasa's database may be busy, and whoever else writes to the
    clinic's must not wait for that. Raises ``clinic.conversations.store.StoreMissing``.
    """
    found = Recheck.objects.all() if every else Recheck.objects.filter(looked__lt=models.F("asked"))
    rows = {row.conversation_id: row for row in found}
    if not rows:
        return Due({}, frozenset(), frozenset())
    wanted = [who for who, row in rows.items() if row.erase_events]
    erasing = frozenset(who for who in sorted(store.left_of(wanted)) if _erase(who))
    reading = store.with_events(list(rows)) | _kept(rows)
    return Due(rows, erasing, frozenset(reading))


def _erase(conversation_id: str) -> bool:
    """Erase a conversation if nobody is talking in it; False when it is to be kept.

    It is when it was made a client's health record meanwhile, whatever was wanted before.
    """
    with transaction.atomic():
        sessions = Session.objects.select_for_update().filter(conversation_id=conversation_id)
        if any(sessions.values_list("hold", flat=True)):
            return False
        erase_idle(conversation_id)
    return True


def _kept(rows: Mapping[str, Recheck]) -> set[str]:
    """The conversations of which staff can read something."""
    kept: set[str] = set()
    for some in portions(list(rows)):
        sessions = Session.objects.filter(conversation_id__in=some)
        kept.update(sessions.values_list("conversation_id", flat=True))
    return kept


def note_looked(due: Due, there: set[str]) -> None:
    """The conversations were read again; those ``there`` have events. What is over is ended.

    Call it in the transaction that reads. What was asked for once more since :func:`due` stays as
    it is.
    """
    now = clock.now()
    by_id = {row.pk: row for row in due.rows.values()}
    for some in portions(list(by_id)):
        asked = Recheck.objects.select_for_update().filter(pk__in=some)
        same = [
            by_id[pk] for pk, times in asked.values_list("pk", "asked") if times == by_id[pk].asked
        ]
        over = [row for row in same if row.until is None or row.until <= now]
        # Somebody talks in it and talks on: what a receipt says is gone has to go, and is looked
        # at again afterwards, too.
        longer = [
            row.pk
            for row in over
            if row.conversation_id in due.erasing and row.conversation_id in there
        ]
        ended = {row.pk for row in over} - set(longer)
        Recheck.objects.filter(pk__in=ended).delete()
        Recheck.objects.filter(pk__in=longer).update(until=now + ERASED_WITHIN)
        new = [row.pk for row in same if row.looked < row.asked and row.pk not in ended]
        Recheck.objects.filter(pk__in=new).update(looked=models.F("asked"))
        gone = [row.pk for row in same if row.rewind_to is not None and row.pk not in ended]
        gone = [pk for pk in gone if by_id[pk].conversation_id not in there]
        Recheck.objects.filter(pk__in=gone).update(rewind_to=None)
