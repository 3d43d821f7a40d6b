"""What is said in live chats, for the pages of the staff desk.

Needs ``clinic.setup.ready()``. The words come from what the clinic reads along
(``clinic.conversations``), within a second; how much of them is masked is up to the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet

from clinic.contacts import Contact, read_contacts
from clinic.conversations.models import Message, Session
from clinic.live.limits import CHANNELS, PATIENT_TYPES_FOR
from clinic.live.models import OPEN, Chat, State, Step

#: Chats of one page of a list.
PAGE = 50
#: Messages shown when a chat is opened.
SHOWN = 100
#: A conversation in which nothing was said for so long is not offered to be joined.
RECENT = timedelta(minutes=15)
_PATIENT = Message.Author.PATIENT


@dataclass(frozen=True)
class Listed:
    """A chat on the list, with what the patient wrote last; ``unanswered`` since when."""

    chat: Chat
    last: str
    unanswered: datetime | None


@dataclass(frozen=True)
class Lists:
    """Who waits, the one waiting longest first; and the chats with a person: those of one page.

    ``waiting_count`` and ``with_person_count`` are all there are.
    """

    waiting: list[Listed]
    with_person: list[Listed]
    waiting_count: int
    with_person_count: int


def lists(waiting_from: int = 0, with_person_from: int = 0) -> Lists:
    """The open chats, each list from a place on; from its beginning when it has grown shorter."""
    places = {State.WAITING: waiting_from, State.PERSON: with_person_from}
    rows = {state: Chat.objects.filter(state=state) for state in places}
    counts = {state: found.count() for state, found in rows.items()}
    waiting, with_person = (
        _listed(rows[state].order_by("asked_at", "pk"), place if place < counts[state] else 0)
        for state, place in places.items()
    )
    return Lists(waiting, with_person, counts[State.WAITING], counts[State.PERSON])


def _listed(rows: QuerySet[Chat], place: int) -> list[Listed]:
    chats = list(rows[place : place + PAGE])
    last = _last_words([chat.conversation_id for chat in chats])
    return [Listed(chat, last.get(chat.conversation_id, ""), _unanswered(chat)) for chat in chats]


def recent(now: datetime) -> list[tuple[Session, str]]:
    """Conversations that go on without a person, the latest first; last words."""
    taken = Chat.objects.filter(state__in=OPEN).values("conversation_id")
    rows = Session.objects.filter(channel__in=CHANNELS, last_activity_at__gte=now - RECENT)
    sessions = list(
        rows.exclude(conversation_id__in=taken).order_by("-last_activity_at", "-pk")[:10]
    )
    last = _last_words([session.conversation_id for session in sessions])
    return [(session, last.get(session.conversation_id, "")) for session in sessions]


def said(chat: Chat, after: int = 0) -> list[Message]:
    """The last messages of the conversation, or those after one, in order."""
    rows = Message.objects.filter(session__conversation_id=chat.conversation_id)
    return list(rows.filter(event_id__gt=after).order_by("-event_id")[:SHOWN])[::-1]


def contacts(chat: Chat) -> list[Contact]:
    """The phone numbers and e-mail addresses that the patient has written, the last one first."""
    rows = Message.objects.filter(session__conversation_id=chat.conversation_id, author=_PATIENT)
    texts = rows.order_by("-event_id").values_list("text", flat=True)[:SHOWN]
    found = {each.value: each for text in texts for each in reversed(read_contacts(text))}
    return list(found.values())


def on_their_way(chat: Chat) -> list[Step]:
    """What was said here and the patient's window does not have yet."""
    return list(chat.steps.filter(kind="said", done_at__isnull=True))


def given_up(chat: Chat) -> list[Step]:
    """What was said since the last message that arrived, and could not be delivered."""
    arrived = chat.steps.filter(outcome=Step.Outcome.DONE).last()
    failed = chat.steps.filter(kind="said", outcome=Step.Outcome.FAILED)
    return list(failed.filter(pk__gt=arrived.pk) if arrived else failed)


def patient_types(chat: Chat, now: datetime) -> bool:
    """Whether the patient is typing to the person in this chat."""
    begun = chat.patient_typing_at
    return chat.state == State.PERSON and bool(begun and begun >= now - PATIENT_TYPES_FOR)


def lost(chat: Chat) -> bool:
    """Whether the last words had nowhere to go: the patient has closed or deleted the chat."""
    last = chat.steps.filter(done_at__isnull=False).last()
    return last is not None and last.outcome == Step.Outcome.GONE


def _unanswered(chat: Chat) -> datetime | None:
    if chat.state == State.WAITING:
        return chat.asked_at
    silent = chat.staff_at is None or (chat.patient_at and chat.patient_at > chat.staff_at)
    return chat.patient_at if silent else None


def _last_words(conversations: Iterable[str]) -> dict[str, str]:
    rows = Message.objects.filter(session__conversation_id__in=list(conversations), author=_PATIENT)
    last = rows.values("session__conversation_id").annotate(last=Max("event_id"))
    events = {each["last"]: each["session__conversation_id"] for each in last}
    texts = Message.objects.filter(pk__in=list(events)).values_list("pk", "text")
    return {events[event]: text for event, text in texts if text}
