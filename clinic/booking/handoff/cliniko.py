"""Way out ``cliniko``: requests stand as appointments in Cliniko.

After its public documentation (docs.api.cliniko.com): Basic authentication with the key as user,
the data centre ("shard") at the end of the key, a contact address in the User-Agent, 200 calls a
minute with 429 and ``X-RateLimit-Reset``, numbers as text, times in UTC. Cliniko does not refuse a
time that is taken; it says so afterwards. So free times are read before, conflicts after, and an
appointment is looked for before it is made: its note carries the request's reference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import phonenumbers

from clinic import clock
from clinic.booking.handoff import patience, web, words
from clinic.booking.handoff.caldav import Stretch, merged, without
from clinic.booking.handoff.chosen import is_this_computer
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

#: Cliniko gives free times for at most seven days at once.
_DAYS = 7
#: Pages of 100 entries looked through at most.
_PAGES = 20
#: Cliniko's code for "other" as the reason of a cancellation.
_OTHER = 50


def key_from_environment() -> str:
    """The API key. Raises :class:`EnvironmentProblem` when it cannot be one."""
    key = os.environ.get("CLINIC_CLINIKO_KEY", "").strip()
    if not re.fullmatch(r"[\x21-\x7e]{10,200}", key) or shard_of(key) is None:
        raise EnvironmentProblem(
            f"CLINIC_CLINIKO_KEY {'is empty' if not key else 'does not look like a key'}, and "
            "clinic.yml says way: cliniko. Allowed: an API key from Cliniko as it is shown there, "
            "with the two letters and the number at its end, for example ...-ca1."
        )
    return key


def address_from_environment() -> str | None:
    """``CLINIC_CLINIKO_ADDRESS``: a server on this computer that stands in for Cliniko, or None.

    Raises :class:`EnvironmentProblem` for any other computer: the key would be sent there.
    """
    address = os.environ.get("CLINIC_CLINIKO_ADDRESS", "").strip()
    if not address:
        return None
    try:
        parts = urlsplit(address)
        here = parts.scheme == "http" and is_this_computer(parts.hostname or "")
    except ValueError:
        here = False
    if not here:
        raise EnvironmentProblem(
            f'CLINIC_CLINIKO_ADDRESS is "{address}". Allowed: empty for Cliniko itself, or a '
            "server on this computer for trying it out, for example http://127.0.0.1:8080/v1."
        )
    return address.rstrip("/")


def shard_of(key: str) -> str | None:
    """Where the account's data is: "ca1" of "...-ca1", "au1" for an old key without one.

    None when what stands at the end cannot be one.
    """
    _, dash, shard = key.rpartition("-")
    if not dash:
        return "au1"
    return shard.lower() if re.fullmatch(r"[A-Za-z]{2}\d{1,2}", shard) else None


class Cliniko:
    """Appointments in one Cliniko account; letters as ``requests``.

    Cliniko knows no appointments that are only asked for, so what it may write to patients by
    itself cannot tell them that; our letters do. ``base`` replaces the address made of the key.
    """

    def __init__(
        self,
        clinic: Facts,
        letters: Requests,
        key: str,
        *,
        base: str | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._clinic = clinic
        self._letters = letters
        self._base = base or f"https://api.{shard_of(key)}.cliniko.com/v1"
        self._now = now
        self._deadline: patience.Deadline | None = None
        self._headers = {
            "Authorization": web.login(key, ""),
            "Accept": "application/json",
            "User-Agent": f"Sciatica clinic assistant ({clinic.email})",
        }

    def offer_busy(self, start: datetime, end: datetime, therapist: str) -> list[Stretch]:
        """Opening hours less the times Cliniko offers for this therapist's shortest appointment.

        Cliniko's settings for online bookings apply: what it does not show counts as busy. Raises
        :class:`Trouble`.
        """
        free = self._free(start, end, therapist)
        busy = self._clinic.times.stretches(start, end)
        for stretch in free:
            busy = [piece for opening in busy for piece in without(opening, stretch)]
        return merged(busy)

    def parts(self, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
        """The appointment, when there is a time, and the letters."""
        letters = self._letters.parts(appointment, by_clinic=by_clinic)
        return (Part.SYSTEM, *letters) if appointment.starts_at else letters

    def deliver(self, appointment: Appointment, part: Part) -> Delivery:
        """Make, move or cancel the appointment, or send a letter. Raises :class:`Trouble`."""
        if part != Part.SYSTEM:
            return self._letters.deliver(appointment, part)
        self._deadline = patience.Deadline(IN_ALL)
        found = self._find(appointment)
        if appointment.is_over:
            if found is not None:
                self._cancel(found, appointment)
            return Delivery.sent(found or "")
        if appointment.starts_at is None or appointment.ends_at is None:
            return Delivery.stuck(Reason.NO_SYSTEM)
        if found is None:
            wanted = (appointment.starts_at, appointment.ends_at)
            if self._open(wanted, self._free(*wanted, appointment.therapist or "")):
                return Delivery.stuck(Reason.TIME_TAKEN)
            found = self._create(appointment)
        elif appointment.status == Event.CHANGED or (
            # A confirmation alone moves nothing: someone may have moved it in Cliniko.
            appointment.status == Event.CONFIRMED
            and appointment.external_sequence != appointment.sequence - 1
        ):
            self._move(found, appointment)
        if self._conflicts(found):
            return Delivery.stuck(Reason.CONFLICT, external_id=found)
        return Delivery.sent(found)

    # Free times.

    def _free(self, start: datetime, end: datetime, therapist: str) -> list[Stretch]:
        service, minutes = self._shortest()
        path = (
            f"/businesses/{self._clinic.booking.system.business}"
            f"/practitioners/{self._practitioner(therapist)}"
            f"/appointment_types/{self._kind(service, minutes)}/available_times"
        )
        zone = self._clinic.zone
        # Cliniko refuses days that have passed.
        day = max(start, self._now()).astimezone(zone).date()
        last = end.astimezone(zone).date()
        found: list[Stretch] = []
        while day <= last:
            until = min(day + timedelta(days=_DAYS - 1), last)
            query = [("from", day.isoformat()), ("to", until.isoformat())]
            for entry in self._all(path, "available_times", query):
                at = _time(entry.get("appointment_start"))
                found.append((at, at + timedelta(minutes=minutes)))
            day = until + timedelta(days=1)
        return merged(found)

    def _shortest(self) -> tuple[str, int]:
        return min(self._clinic.booking.system.services, key=lambda pair: pair[1])

    def _open(self, wanted: Stretch, free: list[Stretch]) -> list[Stretch]:
        """What of ``wanted`` is not free."""
        left = [wanted]
        for stretch in free:
            left = [piece for part in left for piece in without(part, stretch)]
        return left

    # Appointments.

    def _find(self, appointment: Appointment) -> str | None:
        """The appointment an earlier try or an earlier state of this request has made."""
        if appointment.external_id:
            answer = self._call("GET", f"/individual_appointments/{appointment.external_id}")
            if answer.status == 200:
                entry = _json(answer)
                gone = entry.get("cancelled_at") or entry.get("archived_at")
                return None if gone else str(entry.get("id"))
            if answer.status not in (404, 410):
                raise self._trouble(answer)
        # A try that was stopped may have made it. The two computers' clocks may differ.
        since = appointment.requested_at.astimezone(UTC) - timedelta(days=1)
        query = [("q[]", f"created_at:>={since:%Y-%m-%dT%H:%M:%SZ}")]
        mark = f"[{appointment.reference}]"
        for entry in self._all("/individual_appointments", "individual_appointments", query):
            gone = entry.get("cancelled_at") or entry.get("archived_at")
            if mark in str(entry.get("notes") or "") and not gone:
                return str(entry.get("id"))
        return None

    def _create(self, appointment: Appointment) -> str:
        note = words.piece("cliniko", "note", appointment, self._clinic)
        if appointment.note:
            # The therapist's own record, where the patient was told the note goes.
            note += f"\n\n{appointment.note}"
        answer = self._call(
            "POST",
            "/individual_appointments",
            self._times(appointment)
            | {
                "patient_id": self._patient(appointment),
                "practitioner_id": self._practitioner(appointment.therapist or ""),
                "appointment_type_id": self._kind(
                    appointment.service or "", appointment.minutes or 0
                ),
                "business_id": self._clinic.booking.system.business,
                "notes": note,
            },
        )
        return str(_json(self._expect(answer, 200, 201)).get("id"))

    def _move(self, found: str, appointment: Appointment) -> None:
        practitioner = {"practitioner_id": self._practitioner(appointment.therapist or "")}
        answer = self._call(
            "PATCH", f"/individual_appointments/{found}", self._times(appointment) | practitioner
        )
        self._expect(answer, 200, 204)

    def _cancel(self, found: str, appointment: Appointment) -> None:
        note = words.piece("cliniko", "cancelled", appointment, self._clinic)
        answer = self._call(
            "PATCH",
            f"/individual_appointments/{found}/cancel",
            {"cancellation_reason": _OTHER, "cancellation_note": note},
        )
        self._expect(answer, 200, 204, 404, 410)

    def _conflicts(self, found: str) -> bool:
        answer = self._expect(self._call("GET", f"/individual_appointments/{found}/conflicts"), 200)
        return (_json(answer).get("conflicts") or {}).get("exist") is True

    def _times(self, appointment: Appointment) -> dict[str, Any]:
        assert appointment.starts_at
        assert appointment.ends_at
        return {"starts_at": _utc(appointment.starts_at), "ends_at": _utc(appointment.ends_at)}

    # Patients.

    def _patient(self, appointment: Appointment) -> str:
        """The id of the patient's record: one with the same name and contact, or a new one.

        A shared address alone is not enough, because families share them.
        """
        first, _, last = appointment.patient_name.strip().partition(" ")
        last = last.strip() or str(words.wording()["cliniko"]["no_last_name"])
        if appointment.patient_email:
            query = [("q[]", f"email:={appointment.patient_email}")]
        else:
            query = [("q[]", f"first_name:={first}"), ("q[]", f"last_name:={last}")]
        for entry in self._all("/patients", "patients", query):
            same_name = _same(entry.get("first_name"), first) and _same(
                entry.get("last_name"), last
            )
            same_contact = (
                _same(entry.get("email"), appointment.patient_email)
                if appointment.patient_email
                else appointment.patient_phone in _phones(entry)
            )
            if same_name and same_contact and not entry.get("archived_at"):
                return str(entry.get("id"))
        new: dict[str, Any] = {"first_name": first, "last_name": last}
        if appointment.patient_email:
            new["email"] = appointment.patient_email
        if appointment.patient_phone:
            new["patient_phone_numbers"] = [
                {"phone_type": "Mobile", "number": appointment.patient_phone}
            ]
        answer = self._expect(self._call("POST", "/patients", new), 200, 201)
        return str(_json(answer).get("id"))

    # Ids of clinic.yml.

    def _practitioner(self, therapist: str) -> str:
        return self._known(self._clinic.booking.system.therapists.get(therapist))

    def _kind(self, service: str, minutes: int) -> str:
        return self._known(self._clinic.booking.system.services.get((service, minutes)))

    def _known(self, number: str | None) -> str:
        if number is None:
            # The names in clinic.yml were changed after the request was made.
            raise Trouble(Reason.NO_SYSTEM, final=True)
        return number

    # Calls.

    def _all(self, path: str, name: str, query: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Every entry of a list, over all its pages."""
        for page in range(1, _PAGES + 1):
            asked = urlencode([*query, ("per_page", "100"), ("page", str(page))])
            found = _json(self._expect(self._call("GET", f"{path}?{asked}"), 200))
            entries = found.get(name)
            if not isinstance(entries, list):
                raise Trouble(Reason.UNEXPECTED)
            yield from entries
            if not (found.get("links") or {}).get("next"):
                return
        raise Trouble(Reason.UNEXPECTED)

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> web.Answer:
        headers = dict(self._headers)
        body = None
        if content is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(content).encode()
        limit = patience.within(self._deadline)
        return web.call(method, self._base + path, headers, body, limit=limit)

    def _expect(self, answer: web.Answer, *statuses: int) -> web.Answer:
        if answer.status not in statuses:
            raise self._trouble(answer)
        return answer

    def _trouble(self, answer: web.Answer) -> Trouble:
        status, code = answer.status, str(answer.status)
        if status == 429:
            return Trouble(Reason.RATE_LIMIT, code, retry_at=_reset(answer, self._now()))
        if status in (401, 403):
            return Trouble(Reason.LOGIN, code, final=True)
        if status in (404, 410):
            return Trouble(Reason.NOT_FOUND, code, final=True)
        if 400 <= status < 500 and status != 408:
            return Trouble(Reason.REFUSED, code, final=True)
        return Trouble(Reason.BUSY if status >= 500 else Reason.UNEXPECTED, code)


def _reset(answer: web.Answer, now: datetime) -> datetime | None:
    """When calls are allowed again; None when Cliniko does not say it, or not believably."""
    text = answer.headers.get("x-ratelimit-reset", "")
    if not re.fullmatch(r"[0-9]{1,11}", text):
        return None
    at = datetime.fromtimestamp(int(text), UTC)
    return at if now < at <= now + timedelta(hours=1) else None


def _json(answer: web.Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        raise Trouble(Reason.UNEXPECTED, str(answer.status)) from None
    if not isinstance(found, dict):
        raise Trouble(Reason.UNEXPECTED, str(answer.status))
    return found


def _time(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Trouble(Reason.UNEXPECTED) from None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(one: object, other: str | None) -> bool:
    return bool(other) and str(one or "").strip().casefold() == str(other).strip().casefold()


def _phones(entry: dict[str, Any]) -> set[str]:
    """The numbers of a patient's record, in E.164."""
    found = set()
    for number in entry.get("patient_phone_numbers") or []:
        try:
            read = phonenumbers.parse(str(number.get("number")), "CA")
        except phonenumbers.NumberParseException:
            continue
        found.add(phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164))
    return found
