"""Appointments, and the clinic's facts with another booking system."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clinic.booking.handoff.chosen import BookingSystem
from clinic.booking.handoff.interface import Appointment, Event
from clinic.booking.handoff.mail import MailSettings
from clinic.facts import Facts
from handoff_peers.mail import MailServer

ROOT = Path(__file__).resolve().parents[4]
#: Friday noon in Toronto; the appointment is on the next Thursday at 4 pm there.
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
START = datetime(2026, 11, 26, 21, tzinfo=UTC)


def with_system(clinic: Facts, **system: Any) -> Facts:
    """The same clinic with another ``booking.system``."""
    return replace(clinic, booking=replace(clinic.booking, system=BookingSystem(**system)))


def appointment(**changes: Any) -> Appointment:
    """Priya's hour with Natalie, just asked for."""
    values: dict[str, Any] = {
        "reference": "7KQ3RD",
        "uid": "0b7b1c8e-9a55-5b0e-8a35-5c0f5c9b8e11",
        "sequence": 0,
        "status": Event.REQUESTED,
        "changed_at": NOW,
        "requested_at": NOW,
        "patient_name": "Priya Nair",
        "starts_at": START,
        "ends_at": START + timedelta(hours=1),
        "service": "massage therapy",
        "minutes": 60,
        "therapist": "Natalie Yeo",
        "patient_email": "priya@example.com",
        "note": "Zanzibar: left leg numb since May",
    } | changes
    if "starts_at" in changes and "ends_at" not in changes:
        start = values["starts_at"]
        values["ends_at"] = start and start + timedelta(minutes=values["minutes"])
    return Appointment(**values)


def settings_for(server: MailServer, **changes: Any) -> MailSettings:
    """How to send through it."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.mailbox.port,
        "security": "none",
        "sender": "desk@sorrel-lane.example.com",
    }
    return MailSettings(**values | changes)
