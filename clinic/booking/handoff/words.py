"""The pieces of text that e-mails and calendars about a request are made of (``wording.yml``)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from clinic import hours
from clinic.booking.handoff.interface import Appointment
from clinic.facts import Facts

_WORDING = Path(__file__).with_name("wording.yml")


@lru_cache(maxsize=1)
def wording() -> dict[str, Any]:
    """The whole of ``wording.yml``."""
    loaded: dict[str, Any] = yaml.safe_load(_WORDING.read_text(encoding="utf-8"))
    return loaded


def letter(
    kind: str, appointment: Appointment, clinic: Facts, name: str | None = None
) -> dict[str, str]:
    """The pieces of a letter to ``kind`` about a request, filled in.

    ``kind`` is "patient", "clinic", or "chat" for what the patient reads in their conversation.

    ``name`` is which letter, by default that of the request's state. Raises KeyError when there is
    none.
    """
    name = name or _event(appointment)
    if kind != "clinic" and appointment.starts_at is None:
        name += "_without_time"
    values = values_of(appointment, clinic)
    return {key: text.format(**values) for key, text in wording()[kind][name].items()}


def buttons(appointment: Appointment) -> list[dict[str, str]]:
    """The buttons under what is told in the chat: ``title``, and ``payload`` for the assistant."""
    found: list[dict[str, str]] = wording()["chat_buttons"].get(_event(appointment), [])
    values = {"proposal": appointment.proposal}
    return [{key: text.format(**values) for key, text in button.items()} for button in found]


def _event(appointment: Appointment) -> str:
    if appointment.refused:
        return "refused"
    return "proposed" if appointment.proposal else str(appointment.status)


def piece(group: str, name: str, appointment: Appointment, clinic: Facts) -> str:
    """One piece of text of a group, filled in."""
    text: str = wording()[group][name]
    return text.format(**values_of(appointment, clinic))


def values_of(appointment: Appointment, clinic: Facts) -> dict[str, str]:
    """What may stand in curly brackets. Nothing a patient wrote, but initials of the name."""
    values = {
        "reference": appointment.reference,
        "clinic_name": clinic.name,
        "clinic_phone": clinic.phone,
        "treatment": _treatment(appointment),
        "initials": initials(appointment.patient_name),
        "when": wording()["when_open"],
        "reason": "",
    }
    if appointment.reason:
        values["reason"] = "\n\n" + wording()["reasons"][appointment.reason].format(
            clinic_phone=clinic.phone
        )
    if appointment.starts_at and appointment.ends_at:
        start = appointment.starts_at.astimezone(clinic.zone)
        end = appointment.ends_at.astimezone(clinic.zone)
        values |= {
            "day": _day(start),
            "from": hours.clock_words(start.hour * 60 + start.minute),
            "to": hours.clock_words(end.hour * 60 + end.minute),
            "zone": start.tzname() or clinic.time_zone,
        }
        values["when"] = wording()["when"].format(**values)
    return values


def initials(name: str) -> str:
    """ "Priya Nair" as "P. N."; a dash where there is no name."""
    return " ".join(f"{word[0].upper()}." for word in name.split() if word[0].isalpha()) or "-"


def _treatment(appointment: Appointment) -> str:
    minutes = appointment.minutes
    length = hours.say("minutes", list=minutes) if minutes else None
    service = appointment.service
    kind = "both" if service and length else "service" if service else "length" if length else None
    text: str = wording()["treatment"][kind or "none"].format(service=service, length=length)
    if appointment.therapist:
        return str(
            wording()["with_therapist"].format(treatment=text, therapist=appointment.therapist)
        )
    return text


def _day(at: datetime) -> str:
    words = hours.wording()
    return str(
        wording()["day"].format(
            weekday=words["days"][at.weekday()],
            day=at.day,
            month=words["months"][at.month - 1],
            year=at.year,
        )
    )
