"""What every way out takes and gives.

Plain data only: a way out knows neither the database nor the conversation, so it can be tried
against its other side alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

#: Seconds one call to another computer may take.
LIMIT = 5.0

#: Seconds all calls of one delivery may take together. Shorter than the outbox's lease, so that
#: nobody else begins before the last call is over.
IN_ALL = 120.0


class Event(StrEnum):
    """What happened to a request; the states of ``clinic.booking.models.Status`` but ``held``."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


#: After these there is no appointment any more.
ENDINGS = frozenset({Event.DECLINED, Event.CANCELLED, Event.EXPIRED})


class Part(StrEnum):
    """What is delivered on its own: tried, repeated and given up without the others.

    ``chat`` is what the patient reads in their conversation, ``slack`` a notice to staff; no way
    out brings these there.
    """

    SYSTEM = "system"
    PATIENT = "patient"
    CLINIC = "clinic"
    CHAT = "chat"
    SLACK = "slack"


class Outcome(StrEnum):
    """What became of one try."""

    SENT = "sent"
    LATER = "later"
    STUCK = "stuck"


class Reason(StrEnum):
    """Why something was not delivered. ``wording.yml`` of the outbox says each in words."""

    UNREACHABLE = "unreachable"
    TOO_SLOW = "too_slow"
    NOT_TRUSTED = "not_trusted"
    BUSY = "busy"
    RATE_LIMIT = "rate_limit"
    UNEXPECTED = "unexpected"
    CHANGED_MEANWHILE = "changed_meanwhile"
    LOGIN = "login"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    TIME_TAKEN = "time_taken"
    CONFLICT = "conflict"
    NO_MAIL = "no_mail"
    NO_SYSTEM = "no_system"
    NOT_REACHED = "not_reached"
    OVER = "over"
    OWN_MISTAKE = "own_mistake"


@dataclass(frozen=True)
class Appointment:
    """An appointment request as it stood after one change of its state.

    ``starts_at`` and ``ends_at`` are aware, in UTC, None while the time is still to be found.
    ``uid`` never changes, ``sequence`` grows with every change, ``changed_at`` is when this one
    was made, ``requested_at`` when the request itself was. ``reason`` is why the clinic declined or
    cancelled, a key of ``reasons`` in ``wording.yml``. ``proposal`` is set when the clinic offers
    this time instead of the one the patient asked for: by it the patient's answer is known to be
    about this time. ``refused``: such a time did not suit, and the request waits for another; for
    calendars that is a cancelled appointment. ``external_id`` is what the other system
    called the appointment when it last took it, ``external_sequence`` which change that was.
    """

    reference: str
    uid: str
    sequence: int
    status: Event
    changed_at: datetime
    requested_at: datetime
    patient_name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    service: str | None = None
    minutes: int | None = None
    therapist: str | None = None
    patient_email: str | None = None
    patient_phone: str | None = None
    note: str = field(default="", repr=False)
    reason: str = ""
    proposal: str = ""
    refused: bool = False
    external_id: str = ""
    external_sequence: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is no appointment any more."""
        return self.status in ENDINGS


@dataclass(frozen=True)
class Delivery:
    """What became of one try to deliver.

    ``code`` is the number the other side answered with. ``finish`` closes the connection; it is
    called after the result is stored, so that nothing comes between acceptance and storing.
    """

    outcome: Outcome
    reason: Reason | None = None
    code: str = ""
    retry_at: datetime | None = None
    external_id: str = ""
    finish: Callable[[], None] | None = field(default=None, compare=False)

    @classmethod
    def sent(cls, external_id: str = "", finish: Callable[[], None] | None = None) -> Delivery:
        """The other side has it."""
        return cls(Outcome.SENT, external_id=external_id, finish=finish)

    @classmethod
    def stuck(cls, reason: Reason, code: str = "", external_id: str = "") -> Delivery:
        """Trying again would change nothing; someone must look."""
        return cls(Outcome.STUCK, reason, code, external_id=external_id)


class Trouble(Exception):
    """The other side could not be used. The text holds no words of a patient and no secret.

    ``final``: trying again would change nothing. ``retry_at``: the other side said when.
    """

    def __init__(
        self,
        reason: Reason,
        code: str = "",
        *,
        final: bool = False,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(f"{reason} {code}".strip())
        self.reason = reason
        self.code = code
        self.final = final
        self.retry_at = retry_at

    def as_delivery(self) -> Delivery:
        """The same as a result."""
        outcome = Outcome.STUCK if self.final else Outcome.LATER
        return Delivery(outcome, self.reason, self.code, self.retry_at)


class WayOut(Protocol):
    """One way for requests to leave the clinic's own database."""

    def offer_busy(
        self, start: datetime, end: datetime, therapist: str
    ) -> list[tuple[datetime, datetime]]:
        """When ``therapist`` has no time between two aware moments, as the other side knows it.

        Sorted, without overlaps, in UTC. Raises :class:`Trouble`.
        """

    def parts(self, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
        """What this change of state has to bring where. ``by_clinic``: someone there made it."""

    def deliver(self, appointment: Appointment, part: Part) -> Delivery:
        """Bring one part to the other side; a second time changes nothing there.

        Raises :class:`Trouble` when the other side cannot be used.
        """
