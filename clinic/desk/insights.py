"""The page of numbers: each opens the list it counts; reads well printed."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Session
from clinic.desk import figures
from clinic.desk.figures import Days
from clinic.people.access import may, open_to, who
from clinic.people.roles import Right

_USUAL = 30
_SHOWN = 200
_LONGEST = 366


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
        "by_day": _columns(counted.by_day()),
        "by_hour": _columns(counted.by_hour()),
        "by_topic": counted.by_topic(),
        "funnel": counted.funnel(),
        "times": {kind: figures.middle(find(days)) for kind, find in _WAITS.items()},
    }
    return render(request, "desk/insights.html", shown)


@open_to(Right.INSIGHTS)
def waits(request: HttpRequest, kind: str) -> HttpResponse:
    """Who waited how long, the longest first: the list behind the middle of them."""
    days, _ = _days(request, clock.now().astimezone(facts.current().zone).date())
    found = _WAITS[kind](days)
    log.note(who(request), Action.LIST, "waits", detail=kind, count=len(found))
    shown = {
        "kind": kind,
        "days": days,
        "waits": found[:_SHOWN],
        "middle": figures.middle(found),
        "counted": len(found),
        "may_book": may(request, Right.BOOKINGS),
    }
    return render(request, "desk/waits.html", shown)


_WAITS = {"request": figures.waits_for_answer, "person": figures.waits_for_person}
#: Kinds of waiting, for the addresses.
KINDS = tuple(_WAITS)


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
    tiles = [("all", every, None, days.filters())]
    return tiles + [
        (key, number, number / every if every else None, days.filters(**more))
        for key, number, more in rows
    ]


def _columns(bars: list[figures.Bar]) -> dict[str, Any]:
    """Where the columns of a chart stand, in a box 100 high and 10 wide for each."""
    return {
        "bars": [
            {"bar": bar, "x": 10 * place + 1, "y": 100 - bar.share, "height": bar.share}
            for place, bar in enumerate(bars)
        ],
        "width": 10 * len(bars),
        "largest": max((bar.number for bar in bars), default=0),
        "first": bars[0].name if bars else "",
        "last": bars[-1].name if bars else "",
    }
