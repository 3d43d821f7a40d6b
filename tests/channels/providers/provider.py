"""What the tests ask of a messaging provider. Another channel joins by one more module like
``telegram.py`` here, and its class in ``PROVIDERS`` of ``tests/channels/apps.py``.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx

PATIENCE = 60.0  # seconds after which something that must happen counts as missing


@dataclass(frozen=True)
class Shown:
    """One message in a patient's app. ``buttons``: titles, or numbers, and what they send."""

    text: str
    buttons: dict[str, str] = field(default_factory=dict)


class Provider(ABC):
    """A provider with patients: what they write goes to ``server``, what they are sent is kept.

    ``failing``: answers (status, headers, body) given in place of the true ones, the first first.
    ``delay``: seconds an answer takes. A call that breaks a published limit is kept in ``broken``,
    one that comes too fast in ``limited``. ``rates``: the table's ``per_second``, of all calls, and
    ``per_chat``: how many at once to one patient, and the seconds for each further one.
    """

    name: ClassVar[str]
    # Bytes that no request of the provider's has.
    too_long: ClassVar[int] = 200_000

    def __init__(self) -> None:
        self.server = ""
        # Where the provider calls, if that is not the server itself but a proxy.
        self.public = ""
        self.shown: dict[str, list[Shown]] = {}
        self.signs: list[tuple[str, str]] = []
        self.broken: list[str] = []
        self.limited: list[str] = []
        self.rates: dict[str, Any] = {}
        self._calls: deque[float] = deque()
        self._levels: dict[str, tuple[float, float]] = {}
        self.blocked: set[str] = set()
        self.failing: list[tuple[int, dict[str, str], bytes]] = []
        self.delay = 0.0
        # Calls are answered when it is set; so many have come.
        self.held: threading.Event | None = None
        self.begun = 0
        # The address that the provider calls, where it can be told.
        self.webhook = ""
        self.before_answer: Callable[[], None] | None = None
        self.typed: list[str] = []
        # Connections of callers that are open.
        self.connected = 0
        self._happened = threading.Condition()
        self._client = httpx.Client(timeout=30, trust_env=False)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self._http.shutdown()
        self._http.server_close()
        self._client.close()

    # What a channel's module says.

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The environment that turns the channel on and points it here."""

    @abstractmethod
    def text(self, sender: str, words: str, **more: Any) -> tuple[dict[str, str], bytes]:
        """A signed request: headers and body. ``more``: id and what else the channel knows."""

    @abstractmethod
    def sealed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Any bytes, signed as if the provider had sent them."""

    @abstractmethod
    def press(self, sender: str, token: str, **more: Any) -> tuple[dict[str, str], bytes]:
        """A signed request for a pressed button, or for its number typed."""

    @abstractmethod
    def forged(self) -> list[tuple[str, dict[str, str], bytes]]:
        """Requests that must be refused: what is wrong, headers, body."""

    def examples(self) -> list[tuple[dict[str, str], bytes]]:
        """Signed requests of the provider's kinds that the others here leave out."""
        return []

    @abstractmethod
    def unread(self, sender: str) -> list[tuple[tuple[dict[str, str], bytes], str]]:
        """Signed requests that cannot be read, and words of what is said to each."""

    @abstractmethod
    def ignored(self) -> list[tuple[dict[str, str], bytes]]:
        """Signed requests that are acknowledged and do nothing."""

    @abstractmethod
    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Answers a call of the channel's: checks its limits, and keeps what patients see."""

    @abstractmethod
    def follow(self, sender: str, url: str) -> tuple[dict[str, str], bytes]:
        """What a patient who opens a link into the app sends there."""

    # What tests do.

    def deliver(self, request: tuple[dict[str, str], bytes]) -> int:
        """Calls the webhook; the status of its answer."""
        headers, body = request
        url = f"{self.server}/webhooks/{self.name}/webhook"
        coded = {name: value.encode("latin-1") for name, value in headers.items()}
        return self._client.post(url, headers=coded, content=body).status_code

    def insist(self, request: tuple[dict[str, str], bytes]) -> None:
        """Calls again until it is taken, as providers do; the server may die over it."""
        ends = time.monotonic() + PATIENCE
        while True:
            with suppress(httpx.TransportError):
                if self.deliver(request) == 200:
                    return
            assert time.monotonic() < ends, "the server takes no update"
            time.sleep(0.05)

    def say(self, sender: str, words: str, count: int = 1) -> list[Shown]:
        """A patient writes, and reads at least so many new messages."""
        self.typed.append(words)
        before = len(self.seen(sender))
        assert self.deliver(self.text(sender, words)) == 200
        return self.until(sender, before + count)[before:]

    def click(self, sender: str, title: str, count: int = 1) -> list[Shown]:
        """Presses the newest button with this title."""
        for message in reversed(self.seen(sender)):
            if title in message.buttons:
                before = len(self.seen(sender))
                request = self.press(sender, message.buttons[title])
                assert self.deliver(request) == 200
                return self.until(sender, before + count)[before:]
        raise AssertionError(f"no button {title}: {self.seen(sender)}")

    def seen(self, sender: str) -> list[Shown]:
        """All that a patient was sent."""
        with self._happened:
            return list(self.shown.get(sender, ()))

    def until(self, sender: str, count: int) -> list[Shown]:
        """Waits until a patient was sent so many messages; all of them."""
        self.wait(
            lambda: len(self.shown.get(sender, ())) >= count,
            f"message {count} of {sender}: {self.shown.get(sender)} {self.broken}",
        )
        return self.seen(sender)

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        """Waits until something holds, which is looked at after every call."""
        ends = time.monotonic() + PATIENCE
        with self._happened:
            while not condition():
                assert time.monotonic() < ends, f"waited in vain for {what}"
                self._happened.wait(0.2)

    def show(self, sender: str, message: Shown) -> None:
        """Keeps what a patient sees."""
        self.shown.setdefault(sender, []).append(message)

    def too_fast(self, sender: str) -> str:
        """Whether a message comes faster than is allowed, to "all" or to "one"; "" if not."""
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - 1:
            self._calls.popleft()
        most, seconds = self.rates.get("per_chat", (1, 0.0))
        before, level = self._levels.get(sender, (now, 0.0))
        level = max(0.0, level - (now - before) / seconds) if seconds else 0.0
        limit = "one" if level + 1 > most else ""
        if len(self._calls) >= self.rates.get("per_second", float("inf")):
            limit = "all"
        if limit:
            self.limited.append(limit)
            return limit
        self._calls.append(now)
        self._levels[sender] = (now, level + 1)
        return ""

    def breach(self, what: str) -> tuple[int, bytes]:
        """Notes a broken limit and refuses the call."""
        self.broken.append(what)
        return 400, what.encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with provider._happened:
                    provider.connected += 1
                try:
                    super().handle()
                finally:
                    with provider._happened:
                        provider.connected -= 1
                        provider._happened.notify_all()

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(size)
                if len(body) < size:
                    # Whoever called died over it.
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                if provider.delay:
                    time.sleep(provider.delay)
                if held := provider.held:
                    with provider._happened:
                        provider.begun += 1
                        provider._happened.notify_all()
                    held.wait(PATIENCE)
                more: dict[str, str] = {}
                with provider._happened:
                    counts = provider.counts(self.path, body)
                    if provider.failing and counts:
                        status, more, answer = provider.failing.pop(0)
                    else:
                        status, answer = provider.answer(self.path, headers, body)
                    provider._happened.notify_all()
                if provider.before_answer and counts:
                    provider.before_answer()
                self.send_response(status)
                for name, value in {**more, "content-length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler

    def counts(self, path: str, body: bytes) -> bool:
        """Whether a call brings a message, so that it may fail; signs never do."""
        return True
