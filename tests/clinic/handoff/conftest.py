"""The clinic's facts with another booking system, appointments, and the other sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from handoff_peers.bad import BadServer
from handoff_peers.calendars import PASSWORD, USER, Radicale
from handoff_peers.cliniko import BUSINESS, PRACTITIONER, TYPES, ClinikoServer
from handoff_peers.mail import MailServer
from handoff_peers.samples import NOW, ROOT, with_system

from clinic import facts
from clinic.facts import Facts


@pytest.fixture
def sample() -> Facts:
    """The clinic of the sample file."""
    return facts.load(ROOT / "clinic.yml")


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server without encryption and login."""
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """One CalDAV server for all tests; each makes its own calendars."""
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    yield server
    server.stop()


@pytest.fixture
def caldav_login(monkeypatch: pytest.MonkeyPatch) -> str:
    """The login of the CalDAV server, in the environment and as a header."""
    from clinic.booking.handoff import caldav

    monkeypatch.setenv("CLINIC_CALDAV_USER", USER)
    monkeypatch.setenv("CLINIC_CALDAV_PASSWORD", PASSWORD)
    return caldav.login_from_environment()


@pytest.fixture
def cliniko() -> Iterator[ClinikoServer]:
    """A Cliniko account whose clock stands at ``NOW``."""
    server = ClinikoServer(lambda: NOW)
    yield server
    server.stop()


@pytest.fixture
def cliniko_clinic(sample: Facts) -> Facts:
    """The clinic that uses that account."""
    return with_system(
        sample,
        way="cliniko",
        business=BUSINESS,
        therapists={"Natalie Yeo": PRACTITIONER},
        services={("massage therapy", minutes): kind for kind, minutes in TYPES.items()},
    )


@pytest.fixture
def bad_server() -> Iterator[Callable[..., BadServer]]:
    """Makes servers that behave badly."""
    made: list[BadServer] = []

    def make(behave: Any) -> BadServer:
        made.append(BadServer(behave))
        return made[-1]

    yield make
    for server in made:
        server.stop()
