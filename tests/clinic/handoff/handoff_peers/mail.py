"""A mail server (aiosmtpd) that keeps what it accepts and can be told to refuse."""

from __future__ import annotations

import datetime
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword


@dataclass
class Mailbox:
    """What arrived, and what the server is to answer.

    ``answers`` maps a command (``RCPT``, ``DATA``) to a reply given instead of accepting.
    """

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def messages(self) -> list[EmailMessage]:
        """Everything accepted so far, oldest first."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def wait_for(self, count: int, seconds: float = 10) -> None:
        """Until that many messages are here; fails after ``seconds``."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.raw) >= count, seconds), len(self.raw)

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        with self.arrived:
            self.raw.append(envelope.content)
            self.recipients += envelope.rcpt_tos
            self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
            self.arrived.notify_all()
        return "250 ok"


class MailServer:
    """A running server; ``stop`` ends it."""

    def __init__(
        self,
        port: int = 0,
        *,
        login: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
        implicit_tls: bool = False,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.mailbox = mailbox or Mailbox()
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        options: dict[str, Any] = {"enable_SMTPUTF8": True}
        if login:
            options |= {
                "authenticator": self._authenticator(login),
                "auth_required": True,
                "auth_require_tls": certificate is not None and not implicit_tls,
            }
        if context and not implicit_tls:
            options |= {"tls_context": context, "require_starttls": True}
        self.controller = Controller(
            self.mailbox,
            hostname="127.0.0.1",
            port=port or free_port(),
            ssl_context=context if implicit_tls else None,
            server_hostname="localhost",
            **options,
        )
        self.controller.start()
        self.mailbox.port = self.controller.port

    def _authenticator(self, login: tuple[str, str]) -> Callable[..., AuthResult]:
        def check(
            server: SMTP, session: Any, envelope: Envelope, mechanism: str, data: LoginPassword
        ) -> AuthResult:
            right = (data.login.decode(), data.password.decode()) == login
            self.mailbox.logins.append(data.login.decode() if right else "refused")
            return AuthResult(success=right, handled=right)

        return check

    def stop(self) -> None:
        """End the server."""
        self.controller.stop()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
