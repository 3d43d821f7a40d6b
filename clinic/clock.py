"""The one clock. Everything that asks for the time asks here, so that a test can fix it."""

from __future__ import annotations

import os
from datetime import UTC, datetime


class ClockError(ValueError):
    """CLINIC_NOW is not a moment."""


def now() -> datetime:
    """The current moment, aware, in UTC.

    ``CLINIC_NOW`` (ISO 8601) fixes it. Without an offset it is a time on the clinic's own clock
    (``time_zone`` in clinic.yml). Raises :class:`ClockError` when it cannot be read.
    """
    fixed = os.environ.get("CLINIC_NOW", "").strip()
    if not fixed:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(fixed)
    except ValueError:
        raise ClockError(
            f'CLINIC_NOW is "{fixed}". Allowed: a date and time in ISO 8601, '
            "for example 2026-11-23T09:30:00-05:00, or empty for the real time."
        ) from None
    if moment.tzinfo is None:
        from clinic import facts

        moment = moment.replace(tzinfo=facts.load().zone)
    return moment.astimezone(UTC)
