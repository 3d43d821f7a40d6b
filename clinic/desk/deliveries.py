"""What has not arrived: patients to call, and letters, entries and messages that are stuck."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.handoff import mail
from clinic.desk import undoing
from clinic.desk.bookings import tab_counts
from clinic.desk.words import say
from clinic.outbox import late, queue
from clinic.outbox.models import Item, State
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.text import BadInput


@open_to(Right.BOOKINGS)
def deliveries(request: HttpRequest) -> HttpResponse:
    """Everything that is not delivered yet, what is stuck first."""
    items = sorted(queue.open_or_stuck(), key=lambda item: item.state != State.STUCK)
    to_call = list(queue.to_call().select_related("request", "change").order_by("id"))
    called = {item.pk for item in to_call}
    shown = {
        **tab_counts(),
        "to_call": to_call,
        "items": _with_words(item for item in items if item.pk not in called and is_late(item)),
        "late": late.in_words(late.unsettled().order_by("-state", "pk")),
        "no_mail": not mail.is_set_up(),
        "on_their_way": _with_words(item for item in items if not is_late(item)),
    }
    return render(request, "desk/deliveries.html", shown)


def is_late(item: Item) -> bool:
    """Whether it was tried in vain."""
    return item.state != State.WAITING


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
