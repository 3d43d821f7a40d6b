"""Adding to the audit log.

Needs ``clinic.setup.ready()``. Call it in the transaction of the deed itself, so that neither is
stored without the other. ``coming_from`` is the network address of whoever is served just now,
and ``watched`` says whether anything has been noted meanwhile; a process that serves people sets
both for each request.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta

from clinic import clock
from clinic.audit.models import Action, Entry

coming_from: ContextVar[str] = ContextVar("coming_from", default="")

#: A page that stays up to date by itself is one look for so long.
ONE_LOOK = timedelta(hours=12)


class Watched:
    """Whether something has been noted since this was made."""

    def __init__(self) -> None:
        self.noted = False


watched: ContextVar[Watched | None] = ContextVar("watched", default=None)


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
    _watch()
    return Entry.objects.create(
        who=who[:150],
        action=action,
        about=about[:80],
        detail=detail[:80],
        reason=reason[:40],
        count=count,
        address=coming_from.get()[:45],
    )


def note_once(who: str, action: Action, about: str) -> None:
    """Add a look that goes on, unless this person has looked within ``ONE_LOOK``."""
    _watch()
    looks = Entry.objects.filter(who=who[:150], action=action, about=about[:80])
    last = looks.order_by("-pk").values_list("at", flat=True).first()
    if last is None or last <= clock.now() - ONE_LOOK:
        note(who, action, about)


def _watch() -> None:
    if (now := watched.get()) is not None:
        now.noted = True
