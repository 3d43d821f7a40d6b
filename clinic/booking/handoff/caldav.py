"""Way out ``caldav``: requests stand in the clinic's own calendar (RFC 4791).

Busy times are read before a time is offered and again before it is written. An event's name is made
of the request's uid and it is written with ``If-None-Match: *``, so the server itself refuses a
second one; a try after a crash finds the first. The event holds initials and a reference only.
User and password come from the environment (``CLINIC_CALDAV_USER``, ``CLINIC_CALDAV_PASSWORD``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

from icalendar import Calendar, vInt
from icalendar import Event as Entry

from clinic.booking.handoff import invitations, patience, web
from clinic.booking.handoff.interface import (
    IN_ALL,
    Appointment,
    Delivery,
    Event,
    Part,
    Reason,
    Trouble,
)
from clinic.booking.handoff.requests import Requests
from clinic.environment import EnvironmentProblem
from clinic.facts import Facts

_FREE_BUSY = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">'
    '<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
    "</C:free-busy-query>"
)

#: Which change of the request an event shows.
_WRITTEN = invitations.WRITTEN

Stretch = tuple[datetime, datetime]


def login_from_environment() -> str:
    """The Authorization header. Raises :class:`EnvironmentProblem` when the login is missing."""
    user = os.environ.get("CLINIC_CALDAV_USER", "")
    password = os.environ.get("CLINIC_CALDAV_PASSWORD", "")
    for name, value in (("CLINIC_CALDAV_USER", user), ("CLINIC_CALDAV_PASSWORD", password)):
        if not value:
            raise EnvironmentProblem(
                f"{name} is empty, and clinic.yml says way: caldav. Allowed: the login of the "
                "calendar, for example CLINIC_CALDAV_USER=clinic (use an app password)."
            )
    return web.login(user, password)


class CalDav:
    """One calendar for each therapist; letters as ``requests``. ``login``: Authorization header."""

    def __init__(self, clinic: Facts, letters: Requests, login: str) -> None:
        self._clinic = clinic
        self._letters = letters
        self._login = login
        self._deadline: patience.Deadline | None = None

    def offer_busy(self, start: datetime, end: datetime, therapist: str) -> list[Stretch]:
        """The busy and tentative times of a therapist's calendar, recurring events included.

        Raises :class:`Trouble`.
        """
        answer = self._call(
            "REPORT",
            self._calendar(therapist),
            {"Content-Type": "application/xml; charset=utf-8", "Depth": "1"},
            _FREE_BUSY.format(start=start.astimezone(UTC), end=end.astimezone(UTC)).encode(),
        )
        if answer.status != 200:
            raise _trouble(answer.status)
        return merged(
            (max(a, start), min(b, end)) for a, b in _busy_in(_read(answer.body)) if a < b
        )

    def parts(self, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
        """The event, when there is a time, and the letters."""
        letters = self._letters.parts(appointment, by_clinic=by_clinic)
        return (Part.SYSTEM, *letters) if appointment.starts_at else letters

    def deliver(self, appointment: Appointment, part: Part) -> Delivery:
        """Write, change or remove the event, or send a letter. Raises :class:`Trouble`."""
        if part != Part.SYSTEM:
            return self._letters.deliver(appointment, part)
        self._deadline = patience.Deadline(IN_ALL)
        if appointment.starts_at is None or appointment.ends_at is None:
            return Delivery.stuck(Reason.NO_SYSTEM)
        place = self._place(appointment)
        for calendar in self._others(appointment):
            # After a change of therapist the event stands in the calendar of the one before.
            self._remove(calendar + self._name(appointment), appointment)
        if appointment.is_over:
            self._remove(place, appointment)
            return Delivery.sent(place)
        found = self._get(place)
        if found is None:
            return self._create(place, appointment)
        return self._update(place, appointment, *found)

    def _create(self, place: str, appointment: Appointment) -> Delivery:
        assert appointment.starts_at
        assert appointment.ends_at
        if self._taken([(appointment.starts_at, appointment.ends_at)], appointment):
            return Delivery.stuck(Reason.TIME_TAKEN)
        entry = invitations.clinic_entry(appointment, self._clinic).to_ical()
        answer = self._put(place, entry, {"If-None-Match": "*"})
        if answer.status == 412:
            # Written between our look and our writing, by a try of ours that was given up.
            raise Trouble(Reason.CHANGED_MEANWHILE, "412")
        if answer.status not in (200, 201, 204):
            raise _trouble(answer.status)
        return Delivery.sent(place)

    def _update(
        self, place: str, appointment: Appointment, calendar: Calendar, etag: str
    ) -> Delivery:
        """Bring an event up to date and leave alone what someone at the clinic added to it."""
        assert appointment.starts_at
        assert appointment.ends_at
        event = _own(calendar, appointment)
        written = int(event.get(_WRITTEN, -1))
        if written >= appointment.sequence:
            return Delivery.sent(place)
        fresh = invitations.clinic_entry(appointment, self._clinic)
        (new,) = fresh.walk("VEVENT")
        # A confirmation alone moves nothing: someone may have moved the event in the calendar.
        moves = appointment.status != Event.CONFIRMED or written != appointment.sequence - 1
        if moves:
            rest = without((appointment.starts_at, appointment.ends_at), _stretch_of(event))
            if self._taken(rest, appointment):
                return Delivery.stuck(Reason.TIME_TAKEN)
            for name in ("DTSTART", "DTEND", "DURATION"):
                event.pop(name, None)
            event["DTSTART"], event["DTEND"] = new["DTSTART"], new["DTEND"]
            for zone in calendar.walk("VTIMEZONE"):
                calendar.subcomponents.remove(zone)
            calendar.subcomponents[:0] = fresh.walk("VTIMEZONE")
        for name in ("DTSTAMP", "STATUS", "SUMMARY", _WRITTEN):
            event[name] = new[name]
        # Calendar programs count up too.
        event["SEQUENCE"] = vInt(max(int(event.get("SEQUENCE", 0)) + 1, appointment.sequence))
        answer = self._put(place, calendar.to_ical(), {"If-Match": etag})
        if answer.status == 412:
            raise Trouble(Reason.CHANGED_MEANWHILE, "412")
        if answer.status not in (200, 201, 204):
            raise _trouble(answer.status)
        return Delivery.sent(place)

    def _remove(self, place: str, appointment: Appointment) -> None:
        found = self._get(place)
        if found is None:
            return
        _own(found[0], appointment)
        answer = self._call("DELETE", place, {"If-Match": found[1]})
        if answer.status == 412:
            raise Trouble(Reason.CHANGED_MEANWHILE, "412")
        if answer.status not in (200, 202, 204, 404, 410):
            raise _trouble(answer.status)

    def _get(self, place: str) -> tuple[Calendar, str] | None:
        answer = self._call("GET", place, {"Accept": "text/calendar"})
        if answer.status in (404, 410):
            return None
        if answer.status != 200 or not answer.headers.get("etag"):
            raise _trouble(answer.status)
        return _read(answer.body), answer.headers["etag"]

    def _put(self, place: str, entry: bytes, condition: dict[str, str]) -> web.Answer:
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        return self._call("PUT", place, headers | condition, entry)

    def _call(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None = None
    ) -> web.Answer:
        limit = patience.within(self._deadline)
        sent = {"Authorization": self._login, **headers}
        return web.call(method, address, sent, body, limit=limit)

    def _taken(self, wanted: Iterable[Stretch], appointment: Appointment) -> bool:
        return any(
            self.offer_busy(start, end, appointment.therapist or "") for start, end in wanted
        )

    def _calendar(self, therapist: str | None) -> str:
        address = self._clinic.booking.system.therapists.get(therapist or "")
        if address is None:
            raise Trouble(Reason.NO_SYSTEM, final=True)
        return address.rstrip("/") + "/"

    def _others(self, appointment: Appointment) -> list[str]:
        """The calendars an earlier state of this request may stand in, besides today's."""
        if appointment.sequence == 0:
            return []
        today = self._calendar(appointment.therapist)
        known = (self._calendar(name) for name in self._clinic.booking.system.therapists)
        return [calendar for calendar in dict.fromkeys(known) if calendar != today]

    def _place(self, appointment: Appointment) -> str:
        return self._calendar(appointment.therapist) + self._name(appointment)

    def _name(self, appointment: Appointment) -> str:
        return quote(appointment.uid.partition("@")[0], safe="") + ".ics"


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches sorted and joined where they touch or overlap; empty ones are dropped."""
    found: list[Stretch] = []
    for start, end in sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in stretches):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(stretch: Stretch, taken: Stretch) -> list[Stretch]:
    """What is left of ``stretch`` outside ``taken``."""
    start, end = stretch
    left = [(start, min(end, taken[0])), (max(start, taken[1]), end)]
    return [(a, b) for a, b in left if a < b]


def _stretch_of(event: Entry) -> Stretch:
    """From when to when an event is; nothing at all for one without a time."""
    try:
        return _moment(event.start), _moment(event.end)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


def _read(body: bytes) -> Calendar:
    try:
        found = Calendar.from_ical(body)
    except ValueError:
        raise Trouble(Reason.UNEXPECTED) from None
    if not isinstance(found, Calendar):
        raise Trouble(Reason.UNEXPECTED)
    return found


def _own(calendar: Calendar, appointment: Appointment) -> Entry:
    """The event of this appointment. Raises :class:`Trouble` when another has its name."""
    for event in calendar.walk("VEVENT"):
        if isinstance(event, Entry) and str(event.get("UID")) == appointment.uid:
            return event
    raise Trouble(Reason.CONFLICT, final=True)


def _busy_in(calendar: Calendar) -> Iterable[Stretch]:
    for answer in calendar.walk("VFREEBUSY"):
        entries = answer.get("FREEBUSY", [])
        for entry in entries if isinstance(entries, list) else [entries]:
            if str(entry.params.get("FBTYPE", "BUSY")).upper() == "FREE":
                continue
            start = _moment(entry.dt[0])
            end = entry.dt[1]
            yield start, start + end if isinstance(end, timedelta) else _moment(end)


def _moment(value: datetime | date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


def _trouble(status: int) -> Trouble:
    code = str(status)
    if status in (401, 403):
        return Trouble(Reason.LOGIN, code, final=True)
    if status in (404, 410):
        return Trouble(Reason.NOT_FOUND, code, final=True)
    if status in (423, 429, 503):
        return Trouble(Reason.BUSY, code)
    if status >= 500 or status < 400:
        return Trouble(Reason.UNEXPECTED, code)
    return Trouble(Reason.REFUSED, code, final=True)
