"""WebSockets of Sanic 21.12 on Python 3.11, for Engine.IO.

Rasa pins Sanic 21.12, whose ``recv`` hands coroutines to ``asyncio.wait``. Python 3.11 forbids
that, so no WebSocket would ever receive anything (docs/decisions/0010-website-channel.md). Here
the same is done with a task.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engineio.async_drivers import sanic as driver
from engineio.packet import MESSAGE, Packet
from sanic import Sanic
from sanic.request import Request
from socketio import AsyncServer
from websockets.connection import CLOSED

# The code with which a WebSocket is closed for a message that is too large (RFC 6455).
TOO_LARGE = 1009
# Seconds that a refused request waits for the window to fetch the reason.
TOLD_WITHIN = 2.0


def attach(
    sio: AsyncServer, app: Sanic, path: str, too_large: Callable[[], dict[str, str]]
) -> None:
    """Puts a Socket.IO server into an application, with WebSockets that work.

    Before a connection is closed for a frame that is too large, it gets an ``error`` event with
    what ``too_large`` returns. By long polling the request is refused as well.
    """

    def refusal() -> str:
        """The event as Socket.IO writes it."""
        return "2" + json.dumps(["error", too_large()])

    def websocket(handler: Any, server: Any) -> WebSocket:
        return WebSocket(handler, server, refusal)

    sio.eio._async = {**sio.eio._async, "websocket": websocket}

    async def handle(request: Request) -> Any:
        polling = sio.eio.sockets.get(request.args.get("sid", ""))
        length = int(request.headers.get("content-length", 0))
        if request.method == "POST" and polling and length > sio.eio.max_http_buffer_size:
            await polling.send(Packet(MESSAGE, refusal()))
            # The window ends the connection when its request is refused.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(polling.queue.join(), TOLD_WITHIN)
        return await sio.handle_request(request)

    # Sanic sends no HTTP response after such a handler: the connection is over by then.
    handle.is_websocket = True  # type: ignore[attr-defined]
    app.add_route(handle, f"/{path}/", methods=["GET", "POST", "OPTIONS"], name="socketio")
    app.enable_websocket()


class WebSocket(driver.WebSocket):
    """Engine.IO's WebSocket, with a ``wait`` of its own and nothing to say at its end."""

    def __init__(self, handler: Any, server: Any, refusal: Callable[[], str]) -> None:
        super().__init__(handler, server)
        self._refusal = refusal

    async def __call__(self, environ: dict[str, Any]) -> None:
        """Serves a connection until it ends."""
        await super().__call__(environ)

    async def wait(self) -> str | bytes:
        """Returns the next message. Raises OSError when there will be none."""
        socket: Any = self._sock
        if socket.connection.state is CLOSED:
            raise OSError
        # Sanic cancels this future when the connection ends.
        socket.recv_cancel = asyncio.get_running_loop().create_future()
        message = asyncio.ensure_future(socket.assembler.get())
        try:
            await asyncio.wait((message, socket.recv_cancel), return_when=asyncio.FIRST_COMPLETED)
            if not message.done() or (data := message.result()) is None:
                raise OSError
            frame = data.encode() if isinstance(data, str) else data
            if len(frame) > self.server.max_http_buffer_size:
                await socket.send(str(MESSAGE) + self._refusal())
                await socket.close(TOO_LARGE)
                raise OSError
            return data
        finally:
            message.cancel()
            socket.recv_cancel = None
