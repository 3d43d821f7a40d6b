"""A chat window: what the page's script does, through python-socketio, step by step."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import engineio
import protocol_document
import socketio
from protocol_document import CONNECTING

PATH = "chat/socket.io"
# Behind one proxy, the tests can say which address a window comes from.
SETTINGS = {"CLINIC_PROXIES": "1"}
# Answers with 200 once chat windows are let in.
READY = "/webhooks/website/"
PATIENCE = 60.0  # seconds after which something that must happen counts as missing


def new_id() -> str:
    """An id for a message."""
    return str(uuid.uuid4())


class _InOrder(engineio.Client):
    """Tells of packets one after the other; the usual one starts a thread for each."""

    def _trigger_event(self, event: str, *arguments: Any, **options: Any) -> Any:
        return super()._trigger_event(event, *arguments, **{**options, "run_async": False})


class _Client(socketio.Client):
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder


class Window:
    """One chat window. ``seen`` holds every ``message`` event in the order of arrival."""

    def __init__(self, url: str, address: str = "198.51.100.7") -> None:
        self.url = url
        self.address = address
        self.seen: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.typed: list[str] = []
        self.events: list[tuple[str, Any]] = []
        self.refused: list[Any] = []
        self.client = _Client(reconnection=False)
        self._happened = threading.Condition()
        self._greeted = False
        # What docs/website-channel.md does not know of what this window was told.
        self.undocumented: set[str] = set()
        self.client.on("*", self._note)
        self.client.on("connect_error", partial(self._note, "connect_error"))

    def _note(self, event: str, data: Any = None) -> None:
        with self._happened:
            self.events.append((event, data))
            if event == "message":
                self.seen.append(data)
                if not self._greeted:
                    self.undocumented.add("a message before the session")
            if event == "session":
                self.sessions.append(data)
                self._greeted = True
            if event == "connect_error":
                self.refused.append(data)
                if isinstance(data, dict):
                    self.undocumented |= {data["message"]} - protocol_document.names(CONNECTING)
            else:
                self.undocumented |= protocol_document.undocumented(event, data)
            self._happened.notify_all()

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Waits until something holds, which is looked at after every event, and now and then: the
        end of a connection is told before the client counts as disconnected."""
        ends = time.monotonic() + PATIENCE
        with self._happened:
            while not (result := condition()):
                left = ends - time.monotonic()
                assert left > 0, f"waited in vain for {what}: {self.events[-5:]}"
                self._happened.wait(min(left, 0.1))
            return result

    def open(
        self,
        auth: dict[str, Any] | None = None,
        *,
        origin: str | None = None,
        transport: str = "websocket",
    ) -> Window:
        """Connects and waits for the session; raises socketio's ConnectionError when refused."""
        headers = {"X-Forwarded-For": self.address}
        if origin is not None and transport == "polling":
            headers["Origin"] = origin
        # Otherwise the client's own library would send the server's address.
        self.client.eio.websocket_extra_options = {"origin": origin, "suppress_origin": not origin}
        before = len(self.sessions)
        self._greeted = False
        self.client.connect(
            self.url, headers, auth or {}, [transport], socketio_path=PATH, wait_timeout=30
        )
        self.until(lambda: len(self.sessions) > before, "a session")
        return self

    def reopen(self, last_seq: int | None = None) -> Window:
        """Connects again with the token, as after a reload."""
        self.close()
        return self.open(
            {"token": self.token, "last_seq": self.last_seq if last_seq is None else last_seq}
        )

    def close(self) -> None:
        """Disconnects."""
        self.client.disconnect()
        assert not self.undocumented, "docs/website-channel.md does not know it"

    @property
    def token(self) -> str:
        """The newest token."""
        return str(self.sessions[-1]["token"])

    @property
    def last_seq(self) -> int:
        """The highest number shown."""
        return max((message["seq"] for message in self.seen), default=0)

    def call(self, event: str, *data: Any) -> dict[str, Any]:
        """Sends an event and returns its acknowledgement."""
        told = dict(self.client.call(event, data[0] if data else None, timeout=PATIENCE))
        self.undocumented |= protocol_document.undocumented_answer(event, told)
        return told

    def send(self, text: str, message_id: str | None = None) -> str:
        """Sends words, which must be accepted; returns the message's id."""
        message_id = message_id or new_id()
        self.typed.append(text)
        ack = self.call("message", {"id": message_id, "text": text})
        assert ack["ok"], ack
        return message_id

    def press(self, title: str) -> str:
        """Presses the newest button with this title; returns the message's id."""
        for message in reversed(self.seen):
            for button in message.get("buttons") or []:
                if button["title"] == title:
                    message_id = new_id()
                    ack = self.call("message", {"id": message_id, **button})
                    assert ack["ok"], ack
                    return message_id
        raise AssertionError(f"no button {title}: {self.seen[-1:]}")

    def answers(self, message_id: str) -> list[dict[str, Any]]:
        """Waits for the answers to a message, all of which arrive together."""
        self.until(lambda: self._answers(message_id), f"an answer to {message_id}")
        # They are sent in a row: what belongs to a later message ends them.
        self.call("typing", {"on": False})
        return self._answers(message_id)

    def _answers(self, message_id: str) -> list[dict[str, Any]]:
        return [message for message in self.seen if message.get("in_reply_to") == message_id]

    def ask(self, text: str) -> list[dict[str, Any]]:
        """Sends words and returns the answers."""
        return self.answers(self.send(text))
