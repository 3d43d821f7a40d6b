"""Telling patients in their chat what the clinic has decided, and seeing whether they read it.

Whoever gave an e-mail address gets a letter as well, since the invitation in their calendar is
brought up to date by it. Who gets no letter and does not read it in the chat is to be called by
somebody at the clinic. Needs ``clinic.setup.ready()``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from clinic import facts
from clinic.booking.handoff import card, mail, words
from clinic.booking.handoff.interface import Appointment, Event, Part, Reason
from clinic.booking.models import ContactKind, StatusChange
from clinic.conversations.store import Store, StoreMissing, open_store
from clinic.live import chats
from clinic.live.limits import message_id
from clinic.live.models import Step
from clinic.outbox.models import OPEN, Item, LateMessage, State
from clinic.outbox.reading import NOT_CLINIC

#: A patient who has not read it in the chat by then is to be called.
READ_WITHIN = timedelta(minutes=5)
#: A patient who comes back to the chat later than this is not noticed any more.
_NOTICED_FOR = timedelta(days=14)


def is_news(change: StatusChange) -> bool:
    """Whether the patient has not made this change, and can be told of it."""
    decided = change.who not in NOT_CLINIC or change.status == Event.EXPIRED
    return decided and bool(change.request.conversation_id)


def tell(change: StatusChange, appointment: Appointment) -> Step:
    """Have the patient told in the chat, in the transaction of the change itself."""
    clinic = facts.current()
    attached: dict[str, Any] = {"buttons": words.buttons(appointment)}
    if appointment.starts_at is not None and not appointment.is_over:
        attached["card"] = card.card(appointment, clinic)
    text = words.letter("chat", appointment, clinic)["text"]
    return chats.tell(change.request.conversation_id, _key(change), text, attached)


def look(now: datetime, store: Store | None = None) -> int:
    """See who has read what they were told, and who is to be called; how many came to an end.

    ``now`` is the real clock's.
    """
    lately = Q(waiting_since__gte=now - _NOTICED_FOR)
    unread = Q(state__in=OPEN) | lately & Q(state=State.STUCK, reason=Reason.NOT_REACHED)
    # What an app's provider had taken, and reported lost afterwards.
    lost = LateMessage.objects.filter(state=State.STUCK).values("conversation_id")
    taken = Q(state=State.SENT, done_by="", change__request__conversation_id__in=lost)
    told = Item.objects.filter(unread | lately & taken, part=Part.CHAT)
    told = told.select_related("change__request")
    reading = store or open_store()
    ended = 0
    try:
        for item in told:
            values = _what_became_of(item, now, reading)
            if values is not None:
                ended += Item.objects.filter(pk=item.pk, state=item.state).update(**values)
    finally:
        if store is None:
            reading.close()
    return ended


def _what_became_of(item: Item, now: datetime, store: Store) -> dict[str, Any] | None:
    """What has changed about an item: the columns; None when nothing has."""
    change = item.change
    assert change is not None
    request = change.request
    if request.erased_at is not None:
        return {"state": State.DROPPED}
    step = Step.objects.filter(key=_key(change)).first()
    if step and step.outcome == Step.Outcome.DONE and _is_read(step, store):
        read = {"state": State.SENT, "reason": "", "sent_at": now}
        return None if item.state == State.SENT else read
    if StatusChange.objects.filter(request=request, pk__gt=change.pk).exists():
        # What was decided later is told instead.
        return {"state": State.DROPPED}
    waits = step is not None and step.outcome in ("", Step.Outcome.DONE)
    if item.state == State.STUCK or (waits and now < item.due_at and item.state in OPEN):
        return None
    if request.patient_contact_kind == ContactKind.EMAIL and mail.is_set_up():
        # The letter tells them.
        return {"state": State.DROPPED}
    return {"state": State.STUCK, "reason": Reason.NOT_REACHED, "sent_at": None}


def _is_read(step: Step, store: Store) -> bool:
    conversation = step.chat.conversation_id
    try:
        return store.is_read(conversation, message_id(conversation, step.key, 0))
    except StoreMissing:
        return False


def _key(change: StatusChange) -> str:
    return f"change-{change.pk}"
