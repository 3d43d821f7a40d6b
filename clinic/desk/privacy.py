"""The page of the privacy officer: one person's data, holds, retention, receipts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.models import AppointmentRequest
from clinic.conversations.models import Session
from clinic.conversations.ties import with_tied
from clinic.desk import paging, reviewing, undoing
from clinic.desk.reasons import reason_of
from clinic.desk.words import say
from clinic.handoff.models import PatientMessage
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.privacy import person, records, retention
from clinic.privacy.erasing import erase
from clinic.privacy.models import DeletionReceipt, DeletionRequest, RedactionReceipt, RetentionRun
from clinic.privacy.personal_copy import personal_copy
from clinic.text import BadInput

#: Rows of each kind on one page about a person.
PAGE = 50
_SHOWN, _NIGHTS = 30, 10
# What the audit log calls each kind of row, and what it is known by there.
_CALLED = {
    "sessions": ("conversation", "pk"),
    "requests": ("request", "reference"),
    "left": ("message", "reference"),
}


@open_to(Right.PRIVACY)
def privacy(request: HttpRequest) -> HttpResponse:
    """What can be done, what is held, what was deleted."""
    return _page(request)


def _page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    shown = {
        "days": facts.current().privacy.keep_conversations.days,
        "runs": retention.last_runs(_NIGHTS),
        "more_nights": RetentionRun.objects.count() > _NIGHTS,
        "wishes": _wishes(),
        "receipts": DeletionReceipt.objects.order_by("-pk")[:_SHOWN],
        "redactions": RedactionReceipt.objects.order_by("-pk")[:_SHOWN],
        "held": Session.objects.filter(hold=True).order_by("-last_activity_at")[:_SHOWN],
        "held_count": Session.objects.filter(hold=True).count(),
        **more,
    }
    return render(request, "desk/privacy.html", shown, status=status)


def _wishes() -> list[tuple[DeletionRequest, Session | None]]:
    """What patients want deleted although it is held, the oldest first, and its newest session."""
    return [
        (
            wish,
            Session.objects.filter(conversation_id=wish.conversation_id)
            .order_by("-number")
            .first(),
        )
        for wish in records.open_requests().order_by("at", "pk")
    ]


@open_to(Right.PRIVACY)
@require_POST
def settle_wish(request: HttpRequest, number: int) -> HttpResponse:
    """The patient who wants a client record deleted has had an answer."""
    if records.settle(number, who(request), clock.now()):
        undo = reverse("reopen-wish", args=[number])
        messages.success(request, say("flash.wish_settled"), extra_tags=undo)
    else:
        messages.info(request, say("flash.nothing_changed"))
    return redirect("privacy")


@open_to(Right.PRIVACY)
@require_POST
def reopen_wish(request: HttpRequest, number: int) -> HttpResponse:
    """Not after all."""
    done = records.reopen(number, who(request))
    messages.success(request, say("flash.undone" if done else "flash.nothing_changed"))
    return redirect("privacy")


@open_to(Right.PRIVACY)
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Everything of one person across channels.

    By POST, so that a phone number stands in no address and no log of a proxy.
    """
    typed = request.POST.get("person", "").strip()[:320]
    try:
        found = person.find(typed)
    except BadInput:
        return _page(request, 400, problem=say("errors.person"), typed=typed)
    return _found(request, typed, found, reason_of(request))


def _theirs(conversations: Collection[str]) -> dict[str, QuerySet[Any]]:
    """What there is of these conversations, the newest first."""
    theirs = {"conversation_id__in": list(conversations)}
    return {
        "sessions": Session.objects.filter(**theirs).order_by("-last_activity_at", "-pk"),
        "requests": AppointmentRequest.objects.filter(**theirs).order_by("-pk"),
        "left": PatientMessage.objects.filter(**theirs).order_by("-pk"),
    }


def _note_each(
    request: HttpRequest, action: Action, rows: Mapping[str, Iterable[Any]], detail: str
) -> None:
    """An entry for each thing, so that who looks at the log of one of them sees it."""
    for name, each in rows.items():
        kind, key = _CALLED[name]
        for row in each:
            log.note(who(request), action, f"{kind} {getattr(row, key)}", detail=detail)


