"""What a messaging app is to the assistant: one subclass of :class:`App`, in one file.

The base does the rest: it stores what arrives before it is acknowledged, has it answered in order,
keeps the addresses, and sends what is to be sent, again if need be. docs/messaging-apps.md.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

import httpx

# Seconds for one call to a provider: to connect, and for its answer.
CONNECT_WITHIN, ANSWER_WITHIN = 5.0, 20.0


CONNECT = "python -m assistant channels connect"


class BadBody(ValueError):
    """A request whose body is not what the provider sends: it is answered with 400."""


class Kind(StrEnum):
    """What has arrived.

    ``start``: the patient opens the chat, perhaps by a link. ``edited``: an earlier message was
    changed. ``group``: somebody talks to the assistant where others read along. ``stopped``: this
    patient can be sent nothing more until they write again. ``opted_out``: they asked for no more
    messages, which holds until an update that ``resumes``. ``help``: who is this, and how does it
    end? ``failed``: a message that the provider had taken did not reach this patient; with the
    reason "stopped" none will. ``said``: another app of the clinic's has written to the patient.
    ``taken``: the chat is another app's, and nothing may be sent; ``given``: it is ours again.
    """

    TEXT = "text"
    BUTTON = "button"
    START = "start"
    MEDIA = "media"
    EDITED = "edited"
    GROUP = "group"
    STOPPED = "stopped"
    OPTED_OUT = "opted_out"
    HELP = "help"
    FAILED = "failed"
    SAID = "said"
    TAKEN = "taken"
    GIVEN = "given"


@dataclass(frozen=True)
class Received:
    """A request as it came: headers by name in lower case, and the bytes that were signed.

    ``url`` is the address that the provider called, as patients' apps know this server.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Update:
    """One thing that happened in the app.

    ``id`` names it among all of the provider's, ``sender`` is the address to answer to. ``text``:
    words, also those below a picture. ``token``: of the button. ``link``: what a link into the chat
    brought along. ``phone``: the patient's number, in digits, where it is told and is not the
    address. ``resumes``: asks for messages again, if they were asked to end. ``reason``: why a
    message failed, as in :class:`Answer`; ``about``: which one, by :attr:`Answer.id`.
    ``overheard``: the patient wrote it to another app of the clinic's, which answers. ``at``: the
    moment, in seconds since 1970, when the provider tells it. ``handle``: what
    :meth:`App.acknowledge` needs, never stored.
    """

    id: str
    sender: str
    kind: Kind = Kind.TEXT
    text: str = ""
    token: str = ""
    link: str = ""
    phone: str = ""
    reason: str = ""
    about: str = ""
    at: float | None = None
    locale: str = "en"
    resumes: bool = False
    overheard: bool = False
    handle: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A button: what stands on it, and the token that comes back."""

    title: str
    token: str


@dataclass(frozen=True)
class Outgoing:
    """One message of the assistant's.

    ``text`` is written as in docs/website-channel.md. ``rating``: a thumb up and one down, or
    nothing. ``kind`` is the protocol's, "" for most. ``appointment``: it says what became of one.
    ``unasked``: it answers nothing that the patient wrote. ``first``: the number of the first
    choice, where choices are numbered.
    """

    text: str
    choices: tuple[Choice, ...] = ()
    rating: tuple[Choice, ...] = ()
    kind: str = ""
    appointment: bool = False
    unasked: bool = False
    first: int = 1


@dataclass(frozen=True)
class Call:
    """One call to the provider, without the address and without secrets."""

    method: str
    body: Mapping[str, Any]


class Outcome(StrEnum):
    """What became of a call.

    ``later``: try again. ``refused``: never try this one again. ``stopped``: this patient takes no
    messages any more.
    """

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Answer:
    """The outcome, a reason, and seconds the provider asks to wait.

    Reasons are those under ``late`` in ``clinic/outbox/wording.yml``. ``id`` is what the provider
    calls what it has taken, where it may report its loss by that.
    """

    outcome: Outcome
    reason: str = ""
    after: float | None = None
    id: str = ""


SENT = Answer(Outcome.SENT)


@dataclass(frozen=True)
class Finding:
    """What was found out for the clinic, in one sentence. ``good`` is None when nobody can tell."""

    good: bool | None
    text: str


class NoAnswer(Exception):
    """A question to a provider was not answered; the text is one sentence that says why."""


class App(ABC):
    """One messaging app. ``secrets`` are the settings that it names, ``http`` makes its calls."""

    # As in addresses, and what Rasa calls the channel.
    name: ClassVar[str]
    # As people say.
    title: ClassVar[str]
    # Names of environment variables; with one of them empty the app is off.
    settings: ClassVar[tuple[str, ...]]
    # Environment variables that may be empty, and what they are then.
    defaults: ClassVar[Mapping[str, str]] = {}
    # The environment variable that names a server on this computer in the provider's place.
    stand_in: ClassVar[str]
    # Where the provider's interface is.
    address: ClassVar[str]
    # Calls a second, to all patients together.
    per_second: ClassVar[float]
    # And to one patient: seconds between two calls, and how many may be made at once after a pause.
    per_chat: ClassVar[tuple[float, int] | None] = None
    # Choices are numbers to be typed, because the app has no buttons.
    numbered: ClassVar[bool] = False
    # Bytes of the longest request of the provider's.
    longest_request: ClassVar[int] = 128 * 1024
    # How long after a patient last wrote the provider takes any message to them; None: always.
    window: ClassVar[timedelta | None] = None
    # Seconds for which the app shows that an answer is being made; 0.0: it is shown once.
    typing_lasts: ClassVar[float] = 0.0
    # The sentence of apps.yml that is said before the first answer.
    notice: ClassVar[str] = "notice"
    # What the provider reads in the 200, and its type.
    accepted: ClassVar[tuple[str, str]] = ("", "text/plain; charset=utf-8")

    def __init__(self, secrets: Mapping[str, str], address: str, http: httpx.AsyncClient) -> None:
        self.secrets = secrets
        self.api = address
        self.http = http

    @classmethod
    def problem(cls, secrets: Mapping[str, str]) -> str | None:
        """A sentence that says which setting cannot be used, and what is allowed."""
        return None

    @abstractmethod
    def verify(self, request: Received) -> bool:
        """Whether the provider sent it. Secrets are compared with :func:`same`."""

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The answer to a GET by which the provider tries the address; None refuses it."""
        return None

    @abstractmethod
    def updates(self, request: Received) -> list[Update]:
        """What a genuine request tells; nothing for what does not matter. Raises BadBody."""

    @abstractmethod
    def render(self, message: Outgoing) -> list[Call]:
        """The calls that bring a message to a patient, in order; the same for every try."""

    def render_late(self, message: Outgoing) -> list[Call]:
        """The calls for a message after ``window``; none when it cannot be sent then."""
        return []

    @abstractmethod
    async def send(self, address: str, call: Call) -> Answer:
        """Makes one call. Errors of the connection are turned into answers by :meth:`post`."""

    async def repeated(self, update: Update) -> None:
        """An update has arrived again, and does nothing but what has to be done each time."""
        return

    async def acknowledge(self, update: Update, chosen: str, awaited: bool) -> None:
        """Shows that an update has arrived. Made once.

        ``chosen`` is the title of the button; ``awaited``: the assistant is about to answer.
        """
        return

    async def link(self, token: str) -> str:
        """An address that opens the app and brings ``token`` along in :attr:`Update.link`.

        Apps that can only fill in a text fill in the words under ``link`` of apps.yml, which the
        base reads. "" when there is none.
        """
        return ""

    async def typing(self, address: str) -> None:
        """Shows that an answer is being made, again every :attr:`typing_lasts` seconds."""
        return

    async def check(self, webhook: str) -> list[Finding]:
        """Asks the provider how things stand, and whether it calls ``webhook``. Raises NoAnswer."""
        return [Finding(None, f"{self.title} cannot be asked where it calls. See docs/.")]

    async def connect(self, webhook: str) -> str:
        """Has the provider call ``webhook``; a sentence that says so. Raises NoAnswer."""
        raise NoAnswer(f"{self.title} cannot be told where to call. docs/ says where to click.")

    async def ask(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        """A question or an order to the provider; its answer. Raises NoAnswer."""
        host = httpx.URL(url).host
        try:
            response = await self.http.request(method, url, **content)
        except httpx.HTTPError as error:
            raise NoAnswer(f"{host} cannot be reached ({type(error).__name__}).") from None
        if self.no_login(response):
            raise NoAnswer(f"{host} refuses the login. Are {', '.join(self.settings)} right?")
        try:
            told = response.json()
        except ValueError:
            told = None
        if response.status_code >= 300 or not isinstance(told, dict):
            raise NoAnswer(f"{host} answers with {response.status_code}.")
        return told

    def no_login(self, response: httpx.Response) -> bool:
        """Whether the provider does not take our login."""
        return response.status_code in (401, 403)

    def calls(self, url: str, webhook: str) -> Finding:
        """Whether the address that the provider calls is ``webhook``; "" is none."""
        if url == webhook:
            return Finding(True, f"{self.title} calls {webhook}.")
        there = (
            f"{self.title} calls {url}, not {webhook}." if url else f"{self.title} calls nobody."
        )
        return Finding(False, f"{there} {CONNECT} {self.name}")

    async def post(self, url: str, **content: Any) -> httpx.Response | Answer:
        """A POST; the response, or what became of it when there is none or it says: not now.

        After ``too_slow`` nobody knows whether the message arrived.
        """
        try:
            response = await self.http.post(url, **content)
        except httpx.TimeoutException as error:
            connecting = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            return Answer(Outcome.LATER, "unreachable" if connecting else "too_slow")
        except httpx.HTTPError:
            return Answer(Outcome.LATER, "unreachable")
        if response.status_code == 429:
            return Answer(Outcome.LATER, "rate_limit", self.wait_of(response))
        if response.status_code >= 500:
            return Answer(Outcome.LATER, "busy", self.wait_of(response))
        return response

    def wait_of(self, response: httpx.Response) -> float | None:
        """Seconds that the provider asks to wait: the header Retry-After (RFC 9110), or None."""
        value = response.headers.get("retry-after", "")
        return float(value) if value.isdecimal() and len(value) < 6 else None


def same(sent: str, secret: str) -> bool:
    """Whether a header holds a secret, in a time that tells nothing of it."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), secret.encode())


def client() -> httpx.AsyncClient:
    """What calls are made with; it follows no redirects and reads no proxy settings."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(ANSWER_WITHIN, connect=CONNECT_WITHIN),
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
    )
