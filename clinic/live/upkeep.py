"""What happens in live chats when nobody does anything. Called every few seconds by the worker.

Needs ``clinic.setup.ready()``. All moments are aware and in UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from clinic.conversations.models import Session
from clinic.facts import LiveChat
from clinic.live import duty
from clinic.live.chats import add_step
from clinic.live.models import OPEN, Chat, Kind, State
from clinic.outbox import queue

#: A patient who has not written for so long and waits for a person has gone.
GIVEN_UP_AFTER = timedelta(hours=1)
#: But not before they have been told that nobody came, and could answer.
TOLD_BEFORE = timedelta(minutes=10)


def look(now: datetime, settings: LiveChat) -> None:
    """Tell who waits too long, hand back what a person has left, forget who has gone.

    A patient waits too long after ``settings.wait``, or as soon as nobody takes chats any more, and
    is told once and offered to be called back; the clinic gets an e-mail. Nobody is forgotten
    before that, however long the worker was away.
    """
    waiting = Chat.objects.filter(state=State.WAITING)
    gone = waiting.filter(patient_at__lte=now - GIVEN_UP_AFTER, told_at__lte=now - TOLD_BEFORE)
    gone.update(state=State.CLOSED, changed_at=now)
    untold = waiting.filter(told_at__isnull=True)
    if settings.wait and duty.available(now):
        untold = untold.filter(asked_at__lte=now - settings.wait)
    for chat in list(untold):
        with transaction.atomic():
            if untold.filter(pk=chat.pk).update(told_at=now):
                queue.enqueue_wait(add_step(chat, Kind.LONG_WAIT, now))
    left = Chat.objects.filter(state=State.PERSON, staff_at__lte=now - settings.idle)
    for chat in list(left):
        with transaction.atomic():
            if left.filter(pk=chat.pk).update(state=State.BOT, changed_at=now):
                add_step(chat, _how_left(chat), now)


def _how_left(chat: Chat) -> str:
    """Without an answer, or after the last word."""
    unanswered = chat.patient_at and chat.staff_at and chat.patient_at > chat.staff_at
    return Kind.VANISHED if unanswered else Kind.LEFT


def purge(before: datetime) -> int:
    """Delete chats in which nothing has happened since an aware moment; the number of chats.

    What was said by staff in what is held as part of a client's health record stays.
    """
    held = Session.objects.filter(hold=True).values("conversation_id")
    old = Chat.objects.exclude(state__in=OPEN).filter(changed_at__lt=before)
    old = old.exclude(conversation_id__in=held)
    return old.delete()[1].get("live.Chat", 0)
