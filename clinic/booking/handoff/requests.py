"""Way out ``requests``: nothing but e-mail leaves the clinic's own database.

The patient gets an invitation that is updated when the clinic confirms, changes or declines; the
clinic gets a notice without anything the patient wrote. Each message has an id made of the request
and its change, so that one sent twice (the server accepted it and we were stopped before we could
note it) is recognised as the same by mail programs and calendars.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime
from functools import partial

from clinic.booking.handoff import invitations, mail, words
from clinic.booking.handoff.interface import Appointment, Delivery, Event, Part, Reason
from clinic.booking.handoff.mail import MailSettings
from clinic.facts import Facts

#: Changes of state the clinic is told about when it has not made them itself.
_NOTICES = frozenset(set(Event) - {Event.DECLINED})


class Requests:
    """Invitations to patients and notices to the clinic. ``settings`` None: no mail leaves."""

    def __init__(self, clinic: Facts, settings: MailSettings | None) -> None:
        self._clinic = clinic
        self._settings = settings

    def offer_busy(
        self, start: datetime, end: datetime, therapist: str
    ) -> list[tuple[datetime, datetime]]:
        """Nothing: the clinic's own database is all there is."""
        return []

    def parts(self, appointment: Appointment, *, by_clinic: bool) -> tuple[Part, ...]:
        """The letters this change of state asks for."""
        found = []
        if appointment.patient_email:
            found.append(Part.PATIENT)
        if self._clinic.email and not by_clinic and appointment.status in _NOTICES:
            found.append(Part.CLINIC)
        return tuple(found)

    def deliver(self, appointment: Appointment, part: Part) -> Delivery:
        """Send one letter. Raises ``Trouble``."""
        if part == Part.SYSTEM:
            return Delivery.stuck(Reason.NO_SYSTEM)
        make = patient_letter if part == Part.PATIENT else clinic_notice
        return self._send(appointment, part, make)

    def tell_of_free_time(self, appointment: Appointment, part: Part) -> Delivery:
        """Send the letter about a time that someone on the waiting list could have.

        To the patient, or to the clinic, which calls the patient. Raises ``Trouble``.
        """
        return self._send(appointment, part, partial(free_time_letter, part=part))

    def _send(
        self,
        appointment: Appointment,
        part: Part,
        make: Callable[[Appointment, Facts, MailSettings], EmailMessage],
    ) -> Delivery:
        recipient = appointment.patient_email if part == Part.PATIENT else self._clinic.email
        if self._settings is None or not recipient:
            return Delivery.stuck(Reason.NO_MAIL)
        message = make(appointment, self._clinic, self._settings)
        goodbye = mail.send(message, recipient, self._settings)
        return Delivery.sent(message["Message-ID"], goodbye)


def patient_letter(appointment: Appointment, clinic: Facts, settings: MailSettings) -> EmailMessage:
    """What the patient gets: a few sentences and, when there is a time, the invitation."""
    text = words.letter("patient", appointment, clinic)
    message = _letter(appointment, Part.PATIENT, text, settings, clinic.name)
    message["To"] = appointment.patient_email
    if clinic.email:
        message["Reply-To"] = clinic.email
    if appointment.starts_at is not None:
        calendar, method = invitations.invitation(appointment, clinic, settings.sender)
        message.add_alternative(
            calendar,
            subtype="calendar",
            params={"method": method, "name": "appointment.ics"},
            cte="base64",
        )
        # The border between the parts, which would otherwise be another one every time.
        message.set_boundary(f"=_{appointment.uid.partition('@')[0]}_{appointment.sequence}")
    return message


def clinic_notice(appointment: Appointment, clinic: Facts, settings: MailSettings) -> EmailMessage:
    """What the clinic gets: reference, initials, what and when. Nothing the patient wrote."""
    text = words.letter("clinic", appointment, clinic)
    message = _letter(appointment, Part.CLINIC, text, settings, clinic.name)
    message["To"] = clinic.email
    return message


def free_time_letter(
    appointment: Appointment, clinic: Facts, settings: MailSettings, *, part: Part
) -> EmailMessage:
    """A time became free for someone on the waiting list; to the patient or to the clinic."""
    text = words.letter(part, appointment, clinic, "free_time")
    message = _letter(appointment, part, text, settings, clinic.name)
    if part == Part.PATIENT:
        message["To"] = appointment.patient_email
        if clinic.email:
            message["Reply-To"] = clinic.email
    else:
        message["To"] = clinic.email
    return message


def _letter(
    appointment: Appointment, part: Part, text: dict[str, str], settings: MailSettings, name: str
) -> EmailMessage:
    message = EmailMessage(policy=MAIL)
    user, _, domain = settings.sender.rpartition("@")
    message["From"] = Address(name, user, domain)
    message["Subject"] = text["subject"]
    # Everything is made of the change itself, so that a second try gives the same bytes.
    message["Date"] = format_datetime(appointment.changed_at.astimezone(UTC))
    message["Message-ID"] = message_id(appointment.uid, appointment.sequence, part, settings)
    message["X-Appointment-Request"] = appointment.uid.partition("@")[0]
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text["text"], cte="quoted-printable")
    return message


def message_id(uid: str, sequence: int, part: Part, settings: MailSettings) -> str:
    """The id of a letter, the same for every try to send it."""
    return f"<{uid.partition('@')[0]}.{sequence}.{part}@{settings.domain}>"
