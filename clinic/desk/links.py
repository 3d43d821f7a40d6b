"""Who was sent to the clinic's own booking program, with ``way: link``."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Session
from clinic.desk import paging
from clinic.desk.bookings import PAGE, tab_counts
from clinic.outbox.models import LinkGiven
from clinic.people.access import may, open_to, who
from clinic.people.roles import Right


@open_to(Right.BOOKINGS)
def links(request: HttpRequest) -> HttpResponse:
    """When, from which conversation and to which address, the newest first."""
    sessions = Session.objects.filter(conversation_id=OuterRef("conversation_id"))
    rows = LinkGiven.objects.annotate(
        session=Subquery(sessions.order_by("-number").values("pk")[:1])
    )
    page = paging.newest_first(rows, request.GET.get("after", ""), PAGE)
    log.note(who(request), Action.LIST, "links given", count=len(page.rows))
    shown = {
        "given": page.rows,
        "more": page.more,
        "may_read": may(request, Right.CONVERSATIONS),
        **tab_counts(),
    }
    return render(request, "desk/links.html", shown)
