"""Numbers about a stretch of days: what patients asked, how it ended, how bookings went.

Needs ``clinic.setup.ready()``. Days are those of the clinic's zone, first and last included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate

from clinic import facts
from clinic.booking.models import AppointmentRequest, Status, StatusChange
from clinic.conversations.listing import ALARMS, Filters
from clinic.conversations.models import Session, SessionTopic
from clinic.conversations.reading import BOOKING_STEPS
from clinic.live.models import Chat

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
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after, in UTC."""
        return _midnight(self.last + timedelta(days=1))

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


def sessions(days: Days) -> dict[str, int]:
    """How many conversations there were, and of which kinds."""
    rows = Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
    counts = {outcome: Count("pk", filter=Q(outcome=outcome)) for outcome in Session.Outcome.values}
    found = rows.aggregate(
        all=Count("pk"),
        said=Sum("patient_messages", default=0),
        alarms=Count("pk", filter=Q(triage_level__in=ALARMS)),
        unclear=Count("pk", filter=Q(not_understood__gt=0)),
        up=Count("pk", filter=Q(feedback_up=True)),
        down=Count("pk", filter=Q(feedback_down=True)),
        **counts,
    )
    return {name: int(number) for name, number in found.items()}


def by_day(days: Days) -> list[Bar]:
    """Conversations a day, each day."""
    rows = (
        Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
        .annotate(day=TruncDate("last_activity_at", tzinfo=facts.current().zone))
        .values("day")
        .annotate(number=Count("pk"))
    )
    found = {row["day"]: row["number"] for row in rows}
    every = [days.first + timedelta(days=n) for n in range((days.last - days.first).days + 1)]
    return _bars(
        [
            (f"{day:%a} {day.day} {day:%b}", found.get(day, 0), Days(day, day).filters())
            for day in every
        ]
    )


def by_hour(days: Days) -> list[Bar]:
    """When conversations began, by the hour of the clinic's clock."""
    rows = (
        Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
        .values("began_hour")
        .annotate(number=Count("pk"))
    )
    found = {row["began_hour"]: row["number"] for row in rows}
    return _bars(
        [(name, found.get(hour, 0), days.filters(hour=hour)) for hour, name in enumerate(HOURS)]
    )


def by_topic(days: Days, most: int = 20) -> list[Bar]:
    """What was asked about, the most frequent first; the name is the topic."""
    rows = (
        SessionTopic.objects.filter(
            session__last_activity_at__gte=days.begin, session__last_activity_at__lt=days.end
        )
        .values("topic")
        .annotate(number=Count("pk"))
        .order_by("-number", "topic")[:most]
    )
    return _bars([(row["topic"], row["number"], days.filters(topic=row["topic"])) for row in rows])


def funnel(days: Days) -> list[Bar]:
    """How far those came at least who began to book: to each of its questions, and to the end.

    The name is a key of ``funnel`` in wording.yml.
    """
    rows = Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
    found = rows.aggregate(
        **{
            name: Count("pk", filter=Q(booking_step__gte=place))
            for place, name in enumerate(BOOKING_STEPS, 1)
        }
    )
    return _bars([(name, found[name], days.filters(booking=name)) for name in BOOKING_STEPS])


@dataclass(frozen=True)
class Wait:
    """Somebody waited from ``since`` for ``length``; for a request's answer, or for a person."""

    since: datetime
    length: timedelta
    request: AppointmentRequest | None = None
    session: Session | None = None


def waits_for_answer(days: Days) -> list[Wait]:
    """How long requests waited until somebody decided about them, the longest first."""
    asked: dict[int, datetime] = {}
    waits: list[Wait] = []
    changes = StatusChange.objects.filter(at__gte=days.begin, at__lt=days.end).order_by("id")
    decided = (Status.CONFIRMED, Status.DECLINED, Status.CHANGED)
    for change in changes.select_related("request"):
        if change.status == Status.REQUESTED:
            asked[change.request_id] = change.at
        elif (
            change.status in decided
            and change.who not in ("patient", "assistant")
            and change.request_id in asked
        ):
            since = asked.pop(change.request_id)
            waits.append(Wait(since, change.at - since, request=change.request))
    return _longest_first(waits)


def waits_for_person(days: Days) -> list[Wait]:
    """How long patients waited in the chat until a person came, the longest first."""
    joined = Chat.objects.filter(
        asked_at__gte=days.begin, asked_at__lt=days.end, joined_at__gte=F("asked_at")
    )
    sessions = {
        each.conversation_id: each
        for each in Session.objects.filter(
            conversation_id__in=joined.values("conversation_id"), started_at__lt=days.end
        ).order_by("number")
    }
    return _longest_first(
        Wait(
            chat.asked_at,
            chat.joined_at - chat.asked_at,
            session=sessions.get(chat.conversation_id),
        )
        for chat in joined
    )


def middle(waits: list[Wait]) -> timedelta | None:
    """Half of them waited longer, half less."""
    seconds = [each.length.total_seconds() for each in waits]
    return timedelta(seconds=median(seconds)) if seconds else None


def _longest_first(waits: Iterable[Wait]) -> list[Wait]:
    return sorted(waits, key=lambda each: each.length, reverse=True)


def _bars(values: list[tuple[str, int, str]]) -> list[Bar]:
    largest = max((number for _, number, _ in values), default=0) or 1
    return [Bar(name, number, 100 * number / largest, query) for name, number, query in values]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), facts.current().zone).astimezone(UTC)
