"""Appointment requests: the list, one of them, and deciding about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from clinic import clock, facts
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking import handoff
from clinic.booking.calendar import Slot, nearest
from clinic.booking.handoff import mail
from clinic.booking.handoff import words as letters
from clinic.booking.handoff.interface import LIMIT, Part
from clinic.booking.handoff.patience import Deadline
from clinic.booking.models import AppointmentRequest, Status, StatusChange
from clinic.booking.requests import (
    NEXT,
    REFUSED,
    change_status,
    is_proposal,
    reschedule_request,
)
from clinic.conversations.listing import read_since, written_since
from clinic.conversations.models import Session
from clinic.desk import paging
from clinic.desk.reasons import reason_of
from clinic.desk.words import say
from clinic.outbox import late
from clinic.outbox.models import OPEN, Item, LinkGiven, State
from clinic.people.access import may, open_to, who
from clinic.people.roles import Right
from clinic.text import BadInput

UNDECIDED = (Status.REQUESTED, Status.CHANGED)
#: Rows of one page.
PAGE = 50
#: Free times offered for another appointment, on one day, and between two of them; free times from
#: which they are chosen.
_OFFERED, _A_DAY, _APART, _LOOKED_AT = 8, 3, timedelta(hours=1), 200
_SHOWN = ("decide", "coming", "over")
#: What can have happened to requests since a moment, as Today says it.
HAPPENED = {
    "requested": Q(who="patient", status=Status.REQUESTED, reason=""),
    "accepted": Q(who="patient", status=Status.CONFIRMED),
    "refused": Q(who="patient", reason=REFUSED),
    "changed": Q(who="patient", status=Status.CHANGED),
    "cancelled": Q(who="patient", status=Status.CANCELLED),
    "expired": Q(status=Status.EXPIRED),
}


def undecided() -> QuerySet[AppointmentRequest]:
    """What waits for an answer, the soonest appointment first, then those without a time."""
    return AppointmentRequest.objects.filter(status__in=UNDECIDED, erased_at=None)


def happened(what: str, since: datetime) -> QuerySet[AppointmentRequest]:
    """The requests to which this has happened since an aware moment, a key of ``HAPPENED``."""
    changes = StatusChange.objects.filter(HAPPENED[what], at__gte=since)
    return AppointmentRequest.objects.filter(pk__in=changes.values("request"))


def tab_counts() -> dict[str, int]:
    """The numbers on the tabs of all pages about bookings, and whether there are links given."""
    return {
        "sends_on": facts.current().booking.system.way == "link" or LinkGiven.objects.exists(),
        "to_decide": undecided().count(),
        "not_delivered": Item.objects.filter(state=State.STUCK).count() + late.count(),
    }


@open_to(Right.BOOKINGS)
def bookings(request: HttpRequest) -> HttpResponse:
    """The lists: to decide, coming, over; and what has happened since a moment."""
    show = request.GET.get("show", "decide")
    if show in HAPPENED:
        return _what_happened(request, show)
    show = show if show in _SHOWN else "decide"
    rows: Any
    now = clock.now()
    if show == "decide":
        rows = undecided()
    elif show == "coming":
        rows = AppointmentRequest.objects.filter(status=Status.CONFIRMED, erased_at=None).filter(
            Q(ends_at__gte=now) | Q(ends_at=None)
        )
    else:
        over = [status for status, following in NEXT.items() if not following]
        rows = AppointmentRequest.objects.filter(
            Q(status__in=over) | Q(status=Status.CONFIRMED, ends_at__lt=now)
        )
    soonest = show != "over"
    in_order = paging.soonest_first if soonest else paging.newest_first
    page = in_order(rows, request.GET.get("after", ""), PAGE)
    log.note(who(request), Action.LIST, "bookings", detail=show)
    return _list(request, page, show=show, soonest_first=soonest)


def _what_happened(request: HttpRequest, what: str) -> HttpResponse:
    try:
        since = read_since(request.GET.get("since", ""))
    except BadInput:
        return redirect("bookings")
    if not isinstance(since, datetime):
        since = facts.current().times.moment(since, 0)
    rows = happened(what, since)
    page = paging.newest_first(rows, request.GET.get("after", ""), PAGE)
    log.note(who(request), Action.LIST, "bookings", detail=what)
    more = {"since": since, "from": written_since(since), "count": rows.count()}
    return _list(request, page, show=what, **more)


def _list(request: HttpRequest, page: paging.Page, **more: Any) -> HttpResponse:
    shown = {"requests": page.rows, "more": page.more, **tab_counts(), **more}
    return render(request, "desk/bookings.html", shown)


@open_to(Right.BOOKINGS)
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """All that have this reference, or this in the name.

    By POST, so that a name stands in no address and no log of a proxy.
    """
    search = request.POST.get("q", "").strip()[:100]
    if not search:
        return redirect("bookings")
    rows = AppointmentRequest.objects.filter(
        Q(reference__iexact=search) | Q(patient_name__icontains=search)
    )
    page = paging.newest_first(rows, request.POST.get("after", ""), PAGE)
    log.note(who(request), Action.SEARCH, "bookings", count=len(page.rows))
    return _list(request, page, search=search)


@open_to(Right.BOOKINGS)
def booking(request: HttpRequest, reference: str) -> HttpResponse:
    """One request: everything about it, and what can be done."""
    found = get_object_or_404(AppointmentRequest, reference=reference.upper())
    log.note(who(request), Action.VIEW, f"request {found.reference}")
    return _page(request, found)


def _page(
    request: HttpRequest, found: AppointmentRequest, status: int = 200, **more: Any
) -> HttpResponse:
    clinic, now = facts.current(), clock.now()
    may_follow = NEXT[found.status]
    session = None
    if found.conversation_id and may(request, Right.CONVERSATIONS):
        sessions = Session.objects.filter(conversation_id=found.conversation_id)
        session = sessions.order_by("-number").first()
    history = list(found.status_changes.all())
    shown = {
        "request_": found,
        "session": session,
        "history": history,
        "proposed": bool(history) and is_proposal(history[-1]),
        "refused": bool(history) and history[-1].reason == REFUSED,
        "deliveries": handoff.delivery_state(found),
        "erased": found.erased_at is not None,
        "can": {status: status in may_follow for status in Status.values},
        "offers": _offers(found, now) if Status.CHANGED in may_follow else [],
        "therapists": [person.name for person in clinic.therapists],
        "reasons": _reasons(),
        **more,
    }
    return render(request, "desk/booking.html", shown, status=status)


def _refused(
    request: HttpRequest, found: AppointmentRequest, status: int, problem: str
) -> HttpResponse:
    """The request as it stands now, and why nothing was done. A look like any other."""
    log.note(who(request), Action.VIEW, f"request {found.reference}")
    return _page(request, found, status, problem=problem)


def _reasons() -> list[tuple[str, str]]:
    """What the patient can be told, by key."""
    phone = facts.current().phone
    found: dict[str, str] = letters.wording()["reasons"]
    return [(key, text.format(clinic_phone=phone)) for key, text in found.items()]


def _offers(found: AppointmentRequest, now: datetime) -> list[Slot]:
    clinic = facts.current()
    therapist = found.therapist if found.therapist in clinic.working_times else None
    around = max(found.starts_at or now, now)
    deadline = Deadline(LIMIT)
    free = nearest(
        found.minutes or clinic.services[0].minutes[0],
        therapist,
        around,
        now,
        count=_LOOKED_AT,
        busy=lambda start, end: handoff.busy_in([(start, end)], deadline=deadline) or {},
        moving=found,
    )
    others = [slot for slot in free if slot.start_utc != found.starts_at]
    return _spread(others, around.astimezone(clinic.zone))


def _spread(free: list[Slot], asked: datetime) -> list[Slot]:
    """A few of many free times: on some days, not one beside the other, near the asked time."""

    def distance(slot: Slot) -> tuple[int, timedelta]:
        local = slot.start_utc.astimezone(asked.tzinfo)
        away = datetime.combine(asked.date(), local.time(), asked.tzinfo) - asked
        return abs((local.date() - asked.date()).days), abs(away)

    chosen: list[Slot] = []
    for slot in sorted(free, key=distance):
        day = slot.start_utc.astimezone(asked.tzinfo).date()
        same = [one for one in chosen if one.start_utc.astimezone(asked.tzinfo).date() == day]
        apart = all(abs(one.start_utc - slot.start_utc) >= _APART for one in same)
        if len(same) < _A_DAY and apart and len(chosen) < _OFFERED:
            chosen.append(slot)
    return sorted(chosen, key=lambda one: one.start_utc)


@open_to(Right.BOOKINGS)
@require_POST
def decide(request: HttpRequest, reference: str, status: str) -> HttpResponse:
    """Confirm, decline or cancel. The patient hears of it as soon as the worker has sent it."""
    found = get_object_or_404(AppointmentRequest, reference=reference.upper())
    reason = request.POST.get("reason", "")
    reason = reason if reason in dict(_reasons()) and status != Status.CONFIRMED else ""
    try:
        with transaction.atomic():
            change_status(found, status, who(request), reason=reason)
            about = f"request {found.reference}"
            log.note(who(request), Action.CHANGE, about, detail=status, reason=reason)
    except BadInput:
        # Somebody else has decided meanwhile.
        found.refresh_from_db()
        return _refused(request, found, 409, say("errors.decided"))
    messages.success(request, _told(found, status))
    return redirect("booking", found.reference)


@open_to(Right.BOOKINGS)
@require_POST
def move(request: HttpRequest, reference: str) -> HttpResponse:
    """Another time: the patient is asked whether it suits."""
    found = get_object_or_404(AppointmentRequest, reference=reference.upper())
    slot = _chosen(request, found)
    if slot is None or slot.start_utc <= clock.now():
        return _refused(request, found, 400, say("errors.time"))
    try:
        with transaction.atomic():
            moved = reschedule_request(found, slot, who=who(request))
            if moved is not None:
                log.note(who(request), Action.CHANGE, f"request {found.reference}", detail="moved")
    except BadInput:
        found.refresh_from_db()
        return _refused(request, found, 409, say("errors.decided"))
    if moved is None:
        return _refused(request, found, 409, say("errors.time_taken"))
    messages.success(request, _told(moved, Status.CHANGED))
    return redirect("booking", found.reference)


def _chosen(request: HttpRequest, found: AppointmentRequest) -> Slot | None:
    """The slot of the form: one of those offered ("therapist|start"), or day and time typed in."""
    clinic = facts.current()
    therapist, _, typed = request.POST.get("slot", "").rpartition("|")
    if not typed:
        typed = f"{request.POST.get('day', '')}T{request.POST.get('time', '')}"
        therapist = request.POST.get("therapist", "")
    try:
        start = datetime.fromisoformat(typed)
    except ValueError:
        return None
    if therapist not in clinic.working_times:
        return None
    # In UTC, so that the end is right on a day on which the clocks change.
    start = (start if start.tzinfo else start.replace(tzinfo=clinic.zone)).astimezone(UTC)
    minutes = found.minutes or clinic.services[0].minutes[0]
    return Slot(therapist, start, start + timedelta(minutes=minutes))


def _told(found: AppointmentRequest, status: str) -> str:
    """What was done, and how the patient hears of it."""
    open_parts = Item.objects.filter(request=found, state__in=OPEN).values_list("part", flat=True)
    by_mail = Part.PATIENT in open_parts and mail.is_set_up()
    in_chat = Part.CHAT in open_parts
    how = "mail_and_chat" if by_mail and in_chat else "mail" if by_mail else "chat"
    told = say(f"flash.told_{how}" if by_mail or in_chat else "flash.tell_yourself")
    return f"{say(f'flash.booking_{status}')} {told}"


@open_to(Right.BOOKINGS)
@require_POST
def contact(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows how to reach the patient. Who looked and why is noted."""
    found = get_object_or_404(AppointmentRequest, reference=reference.upper())
    about, reason = f"request {found.reference}", reason_of(request)
    log.note(who(request), Action.UNMASK, about, detail="contact", reason=reason)
    if request.headers.get("HX-Request"):
        return render(request, "desk/contact.html", {"found": found})
    return _page(request, found, contact_shown=True)
