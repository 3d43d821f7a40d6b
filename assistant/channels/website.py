"""The website's channel: Socket.IO at ``/chat/socket.io``, protocol in docs/website-channel.md.

Rasa's own Socket.IO channel lets the visitor choose the conversation's id, looks at no origin and
loses what is said while nobody is connected. Here the server issues the id in a signed token, every
message is on the disk before it is acknowledged, and a window that comes back gets what it missed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import re
import sys
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from engineio.packet import CLOSE, Packet
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse
from socketio import AsyncRedisManager, AsyncServer
from socketio.exceptions import ConnectionRefusedError

from assistant.channels import chat_settings, mailbox, origins, websockets
from assistant.channels.apps import senders
from assistant.channels.bubbles import ALARMS, Bubble, stamp
from assistant.channels.chat_settings import ChatSettings
from assistant.channels.limits import Places, Rate
from assistant.channels.live import LiveChats
from assistant.channels.locks import LocalLocks, Locks, RedisLocks
from assistant.channels.mailbox import Mailbox, Stored
from assistant.channels.moves import Move, RedisMoves
from assistant.channels.tokens import Tokens, new_conversation
from assistant.channels.turns import CHANNEL, Turns, stored_conversations
from assistant.channels.visitors import Visitor, Visitors
from assistant.channels.wording import LOCALES, error_text, matches, words
from assistant.live import standing
from clinic import clock, environment, facts
from clinic.networks import counted_as

logger = logging.getLogger(__name__)
# Windows come and go; that is nothing to warn of.
_connections = logging.getLogger(f"{__name__}.connections")
_connections.setLevel(logging.ERROR)
# What engineio says once and then keeps to itself is about what a window sent: one that has gone,
# or that comes back to a server which was started anew.
_connections.addFilter(lambda record: "further occurrences" not in record.getMessage())

PATH = "chat/socket.io"
# Characters of a message, of a reason given with a thumb.
LONGEST, LONGEST_REASON = 2000, 500
# Messages that are given at once of what was said before.
MOST_OF_HISTORY = 50
# Bytes of a frame: the longest message in the widest encoding, and the rest around it.
FRAME = 32 * 1024
# Other events than messages, from one conversation in a minute.
EVENTS_PER_MINUTE = 240
# So many more connections than chat windows may be open, in all and from one address: those that
# have not said yet what they want, and those that are being told that there is no place.
SPARE, SPARE_FROM_ONE = 100, 10
# Seconds after which a window may try again when there is too much to do.
BUSY_FOR = 5
# Seconds that answers under way are waited for when the server is told to stop.
STOP_WITHIN = 8.0
# Seconds for what is left to end once the server has stopped.
END_WITHIN = 1.0
# Seconds between two looks for messages that another process has stored, for what a server that
# died left unanswered, and for connections that never said what they want.
LOOK_EVERY = 1.0
# So many looks after something new, rows with lower numbers are looked for too: a transaction that
# began earlier may have ended later.
LATE_LOOKS = 10
# Seconds for which one thread may keep the others waiting.
SWITCH = 0.0005
SWEEP_EVERY = 10.0
# Seconds between two looks for conversations that have been kept long enough.
FORGET_EVERY = 3600.0
# No token is older than this: what is said of a deleted conversation need not be remembered longer.
LONGEST_TOKEN = timedelta(days=90)

Ack = dict[str, Any]


class Refusal(Exception):
    """An event is not accepted; ``code`` is one of docs/website-channel.md."""

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class _SocketBlueprint(Blueprint):
    """Puts the Socket.IO server into the application together with the channel."""

    def __init__(self, sio: AsyncServer, settings: ChatSettings) -> None:
        super().__init__(CHANNEL)
        self.ctx.sio = sio
        self.ctx.settings = settings

    def register(self, app: Sanic, options: dict[str, Any]) -> None:
        """Called by Sanic."""
        # What is a little too large is refused with a reason, what is far too large is not read.
        app.config.update({"WEBSOCKET_MAX_SIZE": 4 * FRAME, "REQUEST_MAX_SIZE": 4 * FRAME})
        # Socket.IO has pings of its own.
        app.config.update({"WEBSOCKET_PING_INTERVAL": None})
        if self.ctx.settings.proxies:
            app.config.PROXIES_COUNT = self.ctx.settings.proxies
        websockets.attach(self.ctx.sio, app, PATH, _too_large)
        super().register(app, options)


class WebsiteInput(InputChannel):
    """Takes the website's chats."""

    @classmethod
    def name(cls) -> str:
        """The channel's name."""
        return CHANNEL

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Returns the channel's part of the application. Raises EnvironmentProblem."""
        settings = chat_settings.read()
        keys = environment.chat_keys(environment.var_folder())
        redis = settings.redis_url
        sio = AsyncServer(
            async_mode="sanic",
            client_manager=AsyncRedisManager(redis, channel="clinic-website") if redis else None,
            # A page that may not chat could not read otherwise that it may not: see Chat.connect.
            cors_allowed_origins="*",
            cors_credentials=False,
            max_http_buffer_size=FRAME,
            # Their own would write what patients say to the log.
            logger=_connections,
            engineio_logger=_connections,
        )
        sio.on("connect", _not_yet)
        blueprint = _SocketBlueprint(sio, settings)

        @blueprint.get("/")
        async def ready(request: Request) -> HTTPResponse:
            there = hasattr(request.app.ctx, "chat")
            return response.json({"status": "ok" if there else "starting"}, 200 if there else 503)

        @blueprint.listener("after_server_start")
        async def start(app: Sanic, loop: Any) -> None:
            # While messages are being understood, the threads that read and write the database
            # would wait five milliseconds for each of their steps.
            sys.setswitchinterval(SWITCH)
            lifetime = timedelta(days=facts.current().resume_days)
            chat = Chat(app, sio, on_new_message, settings, Tokens(keys, lifetime))
            await chat.start()
            app.ctx.chat = chat

        @blueprint.listener("before_server_stop")
        async def stop(app: Sanic, loop: Any) -> None:
            await app.ctx.chat.stop()
            # A request that is held open until there is news has its answer now.
            for socket in list(sio.eio.sockets.values()):
                await socket.send(Packet(CLOSE))

        @blueprint.listener("after_server_stop")
        async def end(app: Sanic, loop: Any) -> None:
            # Pings for windows that were open: left as they are, each would be an error in the log.
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=END_WITHIN)

        return blueprint


