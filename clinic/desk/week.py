"""The week of the clinic: who is there when, and which times are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.models import AppointmentRequest, Hold, Status
from clinic.desk.bookings import tab_counts
from clinic.facts import Facts
from clinic.hours import clock_words
from clinic.people.access import open_to, who
from clinic.people.roles import Right

_FARTHEST = timedelta(days=5 * 366)


@dataclass
class Entry:
    """One stretch of a therapist's time. ``request`` is None for a time held in an open chat."""

    starts_at: datetime
    ends_at: datetime
    request: AppointmentRequest | None = None


@dataclass
class Day:
    """One day of one therapist. ``works`` are the times in words, "" when not there or not known.

    ``open``: some of them are still to come.
    """

    day: date
    past: bool
    today: bool
    works: str
    open: bool
    entries: list[Entry] = field(default_factory=list)


@open_to(Right.BOOKINGS)
def week(request: HttpRequest) -> HttpResponse:
    """The days from Monday on, for each therapist."""
    clinic, now = facts.current(), clock.now()
    today = now.astimezone(clinic.zone).date()
    start = _monday(request.GET.get("from", ""), today)
    after = start + timedelta(days=7)
    log.note(who(request), Action.LIST, "bookings", detail="week")
    shown = {
        "therapists": [
            (name, name in clinic.working_times, _days(name, entries, start, now, clinic))
            for name, entries in _by_therapist(start, now, clinic).items()
        ],
        "start": start,
        "last": after - timedelta(days=1),
        "before": start - timedelta(days=7),
        "after": after,
        "this_week": start <= today < after,
        **tab_counts(),
    }
    return render(request, "desk/week.html", shown)


def _monday(typed: str, today: date) -> date:
    """The Monday of the day in the address, within some years; of today otherwise."""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = today
    if abs(day - today) > _FARTHEST:
        day = today
    return day - timedelta(days=day.weekday())


def _by_therapist(start: date, now: datetime, clinic: Facts) -> dict[str, list[Entry]]:
    """What is taken in a week, requests and times held in chats, by therapist.

    All who work here, and after them whoever else has an appointment: they may have left, or been
    renamed in ``clinic.yml``.
    """
    begin = datetime.combine(start, time(), clinic.zone).astimezone(UTC)
    end = datetime.combine(start + timedelta(days=7), time(), clinic.zone).astimezone(UTC)
    week = {"starts_at__gte": begin, "starts_at__lt": end}
    active = (Status.REQUESTED, Status.CHANGED, Status.CONFIRMED)
    entries = [
        (one.therapist, Entry(one.starts_at, one.ends_at, one))
        for one in AppointmentRequest.objects.filter(**week, status__in=active)
    ]
    entries += [
        (hold.therapist, Entry(hold.starts_at, hold.ends_at))
        for hold in Hold.objects.filter(**week, request=None, expires_at__gt=now)
    ]
    found: dict[str, list[Entry]] = {person.name: [] for person in clinic.therapists}
    for therapist, entry in sorted(entries, key=lambda one: one[1].starts_at):
        found.setdefault(therapist or "", []).append(entry)
    return found


def _days(
    therapist: str, entries: list[Entry], start: date, now: datetime, clinic: Facts
) -> list[Day]:
    """Seven days of one therapist."""
    today = now.astimezone(clinic.zone).date()
    days = {
        day: _day(therapist, day, today, now, clinic)
        for day in (start + timedelta(days=count) for count in range(7))
    }
    for entry in entries:
        days[entry.starts_at.astimezone(clinic.zone).date()].entries.append(entry)
    return list(days.values())


def _day(therapist: str, day: date, today: date, now: datetime, clinic: Facts) -> Day:
    works = _works(therapist, day, clinic)
    return Day(
        day,
        past=day < today,
        today=day == today,
        works=", ".join(f"{_words(a, clinic)} to {_words(b, clinic)}" for a, b in works),
        open=any(end > now for _, end in works),
    )


def _works(therapist: str, day: date, clinic: Facts) -> list[tuple[datetime, datetime]]:
    """When this person works on a day within the clinic's hours; never when not of the clinic."""
    if therapist not in clinic.working_times:
        return []
    begin, end = clinic.times.moment(day, 0), clinic.times.moment(day, 1440)
    own = clinic.working_times[therapist]
    opened = clinic.times.stretches(begin, end)
    works = own.stretches(begin, end) if own else opened
    return [(max(a, c), min(b, d)) for a, b in opened for c, d in works if max(a, c) < min(b, d)]


def _words(moment: datetime, clinic: Facts) -> str:
    here = moment.astimezone(clinic.zone)
    return clock_words(here.hour * 60 + here.minute)
