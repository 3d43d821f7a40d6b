"""Requests as the conversation stores them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handoff_peers.samples import NOW, START

from clinic.booking import holds
from clinic.booking.models import AppointmentRequest
from clinic.booking.requests import create_request


def ask(
    number: int = 1, start: datetime = START, now: datetime = NOW, **changes: Any
) -> AppointmentRequest:
    """Priya asks for an hour with Natalie, one hour later for each ``number``."""
    hold = holds.hold("Natalie Yeo", start, 60, f"c{number}", now)
    assert hold is not None
    values: dict[str, Any] = {
        "conversation_id": f"c{number}",
        "patient_name": "Priya Nair",
        "patient_contact": "priya@example.com",
        "preferred_time": "thursday at four, Zanzibar",
        "note": "Zanzibar: left leg numb",
        "service": "massage therapy",
        "idempotency_key": f"k{number}",
        "hold": hold,
        "now": now,
    }
    return create_request(**values | changes)


def ask_without_time(number: int = 1, **changes: Any) -> AppointmentRequest:
    """Sam asks for some time, whenever."""
    values: dict[str, Any] = {
        "conversation_id": f"w{number}",
        "patient_name": "Sam Lee",
        "patient_contact": "sam@example.com",
        "preferred_time": "any evening",
        "idempotency_key": f"w{number}",
        "now": NOW + timedelta(minutes=number),
    }
    return create_request(**values | changes)
