"""What arrives goes before answers, which are not put off for ever."""

from __future__ import annotations

import asyncio

from assistant.channels.arrivals import Arrivals


def test_an_answer_waits_for_what_arrives() -> None:
    async def run() -> list[str]:
        arrivals, order = Arrivals(), []

        async def answer(name: str) -> None:
            await arrivals.give_way()
            order.append(name)

        with arrivals.one():
            answers = [asyncio.create_task(answer(name)) for name in ("first", "second")]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            order.append("stored")
        await asyncio.gather(*answers)
        return order

    assert asyncio.run(run()) == ["stored", "first", "second"]


def test_a_flood_does_not_keep_answers_for_ever() -> None:
    async def run() -> None:
        arrivals = Arrivals()
        with arrivals.one():
            await asyncio.wait_for(arrivals.give_way(), 10)

    asyncio.run(run())
