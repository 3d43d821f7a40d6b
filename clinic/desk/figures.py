"""Numbers about a stretch of days: what patients asked, how it ended, how bookings went.

Needs ``clinic.setup.ready()``. Days are those of the clinic's zone, first and last included.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import F, Q

from clinic.booking.models import Status, StatusChange
from clinic.conversations import counting
from clinic.conversations.listing import Filters
from clinic.conversations.models import Session
from clinic.conversations.reading import BOOKING_STEPS
from clinic.handoff.models import PatientMessage
from clinic.live.models import Ask, State

#: The hours of a day as they are named.
HOURS = tuple(f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}" for hour in range(24))


@dataclass(frozen=True)
class Days:
    """From the first to the last day, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The first moment, in UTC."""
        return counting.midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after, in UTC."""
        return counting.midnight(self.last + timedelta(days=1))

    def filters(self, **more: object) -> str:
        """The address of the list of these days' conversations, the part after "?"."""
        return Filters(since=self.first, until=self.last, **more).to_query()  # type: ignore[arg-type]


@dataclass(frozen=True)
class Bar:
    """One bar: its name, the number, its share of the largest (0 to 100), and the list behind."""

    name: str
    number: int
    share: float
    query: str


class Counted:
    """What was counted of a stretch of days."""

    def __init__(self, days: Days) -> None:
        self._days = days
        self._by_day = counting.of_days(days.first, days.last)
        self._sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for counts in self._by_day.values():
            for room, numbers in counts.items():
                self._sums[room].update(numbers)

    @property
    def sessions(self) -> dict[str, int]:
        """How many conversations there were, and of which kinds."""
        return dict(self._sums["sessions"])

    def by_day(self) -> list[Bar]:
        """Conversations a day, each day."""
        return self._each_day("all")

    def messages_by_day(self) -> list[Bar]:
        """What patients wrote or clicked in the conversations of each day."""
        return self._each_day("said")

    def _each_day(self, what: str) -> list[Bar]:
        return _bars(
            [
                (
                    f"{day:%a} {day.day} {day:%b}",
                    counts["sessions"][what],
                    Days(day, day).filters(),
                )
                for day, counts in sorted(self._by_day.items())
            ]
        )

    def by_hour(self) -> list[Bar]:
        """When conversations began, by the hour of the clinic's clock."""
        found = self._sums["hours"]
        return _bars(
            [
                (name, found[str(hour)], self._days.filters(hour=hour))
                for hour, name in enumerate(HOURS)
            ]
        )

    def by_topic(self, most: int = 20) -> list[Bar]:
        """What was asked about, the most frequent first; the name is the topic."""
        found = sorted(self._sums["topics"].items(), key=lambda each: (-each[1], each[0]))
        return _bars(
            [(topic, number, self._days.filters(topic=topic)) for topic, number in found[:most]]
        )

    def funnel(self) -> list[Bar]:
        """How far those came at least who began to book: to each of its questions, and to the end.

        The name is a key of ``funnel`` in wording.yml.
        """
        found = self._sums["steps"]
        return _bars(
            [
                (
                    name,
                    sum(number for step, number in found.items() if int(step) >= place),
                    self._days.filters(booking=name),
                )
                for place, name in enumerate(BOOKING_STEPS, 1)
            ]
        )


#: How a person at the clinic answers a request.
_DECIDED = (Status.CONFIRMED, Status.DECLINED, Status.CHANGED, Status.CANCELLED)


@dataclass(frozen=True)
class Wait:
    """Somebody waited from ``since`` for ``length``.

    For the answer to the ``request`` of a primary key or the ``message`` of a reference, or for a
    person. ``length`` is None when nobody answered or came.
    """

    since: datetime
    length: timedelta | None
    request: int | None = None
    message: str = ""
    session: Session | None = None


def waits_for_answer(days: Days) -> list[Wait]:
    """How long requests waited until somebody decided about them, the longest first.

    Those that ended in these days, whenever they began: with a request, with a proposed time that
    did not suit, or with a change that the patient asked for. Before them those to which nobody
    answered until their time had come. What still waits is not here, nor what the patient took
    back.
    """
    asked: dict[int, datetime] = {}
    waits: list[Wait] = []
    in_these = StatusChange.objects.filter(
        at__gte=days.begin, at__lt=days.end, status__in=(*_DECIDED, Status.EXPIRED)
    ).values("request")
    changes = StatusChange.objects.filter(request__in=in_these, at__lt=days.end).order_by("id")
    for request, status, who, at in changes.values_list("request_id", "status", "who", "at"):
        by_staff = who not in ("patient", "assistant")
        if status == Status.REQUESTED or (status == Status.CHANGED and not by_staff):
            asked.setdefault(request, at)
        elif status == Status.EXPIRED or by_staff:
            since = asked.pop(request, None)
            if since is not None and at >= days.begin:
                length = None if status == Status.EXPIRED else at - since
                waits.append(Wait(since, length, request=request))
        else:
            # Accepted or cancelled by the patient.
            asked.pop(request, None)
    return _longest_first(waits)


def waits_for_message(days: Days) -> list[Wait]:
    """How long messages that were left waited for their answer in these days, the longest first.

    What still waits, and what was answered before that moment was kept, is not here.
    """
    rows = PatientMessage.objects.filter(answered_at__gte=days.begin, answered_at__lt=days.end)
    return _longest_first(
        Wait(asked, answered - asked, message=reference)
        for reference, asked, answered in rows.order_by("pk").values_list(
            "reference", "created_at", "answered_at"
        )
    )


def waits_for_person(days: Days) -> list[Wait]:
    """How long patients waited in the chat until a person came in these days, the longest first.

    Before them those who asked in these days and to whom nobody came; who waits now is not here.
    """
    waits_now = Q(chat__state=State.WAITING, asked_at=F("chat__asked_at"))
    asks = Ask.objects.select_related("chat").filter(
        Q(joined_at__gte=days.begin, joined_at__lt=days.end)
        | Q(joined_at=None, asked_at__gte=days.begin, asked_at__lt=days.end) & ~waits_now
    )
    sessions: defaultdict[str, list[Session]] = defaultdict(list)
    for session in Session.objects.filter(
        conversation_id__in=asks.values("chat__conversation_id")
    ).order_by("number"):
        sessions[session.conversation_id].append(session)
    return _longest_first(
        Wait(
            ask.asked_at,
            ask.joined_at and ask.joined_at - ask.asked_at,
            session=_session_at(sessions[ask.chat.conversation_id], ask.asked_at),
        )
        for ask in asks.order_by("pk")
    )


def _session_at(sessions: list[Session], moment: datetime) -> Session | None:
    """The last one that had begun; with none, the first that is left."""
    begun = [each for each in sessions if each.started_at <= moment]
    return begun[-1] if begun else next(iter(sessions), None)


def middle(waits: list[Wait]) -> timedelta | None:
    """Half of those to whom somebody came waited longer, half less."""
    seconds = [each.length.total_seconds() for each in waits if each.length is not None]
    return timedelta(seconds=median(seconds)) if seconds else None


def _longest_first(waits: Iterable[Wait]) -> list[Wait]:
    return sorted(
        waits, key=lambda each: timedelta.max if each.length is None else each.length, reverse=True
    )


def _bars(values: list[tuple[str, int, str]]) -> list[Bar]:
    largest = max((number for _, number, _ in values), default=0) or 1
    return [Bar(name, number, 100 * number / largest, query) for name, number, query in values]
