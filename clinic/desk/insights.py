"""The page of numbers: each opens the list it counts; reads well printed."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.models import AppointmentRequest
from clinic.conversations.models import Session
from clinic.desk import figures
from clinic.desk.figures import Days
from clinic.people.access import may, open_to, who
from clinic.people.roles import Right

_USUAL = 30
_SHOWN = 200
_LONGEST = 366
#: Columns of a chart that are named beneath it, and that have room for their numbers on paper.
_TICKS, _NUMBERED = 4, 31


@open_to(Right.INSIGHTS)
def insights(request: HttpRequest) -> HttpResponse:
    """The last 30 days, a month (``month=2026-11``), or ``since`` and ``until``."""
    today = clock.now().astimezone(facts.current().zone).date()
    days, month = _days(request, today)
    counted = figures.Counted(days)
    shown = {
        "days": days,
        "month": month,
        "month_before": (days.first.replace(day=1) - timedelta(days=1)) if month else None,
        "this_month": today,
        "tiles": _tiles(days, counted.sessions),
        "counted": counted.sessions,
        "by_day": _chart(counted.by_day()),
        "messages_by_day": _chart(counted.messages_by_day()),
        "by_hour": _chart(counted.by_hour()),
        "by_topic": counted.by_topic(),
        "funnel": counted.funnel(),
        "times": [_time(kind, find(days)) for kind, find in _WAITS.items()],
    }
    return render(request, "desk/insights.html", shown)


@open_to(Right.INSIGHTS)
def waits(request: HttpRequest, kind: str) -> HttpResponse:
    """Who waited how long, the longest first: the list behind the middle of them."""
    days, _ = _days(request, clock.now().astimezone(facts.current().zone).date())
    found = _WAITS[kind](days)
    typed = request.GET.get("start", "")
    start = int(typed) if typed.isdecimal() and len(typed) < 7 else 0
    page = found[start : start + _SHOWN]
    requests = AppointmentRequest.objects.in_bulk([one.request for one in page if one.request])
    log.note(who(request), Action.LIST, "waits", detail=kind, count=len(found))
    shown = {
        "kind": kind,
        "days": days,
        "waits": [(one, requests.get(one.request)) for one in page],
        "start": start,
        "before": max(start - _SHOWN, 0),
        "after": start + _SHOWN if len(found) > start + _SHOWN else None,
        "nobody": sum(one.length is None for one in found),
        "middle": figures.middle(found),
        "counted": len(found),
        "may_book": may(request, Right.BOOKINGS),
    }
    return render(request, "desk/waits.html", shown)


_WAITS = {
    "request": figures.waits_for_answer,
    "message": figures.waits_for_message,
    "person": figures.waits_for_person,
}
#: Kinds of waiting, for the addresses.
KINDS = tuple(_WAITS)


def _time(kind: str, found: list[figures.Wait]) -> dict[str, Any]:
    """The middle of some waits, and how many there are that waited for nothing."""
    return {
        "name": f"waits-{kind}",
        "kind": kind,
        "any": bool(found),
        "middle": figures.middle(found),
        "nobody": sum(one.length is None for one in found),
    }


def _days(request: HttpRequest, today: date) -> tuple[Days, bool]:
    try:
        year, number = (int(part) for part in request.GET.get("month", "").split("-"))
        first = date(year, number, 1)
        return Days(first, date(year, number, monthrange(year, number)[1])), True
    except ValueError:
        pass
    try:
        first = date.fromisoformat(request.GET.get("since", ""))
        last = date.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        first, last = today - timedelta(days=_USUAL - 1), today
    if not timedelta() <= last - first < timedelta(days=_LONGEST) or not 2000 < first.year < 3000:
        first, last = today - timedelta(days=_USUAL - 1), today
    return Days(first, last), False


def _tiles(days: Days, counted: dict[str, int]) -> list[tuple[str, int, float | None, str]]:
    """Key of ``tiles`` in wording.yml, number, share of all conversations, and the list behind."""
    outcome = Session.Outcome
    rows: list[tuple[str, int, dict[str, Any]]] = [
        ("answered", counted[outcome.ANSWERED], {"outcome": outcome.ANSWERED}),
        (
            "requested",
            counted[outcome.REQUESTED_BOOKING],
            {"outcome": outcome.REQUESTED_BOOKING},
        ),
        ("handed", counted[outcome.HANDED_TO_PERSON], {"outcome": outcome.HANDED_TO_PERSON}),
        ("unclear", counted["unclear"], {"not_understood": True}),
        ("alarms", counted["alarms"], {"red_flag": True}),
        ("up", counted["up"], {"feedback": "up"}),
        ("down", counted["down"], {"feedback": "down"}),
    ]
    every = counted["all"]
    tiles = [
        ("all", every, None, days.filters()),
        ("messages", counted["said"], None, days.filters()),
    ]
    return tiles + [
        (key, number, number / every if every else None, days.filters(**more))
        for key, number, more in rows
    ]


def _chart(bars: list[figures.Bar]) -> dict[str, Any]:
    """Where the columns of a chart stand, in hundredths of its width and height.

    ``ticks`` are the columns that are named beneath, ``long`` is a chart of so many columns that
    there is no room for their numbers.
    """
    step = 100 / max(len(bars), 1)
    columns = [
        {
            "bar": bar,
            "x": f"{place * step + step / 10:.2f}",
            "middle": f"{(place + 0.5) * step:.2f}",
            "y": f"{100 - bar.share:.1f}",
            "height": f"{bar.share:.1f}",
        }
        for place, bar in enumerate(bars)
    ]
    return {
        "columns": columns,
        "width": f"{step * 0.8:.2f}",
        "ticks": columns[:: ceil(len(bars) / _TICKS) or 1],
        "long": len(bars) > _NUMBERED,
        "largest": max((bar.number for bar in bars), default=0),
    }
