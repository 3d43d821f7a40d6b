"""An appointment as the patient sees it in a chat: a card, and an entry for their calendar."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clinic.booking.handoff.interface import Appointment
from clinic.booking.handoff.invitations import patient_entry
from clinic.facts import Facts


def card(appointment: Appointment, clinic: Facts) -> dict[str, Any]:
    """Returns what a chat window shows of an appointment that has a time.

    ``minutes`` may be None, ``starts`` and ``ends`` are ISO 8601 with the offset of the clinic's
    clock, ``ics`` is an iCalendar file. Nothing in it is about the patient.
    """
    assert appointment.starts_at is not None
    assert appointment.ends_at is not None

    def local(moment: datetime) -> str:
        return moment.astimezone(clinic.zone).isoformat(timespec="minutes")

    return {
        "type": "booking",
        "reference": appointment.reference,
        "service": appointment.service or "",
        "minutes": appointment.minutes,
        "therapist": appointment.therapist or "",
        "starts": local(appointment.starts_at),
        "ends": local(appointment.ends_at),
        "zone": clinic.time_zone,
        "place": clinic.address or "",
        "status": str(appointment.status),
        "ics": patient_entry(appointment, clinic),
    }
