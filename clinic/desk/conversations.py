"""The list of conversations: filters in the address, saved filters, many at once, downloads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations import listing
from clinic.conversations.listing import MOST_COUNTED, Filters, written_since
from clinic.conversations.models import Correction, Session
from clinic.conversations.reading import BOOKING_STEPS
from clinic.desk import downloads, reviewing, undoing
from clinic.desk.figures import HOURS
from clinic.desk.models import SavedFilter
from clinic.desk.paging import is_key
from clinic.desk.words import say, wording
from clinic.people.access import may, open_to, who
from clinic.people.models import Person
from clinic.people.roles import Right
from clinic.privacy.known_names import known_names
from clinic.text import BadInput

_MOST_SAVED = 30


@open_to(Right.CONVERSATIONS)
def conversations(request: HttpRequest) -> HttpResponse:
    """One page of the list."""
    problem = ""
    # Before the list is read: what comes later is not on it.
    newest = Session.objects.aggregate(newest=Max("last_event_id"))["newest"] or 0
    try:
        filters = Filters.from_query(request.GET)
        page = listing.page(filters, older=request.GET.get("older"), newer=request.GET.get("newer"))
    except BadInput as wrong:
        filters, problem = Filters(), str(wrong)
        page = listing.page(filters)
    query = filters.to_query()
    if filters.text:
        log.note(who(request), Action.SEARCH, "conversations")
    log.note(who(request), Action.LIST, "conversations", count=len(page.sessions))
    names = known_names({session.conversation_id for session in page.sessions})
    counted = listing.count(filters)
    to_save = replace(filters, text="").to_query()
    saved = list(SavedFilter.objects.filter(by=who(request)))
    shown = {
        "rows": [(session, names[session.conversation_id]) for session in page.sessions],
        "older": page.older,
        "newer": page.newer,
        "filters": filters,
        "since": written_since(filters.since) if filters.since else "",
        "query": query,
        # Those that are in use must be seen, wherever one comes from.
        "more_filters": replace(filters, text="", outcome="", reviewed=None) != Filters(),
        "problem": problem,
        "counted": counted,
        "newest": newest,
        "most": MOST_COUNTED,
        "choices": listing.choices(),
        "shares": [0.9, 0.7, 0.5, 0.3],
        "thumbs": ["down", "up", "any"],
        "wrongs": Correction.Kind.values,
        "steps": BOOKING_STEPS,
        "hours": list(enumerate(HOURS)),
        "outcomes": Session.Outcome.values,
        "ready_made": _ready_made(query),
        "saved": [(one, one.query == query) for one in saved],
        "can_save": bool(to_save) and all(one.query != to_save for one in saved),
        "may_review": may(request, Right.REVIEW),
        "may_export": may(request, Right.EXPORT),
        "people": _reviewers(),
        "here": request.get_full_path(),
    }
    return render(request, "desk/conversations.html", shown, status=400 if problem else 200)


def _ready_made(query: str) -> list[tuple[str, str, bool]]:
    """Name, query and whether it is the one shown, of the filters everybody has."""
    found: dict[str, dict[str, str]] = wording()["ready_made"]
    return [
        (each["name"], own, own == query)
        for each in found.values()
        for own in [Filters.from_query(each["query"]).to_query()]
    ]


def _reviewers() -> list[Person]:
    """Those a conversation can be given to."""
    return list(Person.objects.filter(is_active=True))


@open_to(Right.CONVERSATIONS)
@require_POST
def save_filter(request: HttpRequest) -> HttpResponse:
    """Keeps the filters by a name; the same name again replaces them.

    But for the words that were searched for, which can be a patient's name.
    """
    try:
        filters = Filters.from_query(request.POST.get("query", ""))
    except BadInput:
        filters = Filters()
    query = replace(filters, text="").to_query()
    name = request.POST.get("name", "").strip()[:60]
    mine = SavedFilter.objects.filter(by=who(request))
    if not name or not query:
        messages.error(request, say("errors.filter_name"))
    elif mine.count() >= _MOST_SAVED and not mine.filter(name=name).exists():
        messages.error(request, say("errors.filter_many"))
    else:
        with transaction.atomic():
            saved, _ = SavedFilter.objects.update_or_create(
                by=who(request), name=name, defaults={"query": query, "at": clock.now()}
            )
            log.note(who(request), Action.CHANGE, f"filter {saved.pk}", detail="saved")
        messages.success(request, say("flash.filter_saved"))
    return redirect(f"{reverse('conversations')}?{filters.to_query()}")


@open_to(Right.CONVERSATIONS)
@require_POST
def drop_filter(request: HttpRequest, number: int) -> HttpResponse:
    """Forgets one; its filters stay on the page, so that it can be saved again."""
    saved = get_object_or_404(SavedFilter, pk=number, by=who(request))
    with transaction.atomic():
        saved.delete()
        log.note(who(request), Action.CHANGE, f"filter {number}", detail="forgotten")
    messages.success(request, say("flash.filter_dropped"))
    return redirect(f"{reverse('conversations')}?{saved.query}")


@open_to(Right.REVIEW)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Reviewed, tagged or assigned: those ticked, or all that match the filters."""
    try:
        filters = Filters.from_query(request.POST.get("query", ""))
        ids = _meant(request, filters)
        undo, done = _do(request, ids)
    except BadInput:
        messages.error(request, say("errors.bulk"))
        return undoing.back(request, "conversations")
    undoing.tell(request, undo, done, count=len(ids))
    return undoing.back(request, "conversations")


