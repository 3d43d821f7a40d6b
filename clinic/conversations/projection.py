"""Keeping sessions and messages in step with Rasa's events.

Needs ``clinic.setup.ready()``. A conversation is always read again from the beginning of the
session that has something new, by pure functions (:mod:`clinic.conversations.reading`), and what
differs is written. So nothing depends on when reading was interrupted or how often it is done, and
comparing everything with the events (:func:`reconcile`) is the same work without the writing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from clinic import clock, facts
from clinic.conversations import bulk, counting, rechecks, search
from clinic.conversations.listing import ALARMS
from clinic.conversations.models import (
    Feedback,
    Message,
    Position,
    RatedDown,
    Session,
    SessionTopic,
)
from clinic.conversations.reading import Told, rate, sessions_of
from clinic.conversations.store import Store

#: Events are numbered when they are written and seen when their transaction ends, not always in the
#: same order. So many numbers back are looked at again, and at the start this many, since what
#: ended late while nobody read is not known.
OVERLAP, OVERLAP_AT_START = 1000, 20_000
#: A number further back that was missing is looked for every so many seconds, for so long; at most
#: so many of them.
HOLES_EVERY, HOLES_FOR, MOST_HOLES = 10.0, 900.0, 5000
#: Seconds between two looks at conversations that are being erased or changed, after the first.
LOOKED_AT_EVERY = 5.0

_MOST = 3000  # events of one transaction
_AT_ONCE = 200  # conversations of one transaction
_READ_AT_ONCE = 50  # conversations in memory
_NAME = "events"

_SESSION_FIELDS = (
    *("channel", "started_at", "last_activity_at", "last_event_id", "messages"),
    *("patient_messages", "not_understood", "outcome", "triage_level", "lowest_confidence"),
    *("feedback_up", "feedback_down", "topics", "opening", "began_hour", "booking_step"),
)
_MESSAGE_FIELDS = tuple(
    each.attname for each in Message._meta.concrete_fields if each.attname != "session_id"
)
_FEEDBACK = _MESSAGE_FIELDS.index("feedback")
_LEVEL, _UNDERSTOOD = map(_MESSAGE_FIELDS.index, ("triage_level", "understood"))


@dataclass
class Differences:
    """What was not as the events say: sessions and messages that were missing, other, or too many.

    ``conversations`` were looked at, ``events`` of them read.
    """

    conversations: int = 0
    events: int = 0
    missing: int = 0
    other: int = 0
    too_many: int = 0

    @property
    def equal(self) -> bool:
        """Everything is as the events say."""
        return not (self.missing or self.other or self.too_many)


@dataclass
class Tail:
    """Reads what is new, again and again. One at a time writes; others wait for it.

    What it remembers between two looks only saves work: a new one reads the overlap once more.
    """

    store: Store
    _seen: dict[int, str] = field(default_factory=dict)
    _overlap: int = 0
    # How far back everything is seen or a hole; the holes, and until when each is looked for.
    _low: int | None = None
    _holes: dict[int, float] = field(default_factory=dict)
    _next_holes: float = 0.0
    _next_rechecks: float = 0.0

    def step(self) -> int:
        """Read what is new; the number of events. Call again at once while it is not 0.

        Raises ``clinic.conversations.store.StoreMissing`` while nobody has talked to the
        assistant.
        """
        position = Position.objects.filter(name=_NAME).first()
        if position is None:
            return self._begin()
        last = position.last_event_id
        self._overlap = self._overlap or OVERLAP_AT_START
        late = self._late()
        fewer = self.store.newest() < last
        due = self._due(at_once=fewer)
        if not (late or fewer or due.rows or self._news(last)):
            return 0
        with transaction.atomic():
            position = Position.objects.select_for_update().get(name=_NAME)
            last, erased = self._recheck(due, position.last_event_id)
            new = self._news(last)
            first_new: dict[str, int] = {}
            for number, conversation in sorted((*late, *new)):
                first_new.setdefault(conversation, number)
            _project(self.store, _beginnings(first_new))
            if new:
                last = max(last, new[-1][0])
            newest = self.store.newest()
            if newest < last:
                # The last rows were erased, and their numbers will be given away again.
                last = newest
                self._begin_anew()
            if new or last != position.last_event_id:
                position.last_event_id = last
                position.read_at = clock.now()
                position.save()
        if erased:
            search.forget_removed()
        self._seen.update(new)
        for number, _ in late:
            self._holes.pop(number, None)
        if len(new) < _MOST:
            self._overlap = OVERLAP
        self._move_on(last)
        return len(late) + len(new)

    def _late(self) -> list[tuple[int, str]]:
        """Events that have turned up far back, where their numbers were missing."""
        now = time.monotonic()
        if not self._holes or now < self._next_holes:
            return []
        self._next_holes = now + HOLES_EVERY
        self._holes = {number: until for number, until in self._holes.items() if until > now}
        return self.store.numbered(list(self._holes))

    def _move_on(self, last: int) -> None:
        """Forget what was seen further back than the overlap, and note what was not."""
        low = max(0, last - self._overlap)
        if self._low is None:
            self._low = max(0, last - OVERLAP_AT_START)
        until = time.monotonic() + HOLES_FOR
        missing = (n for n in range(max(self._low, low - MOST_HOLES) + 1, low + 1))
        self._holes |= {number: until for number in missing if number not in self._seen}
        for number in list(self._holes)[:-MOST_HOLES]:
            del self._holes[number]
        self._low = max(self._low, low)
        self._seen = {number: who for number, who in self._seen.items() if low < number <= last}

    def _begin_anew(self) -> None:
        """Numbers come again: nothing that was seen or missing says anything now."""
        self._seen.clear()
        self._holes.clear()
        self._low = None

    def _due(self, *, at_once: bool) -> rechecks.Due:
        """What is to be read again as a whole: what is new, and all of it now and then."""
        now = time.monotonic()
        every = at_once or now >= self._next_rechecks
        if every:
            self._next_rechecks = now + LOOKED_AT_EVERY
        return rechecks.due(self.store, every=every)

    def _recheck(self, due: rechecks.Due, last: int) -> tuple[int, bool]:
        """Read conversations again as a whole.

        From where events are to be read from now on, and whether something was erased.
        """
        there = _project(self.store, dict.fromkeys(due.reading, 0))
        again = [
            row.rewind_to
            for who, row in due.rows.items()
            if row.rewind_to is not None and who not in there
        ]
        if again and min(again) < last:
            last = min(again)
            self._begin_anew()
        rechecks.note_looked(due, there)
        return last, bool(again)

    def _news(self, last: int) -> list[tuple[int, str]]:
        rows = self.store.numbers(max(0, last - self._overlap), self._overlap + _MOST)
        return [(number, who) for number, who in rows if self._seen.get(number) != who][:_MOST]

    def _begin(self) -> int:
        """The first look: everything there is, conversation by conversation."""
        return rebuild(self.store).events


def rebuild(store: Store, told: Callable[[Differences], None] | None = None) -> Differences:
    """Make everything again from the events; what people added stays. What had to be changed.

    The assistant and the desk may run meanwhile. ``told`` hears how far it is.
    """
    newest = store.newest()
    with transaction.atomic():
        Position.objects.get_or_create(name=_NAME)
    total = Differences()
    for conversations in _all(store):
        with transaction.atomic():
            Position.objects.select_for_update().get(name=_NAME)
            _project(store, dict.fromkeys(conversations, 0), total)
        if told:
            told(total)
    for conversations in list(_ghosts(store)):
        with transaction.atomic():
            Position.objects.select_for_update().get(name=_NAME)
            _project(store, dict.fromkeys(conversations, 0), total)
    # What came meanwhile is read once more.
    Position.objects.filter(name=_NAME).update(last_event_id=newest, read_at=clock.now())
    return total


def reconcile(store: Store) -> Differences:
    """Compare everything with the events and write nothing.

    While patients write, what came in the last seconds may differ.
    """
    total = Differences()
    for conversations in _all(store):
        _project(store, dict.fromkeys(conversations, 0), total, write=False)
    total.too_many += sum(len(some) for some in _ghosts(store))
    return total


@dataclass(frozen=True)
class Status:
    """How far reading is: events that are not read yet, and when something was read last."""

    sessions: int
    messages: int
    last_event_id: int
    behind: int
    read_at: datetime | None


def status(store: Store) -> Status:
    """How far reading is. Raises ``StoreMissing`` while nobody has talked to the assistant."""
    position = Position.objects.filter(name=_NAME).first() or Position(name=_NAME)
    return Status(
        Session.objects.count(),
        Message.objects.count(),
        position.last_event_id,
        max(0, store.newest() - position.last_event_id),
        position.read_at,
    )


def read_now(store: Store, conversation_id: str) -> None:
    """Read a conversation again as a whole, at once."""
    with transaction.atomic():
        Position.objects.get_or_create(name=_NAME)
        Position.objects.select_for_update().get(name=_NAME)
        _project(store, {conversation_id: 0})


def forget(conversation_ids: Iterable[str], *, erase_events: bool = False) -> int:
    """Delete sessions with all that was said and added; the number of sessions.

    Call it in the transaction that erases the rest. The conversations are compared with their
    events for a while, since those go later: by whoever else has them erased, or with
    ``erase_events`` by the worker, also when they come back with an answer that was under way.
    """
    conversations = sorted(set(conversation_ids))
    if not conversations:
        return 0
    mine = Session.objects.filter(conversation_id__in=conversations)
    others = Session.objects.exclude(conversation_id__in=conversations)
    newest_first = others.order_by("-last_event_id").values_list("last_event_id", flat=True)
    rewind_to = newest_first.first() or 0
    rechecks.erase_later(conversations, rewind_to, erase_events=erase_events)
    return _delete(list(mine.values_list("id", flat=True)))


def _delete(sessions: list[int]) -> int:
    search.remove(sessions)
    rows = Session.objects.filter(id__in=sessions)
    days = list(rows.values_list("last_activity_at", flat=True))
    rows.delete()
    counting.spoil(days)
    return len(sessions)


def _beginnings(first_new: Mapping[str, int]) -> dict[str, int]:
    """From which event on each conversation is read: the start of the session it belongs to."""
    beginnings = dict.fromkeys(first_new, 0)
    known = Session.objects.filter(conversation_id__in=list(first_new)).values_list(
        "conversation_id", "first_event_id"
    )
    for conversation, first in known:
        if beginnings[conversation] < first <= first_new[conversation]:
            beginnings[conversation] = first
    return beginnings


def _project(
    store: Store, since: Mapping[str, int], found: Differences | None = None, *, write: bool = True
) -> set[str]:
    """Compare conversations, each from an event on, with what is kept, and write what differs.

    Adds what differed to ``found``. Gives the conversations that have events.
    """
    found = Differences() if found is None else found
    there: set[str] = set()
    conversations = list(since)
    # However many there are, only so many are in memory.
    for begin in range(0, len(conversations), _READ_AT_ONCE):
        some = {who: since[who] for who in conversations[begin : begin + _READ_AT_ONCE]}
        there |= _project_some(store, some, found, write=write)
    return there


def _project_some(
    store: Store, since: Mapping[str, int], found: Differences, *, write: bool
) -> set[str]:
    events = store.events(since)
    zone = facts.current().zone
    told = {who: [each for each in sessions_of(rows, zone) if each] for who, rows in events.items()}
    rated = Feedback.objects.filter(conversation_id__in=list(since)).order_by("created_at")
    for each in rated:
        _apply(each, told[each.conversation_id], whole=not since[each.conversation_id])
    _compare(found, since, told, write=write)
    found.conversations += len(since)
    found.events += sum(map(len, events.values()))
    return {who for who, rows in events.items() if rows}


def _apply(feedback: Feedback, sessions: list[Told], *, whole: bool) -> None:
    """Note a thumb on the answer it was given to: the last with that name before it."""
    answers = [
        (session, message["event_id"], message["at"])
        for session in sessions
        for message in session.messages
        if message["response"] == feedback.answer
    ]
    before = [each for each in answers if each[2] <= feedback.created_at]
    # With a clock that is fixed by CLINIC_NOW, everything may be "later".
    chosen = before[-1:] or (answers[:1] if whole else [])
    for session, event_id, _ in chosen:
        rate(session, event_id, feedback.value, feedback.reason or "")


def _compare(
    found: Differences, since: Mapping[str, int], told: Mapping[str, list[Told]], *, write: bool
) -> None:
    kept: dict[tuple[str, int], Session] = {}
    numbers: dict[str, int] = {}
    # A client's health record is all of a conversation, also what comes later.
    holds: dict[str, dict[str, Any]] = {}
    for session in Session.objects.filter(conversation_id__in=list(since)).order_by("number"):
        who = session.conversation_id
        numbers[who] = max(numbers.get(who, 0), session.number)
        if session.hold:
            holds[who] = {name: getattr(session, name) for name in ("hold", "hold_by", "hold_at")}
        if session.first_event_id >= since[who]:
            kept[who, session.first_event_id] = session
    new: list[tuple[Session, Told]] = []
    same: list[tuple[Session, Told]] = []
    changed: list[dict[str, Any]] = []
    days: list[datetime] = []
    for who, sessions in told.items():
        for each in sessions:
            session = kept.pop((who, each.first_event_id), None)
            if session is None:
                numbers[who] = numbers.get(who, 0) + 1
                identity = {"conversation_id": who, "first_event_id": each.first_event_id}
                identity |= {"number": numbers[who], **holds.get(who, {})}
                new.append((Session(**identity, **each.values), each))
                continue
            same.append((session, each))
            if any(getattr(session, name) != each.values[name] for name in _SESSION_FIELDS):
                changed.append({"id": session.pk, **each.values})
                days.append(session.last_activity_at)
    found.missing += len(new)
    found.other += len(changed)
    found.too_many += len(kept)
    if write:
        _delete([session.pk for session in kept.values()])
        Session.objects.bulk_create([session for session, _ in new])
        bulk.update(Session, changed)
        days += [session.last_activity_at for session, _ in new]
        counting.spoil([*days, *(values["last_activity_at"] for values in changed)])
    _compare_messages(found, new, same, write=write)


def _compare_messages(
    found: Differences,
    new: list[tuple[Session, Told]],
    same: list[tuple[Session, Told]],
    *,
    write: bool,
) -> None:
    there: dict[int, dict[int, tuple[Any, ...]]] = {session.pk: {} for session, _ in same}
    for session_id, *values in Message.objects.filter(session__in=there).values_list(
        "session_id", *_MESSAGE_FIELDS
    ):
        there[session_id][values[0]] = tuple(values)
    rows: list[dict[str, Any]] = []
    rated: list[RatedDown] = []
    gone: list[int] = []
    documents: list[tuple[int, list[str]]] = []
    look_again: list[int] = []
    for session, told in (*new, *same):
        mine = there.get(session.pk, {}) if session.pk else {}
        differs = False
        for message in told.messages:
            before = mine.pop(message["event_id"], None)
            now = tuple(message[name] for name in _MESSAGE_FIELDS)
            if before != now:
                differs = True
                if session.reviewed_at and _calls_for_a_look(now) - _calls_for_a_look(before):
                    look_again.append(session.pk)
                found.missing += before is None
                found.other += before is not None
                rows.append({**message, "session_id": session.pk})
                was_down = before is not None and before[_FEEDBACK] == "down"
                if (message["feedback"] == "down") != was_down:
                    token = secrets.token_hex(8)
                    rated.append(RatedDown(event_id=message["event_id"], token=token))
        gone += mine
        if differs or mine:
            documents.append((session.pk, told.said()))
    found.too_many += len(gone)
    if write:
        Message.objects.filter(event_id__in=gone).delete()
        bulk.upsert(Message, rows)
        RatedDown.objects.bulk_create(
            rated, update_conflicts=True, unique_fields=["event_id"], update_fields=["token"]
        )
        # Whoever reviewed it has not seen that.
        Session.objects.filter(pk__in=look_again, reviewed_at__isnull=False).update(
            reviewed_before=F("reviewed_at"), reviewed_at=None, reviewed_by=""
        )
        search.put(documents)
    _compare_topics(found, [*new, *same], there, write=write)


def _calls_for_a_look(message: tuple[Any, ...] | None) -> set[str]:
    """Why staff should look at a message, as it is kept: an alarm, not understood, a thumb down."""
    if message is None:
        return set()
    reasons = {
        "alarm": message[_LEVEL] in ALARMS,
        "not_understood": not message[_UNDERSTOOD],
        "thumb_down": message[_FEEDBACK] == "down",
    }
    return {reason for reason, there in reasons.items() if there}


def _compare_topics(
    found: Differences, sessions: list[tuple[Session, Told]], old: Iterable[int], *, write: bool
) -> None:
    there = {
        (session, topic): key
        for key, session, topic in SessionTopic.objects.filter(session__in=list(old)).values_list(
            "id", "session_id", "topic"
        )
    }
    missing = [
        SessionTopic(session_id=session.pk, topic=topic)
        for session, told in sessions
        for topic in told.topics
        if there.pop((session.pk, topic), None) is None
    ]
    found.missing += len(missing)
    found.too_many += len(there)
    if write:
        SessionTopic.objects.filter(id__in=there.values()).delete()
        SessionTopic.objects.bulk_create(missing)


def _all(store: Store) -> Iterator[list[str]]:
    after = ""
    while conversations := store.conversations(after, _AT_ONCE):
        yield conversations
        after = conversations[-1]


def _ghosts(store: Store) -> Iterator[list[str]]:
    """Conversations that are kept and have no events any more."""
    after = ""
    while True:
        kept = list(
            Session.objects.filter(conversation_id__gt=after)
            .order_by("conversation_id")
            .values_list("conversation_id", flat=True)
            .distinct()[:_AT_ONCE]
        )
        if not kept:
            return
        after = kept[-1]
        there = store.with_events(kept)
        yield [conversation for conversation in kept if conversation not in there]
