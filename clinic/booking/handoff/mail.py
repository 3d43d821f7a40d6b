"""Sending e-mail by SMTP.

Settings come from the environment (``CLINIC_SMTP_*``, ``CLINIC_MAIL_FROM``). A message is handed
over once the server has accepted it; :func:`send` returns in that moment, so that the caller can
store it before anything else happens, and the goodbye to the server is said afterwards.
"""

from __future__ import annotations

import io
import os
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as MAIL

from clinic.booking.handoff import patience
from clinic.booking.handoff.chosen import is_this_computer
from clinic.booking.handoff.interface import LIMIT, Reason, Trouble
from clinic.environment import EnvironmentProblem

SECURITIES = {"starttls": 587, "tls": 465, "none": 25}

#: Seconds for the server's last word. Giving up there would send the message twice if the server
#: has accepted it, so it gets more time than any other answer (RFC 5321, 4.5.3.2.6).
LAST_WORD = 30.0


@dataclass(frozen=True)
class MailSettings:
    """How mail leaves: through which server, from which address."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def domain(self) -> str:
        """The part of the sender's address after the @."""
        return self.sender.rpartition("@")[2]


def is_set_up() -> bool:
    """Whether a mail server is named, so that letters go out."""
    return bool(os.environ.get("CLINIC_SMTP_HOST", "").strip())


def settings() -> MailSettings | None:
    """The settings in the environment; None when no server is named, so that no mail is sent.

    Raises :class:`EnvironmentProblem` naming the setting that cannot be used.
    """
    host = os.environ.get("CLINIC_SMTP_HOST", "").strip()
    if not host:
        return None
    if not all(c.isalnum() or c in ".-:" for c in host):
        raise EnvironmentProblem(
            f'CLINIC_SMTP_HOST is "{host}". Allowed: the name of a mail server, for example '
            "smtp.example.com, or empty to send no mail."
        )
    security = os.environ.get("CLINIC_SMTP_SECURITY", "").strip() or "starttls"
    if security not in SECURITIES:
        raise EnvironmentProblem(
            f'CLINIC_SMTP_SECURITY is "{security}". Allowed: {", ".join(SECURITIES)}, for example '
            "starttls."
        )
    if security == "none" and not is_this_computer(host):
        raise EnvironmentProblem(
            f'CLINIC_SMTP_SECURITY is "none" with CLINIC_SMTP_HOST "{host}". Allowed: none only '
            "for a mail server on this computer, otherwise starttls or tls."
        )
    user = os.environ.get("CLINIC_SMTP_USER", "") or None
    password = os.environ.get("CLINIC_SMTP_PASSWORD", "") or None
    if (user is None) != (password is None):
        missing = "CLINIC_SMTP_USER" if user is None else "CLINIC_SMTP_PASSWORD"
        raise EnvironmentProblem(
            f"{missing} is empty. Allowed: user and password together, or neither, for example "
            "CLINIC_SMTP_USER=desk@example.com."
        )
    return MailSettings(host, _port(security), security, _sender(), user, password)


def _port(security: str) -> int:
    text = os.environ.get("CLINIC_SMTP_PORT", "").strip() or str(SECURITIES[security])
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise EnvironmentProblem(
            f'CLINIC_SMTP_PORT is "{text}". Allowed: a number from 1 to 65535, for example 587.'
        )
    return int(text)


def _sender() -> str:
    from email_validator import EmailNotValidError, validate_email

    text = os.environ.get("CLINIC_MAIL_FROM", "").strip()
    try:
        return validate_email(
            text, check_deliverability=False, test_environment=True, allow_smtputf8=False
        ).normalized
    except EmailNotValidError:
        raise EnvironmentProblem(
            f'CLINIC_MAIL_FROM is "{text}". Allowed: the address mail is sent from, for example '
            "appointments@clinic.example.com."
        ) from None


def send(message: EmailMessage, recipient: str, settings: MailSettings) -> Callable[[], None]:
    """Hand one message for one person to the server; gives what says goodbye to the server.

    Returns when the server has accepted it. Raises :class:`Trouble`; the texts of the server,
    which may hold the address, are dropped.
    """
    return _talk(settings, lambda session: session.hand_over(message, recipient))


