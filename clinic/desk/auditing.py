"""The audit log, for the privacy officer: who looked at or changed what, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic import facts
from clinic.audit import log
from clinic.audit.models import Action, Entry
from clinic.people.access import open_to, who
from clinic.people.models import Person
from clinic.people.roles import Right

PAGE = 100


@open_to(Right.AUDIT)
def audit(request: HttpRequest) -> HttpResponse:
    """Entries that fit, the newest first. Looking at it is noted too."""
    given = {name: request.GET.get(name, "").strip()[:80] for name in _FILTERS}
    rows = Entry.objects.all()
    if given["who"]:
        rows = rows.filter(who=given["who"])
    if given["action"]:
        rows = rows.filter(action=given["action"])
    if given["about"]:
        # "conversation 12" and not 120; "conversation" is every one of them.
        one, every = Q(about=given["about"]), Q(about__startswith=f"{given['about']} ")
        rows = rows.filter(one | every)
    since, until = _day(given["since"]), _day(given["until"])
    if since:
        rows = rows.filter(at__gte=_midnight(since))
    if until:
        rows = rows.filter(at__lt=_midnight(until) + timedelta(days=1))
    if request.GET.get("before", "").isdecimal():
        rows = rows.filter(pk__lt=int(request.GET["before"]))
    found = list(rows.order_by("-pk")[: PAGE + 1])
    log.note(who(request), Action.LIST, "audit")
    older = request.GET.copy()
    if len(found) > PAGE:
        older["before"] = str(found[PAGE - 1].pk)
    shown = {
        "entries": found[:PAGE],
        "older": older.urlencode() if len(found) > PAGE else "",
        "given": given,
        "actions": list(Action),
        "people": Person.objects.all(),
        "filtered": any(given.values()),
    }
    return render(request, "desk/audit.html", shown)


_FILTERS = ("who", "action", "about", "since", "until")


def _day(typed: str) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if 2000 < day.year < 3000 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), facts.current().zone).astimezone(UTC)
