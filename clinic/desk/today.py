"""The first page: what happened, who is waiting, what must be done first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from clinic import clock, facts
from clinic.booking.models import AppointmentRequest, Status
from clinic.conversations.listing import MOST_COUNTED, Filters, count, matching, written_since
from clinic.desk import bookings, letters
from clinic.live.models import Chat
from clinic.live.models import State as ChatState
from clinic.outbox import late, queue
from clinic.outbox.models import Item, State
from clinic.people.access import may, open_to
from clinic.people.models import Person
from clinic.people.roles import Right
from clinic.privacy import records
from clinic.questions.models import Question
from clinic.questions.models import State as QuestionState

#: After so long without a look at Today, the next look is another visit.
_VISIT = timedelta(minutes=30)
#: What is shown as since the last visit goes back no further.
_LONGEST = timedelta(days=14)


@dataclass(frozen=True)
class Waiting:
    """Something somebody must look at: ``key`` of ``today`` in wording.yml, and its list."""

    key: str
    count: int
    address: str
    oldest: datetime | None = None
    urgent: bool = False

    @property
    def many(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > MOST_COUNTED


@open_to(Right.TODAY)
def today(request: HttpRequest) -> HttpResponse:
    """Everything that waits for somebody, each with a link to its list."""
    now = clock.now()
    before = _last_visit(request, now)
    # To the minute, as the address of a list can say it: the number is that of the list.
    since = max(before or now - timedelta(days=1), now - _LONGEST).replace(second=0, microsecond=0)
    waiting = [
        item
        for right, find in _KINDS
        if may(request, right)
        for item in find(since)
        if item is not None
    ]
    shown = {
        "waiting": sorted((one for one in waiting if one.count), key=lambda one: not one.urgent),
        "nothing": [one for one in waiting if not one.count],
        "since": since,
        "happened": _happened(request, since) if before else [],
        "appointments": _appointments(now) if may(request, Right.BOOKINGS) else None,
        "open_now": facts.current().variables(now)["clinic_open_now"],
    }
    part = "desk/today_part.html" if request.headers.get("HX-Request") else "desk/today.html"
    return render(request, part, shown)


def _last_visit(request: HttpRequest, now: datetime) -> datetime | None:
    """When this person looked before this visit; None at the first. Notes this look."""
    person = request.user
    if request.GET.get("poll"):
        return person.visited_before
    before = person.visited_before
    if person.visited_at and now - person.visited_at > _VISIT:
        before = person.visited_at
    Person.objects.filter(pk=person.pk).update(visited_at=now, visited_before=before)
    return before


def _persons(since: datetime) -> list[Waiting | None]:
    chats = Chat.objects.filter(state=ChatState.WAITING).order_by("asked_at")
    first = chats.first()
    return [_waiting("chats", chats.count(), "live", oldest=first and first.asked_at, urgent=True)]


def _front_desk(since: datetime) -> list[Waiting | None]:
    requests, unread = bookings.undecided(), letters.unanswered()
    stuck, to_call = Item.objects.filter(state=State.STUCK), queue.to_call()
    call = to_call.order_by("due_at").first()
    not_sent = stuck.exclude(pk__in=to_call).count() + late.count()
    first, oldest = requests.order_by("created_at").first(), unread.order_by("created_at").first()
    return [
        _waiting(
            "messages", unread.count(), "messages", oldest=oldest and oldest.created_at, urgent=True
        ),
        _waiting("requests", requests.count(), "bookings", oldest=first and first.created_at),
        _waiting("calls", to_call.count(), "deliveries", oldest=call and call.due_at, urgent=True),
        _waiting("stuck", not_sent, "deliveries", urgent=True),
    ]


def _red_flags(since: datetime) -> list[Waiting | None]:
    filters = Filters(red_flag=True, reviewed=False)
    number = count(filters)
    first = matching(filters).order_by("last_activity_at").first() if number else None
    return [
        _waiting(
            "red_flags",
            number,
            "conversations",
            query=filters.to_query(),
            oldest=first and first.last_activity_at,
            urgent=True,
        )
    ]


def _privacy(since: datetime) -> list[Waiting | None]:
    wishes = records.open_requests()
    first = wishes.order_by("at").first()
    return [_waiting("wishes", wishes.count(), "privacy", oldest=first and first.at, urgent=True)]


def _for_clinician(since: datetime) -> list[Waiting | None]:
    state = QuestionState.MISSED_RED_FLAG
    missed = Question.objects.filter(state=state, exported_at=None)
    first = missed.order_by("decided_at").first()
    return [
        _waiting(
            "missed_red_flags",
            missed.count(),
            "questions",
            query=f"state={state}",
            oldest=first and first.decided_at,
            urgent=True,
        )
    ]


def _review(since: datetime) -> list[Waiting | None]:
    not_understood = Filters(not_understood=True, reviewed=False, since=since)
    down = Filters(feedback="down", reviewed=False)
    return [
        _waiting(
            "not_understood",
            count(not_understood),
            "conversations",
            query=not_understood.to_query(),
        ),
        _waiting("thumbs_down", count(down), "conversations", query=down.to_query()),
    ]


def _waiting(
    key: str,
    number: int,
    page: str,
    *,
    query: str = "",
    oldest: datetime | None = None,
    urgent: bool = False,
) -> Waiting | None:
    try:
        address = reverse(page)
    except NoReverseMatch:
        return None
    address += f"?{query}" if query else ""
    return Waiting(key, number, address, oldest, urgent and number > 0)


_KINDS: tuple[tuple[Right, Callable[[datetime], list[Waiting | None]]], ...] = (
    (Right.LIVE, _persons),
    (Right.CONVERSATIONS, _red_flags),
    (Right.QUESTIONS, _for_clinician),
    (Right.PRIVACY, _privacy),
    (Right.BOOKINGS, _front_desk),
    (Right.REVIEW, _review),
)


def _appointments(now: datetime) -> list[AppointmentRequest]:
    """The appointments of the day that are not over yet."""
    times, zone = facts.current().times, facts.current().zone
    tonight = times.moment(now.astimezone(zone).date(), 1440)
    coming = AppointmentRequest.objects.filter(
        status=Status.CONFIRMED, ends_at__gt=now, starts_at__lt=tonight
    )
    return list(coming.order_by("starts_at", "pk"))


def _happened(request: HttpRequest, since: datetime) -> list[Waiting]:
    """What happened since, by key of ``happened`` in wording.yml, with its list; no zeros."""
    found: list[tuple[str, int, str, str]] = []
    lists = {}
    if may(request, Right.CONVERSATIONS):
        lists["chats"] = Filters(since=since)
    if may(request, Right.REVIEW):
        lists["not_understood"] = Filters(since=since, not_understood=True)
    for key, filters in lists.items():
        found.append((key, count(filters), "conversations", filters.to_query()))
    if may(request, Right.BOOKINGS):
        for key in bookings.HAPPENED:
            query = urlencode({"show": key, "since": written_since(since)})
            found.append((key, bookings.happened(key, since).count(), "bookings", query))
    listed = [_waiting(key, number, page, query=query) for key, number, page, query in found]
    return [one for one in listed if one is not None and one.count]
