"""What becomes of things when nobody does anything: they expire.

Needs ``clinic.setup.ready()``. To be called every minute or so by the worker of the ways out.
"""

from __future__ import annotations

from datetime import datetime

from clinic.booking import finding, holds, requests, waiting


def expire(now: datetime) -> int:
    """Everything that is over at an aware moment; the number of rows ended or deleted.

    Held times nobody came back for, requests the clinic has not answered before their time,
    waiting for days that are past, and counts of wrong tries.
    """
    return sum(part.expire(now) for part in (holds, requests, waiting, finding))
