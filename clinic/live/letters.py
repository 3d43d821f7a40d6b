"""The e-mail to the clinic about a patient who waits in the chat, without a word of theirs."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime

from clinic import hours
from clinic.booking.handoff import mail
from clinic.booking.handoff.interface import Delivery, Reason
from clinic.booking.handoff.mail import MailSettings
from clinic.desk import options
from clinic.facts import Facts
from clinic.live.models import Step
from clinic.live.wording import wording


def send_wait(step: Step, clinic: Facts, settings: MailSettings | None) -> Delivery:
    """Send it. Raises ``clinic.booking.handoff.interface.Trouble``."""
    if settings is None or not clinic.email:
        return Delivery.stuck(Reason.NO_MAIL)
    message = wait_letter(step, clinic, settings)
    goodbye = mail.send(message, clinic.email, settings)
    return Delivery.sent(message["Message-ID"], goodbye)


def wait_letter(step: Step, clinic: Facts, settings: MailSettings) -> EmailMessage:
    """The letter: since when somebody waits and where to answer, and nothing about the patient.

    A second try gives the same bytes, so that mail programs show it once.
    """
    asked = (step.chat.asked_at or step.at).astimezone(clinic.zone)
    values = {
        "clinic_name": clinic.name,
        "since": hours.clock_words(asked.hour * 60 + asked.minute),
        "number": step.chat_id,
        "address": f"{options.read().address}/live/{step.chat_id}",
    }
    text = {key: value.format(**values) for key, value in wording()["waiting_letter"].items()}
    message = EmailMessage(policy=MAIL)
    user, _, domain = settings.sender.rpartition("@")
    message["From"] = Address(clinic.name, user, domain)
    message["To"] = clinic.email
    message["Subject"] = text["subject"]
    message["Date"] = format_datetime(step.at)
    message["Message-ID"] = f"<live.{step.key}@{settings.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text["text"], cte="quoted-printable")
    return message
