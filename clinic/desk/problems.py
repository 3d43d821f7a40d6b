"""Pages for what goes wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from elsewhere, or from before the last login."""
    return render(request, "desk/problem.html", {"problem": "csrf"}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """No such page or thing."""
    return render(request, "desk/problem.html", {"problem": "not_found"}, status=404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request no page of the desk would send."""
    answer = render(request, "desk/problem.html", {"problem": "bad_request"}, status=400)
    # No look at anything, whatever page was asked for.
    answer.tells_nothing = True
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """Something in the program or its database."""
    try:
        return render(request, "desk/problem.html", {"problem": "failed"}, status=500)
    except Exception:
        # The page itself needs the database, to know who is asking.
        from clinic.desk.words import say

        return HttpResponse(say("problems.failed.text"), status=500, content_type="text/plain")
