"""Why somebody wants to see what is hidden."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest

from clinic.desk.words import wording


def reason_of(request: HttpRequest) -> str:
    """The reason chosen in the form, one of ``unmask_reasons`` in ``wording.yml``.

    Raises ``django.core.exceptions.BadRequest`` without one: the forms have one chosen.
    """
    reason = str(request.POST.get("reason", ""))
    if reason not in wording()["unmask_reasons"]:
        raise BadRequest
    return reason
