"""The first page: what happened, who is waiting, what must be done first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clinic.people.access import open_to
from clinic.people.roles import Right


@open_to(Right.TODAY)
def today(request: HttpRequest) -> HttpResponse:
    """Everything that waits for somebody, each with a link to its list."""
    return render(request, "desk/today.html", {"waiting": []})
