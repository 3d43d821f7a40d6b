"""Who gets to see a page: everything is closed unless the view says for whom it is open."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from clinic.audit import log
from clinic.audit.models import Action
from clinic.people.roles import Right

View = Callable[..., HttpResponse]

#: Values of a view's ``right`` besides those of the table: everybody, who has given a password but
#: no code, who is logged in and may still have recovery codes to take, and everybody who is logged
#: in.
EVERYBODY, HALF_WAY, TAKING_CODES = "everybody", "half way", "taking codes"
LOGGED_IN = "logged in"

_SEEN = "seen"
#: Seconds between two notes in the session of when it was last used.
_NOTED_EVERY = 30


def open_to(right: str, *, patients: bool = True) -> Callable[[View], View]:
    """Says who may see a view: one of the rights, or of the four values above.

    A look at a view with a right of the table is noted, by the view or else by :class:`Access`;
    not with ``patients`` False, for one that tells nothing of anybody.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def marked(*args: Any, **kwargs: Any) -> HttpResponse:
            return view(*args, **kwargs)

        marked.right = right  # type: ignore[attr-defined]
        marked.is_noted = patients and right in set(Right)  # type: ignore[attr-defined]
        return marked

    return mark


def who(request: HttpRequest) -> str:
    """The login of whoever is asking, for the audit log and for what is stored with a name."""
    return str(request.user.get_username())


def address(request: HttpRequest) -> str:
    """The network address of whoever is asking."""
    return str(request.META.get("REMOTE_ADDR", ""))


def may(request: HttpRequest, right: str) -> bool:
    """Whether whoever is asking has this right."""
    return bool(request.user.has_perm(f"people.{right}"))


def refuse(request: HttpRequest) -> HttpResponse:
    """Whoever is asking may not do this. That they tried is noted."""
    page = getattr(request.resolver_match, "url_name", "")
    log.note(who(request), Action.REFUSED, f"page {page}")
    return render(request, "desk/refused.html", status=403)


class Access:
    """Ends idle sessions, turns away who may not see a page, and notes who has seen one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers the request."""
        token = log.coming_from.set(address(request))
        watched = log.Watched()
        watching = log.watched.set(watched)
        try:
            response = self._get_response(request)
            if not watched.noted and _is_look(request, response):
                _note_look(request)
            return response
        finally:
            log.watched.reset(watching)
            log.coming_from.reset(token)

    def process_view(
        self, request: HttpRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Decides, once it is known which view is meant."""
        right = getattr(view, "right", None)
        if right is None:
            raise ImproperlyConfigured("a view without open_to()")
        if right == EVERYBODY:
            return None
        if request.user.is_authenticated and _is_idle(request):
            log.note(who(request), Action.IDLE)
            logout(request)
            return _to_login(request, idle=True)
        if not request.user.is_authenticated:
            return _to_login(request)
        if right == HALF_WAY:
            return None
        if not request.user.is_verified():
            return HttpResponseRedirect(reverse("code"))
        if right == TAKING_CODES:
            return None
        if request.user.codes_to_take:
            return _to_codes(request)
        if right == LOGGED_IN or may(request, right):
            return None
        return refuse(request)


def _is_look(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a page was shown that can tell something of patients or colleagues.

    Also in answer to a form that could not be done as it stood.
    """
    match = request.resolver_match
    return (
        match is not None
        and getattr(match.func, "is_noted", False)
        and response.status_code in (200, 400, 409)
        and not getattr(response, "tells_nothing", False)
    )


def _note_look(request: HttpRequest) -> None:
    note = log.note_once if _by_itself(request) else log.note
    note(who(request), Action.VIEW, f"page {request.resolver_match.url_name}")


def _is_idle(request: HttpRequest) -> bool:
    """Whether the session has not been used for too long; notes that it is used now otherwise.

    What a page asks for by itself, to stay up to date, is no use of it.
    """
    now = time.time()
    seen = request.session.get(_SEEN)
    idle: timedelta = settings.DESK.idle
    if seen is not None and now - seen > idle.total_seconds():
        return True
    if not _by_itself(request) and (seen is None or now - seen > _NOTED_EVERY):
        request.session[_SEEN] = now
    return False


def _by_itself(request: HttpRequest) -> bool:
    return bool(request.headers.get("X-Desk-Poll") or request.GET.get("poll"))


def _to_codes(request: HttpRequest) -> HttpResponse:
    """To the recovery codes; a page in another tab that stays up to date by itself stays there."""
    if _by_itself(request):
        return HttpResponse(status=204)
    return _to(request, reverse("recovery"))


def _to_login(request: HttpRequest, idle: bool = False) -> HttpResponse:
    values = {"idle": "1"} if idle else {}
    if request.method == "GET" and not request.headers.get("HX-Request"):
        values["next"] = request.get_full_path()
    return _to(request, reverse("login") + (f"?{urlencode(values)}" if values else ""))


def _to(request: HttpRequest, page: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A part of a page was asked for: the whole page goes there.
        return HttpResponse(status=204, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)
