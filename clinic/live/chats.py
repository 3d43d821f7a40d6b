"""Asking for a person, joining, speaking, handing back.

Needs ``clinic.setup.ready()``. A change of state and the step that tells the patient of it are
stored together; the Rasa server carries the step out within a fraction of a second. Nothing here
writes words to a log. All moments are aware and in UTC.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from clinic import clock
from clinic.live.models import OPEN, Chat, Kind, State, Step
from clinic.text import BadInput, required

#: For so long whoever comes into a chat again reads of the last danger sign in it.
ALARM_SHOWN = timedelta(hours=12)
#: Characters of one reply.
LONGEST = 2000


def ask(conversation_id: str, now: datetime | None = None) -> Chat:
    """The patient wants a person: on to the list, unless they are on it or a person is there.

    Raises ``clinic.text.BadInput``; database errors pass through.
    """
    now = now or clock.now()
    with transaction.atomic():
        chat = _taken(required("conversation_id", conversation_id, 255))
        if chat.state not in (State.WAITING, State.PERSON):
            chat.state = State.WAITING
            chat.asked_at = chat.changed_at = chat.patient_at = now
            chat.alarm, chat.alarm_at, chat.told_at = "", None, None
            chat.dismissed_at = None
            chat.save()
            chat.asks.create(asked_at=now)
    return chat


def stop_waiting(conversation_id: str, now: datetime | None = None) -> bool:
    """The patient needs no person any more; whether one was waited for."""
    waiting = Chat.objects.filter(conversation_id=conversation_id, state=State.WAITING)
    return bool(waiting.update(state=State.BOT, changed_at=now or clock.now()))


def join(conversation_id: str, who: str, name: str, now: datetime | None = None) -> Chat:
    """A person comes into any conversation of the website, or takes over from another person.

    ``who`` is the login, ``name`` what the patient reads. Raises ``clinic.text.BadInput``.
    """
    who, name = required("who", who, 150), required("name", name, 200)
    now = now or clock.now()
    with transaction.atomic():
        chat = _taken(required("conversation_id", conversation_id, 255))
        if chat.state == State.PERSON and chat.person == who:
            return chat
        if chat.state == State.WAITING:
            chat.asks.filter(asked_at=chat.asked_at).update(joined_at=now)
        if chat.alarm_at and chat.state not in OPEN and chat.alarm_at < now - ALARM_SHOWN:
            chat.alarm, chat.alarm_at = "", None
        chat.state = State.PERSON
        chat.dismissed_at = None
        chat.person, chat.person_name = who, name
        chat.joined_at = chat.staff_at = chat.changed_at = now
        chat.save()
        add_step(chat, Kind.JOINED, now)
    return chat


def say(chat_id: int, who: str, text: str, key: str, now: datetime | None = None) -> Step:
    """The person writes to the patient; the same ``key`` again gives the step stored first.

    Raises ``clinic.text.BadInput`` when ``who`` is not the person in this chat, or the text is
    empty or longer than ``LONGEST`` characters.
    """
    text = required("text", text, LONGEST)
    now = now or clock.now()
    with transaction.atomic():
        chat = _held_by(chat_id, who)
        known = Step.objects.filter(key=required("key", key, 64)).first()
        if known is not None:
            if known.chat_id != chat.pk:
                raise BadInput("key is used in another chat. Allowed: a new one for each reply.")
            return known
        step = add_step(chat, Kind.SAID, now, text=text, key=key)
        chat.staff_at = now
        chat.staff_typing_at = None
        chat.save(update_fields=["staff_at", "staff_typing_at"])
    return step


def tell(
    conversation_id: str,
    key: str,
    text: str,
    attached: Mapping[str, Any],
    now: datetime | None = None,
) -> Step:
    """Tell the patient of a decision, in the conversation, whoever is in it.

    ``attached`` may hold ``card`` and ``buttons``. The same ``key`` again gives the step stored
    first. Raises ``clinic.text.BadInput``.
    """
    now = now or clock.now()
    with transaction.atomic():
        chat = _taken(required("conversation_id", conversation_id, 255))
        known = Step.objects.filter(key=required("key", key, 64)).first()
        if known is not None:
            return known
        # An old chat is not deleted before it has been told.
        chat.changed_at = now
        chat.save(update_fields=["changed_at"])
        return Step.objects.create(
            chat=chat,
            kind=Kind.NEWS,
            key=key,
            text=required("text", text, LONGEST),
            attached=json.dumps(attached, ensure_ascii=False),
            at=now,
        )


def stay(chat_id: int, who: str, now: datetime | None = None, *, typing: bool = False) -> bool:
    """The person is still there, though nothing was sent; False when they are not any more.

    ``typing``: they are typing, which the patient may see.
    """
    now = now or clock.now()
    there = Chat.objects.filter(pk=chat_id, state=State.PERSON, person=who)
    return bool(there.update(staff_at=now, **({"staff_typing_at": now} if typing else {})))


def hand_back(chat_id: int, who: str, now: datetime | None = None) -> Chat:
    """The assistant answers again. Raises ``clinic.text.BadInput``."""
    return _end(chat_id, who, State.BOT, Kind.LEFT, now)


def close(chat_id: int, who: str, now: datetime | None = None) -> Chat:
    """The live chat is finished; the assistant answers if the patient writes again.

    Raises ``clinic.text.BadInput``.
    """
    return _end(chat_id, who, State.CLOSED, Kind.CLOSED, now)


def leave_all(who: str, now: datetime) -> list[int]:
    """Somebody works here no more: the assistant answers in the chats they are in; which these are.

    Call it in the transaction that stops them.
    """
    mine = Chat.objects.select_for_update().filter(state=State.PERSON, person=who)
    left = list(mine.order_by("pk").values_list("pk", flat=True))
    for chat_id in left:
        hand_back(chat_id, who, now)
    return left


def dismiss(chat_id: int, now: datetime | None = None) -> bool:
    """Off the list without joining: nobody at the clinic comes.

    Unless the patient was told so before, they are told now, and offered to be called back.
    """
    now = now or clock.now()
    with transaction.atomic():
        chat = Chat.objects.select_for_update().filter(pk=chat_id, state=State.WAITING).first()
        if chat is None:
            return False
        if chat.told_at is None:
            chat.told_at = now
            add_step(chat, Kind.LONG_WAIT, now)
        chat.state = State.CLOSED
        chat.dismissed_at = chat.changed_at = now
        chat.save(update_fields=["told_at", "state", "dismissed_at", "changed_at"])
    return True


def put_back(chat_id: int, now: datetime | None = None) -> bool:
    """Undo of :func:`dismiss`: on the list again, and waited for as if just asked for.

    Not what has ended in another way since, or before.
    """
    now = now or clock.now()
    dismissed = Chat.objects.filter(pk=chat_id, state=State.CLOSED, dismissed_at__isnull=False)
    return bool(
        dismissed.update(state=State.WAITING, dismissed_at=None, patient_at=now, changed_at=now)
    )


def forget(conversation_id: str) -> int:
    """Delete what is kept here of one conversation; the number of chats."""
    deleted = Chat.objects.filter(conversation_id=conversation_id).delete()[1]
    return deleted.get("live.Chat", 0)


def add_step(chat: Chat, kind: str, now: datetime, *, text: str = "", key: str = "") -> Step:
    """Note down something for the Rasa server to carry out, in the transaction of its cause."""
    return Step.objects.create(
        chat=chat,
        kind=kind,
        key=key or uuid.uuid4().hex,
        who=chat.person,
        name=chat.person_name,
        text=text,
        at=now,
    )


def _end(chat_id: int, who: str, state: str, kind: str, now: datetime | None) -> Chat:
    now = now or clock.now()
    with transaction.atomic():
        chat = _held_by(chat_id, who)
        chat.state = state
        chat.changed_at = now
        chat.save(update_fields=["state", "changed_at"])
        add_step(chat, kind, now)
    return chat


def _taken(conversation_id: str) -> Chat:
    """The conversation's row, locked; made when missing."""
    chat, _ = Chat.objects.get_or_create(conversation_id=conversation_id)
    return Chat.objects.select_for_update().get(pk=chat.pk)


def _held_by(chat_id: int, who: str) -> Chat:
    chat = Chat.objects.select_for_update().filter(pk=chat_id).first()
    if chat is None or chat.state != State.PERSON or chat.person != who:
        raise BadInput("who is not the person in this chat. Allowed: whoever has joined it.")
    return chat
