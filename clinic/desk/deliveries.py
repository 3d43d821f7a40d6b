"""What has not arrived: patients to call, and letters, entries and messages that are stuck."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.handoff import mail
from clinic.desk import paging, undoing
from clinic.desk.bookings import tab_counts
from clinic.desk.words import say
from clinic.outbox import late, queue
from clinic.outbox.models import Item, State
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.text import BadInput

#: Rows of one page, of each of six kinds.
PAGE = 20


@open_to(Right.BOOKINGS)
def deliveries(request: HttpRequest) -> HttpResponse:
    """Everything that is not delivered yet, each kind page by page, what is stuck first."""
    pages = {
        kind: paging.oldest_first(rows, request.GET.get(kind, ""), PAGE)
        for kind, rows in _not_delivered().items()
    }
    shown = {
        **tab_counts(),
        "to_call": pages["calls"].rows,
        "items": _with_words(pages["stuck"].rows + pages["tried"].rows),
        "late": late.in_words(pages["late"].rows + pages["late_tried"].rows),
        "no_mail": not mail.is_set_up(),
        "on_their_way": _with_words(pages["waiting"].rows),
        "on_their_way_count": _not_delivered()["waiting"].count(),
        "more": {kind: page.more for kind, page in pages.items()},
    }
    return render(request, "desk/deliveries.html", shown)


def _not_delivered() -> dict[str, QuerySet[Any]]:
    """By kind: to call, given up, tried in vain, on their way; the same of messages in apps."""
    items, late_ones = queue.open_or_stuck(), late.unsettled()
    return {
        "calls": queue.to_call().select_related("request", "change"),
        "stuck": items.filter(state=State.STUCK).exclude(pk__in=queue.to_call()),
        "tried": items.filter(state=State.FAILED),
        "waiting": items.filter(state=State.WAITING),
        "late": late_ones.filter(state=State.STUCK),
        "late_tried": late_ones.filter(state=State.FAILED),
    }


def _with_words(items: Iterable[Item]) -> list[tuple[Item, str]]:
    return [(item, queue.in_words(item)) for item in items]


@open_to(Right.BOOKINGS)
@require_POST
def retry(request: HttpRequest, number: int) -> HttpResponse:
    """Try one again now."""
    try:
        with transaction.atomic():
            queue.retry(number, who(request))
            log.note(who(request), Action.CHANGE, f"delivery {number}", detail="retry")
    except BadInput:
        messages.warning(request, say("flash.retry_late"))
    else:
        messages.success(request, say("flash.retry"))
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def done(request: HttpRequest, number: int) -> HttpResponse:
    """Somebody has called the patient, or has entered it by hand."""
    try:
        with transaction.atomic():
            queue.done_by_hand(number, who(request))
            log.note(who(request), Action.CHANGE, f"delivery {number}", detail="by hand")
    except BadInput:
        messages.warning(request, say("flash.retry_late"))
    else:
        undo = reverse("delivery-not-done", args=[number])
        messages.success(request, say("flash.done_by_hand"), extra_tags=undo)
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def not_done(request: HttpRequest, number: int) -> HttpResponse:
    """Not after all: the patient is still to be called."""
    with transaction.atomic():
        done = queue.not_done(number, who(request))
        if done:
            log.note(who(request), Action.UNDO, f"delivery {number}", detail="by hand")
    if done:
        messages.success(request, say("flash.undone"))
    else:
        messages.warning(request, say("flash.undo_changed"))
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def settle(request: HttpRequest, number: int) -> HttpResponse:
    """Someone has reached the patient in another way."""
    with transaction.atomic():
        done = late.settle(number, clock.now())
        if done:
            log.note(who(request), Action.CHANGE, f"late message {number}", detail="settled")
    if done:
        undo = reverse("reopen-late", args=[number])
        messages.success(request, say("flash.settled"), extra_tags=undo)
    else:
        messages.warning(request, say("flash.retry_late"))
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    """Undo of :func:`settle`: somebody still has to reach the patient."""
    with transaction.atomic():
        done = late.reopen(number)
        if done:
            log.note(who(request), Action.UNDO, f"late message {number}", detail="settled")
    if done:
        messages.success(request, say("flash.undone"))
    else:
        messages.warning(request, say("flash.undo_changed"))
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def retry_all(request: HttpRequest) -> HttpResponse:
    """Try all again, for example after a password was put right."""
    with transaction.atomic():
        count = queue.retry_all(who(request))
        log.note(who(request), Action.CHANGE, "deliveries", detail="retry", count=count)
    messages.success(request, say("flash.retry_all", count=count))
    return undoing.back(request, "deliveries")