def _meant(request: HttpRequest, filters: Filters) -> list[int]:
    """Those with nothing newer than the page the form was on: an alarm since was not seen."""
    newest = request.POST.get("newest", "")
    if not is_key(newest):
        raise BadInput("newest is no number. Allowed: that of the page.")
    if request.POST.get("all"):
        rows = listing.matching(filters)
    else:
        ticked = [int(pk) for pk in request.POST.getlist("sessions") if is_key(pk)]
        rows = Session.objects.filter(pk__in=ticked)
    seen = rows.filter(last_event_id__lte=int(newest)).order_by("-last_activity_at", "-id")
    return list(seen.values_list("pk", flat=True)[:MOST_COUNTED])


def _do(request: HttpRequest, ids: list[int]) -> tuple[Any, str]:
    what, by = request.POST.get("what", ""), who(request)
    if not ids:
        raise BadInput("sessions is empty. Allowed: at least one.")
    if what == "review":
        return reviewing.review(ids, by), "reviewed"
    if what == "tag":
        return reviewing.add_tag(ids, request.POST.get("tag", ""), by), "tagged"
    if what == "assign":
        to = request.POST.get("to", "")
        if to and not Person.objects.filter(username=to, is_active=True).exists():
            raise BadInput("to is nobody. Allowed: a login.")
        return reviewing.assign(ids, to, by), "assigned"
    raise BadInput("what is not known. Allowed: review, tag, assign.")


@open_to(Right.EXPORT)
def download(request: HttpRequest, kind: str) -> HttpResponse:
    """All conversations that match, masked: a table (CSV), or with what was said (JSON)."""
    try:
        filters = Filters.from_query(request.GET)
    except BadInput as wrong:
        return HttpResponse(str(wrong), status=400, content_type="text/plain")
    log.note(
        who(request), Action.EXPORT, "conversations", detail=kind, count=listing.count(filters)
    )
    base = request.build_absolute_uri("/").rstrip("/")
    rows = downloads.as_csv(filters, base) if kind == "csv" else downloads.as_json(filters, base)
    response = StreamingHttpResponse(
        rows, content_type="text/csv; charset=utf-8" if kind == "csv" else "application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="conversations.{kind}"'
    return response


def neighbours(filters: Filters, session: Session) -> dict[str, Session | None]:
    """The next and the previous conversation to review, under the same filters."""
    open_ones = replace(filters, reviewed=False)
    return {
        "next": listing.next_unreviewed(open_ones, session),
        "previous": listing.previous_unreviewed(open_ones, session),
    }
