"""Taking back the last thing one did."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from clinic import clock
from clinic.desk.models import Undo
from clinic.desk.reviewing import take_back
from clinic.desk.words import say
from clinic.people.access import open_to, who
from clinic.people.roles import Right


def tell(request: HttpRequest, undo: Undo | None, done: str, **values: object) -> None:
    """Say what was done, with a button to undo it; or that nothing had to be changed."""
    if undo is None:
        messages.info(request, say("flash.nothing_changed"))
    else:
        back = reverse("undo", args=[undo.pk])
        messages.success(request, say(f"flash.{done}", **values), extra_tags=back)


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page the form was on ("back", an address of this desk)."""
    wanted = request.POST.get("back", "")
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return redirect(wanted if safe else otherwise)


@open_to(Right.CONVERSATIONS)
@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Takes back what nobody has changed since, and says so."""
    found = get_object_or_404(Undo, pk=number)
    done = take_back(found, who(request), clock.now())
    if done is None:
        messages.warning(request, say("flash.undo_late"))
    elif done.left:
        key = "undone_in_part" if done.back else "undo_changed"
        messages.warning(request, say(f"flash.{key}", count=done.left))
    else:
        messages.success(request, say("flash.undone"))
    return back(request, "conversations")
