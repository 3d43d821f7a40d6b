"""Several servers tell each other which conversation a conversation's windows show from now on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from redis import asyncio as redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

CHANNEL = "clinic:website:moves"
# Seconds until a Redis server that has gone away is asked again.
_AGAIN = 0.5


@dataclass(frozen=True)
class Move:
    """The windows of ``old`` show ``new``, from its beginning; ``old`` was closed or deleted."""

    old: str
    new: str
    deleted: bool


class RedisMoves:
    """Carries moves between servers that share a Redis server.

    ``moved`` is called with each move of another server, and with this server's own.
    """

    def __init__(self, url: str, moved: Callable[[Move], Awaitable[None]]) -> None:
        self._redis = redis.Redis.from_url(url)
        self._moved = moved
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listens from now on."""
        self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Listens no more."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._redis.close()

    async def tell(self, move: Move) -> None:
        """Tells the other servers; windows there learn of a move that is lost when they write."""
        try:
            await self._redis.publish(CHANNEL, json.dumps(asdict(move)))
        except RedisError as error:
            logger.error("Other servers could not be told: %s", type(error).__name__)

    async def _listen(self) -> None:
        while True:
            # That Redis is away is said by Socket.IO, which listens to it as well.
            with suppress(RedisError):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        if message["type"] == "message":
                            await self._take(Move(**json.loads(message["data"])))
            await asyncio.sleep(_AGAIN)

    async def _take(self, move: Move) -> None:
        try:
            await self._moved(move)
        except Exception as error:
            logger.error("Windows could not be moved: %s", type(error).__name__)
