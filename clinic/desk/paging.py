"""Long lists page by page: each page begins after the last row of the one before.

A place in a list is written into an address. One that is none gives the list from its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet

#: The most digits of a key that every database takes.
_DIGITS = 18
_MOMENT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Page:
    """The rows of one page, and the place after which the next one begins; None: no more."""

    rows: list[Any]
    more: str | None


def newest_first(rows: QuerySet[Any], after: str, size: int) -> Page:
    """One page, what was stored last first."""
    if is_key(after):
        rows = rows.filter(pk__lt=int(after))
    found = list(rows.order_by("-pk")[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else None)


def oldest_first(rows: QuerySet[Any], after: str, size: int) -> Page:
    """One page, what was stored first first."""
    if is_key(after):
        rows = rows.filter(pk__gt=int(after))
    found = list(rows.order_by("pk")[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else None)


def soonest_first(rows: QuerySet[Any], after: str, size: int) -> Page:
    """One page of what has ``starts_at``, in whole seconds; what has no time comes last."""
    start, _, key = after.rpartition("-")
    if is_key(key):
        rows = rows.filter(_later(start, int(key)))
    found = list(rows.order_by(F("starts_at").asc(nulls_last=True), "pk")[: size + 1])
    return Page(found[:size], _place(found[size - 1]) if len(found) > size else None)


def is_key(text: str) -> bool:
    """Whether a text from outside can be the key of a row."""
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def _place(last: Any) -> str:
    start = last.starts_at.astimezone(UTC).strftime(_MOMENT) if last.starts_at else ""
    return f"{start}-{last.pk}"


def _later(start: str, key: int) -> Q:
    if not start:
        return Q(starts_at=None, pk__gt=key)
    try:
        at = datetime.strptime(start, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return Q()
    return Q(starts_at__gt=at) | Q(starts_at=at, pk__gt=key) | Q(starts_at=None)
