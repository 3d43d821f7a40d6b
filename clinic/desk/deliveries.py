"""What has not arrived: letters and entries in the booking system that are stuck."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from clinic.audit import log
from clinic.audit.models import Action
from clinic.desk import undoing
from clinic.desk.bookings import tab_counts
from clinic.desk.words import say
from clinic.outbox import queue
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.text import BadInput


@open_to(Right.BOOKINGS)
def deliveries(request: HttpRequest) -> HttpResponse:
    """Everything that is not delivered yet, what is stuck first."""
    items = sorted(queue.open_or_stuck(), key=lambda item: item.state != "stuck")
    shown = {**tab_counts(), "items": [(item, queue.in_words(item)) for item in items]}
    return render(request, "desk/deliveries.html", shown)


@open_to(Right.BOOKINGS)
@require_POST
def retry(request: HttpRequest, number: int) -> HttpResponse:
    """Try one again now."""
    try:
        queue.retry(number, who(request))
    except BadInput:
        messages.warning(request, say("flash.retry_late"))
    else:
        log.note(who(request), Action.CHANGE, f"delivery {number}", detail="retry")
        messages.success(request, say("flash.retry"))
    return undoing.back(request, "deliveries")


@open_to(Right.BOOKINGS)
@require_POST
def retry_all(request: HttpRequest) -> HttpResponse:
    """Try all again, for example after a password was put right."""
    count = queue.retry_all(who(request))
    log.note(who(request), Action.CHANGE, "deliveries", detail="retry", count=count)
    messages.success(request, say("flash.retry_all", count=count))
    return undoing.back(request, "deliveries")