async def _not_yet(sid: str, wsgi: dict[str, Any], auth: Any = None) -> None:
    """Until the channel has started."""
    raise ConnectionRefusedError("server_busy")


class Outlet(Protocol):
    """Another way by which patients read what is said: a messaging app."""

    name: str

    async def link(self, conversation: str) -> tuple[str, datetime] | None:
        """An address that goes on with a conversation there, once, and until when."""

    async def began(self, conversation: str) -> None:
        """The assistant is working on an answer to what was written there."""

    async def news(self, conversation: str) -> None:
        """There are new messages, or the assistant has no answer."""

    async def joined(self, conversation: str, name: str, key: str) -> None:
        """A person has come, by the step ``key``."""

    async def typed(self, conversation: str, on: bool) -> None:
        """A person has begun to type, or has stopped. Must not wait for a provider."""

    async def erased(self, conversation: str, left: list[str], farewell: list[Bubble]) -> None:
        """A conversation was deleted; the last words belong in those that are ``left``."""


class Chat:
    """Answers the events of the protocol, and is told what becomes of messages.

    ``box``, ``locks``, ``arrivals``, ``live`` and ``outlets`` are shared with messaging apps.
    """

    def __init__(
        self,
        app: Sanic,
        sio: AsyncServer,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],
        settings: ChatSettings,
        tokens: Tokens,
    ) -> None:
        self._agent = app.ctx.agent
        self._sio = sio
        self.settings = settings
        self.outlets: list[Outlet] = []
        self._tokens = tokens
        self._store = stored_conversations(self._agent)
        self.box = Mailbox(self._store.engine)
        self._visitors = Visitors(sio, self.box)
        self._moves = RedisMoves(settings.redis_url, self._moved) if settings.redis_url else None
        self.locks: Locks = RedisLocks(settings.redis_url) if settings.redis_url else LocalLocks()
        self._turns = Turns(self._agent, self.box, on_new_message, self, self.locks)
        self.arrivals = self._turns.arrivals
        # The conversations in which the senders of a deleted one are told so.
        self._left: dict[str, list[str]] = {}
        self._places = Places(settings.connections, settings.connections_from_one)
        self._connections = Places(
            settings.connections + SPARE, settings.connections_from_one + SPARE_FROM_ONE
        )
        # The address of each Engine.IO connection, whether a window has joined over it or not.
        self._addresses: dict[str, str] = {}
        self._messages = Rate(settings.per_minute)
        self._messages_from_one = Rate(settings.per_minute_from_one)
        self._events = Rate(EVENTS_PER_MINUTE)
        self.live = LiveChats(self._agent, self._store, self.box, self._turns.pause, self)
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes connections, and answers what a server before this one left unanswered."""
        self.box.create_tables()
        self._store.erase_with = self._forget
        await self.live.start()
        newest = await self.box.read(mailbox.newest)
        for conversation in await self.box.read(mailbox.waiting):
            self._turns.add(conversation, recovered=True)
        self._looking = asyncio.create_task(self._look(newest))
        if self._moves is not None:
            self._moves.start()
        handlers = self._sio.eio.handlers
        handlers["connect"] = self._counting(handlers["connect"])
        handlers["disconnect"] = self._uncounting(handlers["disconnect"])
        self._sio.on("connect", self.connect)
        self._sio.on("disconnect", self.disconnect)
        for event, handler in (
            ("message", self.message),
            ("received", self.received),
            ("history", self.history),
            ("feedback", self.feedback),
            ("delete", self.delete),
            ("restart", self.restart),
            ("link", self.link),
            ("typing", self.typing),
        ):
            self._sio.on(event, self._checked(handler))

    def _forget(self, connection: Any, conversation: str) -> None:
        """What goes together with a conversation's events."""
        mailbox.forget(connection, conversation, clock.now())
        self._left[conversation] = senders.leave(connection, conversation)

    async def stop(self) -> None:
        """Ends in order: what is not answered by then is answered after the next start."""
        if self._looking is not None:
            self._looking.cancel()
        if self._moves is not None:
            await self._moves.stop()
        await self._turns.stop(STOP_WITHIN)
        await self.live.stop(STOP_WITHIN)
        await self.box.close()

    # Coming and going.

    def _counting(self, connected: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> Any:
        """Counts connections from their first byte on; refuses those that are too many."""

        async def come(eio_sid: str, wsgi: dict[str, Any]) -> Any:
            address = _address(wsgi["sanic.request"])
            if not self._connections.take(address):
                return "too_many_connections"
            self._addresses[eio_sid] = address
            return await connected(eio_sid, wsgi)

        return come

    def _uncounting(self, disconnected: Callable[[str, str], Awaitable[Any]]) -> Any:
        async def leave(eio_sid: str, reason: str) -> Any:
            address = self._addresses.pop(eio_sid, None)
            if address is not None:
                self._connections.leave(address)
            if reason == self._sio.eio.reason.CLIENT_DISCONNECT:
                # A request that is held open until there is news has its answer now.
                await self._sio.eio.sockets[eio_sid].queue.put(None)
            return await disconnected(eio_sid, reason)

        return leave

    async def connect(self, sid: str, wsgi: dict[str, Any], auth: Any = None) -> None:
        """Lets a chat window in, or says why not."""
        host = wsgi.get("HTTP_HOST", "")
        if not origins.allowed(wsgi.get("HTTP_ORIGIN"), host, facts.current().allowed_origins):
            raise ConnectionRefusedError("origin_not_allowed")
        address = _address(wsgi["sanic.request"])
        if not self._places.take(address):
            raise ConnectionRefusedError("too_many_connections")
        wishes = auth if isinstance(auth, dict) else {}
        locale = wishes.get("locale")
        visitor = Visitor(sid, address, locale if locale in LOCALES else LOCALES[0], "", 0)
        try:
            deleted, resumed, received = await self._place(visitor, wishes)
            self._visitors.add(visitor)
        except Exception as error:
            logger.error("A visitor could not be let in: %s", type(error).__name__)
            raise ConnectionRefusedError("server_busy") from None
        finally:
            if self._visitors.get(sid) is None:
                self._places.leave(address)
        _keep(asyncio.create_task(self._welcome(visitor, deleted, resumed, received)))

    async def _place(self, visitor: Visitor, wishes: dict[str, Any]) -> tuple[bool, bool, int]:
        """Finds the conversation: was it deleted, is it resumed, up to where was it received?"""
        visitor.conversation = new_conversation()
        known = self._tokens.read(wishes.get("token"))
        if known is None:
            return False, False, 0
        try:
            stands = await self.box.read(mailbox.standing, known)
        except mailbox.Gone as gone:
            return gone.args[0] == mailbox.DELETED, False, 0
        if stands.last_seq and stands.locale != visitor.locale:
            await self.box.write(mailbox.speak, known, visitor.locale)
        visitor.conversation = known
        seen = _whole(wishes.get("last_seq"))
        visitor.wants_past = seen is None and stands.last_seq > 0
        visitor.sent = min(seen or 0, stands.last_seq)
        return False, True, stands.received

    async def _welcome(self, visitor: Visitor, deleted: bool, resumed: bool, received: int) -> None:
        while not self._sio.manager.is_connected(visitor.sid, "/"):
            if self._visitors.get(visitor.sid) is None:
                return
            await asyncio.sleep(0)
        if self._has_gone(visitor.sid):
            # It went while it was let in: of that Socket.IO tells nobody.
            await self._sio.manager.disconnect(visitor.sid, "/", ignore_queue=True)
            await self.disconnect(visitor.sid)
            return
        try:
            await self._visitors.enter(visitor)
            if deleted:
                await self._visitors.tell(visitor, "deleted", {})
            session = self._session(visitor.conversation, visitor.locale, resumed, received)
            await self._visitors.tell(visitor, "session", session)
            if visitor.wants_past:
                await self._visitors.show_past(visitor, MOST_OF_HISTORY)
        finally:
            visitor.greeted = True
        await self._visitors.bring_up_to_date(visitor)

    def _has_gone(self, sid: str) -> bool:
        """Whether a window's connection is closed."""
        socket = self._sio.eio.sockets.get(self._sio.manager.eio_sid_from_sid(sid, "/"))
        return socket is None or socket.closing or socket.closed

    async def disconnect(self, sid: str, reason: str = "") -> None:
        """A chat window is gone."""
        visitor = self._visitors.remove(sid)
        if visitor is not None:
            self._places.leave(visitor.address)

    def _session(
        self, conversation: str, locale: str, resumed: bool = False, received: int = 0
    ) -> dict[str, Any]:
        token, expires = self._tokens.issue(conversation)
        clinic = facts.current()
        numbers = clinic.help_numbers
        return {
            "token": token,
            "expires_at": expires.isoformat().replace("+00:00", "Z"),
            "conversation": hashlib.sha256(conversation.encode()).hexdigest()[:8],
            "clinic": {
                "name": clinic.name,
                "phone": clinic.phone,
                "emergency": numbers.emergency,
                "numbers": [numbers.emergency, numbers.nurse_line, numbers.crisis_line],
            },
            "privacy": {"keep_days": clinic.privacy.keep_conversations.days},
            "assistant": _speaker(conversation, locale),
            "apps": [outlet.name for outlet in self.outlets],
            "limits": {"text": LONGEST, "per_minute": self.settings.per_minute},
            "resumed": resumed,
            "received": received,
        }

    # What a chat window asks for.

    def _checked(self, handler: Callable[[Visitor, dict[str, Any]], Awaitable[Ack]]) -> Any:
        async def handle(sid: str, *arguments: Any) -> Ack:
            visitor = self._visitors.get(sid)
            locale = visitor.locale if visitor else LOCALES[0]
            try:
                if visitor is None:
                    raise Refusal("not_found")
                data = arguments[0] if arguments else {}
                if not isinstance(data, dict):
                    raise Refusal("bad_message")
                if handler != self.message:
                    _use(self._events, visitor.conversation)
                return {"ok": True, **await handler(visitor, data)}
            except Refusal as refusal:
                return _refused(refusal, locale)
            except mailbox.Gone:
                return _refused(Refusal("not_found"), locale)
            except Exception as error:
                logger.error("An event could not be handled: %s", type(error).__name__)
                return _refused(Refusal("server_busy", BUSY_FOR), locale)

        return handle

    async def message(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Stores a patient's message and has it answered."""
        message_id, text, payload = _id(data.get("id")), data.get("text"), data.get("payload")
        if payload is None and (not isinstance(text, str) or not text.strip()):
            raise Refusal("bad_message")
        if payload is not None and not isinstance(payload, str):
            raise Refusal("bad_message")
        if len(payload or text or "") > LONGEST:
            raise Refusal("too_long")
        for rate, key in (
            (self._messages, visitor.conversation),
            (self._messages_from_one, visitor.address),
        ):
            _use(rate, key)
        if self._turns.length >= self.settings.waiting:
            raise Refusal("server_busy", BUSY_FOR)
        body = {"id": message_id, "at": stamp(), "from": mailbox.PATIENT, "text": text}
        body[mailbox.ADDRESS] = self._tokens.hashed(visitor.address)
        conversation = visitor.conversation
        visitor.own.add(message_id)
        try:
            accepted = await self.box.write(
                *(mailbox.accept, conversation, _storable(body), payload),
                *(clock.now(), visitor.locale),
            )
        except mailbox.UnknownButton:
            raise Refusal("unknown_button") from None
        stored = accepted.message
        if accepted.repeated:
            visitor.own.discard(message_id)
            # Its first acceptance may have failed after it was stored: then nobody knows of it.
            if stored.state == mailbox.PENDING:
                self._turns.add(conversation)
        else:
            self.accepted(stored)
        return {"seq": stored.seq, "at": stored.body["at"], "repeated": accepted.repeated}

    def accepted(self, stored: Stored) -> None:
        """Has a message answered that was just stored, and shows it in the patient's windows."""
        self._turns.accepted(stored)
        _keep(asyncio.create_task(self._visitors.deliver(stored.conversation, [stored])))

    async def received(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Notes what the patient has seen."""
        seq = _whole(data.get("seq"))
        if seq is None:
            raise Refusal("bad_message")
        await self.box.write(mailbox.receive, visitor.conversation, seq)
        return {}

    async def history(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Gives older messages."""
        before, limit = data.get("before"), data.get("limit", MOST_OF_HISTORY)
        if (before is not None and _whole(before) is None) or not _whole(limit):
            raise Refusal("bad_message")
        most = min(limit, MOST_OF_HISTORY)
        return await self._visitors.past(visitor.conversation, before, most)

    async def feedback(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Stores a thumb, or takes one back."""
        value, reason = data.get("value"), data.get("reason")
        if value not in ("up", "down", "none") or not isinstance(reason, str | None):
            raise Refusal("bad_message")
        if len(reason or "") > LONGEST_REASON:
            raise Refusal("too_long")
        message_id = _id(data.get("message_id"))
        rated = await self.box.read(mailbox.find, visitor.conversation, message_id)
        if rated is None or not rated.body.get("rateable"):
            raise Refusal("bad_message")
        await self.rate(rated, value, reason)
        return {}

    async def rate(self, rated: Stored, value: str, reason: str | None = None) -> None:
        """Stores a thumb on an answer: "up", "down", or "none" to take it back.

        Raises Refusal when that fails.
        """
        details = {
            "value": value,
            "answer": rated.response.removeprefix("utter_faq/"),
            "message_reference": rated.id,
            "reason": reason,
        }
        done = await self._perform("action_save_feedback", rated.conversation, details)
        said = _names(done, "responses", "response")
        if not {f"utter_feedback_thanks_{value}", "utter_feedback_noted"} & set(said):
            raise Refusal("server_busy", BUSY_FOR)
        await self.box.write(mailbox.rate, rated, value)

    async def delete(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Deletes what the clinic and this server keep of the conversation."""
        conversation = visitor.conversation
        try:
            async with self._turns.pause(conversation):
                done = await self._perform("action_delete_my_data", conversation, {})
                if "utter_data_kept" in _names(done, "responses", "response"):
                    raise Refusal("record_kept")
                if "erase_chat" not in _names(done, "events", "name"):
                    raise Refusal("not_deleted")
                self._store.erase(conversation)
        except Refusal:
            raise
        except Exception as error:
            logger.error("A conversation could not be deleted: %s", type(error).__name__)
            raise Refusal("not_deleted") from None
        _keep(asyncio.create_task(self.erased(conversation, [])))
        return {}

    async def restart(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Closes the conversation and begins another one."""
        old, new = visitor.conversation, new_conversation()
        await self.box.write(mailbox.close, old, mailbox.CLOSED, clock.now())
        await self.live.ended(old)
        _keep(asyncio.create_task(self._begin_again(Move(old, new, deleted=False))))
        return {}

    async def link(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """Gives an address by which the patient goes on in a messaging app."""
        for outlet in self.outlets:
            if outlet.name == data.get("app"):
                made = await outlet.link(visitor.conversation)
                if made is None:
                    raise Refusal("server_busy", BUSY_FOR)
                return {"url": made[0], "expires_at": made[1].isoformat().replace("+00:00", "Z")}
        raise Refusal("bad_message")

    async def typing(self, visitor: Visitor, data: dict[str, Any]) -> Ack:
        """The patient is typing, which a person who is there sees."""
        await self.live.typed(visitor.conversation, bool(data.get("on")))
        return {}

    async def _begin_again(self, move: Move) -> None:
        await self._moved(move)
        if self._moves is not None:
            await self._moves.tell(move)

    async def _moved(self, move: Move) -> None:
        """Shows another conversation in the windows that are connected here."""

        def events(locale: str) -> list[tuple[str, dict[str, Any]]]:
            deleted: list[tuple[str, dict[str, Any]]] = [("deleted", {})]
            return deleted * move.deleted + [("session", self._session(move.new, locale))]

        await self._visitors.move(move.old, move.new, events)
        await self._visitors.deliver(move.new)

    async def _perform(
        self, action: str, conversation: str, details: dict[str, Any]
    ) -> dict[str, Any]:
        """Has the action server do something outside the dialogue; returns what it answers."""
        entities = [{"entity": key, "value": value} for key, value in details.items()]
        answer = await self._agent.action_endpoint.request(
            method="post",
            timeout=30,
            json={
                "next_action": action,
                "sender_id": conversation,
                "domain": {},
                "tracker": {
                    "sender_id": conversation,
                    "slots": {},
                    "events": [],
                    "latest_message": {"entities": entities},
                },
            },
        )
        return dict(answer or {})

    # What becomes of messages: see assistant.channels.turns.Listener.

    async def began(self, asked: Stored) -> None:
        """The assistant is working on an answer, unless a person is there."""
        conversation = asked.conversation
        if conversation in standing.current().people:
            return
        await self._visitors.tell_all(conversation, "typing", {"on": True})
        for outlet in self.outlets:
            if outlet.name == asked.body.get(mailbox.VIA):
                await outlet.began(conversation)

    async def answered(self, asked: Stored, answers: list[Stored]) -> None:
        """The answers are stored and can be shown; none when a person will answer."""
        await self._visitors.tell_all(asked.conversation, "typing", {"on": False})
        await self._visitors.deliver(asked.conversation, answers)
        await self._tell_outlets(asked.conversation)
        if any(matches(answer.response, words()["handed_over"]) for answer in answers):
            await self._visitors.tell_all(asked.conversation, "handoff", {"state": "requested"})
        alarms = [each.body["kind"] for each in answers if each.body.get("kind") in ALARMS]
        await self.live.heard(asked.conversation, alarms[0] if alarms else "")

    async def alarmed(self, conversation: str, level: str) -> None:
        """A danger sign was overheard that a person has to answer."""
        await self.live.heard(conversation, level)

    async def failed(self, conversation: str, in_reply_to: str | None) -> None:
        """The answer is late."""
        for visitor in self._visitors.of(conversation):
            error = {"code": "no_answer", "message": error_text("no_answer", visitor.locale)}
            if in_reply_to:
                error["in_reply_to"] = in_reply_to
            await self._visitors.tell(visitor, "error", error)

    async def erased(self, conversation: str, farewell: list[Bubble]) -> None:
        """Everything is deleted; the last words stand in a conversation of their own."""
        left = self._left.pop(conversation, [])
        for outlet in self.outlets:
            await outlet.erased(conversation, left, farewell)
        if left and self._moves is None and not self._visitors.of(conversation):
            return
        new = new_conversation()
        if farewell:
            await self.box.write(mailbox.post, new, farewell, clock.now())
        await self._begin_again(Move(conversation, new, deleted=True))

    # What people at the clinic do: see assistant.channels.live.Windows.

    async def handed(self, conversation: str, event: dict[str, Any], key: str) -> None:
        """A person has come or gone; when they go, the assistant says so in words."""
        await self._visitors.tell_all(conversation, "handoff", event)
        for outlet in self.outlets if event["state"] == "joined" else ():
            await outlet.joined(conversation, event["name"], key)

    async def posted(self, conversation: str, messages: list[Stored]) -> None:
        """Messages that answer nothing are stored and can be shown."""
        await self._visitors.deliver(conversation, messages)
        await self._tell_outlets(conversation)

    async def _tell_outlets(self, conversation: str) -> None:
        for outlet in self.outlets:
            await outlet.news(conversation)

    async def typed(self, conversation: str, on: bool) -> None:
        """A person is typing, or has stopped."""
        await self._visitors.tell_all(conversation, "typing", {"on": on})
        for outlet in self.outlets:
            await outlet.typed(conversation, on)

    # Now and then.

    async def _look(self, number: int) -> None:
        swept, forgot = time.monotonic(), -FORGET_EVERY
        numbers = deque([number], maxlen=LATE_LOOKS)
        idle: set[str] = set()
        waiting: set[str] = set()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                newest, changed = await self.box.read(mailbox.changed, numbers[0])
                numbers.append(newest)
                for conversation, seq in changed.items():
                    if any(v.sent < seq for v in self._visitors.of(conversation)):
                        await self._visitors.deliver(conversation)
                if time.monotonic() - swept >= SWEEP_EVERY:
                    swept = time.monotonic()
                    idle = await self._close_idle(idle)
                    waiting = await self._take_over(waiting)
                if time.monotonic() - forgot >= FORGET_EVERY:
                    forgot = time.monotonic()
                    await self._forget_old()
            except Exception as error:
                logger.error("Looking for news failed: %s", type(error).__name__)

    async def _take_over(self, before: set[str]) -> set[str]:
        """Answers what another server accepted and has not answered for a while."""
        if not self.settings.redis_url:
            return set()
        waiting = set(await self.box.read(mailbox.waiting))
        for conversation in waiting & before:
            self._turns.add(conversation, recovered=True)
        return waiting

    async def _forget_old(self) -> None:
        """Forgets conversations that were deleted, when no token is left that knows them."""
        await self.box.write(mailbox.forget_deleted, clock.now() - LONGEST_TOKEN)

    async def _close_idle(self, before: set[str]) -> set[str]:
        """Closes connections that were refused or have not joined a chat."""
        joined = {self._sio.manager.eio_sid_from_sid(sid, "/") for sid in self._visitors.sids()}
        idle = set(self._sio.eio.sockets) - joined
        for eio_sid in idle & before:
            await self._sio.eio.disconnect(eio_sid)
        return idle


_tasks: set[asyncio.Task[Any]] = set()


def _keep(task: asyncio.Task[Any]) -> None:
    """Holds a task until it is done; the loop alone would let it be collected."""
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _speaker(conversation: str, locale: str) -> dict[str, str]:
    person = standing.current().people.get(conversation)
    if person is not None:
        return {"name": person, "kind": "person"}
    return {"name": words()["assistant"][locale], "kind": "assistant"}


def _names(done: dict[str, Any], room: str, key: str) -> set[str]:
    return {str(entry.get(key)) for entry in done.get(room) or []}


def _too_large() -> dict[str, str]:
    """What a window is told before its connection is ended for a frame that is too large."""
    return {"code": "too_large", "message": error_text("too_large", LOCALES[0])}


def _refused(refusal: Refusal, locale: str) -> Ack:
    values = {"limit": LONGEST, "seconds": refusal.retry_after or BUSY_FOR}
    error: dict[str, Any] = {
        "code": refusal.code,
        "message": error_text(refusal.code, locale, **values),
    }
    if refusal.retry_after is not None:
        error["retry_after"] = refusal.retry_after
    return {"ok": False, "error": error}


def _use(rate: Rate, key: str) -> None:
    """Counts an event, or refuses it with the seconds to wait."""
    now = time.monotonic()
    wait = rate.wait(key, now)
    if wait:
        raise Refusal("too_fast", math.ceil(wait))
    rate.count(key, now)


def _id(value: Any) -> str:
    """A UUID in its usual form."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F-]{36}", value):
        raise Refusal("bad_message")
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise Refusal("bad_message") from None


def _whole(value: Any) -> int | None:
    """A whole number from 0 on that a database can hold, or None."""
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if whole else None


def _storable(body: dict[str, Any]) -> dict[str, Any]:
    text = body["text"]
    return body | {"text": mailbox.clean(text)} if isinstance(text, str) else body


def _address(request: Request) -> str:
    """What a window's connections, messages and look-ups are counted by."""
    return counted_as(str(request.remote_addr or request.ip))
