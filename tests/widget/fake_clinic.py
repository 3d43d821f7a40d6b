"""A small server that speaks the website channel's protocol (docs/website-channel.md).

For states that the real one hardly ever is in: acknowledgements that do not come, answers that are
held back, refusals, a person who joins. It also serves the pages the widget is tested on, with the
strictest Content-Security-Policy it must work under. It runs in a thread of its own; its methods
are called from the test's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import socketio
from aiohttp import web

from assistant.website import PAGES

FILES = Path(__file__).with_name("pages")
ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "widget" / "dist" / "clinic-chat.js"
SITE = ROOT / "assistant" / "website" / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html"
)
CLINIC = {
    "name": "Sorrel Lane Massage Therapy",
    "phone": "416-555-0142",
    "emergency": "911",
    "numbers": ["911", "988", "811"],
}

BOOKING: dict[str, Any] = {
    "type": "booking",
    "reference": "GY3CF7",
    "service": "massage therapy",
    "minutes": 60,
    "therapist": "Natalie Yeo",
    "starts": "2026-12-03T17:00:00-05:00",
    "ends": "2026-12-03T18:00:00-05:00",
    "zone": "America/Toronto",
    "place": "12 Sorrel Lane, Suite 3, Toronto",
    "status": "requested",
    "ics": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
}
REFUSED: dict[str, Any] = {"ok": False, "error": {"code": "server_busy", "message": "Not now."}}
EMERGENCY = "Please go to the nearest emergency department or call 911 now.\n\nThis needs a doctor."

Answer = dict[str, Any]
Answering = Callable[[str], list[Answer]]


def echo(text: str) -> list[Answer]:
    """Answers with what was asked."""
    return [{"text": f"You wrote: {text}"}]


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@dataclass
class Said:
    """What the server keeps of one conversation."""

    label: str
    token: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    last_seq: int = 0
    closed: bool = False  # started again: its token opens nothing any more

    def add(self, **message: Any) -> dict[str, Any]:
        """Gives a message its number and its time, and keeps it."""
        self.last_seq += 1
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        whole = {
            "id": secrets.token_hex(8),
            "at": stamp,
            "from": "assistant",
            **message,
            "seq": self.last_seq,
        }
        self.messages.append(whole)
        return whole


class FakeClinic:
    """The server. ``answering`` makes the answers; the other attributes make it misbehave."""

    def __init__(self) -> None:
        self.answering: Answering = echo
        self.answers = True  # False: messages are acknowledged and nothing follows
        self.acknowledges = True  # False: no acknowledgement comes
        self.types = False  # True: "typing" before the answer
        self.refusal = ""  # the reason with which connections are refused
        self.full = False  # True: connections are refused before they can be given a reason
        self.rejections: list[dict[str, Any]] = []  # errors for the next messages
        self.deletes = True  # False: deleting fails
        self.not_deleted: dict[str, Any] = REFUSED  # what is answered then
        self.deleting: threading.Event | None = None  # what a deletion waits for
        # Stored before the next message, and sent by catch_up() only.
        self.overtaken: list[dict[str, Any]] = []
        self.refuses: set[str] = set()  # events that fail
        self.apps: list[str] = []  # messaging apps that are on
        self.transports = ["polling", "websocket"]  # taken at the next start
        self.conversations: list[Said] = []
        self.received: list[dict[str, Any]] = []  # every message, repeated ones too
        self.feedback: list[dict[str, Any]] = []
        self.shown: list[int] = []
        self.handshakes: list[dict[str, Any]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._labels = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def talk(self) -> Said:
        """The newest conversation in which something was said, or the newest."""
        said = [one for one in self.conversations if one.messages]
        return (said or self.conversations)[-1]

    def start(self) -> None:
        """Starts, or starts again on the same port with everything it has kept."""
        self._call(self._start())

    def stop(self) -> None:
        """Ends at once, as if killed: nobody is told."""
        self._call(self._stop())

    def end(self) -> None:
        """Stops for good."""
        self.stop()
        self._call(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def push(self, talk: Said | None = None, **message: Any) -> dict[str, Any]:
        """Says something unasked; returns the message."""
        talk = talk or self.talk
        whole = talk.add(**message)
        self.emit("message", whole, talk)
        return whole

    def catch_up(self) -> None:
        """Sends what was stored before the last message and acknowledged after it."""
        for message in [one for one in self.talk.messages if one.pop("late", False)]:
            self.emit("message", message)

    def emit(self, event: str, data: dict[str, Any], talk: Said | None = None) -> None:
        """Sends an event to everyone in a conversation."""
        self._call(self._sio.emit(event, data, to=(talk or self.talk).token))

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def _start(self) -> None:
        self._sio = socketio.AsyncServer(
            async_mode="aiohttp", cors_allowed_origins=[], transports=self.transports
        )
        for event in ("connect", "message", "received", "history", "feedback", "delete"):
            self._sio.on(event, getattr(self, f"_on_{event}"))
        self._sio.on("restart", self._on_restart)
        self._sio.on("typing", self._on_typing)
        self._sio.on("link", self._on_link)
        self._sio.eio.handlers["connect"] = self._door(self._sio.eio.handlers["connect"])
        app = web.Application()
        app.router.add_get("/{name:[a-z]+\\.(?:html|js|css)}", self._file)
        app.router.add_get("/widget/clinic-chat.js", self._bundle)
        for address, page in PAGES.items():
            app.router.add_get(address, partial(self._page, page))
        app.router.add_static("/site", SITE)
        self._sio.attach(app, "chat/socket.io")
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    def _door(self, connected: Callable[..., Any]) -> Callable[..., Any]:
        async def come_in(sid: str, environ: dict[str, Any]) -> Any:
            return False if self.full else await connected(sid, environ)

        return come_in

    async def _stop(self) -> None:
        if self._runner is None:
            return
        for server in self._runner.sites:
            await server.stop()
        for connection in list(self._sio.eio.sockets.values()):
            with contextlib.suppress(Exception):
                # not waiting: nobody reads what is still to be sent to a page that has gone
                await connection.close(wait=False)
        await self._runner.cleanup()
        self._runner = None

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = FILES / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            # What the page's address asks for: ?lang=fr&dir=rtl&attributes=keep="local"
            for name in ("lang", "dir", "attributes"):
                default = {"lang": "en", "dir": "ltr"}.get(name, "")
                text = text.replace(f"{{{name}}}", request.query.get(name, default))
        kinds = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
        headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type=kinds[path.suffix], headers=headers)

    async def _bundle(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(BUNDLE, headers={"Content-Type": "text/javascript"})

    async def _page(self, page: Callable[[], str], request: web.Request) -> web.StreamResponse:
        headers = {"Content-Security-Policy": CSP}
        return web.Response(text=page(), content_type="text/html", headers=headers)

    def _new(self) -> Said:
        talk = Said(f"C{next(self._labels)}", secrets.token_urlsafe(16))
        self.conversations.append(talk)
        return talk

    async def _greet(self, sid: str, talk: Said, resumed: bool) -> None:
        await self._sio.enter_room(sid, talk.token)
        await self._sio.save_session(sid, {"talk": talk})
        session = {
            "token": talk.token,
            "expires_at": "2027-01-01T00:00:00Z",
            "conversation": talk.label,
            "clinic": CLINIC,
            "assistant": {"name": "Assistant", "kind": "assistant"},
            "privacy": {"keep_days": 90},
            "limits": {"text": 2000, "per_minute": 20},
            "apps": self.apps,
            "resumed": resumed,
        }
        await self._sio.emit("session", session, to=sid)

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: dict[str, Any]) -> None:
        if self.refusal:
            raise socketio.exceptions.ConnectionRefusedError(self.refusal)
        self.handshakes.append(auth)
        token = auth.get("token")
        known = [one for one in self.conversations if one.token == token and not one.closed]
        talk = known[0] if known else self._new()

        async def welcome() -> None:
            await self._greet(sid, talk, bool(known))
            seen = auth.get("last_seq")
            if known and seen is None:
                page = await self._on_history(sid, {})
                await self._sio.emit("history", page, to=sid)
                return
            for message in talk.messages:
                if message["seq"] > (seen or 0):
                    await self._sio.emit("message", message, to=sid)

        self._sio.start_background_task(welcome)

    async def _talk(self, sid: str) -> Said:
        session = await self._sio.get_session(sid)
        talk: Said = session["talk"]
        return talk

    async def _on_message(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        talk = await self._talk(sid)
        self.received.append(data)
        if not self.acknowledges:
            await asyncio.sleep(3600)
        if self.rejections:
            return {"ok": False, "error": self.rejections.pop(0)}
        known = [one for one in talk.messages if one["id"] == data["id"]]
        if known:
            return {"ok": True, "repeated": True, "seq": known[0]["seq"], "at": known[0]["at"]}
        for earlier in self.overtaken:
            talk.add(late=True, **earlier)
        self.overtaken = []
        text = data.get("title") or data["text"]
        kept = talk.add(id=data["id"], text=text, **{"from": "patient"})
        await self._sio.emit("message", kept, to=talk.token, skip_sid=sid)
        self._sio.start_background_task(self._answer, talk, data, kept)
        return {"ok": True, "seq": kept["seq"], "at": kept["at"]}

    async def _answer(self, talk: Said, data: dict[str, Any], kept: dict[str, Any]) -> None:
        if self.types:
            await self._sio.emit("typing", {"on": True}, to=talk.token)
        if not self.answers:
            return
        for answer in self.answering(data.get("payload") or kept["text"]):
            message = talk.add(in_reply_to=kept["id"], **answer)
            await self._sio.emit("message", message, to=talk.token)

    async def _on_received(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        self.shown.append(data["seq"])
        return {"ok": True}

    async def _on_history(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        if "history" in self.refuses:
            return REFUSED
        talk = await self._talk(sid)
        before = data.get("before") or talk.last_seq + 1
        older = [one for one in talk.messages if one["seq"] < before]
        limit = data.get("limit", 50)
        return {"ok": True, "messages": older[-limit:], "more": len(older) > limit}

    async def _on_feedback(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        if "feedback" in self.refuses:
            return REFUSED
        self.feedback.append(data)
        for message in (await self._talk(sid)).messages:
            if message["id"] == data["message_id"]:
                message["rated"] = data["value"]
                if data["value"] == "none":
                    del message["rated"]
        return {"ok": True}

    async def _on_delete(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        if not self.deletes:
            return self.not_deleted
        while self.deleting and not self.deleting.is_set():
            await asyncio.sleep(0.01)
        talk = await self._talk(sid)
        self.conversations.remove(talk)

        async def afterwards() -> None:
            await self._sio.emit("deleted", {}, to=talk.token)
            await self._move(talk, self._new())

        self._sio.start_background_task(afterwards)
        return {"ok": True}

    async def _move(self, talk: Said, fresh: Said) -> None:
        for each, _ in list(self._sio.manager.get_participants("/", talk.token)):
            await self._sio.leave_room(each, talk.token)
            await self._greet(each, fresh, False)

    async def _on_restart(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        if "restart" in self.refuses:
            return REFUSED
        talk = await self._talk(sid)
        fresh = self._new()
        talk.closed = True

        async def afterwards() -> None:
            await self._move(talk, fresh)

        self._sio.start_background_task(afterwards)
        return {"ok": True}

    async def _on_typing(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True}

    async def _on_link(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        if "link" in self.refuses:
            return REFUSED
        url = f"https://chat.example.com/{data['app']}"
        return {"ok": True, "url": url, "expires_at": "2026-11-24T20:15:00Z"}
