"""Numbers about a stretch of days: what patients asked, how it ended, how bookings went.

Needs ``clinic.setup.ready()``. Days are those of the clinic's zone, first and last included.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from django.db.models import Count, Q, Sum
from django.db.models.functions import ExtractHour, TruncDate

from clinic import facts
from clinic.booking.models import Status, StatusChange
from clinic.conversations.listing import ALARMS, Filters
from clinic.conversations.models import Message, Session, SessionTopic
from clinic.live.models import Chat

#: The questions of a booking in their order, by the slot each fills.
STEPS = ("service", "chosen_time", "patient_name", "patient_contact")
_FORM = "booking_form"
_BOOKING = "book_appointment"


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
    query: str = ""


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
        [(f"{day:%a} {day.day} {day:%b}", found.get(day, 0), Days(day, day)) for day in every]
    )


def by_hour(days: Days) -> list[Bar]:
    """When conversations began, by the hour of the clinic's clock."""
    rows = (
        Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
        .annotate(hour=ExtractHour("started_at", tzinfo=facts.current().zone))
        .values("hour")
        .annotate(number=Count("pk"))
    )
    found = {row["hour"]: row["number"] for row in rows}
    names = [f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}" for hour in range(24)]
    return _bars([(name, found.get(hour, 0), None) for hour, name in enumerate(names)])


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
    found = [(row["topic"], row["number"]) for row in rows]
    largest = max((number for _, number in found), default=1)
    return [
        Bar(topic, number, 100 * number / largest, days.filters(topic=topic))
        for topic, number in found
    ]


def funnel(days: Days) -> list[Bar]:
    """How far those came who began to book: how many answered each question, and how many sent it.

    The name is a key of ``funnel`` in wording.yml.
    """
    rows = Message.objects.filter(at__gte=days.begin, at__lt=days.end)
    ended = Session.objects.filter(last_activity_at__gte=days.begin, last_activity_at__lt=days.end)
    # Put together here: a database would go through all messages for an "or" over two tables.
    begun = set(rows.filter(form=_FORM).values_list("session_id", flat=True)) | set(
        SessionTopic.objects.filter(topic=_BOOKING, session__in=ended).values_list(
            "session_id", flat=True
        )
    )
    reached: dict[int, set[str]] = {}
    for session, slots in rows.exclude(slots={}).values_list("session_id", "slots").iterator():
        if session in begun:
            reached.setdefault(session, set()).update(
                step for step in STEPS if slots.get(step) not in (None, "")
            )
    filled = Counter(step for answered in reached.values() for step in answered)
    requested = ended.filter(outcome=Session.Outcome.REQUESTED_BOOKING)
    sent = len(begun & set(requested.values_list("pk", flat=True)))
    steps = [("begun", len(begun)), *((step, filled[step]) for step in STEPS), ("sent", sent)]
    largest = max(number for _, number in steps) or 1
    queries = {
        "begun": days.filters(topic=_BOOKING),
        "sent": days.filters(outcome=Session.Outcome.REQUESTED_BOOKING),
    }
    return [
        Bar(name, number, 100 * number / largest, queries.get(name, "")) for name, number in steps
    ]


def answer_times(days: Days) -> dict[str, timedelta | None]:
    """The middle of how long a request waited for its answer, and a patient for a person."""
    asked: dict[int, datetime] = {}
    waits: list[float] = []
    changes = StatusChange.objects.filter(at__gte=days.begin, at__lt=days.end).order_by("id")
    decided = (Status.CONFIRMED, Status.DECLINED, Status.CHANGED)
    for request, status, who, at in changes.values_list("request_id", "status", "who", "at"):
        if status == Status.REQUESTED:
            asked[request] = at
        elif status in decided and who not in ("patient", "assistant") and request in asked:
            waits.append((at - asked.pop(request)).total_seconds())
    joined = Chat.objects.filter(
        asked_at__gte=days.begin, asked_at__lt=days.end, joined_at__isnull=False
    ).values_list("asked_at", "joined_at")
    came = [(there - asked_at).total_seconds() for asked_at, there in joined if there >= asked_at]
    return {
        "request": timedelta(seconds=median(waits)) if waits else None,
        "person": timedelta(seconds=median(came)) if came else None,
    }


def _bars(values: list[tuple[str, int, Days | None]]) -> list[Bar]:
    largest = max((number for _, number, _ in values), default=0) or 1
    return [
        Bar(name, number, 100 * number / largest, days.filters() if days else "")
        for name, number, days in values
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), facts.current().zone).astimezone(UTC)
