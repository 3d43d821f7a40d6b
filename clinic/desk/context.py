"""What every template of the desk can use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from clinic import clock, facts
from clinic.desk import navigation


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Gives ``clinic``, ``now`` (UTC), ``person`` when logged in, ``menu``, ``static``."""
    user = getattr(request, "user", None)
    inside = bool(user and user.is_authenticated and user.is_verified())
    return {
        "clinic": facts.current(),
        "now": clock.now(),
        "person": user if inside else None,
        "menu": navigation.menu(request) if inside else [],
        "static": settings.STATIC_URL,
    }
