"""Locks among several servers, while Redis comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis as Client
from redis.exceptions import RedisError
from redis_server import PATIENCE, Redis

from assistant.channels import locks
from assistant.channels.locks import RedisLocks

LEASE = 1.6


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(locks, "LEASE", LEASE)
    running = Redis()
    yield running
    running.stop()


async def held(url: str, seconds: float) -> bool:
    """Whether another server waits for the lock of a conversation so long in vain."""
    try:
        async with asyncio.timeout(seconds), RedisLocks(url).of("chat"):
            return False
    except TimeoutError:
        return True


async def taken(url: str) -> None:
    """Waits until Redis knows the lock."""
    async with asyncio.timeout(PATIENCE), Client.from_url(url) as client:
        while not await client.keys("*chat"):
            await asyncio.sleep(0.01)


def test_a_lock_is_kept_for_as_long_as_it_is_needed(redis: Redis) -> None:
    async def work() -> tuple[bool, bool]:
        async with RedisLocks(redis.url).of("chat"):
            during = await held(redis.url, LEASE * 2)
        return during, await held(redis.url, LEASE)

    assert asyncio.run(work()) == (True, False)


def test_a_redis_that_is_started_anew_takes_no_lock_away(redis: Redis) -> None:
    """What it has forgotten is taken again, and giving it back while it is away is no error."""

    async def work() -> bool:
        async with RedisLocks(redis.url).of("chat"):
            redis.kill()
            with pytest.raises(RedisError):
                await held(redis.url, LEASE)
            # In the meantime it is renewed in vain.
            await asyncio.sleep(LEASE / 4)
            redis.start()
            await taken(redis.url)
            still = await held(redis.url, LEASE * 2)
            redis.kill()
        return still

    assert asyncio.run(work())


def test_a_lock_that_another_server_has_taken_meanwhile_is_told(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with RedisLocks(redis.url).of("chat"), Client.from_url(redis.url) as client:
            (name,) = await client.keys("*chat")
            await client.set(name, "another's")
            async with asyncio.timeout(PATIENCE):
                while not caplog.records:
                    await asyncio.sleep(0.01)

    asyncio.run(work())
    assert "Another server holds the lock" in caplog.text
