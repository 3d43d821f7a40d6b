"""Patients who want to be told when a time frees up."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking import waiting
from clinic.booking.models import WaitingEntry, WaitingOffer
from clinic.desk import paging
from clinic.desk.bookings import tab_counts
from clinic.desk.reasons import reason_of
from clinic.desk.words import say
from clinic.people.access import open_to, who
from clinic.people.roles import Right

PAGE = 50


@open_to(Right.BOOKINGS)
def waiting_list(request: HttpRequest) -> HttpResponse:
    """Who waits, first come first, page by page."""
    told = Count("offers", filter=Q(offers__state=WaitingOffer.State.TOLD))
    those = WaitingEntry.objects.filter(state=WaitingEntry.State.WAITING).annotate(told=told)
    page = paging.oldest_first(those, request.GET.get("after", ""), PAGE)
    log.note(who(request), Action.LIST, "waiting list", count=len(page.rows))
    shown = {"entries": page.rows, "more": page.more, **tab_counts()}
    return render(request, "desk/waiting_list.html", shown)


@open_to(Right.BOOKINGS)
@require_POST
def take_off(request: HttpRequest, reference: str) -> HttpResponse:
    """The patient no longer waits: they called, or were given a time by hand."""
    found = get_object_or_404(WaitingEntry, reference=reference.upper())
    with transaction.atomic():
        done = waiting.take_off(found)
        if done:
            log.note(who(request), Action.CHANGE, f"waiting {found.reference}", detail="left")
    if done:
        back = reverse("waiting-put-back", args=[found.reference])
        messages.success(request, say("flash.waiting_left"), extra_tags=back)
    else:
        messages.info(request, say("flash.nothing_changed"))
    return redirect("waiting-list")


@open_to(Right.BOOKINGS)
@require_POST
def put_back(request: HttpRequest, reference: str) -> HttpResponse:
    """Not after all."""
    found = get_object_or_404(WaitingEntry, reference=reference.upper())
    with transaction.atomic():
        done = waiting.put_back(found)
        if done:
            log.note(who(request), Action.CHANGE, f"waiting {found.reference}", detail="waiting")
    if done:
        messages.success(request, say("flash.undone"))
    else:
        messages.info(request, say("flash.nothing_changed"))
    return redirect("waiting-list")


@open_to(Right.BOOKINGS)
@require_POST
def contact(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows how to reach the patient. Who looked and why is noted."""
    found = get_object_or_404(WaitingEntry, reference=reference.upper())
    about, reason = f"waiting {found.reference}", reason_of(request)
    log.note(who(request), Action.UNMASK, about, detail="contact", reason=reason)
    if not request.headers.get("HX-Request"):
        # Without scripts a whole page is needed to show it on.
        return render(request, "desk/waiting_list.html", {"entries": [], "shown": found})
    return render(request, "desk/contact.html", {"found": found})
