"""One conversation is answered by one server at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol
from weakref import WeakValueDictionary

from redis import asyncio as redis
from redis.exceptions import LockNotOwnedError, RedisError

logger = logging.getLogger(__name__)

# Seconds after which the lock of a server that died is free again.
LEASE = 20.0


class Locks(Protocol):
    """Locks by conversation."""

    def of(self, conversation: str) -> AbstractAsyncContextManager[Any]:
        """Held while a conversation's messages are answered or deleted."""


class LocalLocks:
    """For a server on its own."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, conversation: str) -> asyncio.Lock:
        """The conversation's lock in this process."""
        return self._locks.setdefault(conversation, asyncio.Lock())


class RedisLocks:
    """For several servers that share a Redis server."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)
        self._local = LocalLocks()

    @asynccontextmanager
    async def of(self, conversation: str) -> AsyncIterator[None]:
        """The conversation's lock among all servers. Raises Redis's errors."""
        async with self._local.of(conversation):
            lock = self._redis.lock(f"clinic:website:{conversation}", timeout=LEASE, sleep=0.05)
            await lock.acquire()
            renewing = asyncio.create_task(_renew(lock))
            try:
                yield
            finally:
                renewing.cancel()
                # What cannot be given back now ends with its lease.
                with suppress(RedisError):
                    await lock.release()


async def _renew(lock: Any) -> None:
    """Keeps the lock for as long as it takes, also when Redis is away for a moment."""
    while True:
        await asyncio.sleep(LEASE / 8)
        with suppress(RedisError):
            try:
                await lock.reacquire()
            except LockNotOwnedError:
                # Redis has been started anew and has forgotten who holds what.
                if not await lock.acquire(blocking=False):
                    logger.error("Another server holds the lock of a conversation at work here")
