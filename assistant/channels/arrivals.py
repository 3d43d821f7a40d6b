"""What arrives is stored before anything else is answered.

Understanding a message keeps the event loop for some milliseconds, in which no provider gets its
acknowledgement. So no answer is begun while something is arriving, at least for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Seconds after which an answer is begun all the same: a flood keeps nobody waiting for ever.
LONGEST = 0.25


class Arrivals:
    """Counts what is arriving, and lets answers begin one after the other."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._next = asyncio.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Inside, something is arriving."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def give_way(self) -> None:
        """Returns when an answer may begin."""
        async with self._next:
            # The loop looks once for what has arrived; otherwise it would do all answers before.
            await asyncio.sleep(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    await self._none.wait()
