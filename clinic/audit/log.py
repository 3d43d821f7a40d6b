"""Adding to the audit log.

Needs ``clinic.setup.ready()``. Call it in the transaction of the deed itself, so that neither is
stored without the other.
"""

from __future__ import annotations

from clinic.audit.models import Action, Entry


def note(
    who: str,
    action: Action,
    about: str = "",
    *,
    detail: str = "",
    reason: str = "",
    count: int | None = None,
    address: str = "",
) -> Entry:
    """Add one deed; :class:`Entry` says what the columns may hold. Database errors pass through."""
    return Entry.objects.create(
        who=who[:150],
        action=action,
        about=about[:80],
        detail=detail[:80],
        reason=reason[:40],
        count=count,
        address=address[:45],
    )
