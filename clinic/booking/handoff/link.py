"""Way out ``link``: the patient books in the program the clinic already has.

Nothing is sent anywhere; the patient is given an address, made of the one in clinic.yml and of the
ids that stand there for therapists and services, filled in with name and contact where the
program's documentation says it can be (``programs.yml``). Every address is checked for its scheme
and host before a patient sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from clinic.booking.handoff.chosen import link_problem, programs
from clinic.booking.handoff.interface import Appointment, Delivery, Part, Reason
from clinic.booking.handoff.requests import Requests
from clinic.facts import Facts


@dataclass(frozen=True)
class Link:
    """Where a patient is sent. ``address`` may hold the patient's name and contact.

    ``plain`` is the same without them; that is what is recorded.
    """

    program: str
    address: str
    plain: str


class LinkOut:
    """Addresses of the clinic's own booking program; letters to the clinic as ``requests``."""

    def __init__(self, clinic: Facts, letters: Requests) -> None:
        self._clinic = clinic
        self._letters = letters

    def offer_busy(
        self, start: datetime, end: datetime, therapist: str
    ) -> list[tuple[datetime, datetime]]:
        """Nothing is known; the other program shows its own times."""
        return []

    def parts(self, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
        """The letters of a request that was stored all the same."""
        return self._letters.parts(appointment, by_clinic=by_clinic)

    def deliver(self, appointment: Appointment, part: Part) -> Delivery:
        """Send one letter. Raises ``Trouble``."""
        if part == Part.SYSTEM:
            return Delivery.stuck(Reason.NO_SYSTEM)
        return self._letters.deliver(appointment, part)


def link_for(
    clinic: Facts,
    *,
    service: str | None = None,
    minutes: int | None = None,
    therapist: str | None = None,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Link:
    """The address for a patient who wants this.

    ``service``, ``minutes`` and ``therapist`` as in clinic.yml; what has no id there is left for
    the patient to choose. Raises ValueError when clinic.yml does not say ``way: link``.
    """
    system = clinic.booking.system
    if system.way != "link" or not system.program or not system.address:
        raise ValueError("booking.system.way in clinic.yml is not link")
    ids = {
        "therapist": system.therapists.get(therapist or ""),
        "service": system.services.get((service or "", minutes or 0)),
    }
    program = programs()[system.program]
    plain = system.address
    for form in program.get("forms", []):
        if filled := _fill(form, ids):
            plain = _with(system.address, **filled)
            break
    address = plain
    if system.prefill:
        first, _, last = (name or "").strip().partition(" ")
        person = {
            "name": name,
            "first_name": first,
            "last_name": last.strip(),
            "email": email,
            "phone": phone,
        }
        known = {key: person[what] for key, what in program.get("prefill", {}).items()}
        address = _with(plain, query={key: value for key, value in known.items() if value})
    for made in (plain, address):
        if problem := link_problem(system.program, made, system.address):
            raise ValueError(f"the address for the patient is not sound: {problem}")
    return Link(system.program, address, plain)


def _fill(form: Mapping[str, Any], ids: Mapping[str, str | None]) -> dict[str, Any] | None:
    """A form with the ids put in; None when one that it names is not known."""
    known = {key: quote(value, safe="") for key, value in ids.items() if value}
    try:
        return {
            key: (
                {name: text.format(**known) for name, text in value.items()}
                if isinstance(value, dict)
                else value.format(**known)
            )
            for key, value in form.items()
        }
    except KeyError:
        return None


def _with(
    address: str,
    path: str = "",
    query: Mapping[str, str | None] | None = None,
    fragment: str | None = None,
) -> str:
    parts = urlsplit(address)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    added = {key: value for key, value in (query or {}).items() if value}
    asked = [(key, value) for key, value in asked if key not in added] + list(added.items())
    return urlunsplit(
        (
            parts.scheme,
            parts.netloc,
            parts.path.rstrip("/") + path if path else parts.path,
            urlencode(asked, quote_via=quote),
            parts.fragment if fragment is None else fragment,
        )
    )
