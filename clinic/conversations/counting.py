"""Sessions counted day by day, so that the numbers about a year are sums of 365 rows.

Needs ``clinic.setup.ready()``. A session counts for the day of its last activity by the clinic's
clock. A day is counted when somebody asks for it, and kept; whoever changes one of its sessions
spoils the count, with :func:`spoil`, and it is made anew when it is asked for again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, Q, QuerySet, Sum

from clinic import facts
from clinic.conversations.listing import ALARMS
from clinic.conversations.models import DayCount, Session, SessionTopic

#: Numbers by name, in rooms: ``sessions`` (all of them, outcomes, alarms, thumbs and so on),
#: ``hours`` in which they began ("0" to "23"), ``topics``, and ``steps`` of a booking (its place).
Counts = Mapping[str, Mapping[str, int]]


def spoil(moments: Iterable[datetime]) -> None:
    """Sessions with their last activity at these moments are new, changed or gone.

    Call it in the transaction that changes them.
    """
    zone = facts.current().zone
    # Always in the same order: two transactions then wait for each other only one way.
    days = sorted({moment.astimezone(zone).date() for moment in moments})
    DayCount.objects.bulk_create(
        [DayCount(day=day) for day in days],
        update_conflicts=True,
        unique_fields=["day"],
        update_fields=["counts", "token"],
    )


def of_days(first: date, last: date) -> dict[date, Counts]:
    """What was counted of each day, the first and the last included."""
    rows = DayCount.objects.filter(day__gte=first, day__lte=last, counts__isnull=False)
    found: dict[date, Counts] = dict(rows.values_list("day", "counts"))
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    missing = [day for day in every if day not in found]
    if missing:
        found |= _counted(missing)
    return found


def midnight(day: date) -> datetime:
    """The first moment of a day by the clinic's clock, in UTC."""
    return datetime.combine(day, time(), facts.current().zone).astimezone(UTC)


def _counted(days: list[date]) -> dict[date, Counts]:
    """Count days and keep the numbers of those that nobody has spoiled meanwhile.

    The rows are there, with a token, before anything is read. Whoever changes a session then takes
    the token away, or has done so and made us wait until the change could be seen.
    """
    token = uuid.uuid4().hex
    DayCount.objects.bulk_create(
        [DayCount(day=day, token=token) for day in days],
        update_conflicts=True,
        unique_fields=["day"],
        update_fields=["counts", "token"],
    )
    rows = [DayCount(day=day, counts=_count(day), token=token) for day in days]
    for row in rows:
        DayCount.objects.filter(day=row.day, token=token).update(counts=row.counts)
    return {row.day: row.counts for row in rows}


def _count(day: date) -> Counts:
    within = {"gte": midnight(day), "lt": midnight(day + timedelta(days=1))}
    rows = Session.objects.filter(
        **{f"last_activity_at__{name}": moment for name, moment in within.items()}
    )
    topics = SessionTopic.objects.filter(
        **{f"session__last_activity_at__{name}": moment for name, moment in within.items()}
    )
    outcomes = {each: Count("pk", filter=Q(outcome=each)) for each in Session.Outcome.values}
    sessions = rows.aggregate(
        all=Count("pk"),
        said=Sum("patient_messages", default=0),
        alarms=Count("pk", filter=Q(triage_level__in=ALARMS)),
        unclear=Count("pk", filter=Q(not_understood__gt=0)),
        up=Count("pk", filter=Q(feedback_up=True)),
        down=Count("pk", filter=Q(feedback_down=True)),
        **outcomes,
    )
    return {
        "sessions": {name: int(number) for name, number in sessions.items()},
        "hours": _by(rows, "began_hour"),
        "topics": _by(topics, "topic"),
        "steps": _by(rows.filter(booking_step__gt=0), "booking_step"),
    }


def _by(rows: QuerySet[Session] | QuerySet[SessionTopic], column: str) -> dict[str, int]:
    """How many rows have which value."""
    found = rows.order_by().values_list(column).annotate(number=Count("pk"))
    return {str(value): number for value, number in found}
