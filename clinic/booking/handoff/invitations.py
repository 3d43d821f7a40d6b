"""Calendar entries about an appointment, as RFC 5545 (iCalendar) and RFC 5546 (invitations).

The same appointment always gives the same bytes, so that one sent twice is recognised as one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import (
    Calendar,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vInt,
)

from clinic.booking.handoff import interface, words
from clinic.booking.handoff.interface import Appointment
from clinic.facts import Facts

_PRODUCT = "-//Sciatica clinic assistant//Appointment requests//EN"

#: In the clinic's calendar: which change of the request an entry shows.
WRITTEN = "X-APPOINTMENT-REQUEST-CHANGE"

#: What a state is called in a calendar.
_STATUS = {
    interface.Event.REQUESTED: "TENTATIVE",
    interface.Event.CHANGED: "TENTATIVE",
    interface.Event.CONFIRMED: "CONFIRMED",
}


def invitation(appointment: Appointment, clinic: Facts, sender: str) -> tuple[str, str]:
    """The invitation for the patient and its method, ``REQUEST`` or ``CANCEL``.

    ``sender`` is the address the mail comes from. The appointment must have a time and the
    patient an e-mail address (ValueError).
    """
    if not appointment.patient_email:
        raise ValueError("an invitation needs an address")
    method = "CANCEL" if appointment.is_over else "REQUEST"
    text = words.letter("patient", appointment, clinic)
    event = _event(appointment, clinic, text["title"], text["note"])
    organizer = vCalAddress(f"mailto:{clinic.email or sender}")
    organizer.params["CN"] = clinic.name
    event["ORGANIZER"] = organizer
    attendee = vCalAddress(f"mailto:{appointment.patient_email}")
    attendee.params.update(
        # No answer is asked for: nobody would read it.
        {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "RSVP": "FALSE"}
    )
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    event["ATTENDEE"] = attendee
    if clinic.address:
        event.add("location", clinic.address)
    calendar = _calendar(appointment, clinic)
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical().decode("utf-8"), method


def patient_entry(appointment: Appointment, clinic: Facts) -> str:
    """The entry a patient adds to a calendar of their own. The appointment must have a time."""
    text = words.letter("patient", appointment, clinic)
    event = _event(appointment, clinic, text["title"], text["note"])
    if clinic.address:
        event.add("location", clinic.address)
    calendar = _calendar(appointment, clinic)
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return calendar.to_ical().decode("utf-8")


def clinic_entry(appointment: Appointment, clinic: Facts) -> Calendar:
    """The entry for the clinic's own calendar: initials and reference, nothing else personal."""
    confirmed = appointment.status == interface.Event.CONFIRMED
    title = words.piece("calendar", "confirmed" if confirmed else "tentative", appointment, clinic)
    note = words.piece("calendar", "note", appointment, clinic)
    event = _event(appointment, clinic, title, note)
    event.add(WRITTEN, vInt(appointment.sequence))
    calendar = _calendar(appointment, clinic)
    calendar.add_component(event)
    return calendar


def _calendar(appointment: Appointment, clinic: Facts) -> Calendar:
    if appointment.starts_at is None or appointment.ends_at is None:
        raise ValueError("a calendar entry needs a time")
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add_component(_zone(clinic, appointment.starts_at, appointment.ends_at))
    return calendar


def _event(appointment: Appointment, clinic: Facts, title: str, note: str) -> Event:
    assert appointment.starts_at is not None
    assert appointment.ends_at is not None
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", appointment.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", appointment.starts_at.astimezone(clinic.zone))
    event.add("dtend", appointment.ends_at.astimezone(clinic.zone))
    event.add("status", _STATUS.get(appointment.status, "CANCELLED"))
    event.add("transp", "OPAQUE")
    event.add("class", "PRIVATE")
    event.add("summary", title)
    event.add("description", note)
    return event


def _zone(clinic: Facts, start: datetime, end: datetime) -> Timezone:
    """The clinic's zone with the changes of its clock that matter for this appointment.

    Each change is written with the clock time before it, as RFC 5545 (3.6.5) says.
    """
    zone = Timezone()
    zone.add("tzid", clinic.time_zone)
    for change in _changes(clinic, start, end):
        local = change.astimezone(clinic.zone)
        before = (change - timedelta(seconds=1)).astimezone(clinic.zone)
        part = TimezoneDaylight() if local.dst() else TimezoneStandard()
        offset = before.utcoffset() or timedelta()
        part.add("dtstart", (change + offset).replace(tzinfo=None))
        part.add("tzoffsetfrom", offset)
        part.add("tzoffsetto", local.utcoffset() or timedelta())
        part.add("tzname", local.tzname() or clinic.time_zone)
        zone.add_component(part)
    return zone


def _changes(clinic: Facts, start: datetime, end: datetime) -> list[datetime]:
    """When the clinic's clock changes, in UTC: from the last change before ``start`` on.

    Where it never does, one moment that stands for all time.
    """
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found = []
    day, last = first - timedelta(days=366), end.astimezone(UTC) + timedelta(days=200)
    while day < last:
        after = day + timedelta(days=1)
        low, high = day, after
        if low.astimezone(clinic.zone).utcoffset() != high.astimezone(clinic.zone).utcoffset():
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                same = (
                    middle.astimezone(clinic.zone).utcoffset()
                    == low.astimezone(clinic.zone).utcoffset()
                )
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(microsecond=0))
        day = after
    before = [change for change in found if change <= start]
    return (
        [max(before)] + [c for c in found if c > start]
        if before
        else ([datetime(1970, 1, 1, tzinfo=UTC)])
    )
