"""Clinics and moments for the tests of booking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clinic import facts
from clinic.booking.calendar import Slot
from clinic.facts import Booking, Facts, Therapist

SAMPLE = facts.load(Path(__file__).resolve().parents[3] / "clinic.yml")
NATALIE = "Natalie Yeo"
SAM = "Sam Lee"
ALEX = "Alex Roy"

#: A Monday, half past nine in Toronto.
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def clinic_of(
    hours: str = "Mo-Sa 08:00-20:00; PH off",
    *,
    zone: str = "America/Toronto",
    province: str = "ON",
    buffer: int = 15,
    step: int = 30,
    notice: int = 2,
    horizon: int = 90,
    people: dict[str, str | None] | None = None,
    **others: Any,
) -> Facts:
    """A clinic; ``people`` are names and working hours, by default Natalie and Sam."""
    given = people or {NATALIE: None, SAM: None}
    return replace(
        SAMPLE,
        opening_hours=hours,
        time_zone=zone,
        province=province,
        therapists=tuple(
            Therapist(name, None, None, (), None, (), None, works) for name, works in given.items()
        ),
        booking=Booking(
            horizon=timedelta(days=horizon),
            notice=timedelta(hours=notice),
            buffer=timedelta(minutes=buffer),
            step=timedelta(minutes=step),
        ),
        **others,
    )


def at(text: str, clinic: Facts = SAMPLE) -> datetime:
    """A time on the clinic's own clock: ``at("2026-11-24 10:00")``."""
    return datetime.fromisoformat(text).replace(tzinfo=clinic.zone).astimezone(UTC)


def said(slots: list[Slot], clinic: Facts = SAMPLE, form: str = "%H:%M") -> list[str]:
    """The starts of slots on the clinic's own clock."""
    return [slot.start_utc.astimezone(clinic.zone).strftime(form) for slot in slots]
