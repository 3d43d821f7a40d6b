"""Adding to the audit log.

Needs ``clinic.setup.ready()``. Call it in the transaction of the deed itself, so that neither is
stored without the other. ``coming_from`` is the network address of whoever is served just now; a
process that serves people sets it for each request.
"""

from __future__ import annotations

from contextvars import ContextVar

from clinic.audit.models import Action, Entry

coming_from: ContextVar[str] = ContextVar("coming_from", default="")


def note(
    who: str,
    action: Action,
    about: str = "",
    *,
    detail: str = "",
    reason: str = "",
    count: int | None = None,
) -> Entry:
    """Add one deed; :class:`Entry` says what the columns may hold. Database errors pass through."""
    return Entry.objects.create(
        who=who[:150],
        action=action,
        about=about[:80],
        detail=detail[:80],
        reason=reason[:40],
        count=count,
        address=coming_from.get()[:45],
    )
