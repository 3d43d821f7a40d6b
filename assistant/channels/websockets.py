"""WebSockets of Sanic 21.12 on Python 3.11, for Engine.IO.

Rasa pins Sanic 21.12, whose ``recv`` hands coroutines to ``asyncio.wait``. Python 3.11 forbids
that, so no WebSocket would ever receive anything (docs/decisions/0010-website-channel.md). Here
the same is done with a task.
"""

from __future__ import annotations

import asyncio
from typing import Any

from engineio.async_drivers import sanic as driver
from sanic import Sanic
from sanic.request import Request
from socketio import AsyncServer
from websockets.connection import CLOSED


def attach(sio: AsyncServer, app: Sanic, path: str) -> None:
    """Puts a Socket.IO server into an application, with WebSockets that work."""
    sio.eio._async = {**sio.eio._async, "websocket": WebSocket}

    async def handle(request: Request) -> Any:
        return await sio.handle_request(request)

    # Sanic sends no HTTP response after such a handler: the connection is over by then.
    handle.is_websocket = True  # type: ignore[attr-defined]
    app.add_route(handle, f"/{path}/", methods=["GET", "POST", "OPTIONS"], name="socketio")
    app.enable_websocket()


class WebSocket(driver.WebSocket):
    """Engine.IO's WebSocket, with a ``wait`` of its own and nothing to say at its end."""

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
            return data
        finally:
            message.cancel()
            socket.recv_cancel = None
