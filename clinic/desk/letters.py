"""Messages that patients left for a person."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.desk import paging
from clinic.desk.reasons import reason_of
from clinic.desk.words import say
from clinic.handoff.models import PatientMessage
from clinic.people.access import open_to, who
from clinic.people.roles import Right

PAGE = 50


def unanswered() -> QuerySet[PatientMessage]:
    """What nobody has dealt with."""
    return PatientMessage.objects.filter(status=PatientMessage.Status.NEW)


@open_to(Right.BOOKINGS)
def left_messages(request: HttpRequest) -> HttpResponse:
    """Those to answer, the oldest first; or those answered, the newest first."""
    answered = request.GET.get("show") == "answered"
    after = request.GET.get("after", "")
    if answered:
        rows = PatientMessage.objects.filter(status=PatientMessage.Status.ANSWERED)
        page = paging.newest_first(rows, after, PAGE)
    else:
        page = paging.oldest_first(unanswered(), after, PAGE)
    log.note(who(request), Action.LIST, "messages", count=len(page.rows))
    shown = {
        "found": page.rows,
        "more": page.more,
        "answered": answered,
        "open": unanswered().count(),
    }
    return render(request, "desk/messages.html", shown)


@open_to(Right.BOOKINGS)
@require_POST
def mark(request: HttpRequest, reference: str, status: str) -> HttpResponse:
    """Answered, or not after all."""
    message = get_object_or_404(PatientMessage, reference=reference.upper())
    answered = status == PatientMessage.Status.ANSWERED
    with transaction.atomic():
        message.status = status
        message.answered_at = clock.now() if answered else None
        message.save(update_fields=["status", "answered_at"])
        log.note(who(request), Action.CHANGE, f"message {message.reference}", detail=status)
    if answered:
        undo = reverse("message-new", args=[message.reference])
        messages.success(request, say("flash.message_answered"), extra_tags=undo)
    return redirect("messages")


@open_to(Right.BOOKINGS)
@require_POST
def contact(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows how to reach the patient. Who looked and why is noted."""
    found = get_object_or_404(PatientMessage, reference=reference.upper())
    about, reason = f"message {found.reference}", reason_of(request)
    log.note(who(request), Action.UNMASK, about, detail="contact", reason=reason)
    if request.headers.get("HX-Request"):
        return render(request, "desk/contact.html", {"found": found})
    shown = {"found": [found], "contact_shown": found.pk, "open": unanswered().count()}
    return render(request, "desk/messages.html", shown)
