"""The list of sessions: filters that fit in an address, and pages of it, the newest first.

Needs ``clinic.setup.ready()``. Only reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic import facts
from clinic.conversations.models import Correction, Session, SessionTag, SessionTopic, Tag
from clinic.conversations.reading import BOOKING_STEPS
from clinic.conversations.search import sessions_with
from clinic.text import BadInput

PAGE = 50
#: Counting stops here: "more than 10,000" says as much.
MOST_COUNTED = 10_000
ALARMS = ("emergency", "urgent")

_LONGEST_TEXT = 200
_DIGITS = 4  # as many as a year has
_FEW = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Filters:
    """What is shown. What is empty or None does not filter.

    ``since`` and ``until`` are days in the clinic's zone, both included, of the last activity;
    ``since`` can be a moment, too, which is aware and a whole minute.
    ``topic`` is an intent or ``faq/<topic>``; ``confidence_below`` is between 0 and 1; ``feedback``
    is "up", "down" or "any"; ``assigned`` a user name; ``not_understood`` asks for an answer that
    said so; ``wrong`` is what staff said was wrong in it, a kind of ``Correction``;
    ``hour`` is the hour of the clinic's clock in which it began, 0 to 23; ``booking`` how far a
    booking came at least, one of ``BOOKING_STEPS``.
    """

    since: date | datetime | None = None
    until: date | None = None
    channel: str = ""
    topic: str = ""
    outcome: str = ""
    confidence_below: float | None = None
    red_flag: bool | None = None
    not_understood: bool | None = None
    feedback: str = ""
    wrong: str = ""
    hour: int | None = None
    booking: str = ""
    reviewed: bool | None = None
    hold: bool | None = None
    tag: str = ""
    assigned: str = ""
    text: str = ""

    @classmethod
    def from_query(cls, query: str | Mapping[str, str]) -> Filters:
        """The filters in the part of an address after "?"; names it does not know are left out.

        Raises ``clinic.text.BadInput`` naming the filter, for a value that is not allowed.
        """
        given = dict(parse_qsl(query.removeprefix("?"))) if isinstance(query, str) else query
        stripped = {name: str(given.get(name, "")).strip() for name in _NAMES}
        return cls(
            **{
                name: _READERS.get(name, _words)(name, value)
                for name, value in stripped.items()
                if value
            }
        )

    def to_query(self) -> str:
        """The same as ``from_query`` reads, only what filters; "" for none."""
        values = ((name, getattr(self, name)) for name in _NAMES)
        return urlencode({name: _written(value) for name, value in values if value not in _EMPTY})


@dataclass(frozen=True)
class Page:
    """A part of the list. ``newer`` and ``older`` are where its neighbours begin; None: no more."""

    sessions: list[Session]
    newer: str | None
    older: str | None


def page(
    filters: Filters, *, older: str | None = None, newer: str | None = None, size: int = PAGE
) -> Page:
    """The newest sessions; those after the place ``older``; or those before the place ``newer``.

    Places are those of another page. Raises ``clinic.text.BadInput`` for one that is none.
    """
    rows = matching(filters)
    found: list[int] = []
    if newer is not None:
        found = _ids(_after(rows, newer).order_by("last_activity_at", "id"), size + 1)
    if found:
        more_newer, more_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        if older is not None:
            rows = _before(rows, older)
        found = _ids(rows.order_by("-last_activity_at", "-id"), size + 1)
        more_newer, more_older = older is not None, len(found) > size
        found = found[:size]
    by_id = Session.objects.prefetch_related("tags").in_bulk(found)
    # one may have been erased since
    sessions = [by_id[key] for key in found if key in by_id]
    return Page(
        sessions,
        place_of(sessions[0]) if sessions and more_newer else None,
        place_of(sessions[-1]) if sessions and more_older else None,
    )


def matching(filters: Filters) -> QuerySet[Session]:
    """All sessions that fit, in no order."""
    rows = Session.objects.all()
    zone = facts.current().zone
    if filters.since:
        exact = isinstance(filters.since, datetime)
        begin = filters.since if exact else _midnight(filters.since, zone)
        rows = rows.filter(last_activity_at__gte=begin)
    if filters.until:
        rows = rows.filter(last_activity_at__lt=_midnight(filters.until + timedelta(days=1), zone))
    if filters.channel:
        rows = rows.filter(channel=filters.channel)
    if filters.outcome:
        rows = rows.filter(outcome=filters.outcome)
    if filters.confidence_below is not None:
        rows = rows.filter(lowest_confidence__lt=filters.confidence_below)
    if filters.red_flag is not None:
        rows = _either(rows, Q(triage_level__in=ALARMS), filters.red_flag)
    if filters.not_understood is not None:
        rows = _either(rows, Q(not_understood__gt=0), filters.not_understood)
    if filters.feedback:
        up, down = Q(feedback_up=True), Q(feedback_down=True)
        rows = rows.filter({"up": up, "down": down, "any": up | down}[filters.feedback])
    if filters.reviewed is not None:
        rows = _either(rows, Q(reviewed_at__isnull=False), filters.reviewed)
    if filters.hold is not None:
        rows = rows.filter(hold=filters.hold)
    if filters.assigned:
        rows = rows.filter(assigned_to=filters.assigned)
    if filters.topic:
        rows = _linked(rows, SessionTopic.objects.filter(topic=filters.topic))
    if filters.hour is not None:
        rows = rows.filter(began_hour=filters.hour)
    if filters.booking:
        rows = rows.filter(booking_step__gt=BOOKING_STEPS.index(filters.booking))
    if filters.wrong:
        rows = _linked(rows, Correction.objects.filter(kind=filters.wrong))
    if filters.tag:
        rows = _linked(rows, SessionTag.objects.filter(tag__name=filters.tag))
    if filters.text:
        rows = rows.filter(sessions_with(filters.text))
    return rows


def count(filters: Filters) -> int:
    """How many sessions fit; ``MOST_COUNTED`` + 1 when there are more than that."""
    return matching(filters).values("pk")[: MOST_COUNTED + 1].count()


def next_unreviewed(filters: Filters, session: Session) -> Session | None:
    """The next older session that fits and is not reviewed."""
    rows = _before(matching(replace(filters, reviewed=False)), place_of(session))
    return rows.order_by("-last_activity_at", "-id").first()


def previous_unreviewed(filters: Filters, session: Session) -> Session | None:
    """The next newer session that fits and is not reviewed."""
    rows = _after(matching(replace(filters, reviewed=False)), place_of(session))
    return rows.order_by("last_activity_at", "id").first()


def place_of(session: Session) -> str:
    """Where a session stands in the list: microseconds of its last activity, and its id."""
    return f"{(session.last_activity_at - _EPOCH) // _MICROSECOND}-{session.pk}"


def choices() -> dict[str, list[str]]:
    """What there is to choose from, by filter: ``channel``, ``topic``, ``assigned``, ``tag``."""
    pairs = list(Session.objects.order_by().values_list("channel", "assigned_to").distinct())
    return {
        "channel": sorted({channel for channel, _ in pairs}),
        "topic": list(_topics()),
        "assigned": sorted({who for _, who in pairs if who}),
        "tag": list(Tag.objects.order_by("name").values_list("name", flat=True)),
    }


def _topics() -> Iterator[str]:
    """All topics in order, each by one look into the index."""
    topic = ""
    rows = SessionTopic.objects.order_by("topic").values_list("topic", flat=True)
    while (topic := rows.filter(topic__gt=topic).first()) is not None:
        yield topic


def _ids(rows: QuerySet[Session], most: int) -> list[int]:
    # Only what the index holds; the rows themselves are read for one page.
    return list(rows.values_list("id", flat=True)[:most])


def _before(rows: QuerySet[Session], place: str) -> QuerySet[Session]:
    moment, key = _read_place(place)
    same = Q(last_activity_at__lt=moment) | Q(last_activity_at=moment, id__lt=key)
    return rows.filter(same, last_activity_at__lte=moment)


def _after(rows: QuerySet[Session], place: str) -> QuerySet[Session]:
    moment, key = _read_place(place)
    same = Q(last_activity_at__gt=moment) | Q(last_activity_at=moment, id__gt=key)
    return rows.filter(same, last_activity_at__gte=moment)


def _read_place(place: str) -> tuple[datetime, int]:
    microseconds, _, key = place.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds)), int(key)
    except (ValueError, OverflowError):
        raise BadInput("the place in the list is none. Allowed: that of another page.") from None


def _linked(rows: QuerySet[Session], links: QuerySet[Any]) -> QuerySet[Session]:
    """The sessions that something hangs on: few are looked up, among many the list is read."""
    if links.values("pk")[: _FEW + 1].count() <= _FEW:
        return rows.filter(id__in=links.values("session"))
    return rows.filter(Exists(links.filter(session=OuterRef("pk"))))


def _either(rows: QuerySet[Session], condition: Q, wanted: bool) -> QuerySet[Session]:
    return rows.filter(condition if wanted else ~condition)


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


# Reading one filter from an address.


def read_since(value: str) -> date | datetime:
    """A day, or a minute of the clinic's clock: ``2026-11-27T14:05``.

    Raises ``clinic.text.BadInput``.
    """
    try:
        if "T" in value:
            return datetime.strptime(value, _MINUTE).replace(tzinfo=facts.current().zone)
        return date.fromisoformat(value)
    except ValueError:
        raise BadInput(
            "since is no day. Allowed: for example 2026-11-27, or 2026-11-27T14:05."
        ) from None


def written_since(value: date | datetime) -> str:
    """As :func:`read_since` reads it."""
    if isinstance(value, datetime):
        return value.astimezone(facts.current().zone).strftime(_MINUTE)
    return value.isoformat()


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadInput(f"{name} is no day. Allowed: for example 2026-11-27.") from None


def _share(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise BadInput(f"{name} is no share. Allowed: a number from 0 to 1.")
    return number


def _yes_no(name: str, value: str) -> bool:
    return _one_of(name, value, ("yes", "no")) == "yes"


def _outcome(name: str, value: str) -> str:
    return _one_of(name, value, tuple(Session.Outcome.values))


def _feedback(name: str, value: str) -> str:
    return _one_of(name, value, ("up", "down", "any"))


def _hour(name: str, value: str) -> int:
    return int(_one_of(name, value, tuple(map(str, range(24)))))


def _booking(name: str, value: str) -> str:
    return _one_of(name, value, BOOKING_STEPS)


def _wrong(name: str, value: str) -> str:
    return _one_of(name, value, tuple(Correction.Kind.values))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BadInput(f"{name} is not known. Allowed: {', '.join(allowed)}.")
    return value


def _words(name: str, value: str) -> str:
    if len(value) > _LONGEST_TEXT or "\0" in value:
        raise BadInput(f"{name} is too long. Allowed: up to {_LONGEST_TEXT} characters.")
    return value


def _text(name: str, value: str) -> str:
    # Hidden from whoever reads here, and not in the search: said, rather than nothing found.
    if "@" in value or sum(letter.isdigit() for letter in value) > _DIGITS:
        raise BadInput(
            f"{name} looks like a phone number or an e-mail address. Allowed: words. The privacy "
            "officer finds a person on the page Privacy."
        )
    return _words(name, value)


_READERS: dict[str, Any] = {
    "text": _text,
    "since": lambda _, value: read_since(value),
    "until": _day,
    "confidence_below": _share,
    "outcome": _outcome,
    "feedback": _feedback,
    "wrong": _wrong,
    "hour": _hour,
    "booking": _booking,
    **dict.fromkeys(("red_flag", "not_understood", "reviewed", "hold"), _yes_no),
}
_NAMES = tuple(field.name for field in fields(Filters))
_EMPTY = (None, "")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written_since(value) if isinstance(value, date) else str(value)
