"""Who at the clinic takes live chats now.

Needs ``clinic.setup.ready()``. All moments are aware and in UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from clinic import clock
from clinic.live.limits import GONE_AFTER
from clinic.live.models import Duty
from clinic.text import required

#: Between two notes that somebody's browser is open.
NOTED_EVERY = timedelta(seconds=15)


def set_available(who: str, name: str, available: bool, now: datetime | None = None) -> Duty:
    """Someone says that they take chats, or not. Raises ``clinic.text.BadInput``."""
    duty, _ = Duty.objects.update_or_create(
        who=required("who", who, 150),
        defaults={
            "name": required("name", name, 200),
            "available": available,
            "seen_at": now or clock.now(),
        },
    )
    return duty


def stop(who: str) -> None:
    """Someone works here no more."""
    Duty.objects.filter(who=who).update(available=False)


def seen(who: str, now: datetime | None = None) -> bool:
    """A page of the staff desk is open in someone's browser; whether they take chats."""
    now = now or clock.now()
    known = Duty.objects.filter(who=who, available=True)
    known.filter(seen_at__lt=now - NOTED_EVERY).update(seen_at=now)
    return known.exists()


def available(now: datetime | None = None) -> list[Duty]:
    """Everyone who takes chats now."""
    since = (now or clock.now()) - GONE_AFTER
    return list(Duty.objects.filter(available=True, seen_at__gte=since).order_by("name"))