def _found(
    request: HttpRequest, typed: str, found: person.Found, reason: str, **more: Any
) -> HttpResponse:
    """A page of what was found; why it was looked for, and what is shown, is noted."""
    place = request.POST.get("start", "")
    start = int(place) if paging.is_key(place) else 0
    # One more of each tells whether there is another page.
    page = {
        name: list(each[start : start + PAGE + 1])
        for name, each in _theirs(found.conversations).items()
    }
    with transaction.atomic():
        log.note(
            who(request), Action.SEARCH, "person", reason=reason, count=len(found.conversations)
        )
        seen = {name: each[:PAGE] for name, each in page.items()}
        _note_each(request, Action.VIEW, seen, "person found")
    shown = {
        "typed": typed,
        "reason": request.POST.get("reason", ""),
        "found": found,
        **seen,
        "more": start + PAGE if any(len(each) > PAGE for each in page.values()) else None,
        "anything": bool(found.conversations),
        **more,
    }
    return render(request, "desk/person.html", shown)


@open_to(Right.PRIVACY)
@require_POST
def copy(request: HttpRequest) -> HttpResponse:
    """All that is kept of a person, as a file for them. Nothing in it is hidden."""
    try:
        found = person.find(request.POST.get("person", ""))
    except BadInput:
        return _page(request, 400, problem=say("errors.person"))
    return _copy(request, found.conversations, "person")


@open_to(Right.PRIVACY)
@require_POST
def copy_conversation(request: HttpRequest, number: int) -> HttpResponse:
    """The same of one conversation, for a patient who gave no contact to be found by."""
    session = get_object_or_404(Session, pk=number)
    return _copy(request, with_tied([session.conversation_id]), f"conversation {number}")


def _copy(request: HttpRequest, conversations: Collection[str], about: str) -> HttpResponse:
    reason = reason_of(request)
    with transaction.atomic():
        log.note(who(request), Action.EXPORT, about, reason=reason, count=len(conversations))
        _note_each(request, Action.EXPORT, _theirs(conversations), "copy")
    response = JsonResponse(
        personal_copy(conversations), json_dumps_params={"ensure_ascii": False, "indent": 2}
    )
    response["Content-Disposition"] = 'attachment; filename="personal-data.json"'
    return response


@open_to(Right.PRIVACY)
@require_POST
def erase_person(request: HttpRequest) -> HttpResponse:
    """Erases all of one person, but for what is held and where somebody is talking now."""
    typed = request.POST.get("person", "").strip()[:320]
    try:
        found = person.find(typed)
    except BadInput:
        return _page(request, 400, problem=say("errors.person"))
    reason = reason_of(request)
    if not request.POST.get("sure"):
        return _found(request, typed, found, reason, problem=say("errors.sure"))
    return _erase(request, found.conversations, "person", reason)


@open_to(Right.PRIVACY)
@require_POST
def erase_conversation(request: HttpRequest, number: int) -> HttpResponse:
    """The same of one conversation, and of those that its patient left for it or went on with."""
    session = get_object_or_404(Session, pk=number)
    reason = reason_of(request)
    if not request.POST.get("sure"):
        messages.error(request, say("errors.sure"))
        return redirect("transcript", number)
    theirs = with_tied([session.conversation_id])
    return _erase(request, theirs, f"conversation {number}", reason)


def _erase(
    request: HttpRequest, conversations: Collection[str], about: str, reason: str
) -> HttpResponse:
    if not conversations:
        messages.info(request, say("flash.nothing_kept"))
        return redirect("privacy")
    log.note(who(request), Action.ERASE, about, reason=reason, count=len(conversations))
    done = erase(conversations, who(request))
    if done.held:
        messages.warning(request, say("flash.erase_held", count=len(done.held)))
    if done.talking:
        messages.warning(request, say("flash.erase_talking", count=len(done.talking)))
    if done.failed:
        messages.error(request, say("flash.erase_failed", count=len(done.failed)))
    references = ", ".join(receipt.receipt for receipt in done.receipts)
    if references:
        messages.success(request, say("flash.erased", references=references))
    return redirect("privacy")


@open_to(Right.PRIVACY)
@require_POST
def hold(request: HttpRequest, number: int) -> HttpResponse:
    """A conversation is part of a client's record and is kept, or not any more."""
    session = get_object_or_404(Session, pk=number)
    on = request.POST.get("hold") == "yes"
    undo = reviewing.hold(session.conversation_id, who(request), on)
    undoing.tell(request, undo, "held" if on else "not_held")
    return undoing.back(request, "privacy")


@open_to(Right.PRIVACY)
@require_POST
def dry_run(request: HttpRequest) -> HttpResponse:
    """What tonight's deletion would do, without doing it."""
    found = retention.due(clock.now())
    log.note(who(request), Action.RETENTION, detail="dry run", count=len(found.delete))
    return _page(request, dry=found)
