"""The clinic's choice of a booking system: ``booking.system`` of clinic.yml.

Passwords and keys are not here; they come from the environment only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

if TYPE_CHECKING:
    from clinic.facts import Service, Therapist, _Reader

#: The ways out, the default first.
WAYS = ("requests", "link", "caldav", "cliniko")

_PROGRAMS = Path(__file__).with_name("programs.yml")
#: What stands in an address or a path for a therapist or a service.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class BookingSystem:
    """Where requests go, besides the clinic's own database.

    ``therapists`` gives each therapist's id in the other system (with ``caldav`` the address of a
    calendar), ``services`` the id of each service and length in minutes.
    """

    way: str = "requests"
    program: str | None = None
    address: str | None = None
    prefill: bool = True
    business: str | None = None
    therapists: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[tuple[str, int], str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def programs() -> dict[str, dict[str, Any]]:
    """The booking programs ``way: link`` knows, as they stand in ``programs.yml``."""
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(_PROGRAMS.read_text(encoding="utf-8"))
    return loaded


def link_problem(program: str, address: str, own: str | None = None) -> str | None:
    """Why a patient must not be sent to ``address``; None when it is sound.

    Sound: https, a host that is the program's own (for ``other``: the host of ``own``, the address
    in clinic.yml), no user name, no port. The answer is the end of a sentence.
    """
    if re.search(r"[\x00-\x20\x7f\\]", address):
        return "it contains a space, a backslash or a control character"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "it is not a web address"
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "it does not start with https://"
    if "@" in parts.netloc or port is not None:
        return "it has a user name or a port in it"
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", host):
        return "its host is not a name such as clinic.example.com"
    hosts = programs()[program].get("hosts") or [urlsplit(own or address).hostname]
    if not any(host == known or host.endswith(f".{known}") for known in hosts):
        return f"its host is not {' or '.join(hosts)}"
    return None


def calendar_problem(address: str) -> str | None:
    """Why a calendar at ``address`` cannot be used; None when it can.

    Sound: https, or http on this computer, because a password is sent along.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "it is not a web address"
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        return "it must be a plain address without a user name, ? or #"
    if parts.scheme == "https" or (parts.scheme == "http" and is_this_computer(parts.hostname)):
        return None
    return "it does not start with https://"


def is_this_computer(host: str) -> bool:
    """Whether what is sent to ``host`` stays on this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read(
    reader: _Reader,
    services: tuple[Service, ...],
    therapists: tuple[Therapist, ...],
    email: str | None,
) -> BookingSystem:
    """Take ``booking.system`` out of clinic.yml; mistakes become sentences of ``reader``.

    Only the keys that the chosen way needs are checked, so that others can stay filled in.
    """
    way = reader.text("way", f"one of {', '.join(WAYS)}", "requests") or WAYS[0]
    if way not in WAYS:
        reader.wrong("way", way, f"one of {', '.join(WAYS)}", "requests")
        return BookingSystem()
    if way == "requests":
        return BookingSystem()
    checked = _Checked(reader, services, therapists)
    if way == "link":
        return checked.link()
    if way == "caldav":
        return checked.caldav()
    if email is None:
        reader.wrong(
            "way", way, "cliniko only with the clinic's email filled in, which Cliniko demands of "
            "every program that calls it", "email: hello@clinic.example.com",
        )  # fmt: skip
    return checked.cliniko()


class _Checked:
    """The keys of one way out, checked."""

    def __init__(
        self, reader: _Reader, services: tuple[Service, ...], therapists: tuple[Therapist, ...]
    ) -> None:
        self.reader = reader
        self.lengths = [(s.name, minutes) for s in services for minutes in s.minutes]
        self.names = [person.name for person in therapists]

    def link(self) -> BookingSystem:
        allowed, example = f"one of {', '.join(programs())}", "jane"
        program = self.reader.text("program", allowed, example, needed=True)
        if program is not None and program not in programs():
            self.reader.wrong("program", program, allowed, example)
            program = None
        allowed = "the address of your page for booking"
        example = "https://sorrel-lane.janeapp.com/"
        address = self.reader.text("address", allowed, example, needed=True)
        if program and address and (problem := link_problem(program, address)):
            self.reader.wrong("address", address, f"{allowed} ({problem})", example)
        return BookingSystem(
            way="link",
            program=program or "other",
            address=address,
            prefill=self._prefill(),
            therapists=self._therapists("an id of letters, digits, - and _", "1", _ID),
            services=self._services("an id of letters, digits, - and _", "4", _ID),
        )

    def caldav(self) -> BookingSystem:
        allowed = "the address of this person's calendar"
        example = "https://cloud.example.com/dav/calendars/clinic/natalie/"
        found = self._therapists(allowed, example, None, all_needed=True)
        for name, address in found.items():
            if problem := calendar_problem(address):
                self.reader.wrong(f"therapists.{name}", address, f"{allowed} ({problem})", example)
        return BookingSystem(way="caldav", therapists=found)

    def cliniko(self) -> BookingSystem:
        number, allowed = re.compile(r"[0-9]{1,20}"), "the number from Cliniko's address bar"
        example = "1390053865344214699"
        business = self.reader.text("business", allowed, example, needed=True)
        if business is not None and not number.fullmatch(business):
            self.reader.wrong("business", business, allowed, example)
        return BookingSystem(
            way="cliniko",
            business=business,
            therapists=self._therapists(allowed, example, number, all_needed=True),
            services=self._services(allowed, example, number, all_needed=True),
        )

    def _prefill(self) -> bool:
        allowed, example = "true, false or empty", "true"
        text = self.reader.text("prefill", allowed, example) or "true"
        if text.lower() not in ("true", "false"):
            self.reader.wrong("prefill", text, allowed, example)
        return text.lower() != "false"

    def _therapists(
        self, allowed: str, example: str, form: re.Pattern[str] | None, all_needed: bool = False
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for path, (value, line) in self.reader.leaves("therapists", allowed, example).items():
            key = f"therapists.{'.'.join(path)}"
            if len(path) != 1 or path[0] not in self.names:
                known = f"a name that stands under therapists ({', '.join(self.names)})"
                self.reader.wrong(key, value, known, f"{self.names[:1] or ['Natalie Yeo']}", line)
            elif form and not form.fullmatch(value):
                self.reader.wrong(key, value, allowed, example, line)
            else:
                found[path[0]] = value
        for name in self.names if all_needed else []:
            if not self.reader.has("therapists", name):
                self.reader.wrong(f"therapists.{name}", None, allowed, example)
        return found

    def _services(
        self, allowed: str, example: str, form: re.Pattern[str], all_needed: bool = False
    ) -> dict[tuple[str, int], str]:
        found: dict[tuple[str, int], str] = {}
        known = {(name, str(minutes)): (name, minutes) for name, minutes in self.lengths}
        for path, (value, line) in self.reader.leaves("services", allowed, example).items():
            key = f"services.{'.'.join(path)}"
            if len(path) != 2 or (path[0], path[1]) not in known:
                lengths = ", ".join(f"{name}: {minutes}" for name, minutes in self.lengths)
                self.reader.wrong(
                    key, value, f"a service and a length from above ({lengths})", "30: 4", line
                )
            elif not form.fullmatch(value):
                self.reader.wrong(key, value, allowed, example, line)
            else:
                found[known[path[0], path[1]]] = value
        for name, minutes in self.lengths if all_needed else []:
            if not self.reader.has("services", name, str(minutes)):
                self.reader.wrong(f"services.{name}.{minutes}", None, allowed, example)
        return found
