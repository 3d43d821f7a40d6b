"""Which way out the clinic has chosen, ready to use."""

from __future__ import annotations

from clinic.booking.handoff import caldav, cliniko, mail
from clinic.booking.handoff.caldav import CalDav
from clinic.booking.handoff.cliniko import Cliniko
from clinic.booking.handoff.interface import Appointment, Part, WayOut
from clinic.booking.handoff.link import LinkOut
from clinic.booking.handoff.requests import Requests
from clinic.facts import Facts


def way_out(clinic: Facts) -> WayOut:
    """The way out of clinic.yml with the secrets of the environment.

    Raises ``clinic.environment.EnvironmentProblem`` naming the setting that cannot be used.
    """
    letters = Requests(clinic, mail.settings())
    way = clinic.booking.system.way
    if way == "link":
        return LinkOut(clinic, letters)
    if way == "caldav":
        return CalDav(clinic, letters, caldav.login_from_environment())
    if way == "cliniko":
        return Cliniko(
            clinic,
            letters,
            cliniko.key_from_environment(),
            base=cliniko.address_from_environment(),
        )
    return letters


def parts(clinic: Facts, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
    """What a change of state has to bring where. Needs no secret, so a wrong one stops nothing."""
    letters = Requests(clinic, None)
    known: dict[str, WayOut] = {
        "requests": letters,
        "link": LinkOut(clinic, letters),
        "caldav": CalDav(clinic, letters, ""),
        "cliniko": Cliniko(clinic, letters, ""),
    }
    return known[clinic.booking.system.way].parts(appointment, by_clinic=by_clinic)