def try_login(settings: MailSettings) -> None:
    """Everything up to a message: connection, encryption, login. Raises :class:`Trouble`."""
    _talk(settings, lambda session: session.introduce())()


def _talk(settings: MailSettings, work: Callable[[_Session], None]) -> Callable[[], None]:
    session = None
    try:
        with patience.troubles():
            try:
                session = _Session(settings)
                work(session)
            except smtplib.SMTPException as error:  # an OSError too, so it goes first
                raise _trouble(error) from None
    except BaseException:
        if session is not None:
            session.close()
        raise
    return session.goodbye


class _Session(smtplib.SMTP):
    """One conversation with a mail server, with a limit for each of its answers."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._limit = LIMIT
        # The name of this computer is nobody's business, and finding it out can take seconds.
        super().__init__(settings.host, settings.port, local_hostname=settings.domain)

    # smtplib's own place for saying how a connection is made, which its SMTP_SSL uses too.
    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        deadline = patience.Deadline(LIMIT)
        sock = patience.connect(host, port, deadline)
        if self._settings.security == "tls":
            return patience.encrypt(sock, host, deadline)
        return sock

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib, within the limit of one answer."""
        deadline = patience.Deadline(self._limit)
        assert self.sock is not None
        self.sock.settimeout(deadline.left())
        if self.file is None:
            self.file = io.BufferedReader(patience.Reader(self.sock, deadline))
        self.file.raw.deadline = deadline
        return super().getreply()

    def introduce(self) -> None:
        """Encryption and login. Raises what smtplib raises."""
        settings = self._settings
        self.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            self.starttls(context=ssl.create_default_context())
            self.ehlo()
        if settings.user and settings.password:
            self.login(settings.user, settings.password)

    def hand_over(self, message: EmailMessage, recipient: str) -> None:
        """Everything up to the server's acceptance. Raises what smtplib raises."""
        self.introduce()
        options = ["SMTPUTF8"] if not recipient.isascii() else []
        if options and not self.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("no SMTPUTF8")
        _expect(self.mail(self._settings.sender, options), 250)
        _expect(self.rcpt(recipient), 250, 251, 252)
        _expect(self.docmd("DATA"), 354)
        assert self.sock is not None
        self.sock.settimeout(LIMIT)
        self.sock.sendall(_dotted(message.as_bytes(policy=MAIL.clone(utf8=bool(options)))))
        self._limit = LAST_WORD
        _expect(self.getreply(), 250)
        self._limit = LIMIT

    def goodbye(self) -> None:
        """End the conversation; the message is with the server whatever happens here."""
        try:
            self.quit()
        except (smtplib.SMTPException, OSError):
            self.close()


def _expect(reply: tuple[int, bytes], *codes: int) -> None:
    if reply[0] not in codes:
        raise smtplib.SMTPResponseException(*reply)


def _dotted(message: bytes) -> bytes:
    """A message as it goes over the line: a line that starts with a dot gets another (RFC 5321)."""
    lines = message.replace(b"\r\n", b"\n").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    quoted = [b"." + line if line.startswith(b".") else line for line in lines]
    return b"\r\n".join(quoted) + b"\r\n.\r\n"


def _trouble(error: smtplib.SMTPException) -> Trouble:
    """What a server's refusal means for trying again: 4xx later, 5xx never (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Trouble(Reason.REFUSED, "no extension", final=True)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        slow = isinstance(error.__context__, TimeoutError)
        return Trouble(Reason.TOO_SLOW if slow else Reason.UNREACHABLE)
    code = getattr(error, "smtp_code", None)
    if not isinstance(code, int) or not 400 <= code < 600:
        return Trouble(Reason.UNEXPECTED)
    final = code >= 500
    if isinstance(error, smtplib.SMTPAuthenticationError) or code in (530, 534, 535):
        return Trouble(Reason.LOGIN, str(code), final=final)
    return Trouble(Reason.REFUSED if final else Reason.BUSY, str(code), final=final)
