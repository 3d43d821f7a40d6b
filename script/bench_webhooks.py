"""Webhooks of a messaging app while the assistant is busy: script/bench --webhooks.

A server on this computer stands in for Telegram. Measured are: how long webhooks wait for their 200
when 200 arrive at once and 100 messages are being answered; and, with a provider that takes a
second for each call, when the answers of 20 conversations arrive, and how long the website's
visitors wait before, with and after them.

It ends with 1 when a figure is missed: ``--limit`` for the webhooks' p99; the website's visitors
wait no longer than the same run's visits before and after vary, and no conversation for another.

It takes about four minutes: three times ``--seconds`` for the website, and a minute or more because
answers are sent at the rate that Telegram allows, 30 a second.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import tempfile
import time

import aiohttp
from aiohttp import web
from bench import MESSAGES, free_port
from bench_chat import Visitor, figures, offer, serving

TOKEN, SECRET = "4242:" + "b" * 35, "c" * 40
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
BUSY, AT_ONCE, ROUNDS = 100, 200, 5
SLOW, CONVERSATIONS = 1.0, 20
PATIENCE = 300.0
# Seconds in which all slow conversations are complete: one after the other would be 40.
ALL_WITHIN = 5.0
# Milliseconds that two runs of the website alone may lie apart on an idle computer.
NOISE = 5.0


class Provider:
    """Takes calls; ``arrived`` is when a chat was first sent a message."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.arrived: dict[int, list[float]] = {}

    async def call(self, request: web.Request) -> web.Response:
        """Any method of the Bot API."""
        body = await request.json()
        await asyncio.sleep(self.delay)
        if request.path.endswith("/sendMessage"):
            self.arrived.setdefault(body["chat_id"], []).append(time.perf_counter())
        return web.json_response({"ok": True, "result": {"message_id": 1}})


class Bench:
    """One run against a server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, provider: Provider) -> None:
        self._session = session
        self._url = url
        self._provider = provider
        self._numbers = itertools.count(1)

    async def write(self, sender: int, text: str) -> float:
        """A patient writes; seconds until the 200."""
        number = next(self._numbers)
        message = {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": sender, "type": "private"},
            "from": {"id": sender, "is_bot": False},
            "text": text,
        }
        body = json.dumps({"update_id": number, "message": message})
        begin = time.perf_counter()
        async with self._session.post(self._url, data=body, headers=HEADERS) as response:
            assert response.status == 200, response.status
        return time.perf_counter() - begin

    async def until(self, senders: range, count: int) -> None:
        """Waits until each was sent so many messages."""
        ends = time.perf_counter() + PATIENCE
        while any(len(self._provider.arrived.get(one, ())) < count for one in senders):
            assert time.perf_counter() < ends, "not all were answered"
            await asyncio.sleep(0.05)

    async def burst(self, round_: int) -> list[float]:
        """200 at once, while 100 others are being answered; the same 300 patients each time."""
        texts = itertools.cycle(MESSAGES)
        first = 10_000
        await asyncio.gather(*(self.write(first + n, next(texts)) for n in range(BUSY)))
        times = await asyncio.gather(
            *(self.write(first + BUSY + n, next(texts)) for n in range(AT_ONCE))
        )
        # The notice comes with the first answer only.
        await self.until(range(first, first + BUSY + AT_ONCE), round_ + 2)
        return list(times)


async def website(port: int, seconds: float) -> list[float]:
    """Twenty visitors, two messages a second in all; the times of their answers."""
    url = f"ws://127.0.0.1:{port}/chat/socket.io/?EIO=4&transport=websocket"
    visitors = [Visitor(number) for number in range(20)]
    await asyncio.gather(*(visitor.open(url) for visitor in visitors))
    await offer(2.0, seconds, lambda number: visitors[number % 20].send())
    ends = time.perf_counter() + PATIENCE
    while any(visitor.sent.keys() - visitor.answered for visitor in visitors):
        assert time.perf_counter() < ends, "the website was not answered"
        await asyncio.sleep(0.05)
    await asyncio.gather(*(visitor.close() for visitor in visitors))
    return [each for visitor in visitors for each in visitor.answered.values()]


async def measure(port: int, provider: Provider, seconds: float, limit: float) -> bool:
    """Both figures; whether all are reached. ``limit`` is in milliseconds."""
    url = f"http://127.0.0.1:{port}/webhooks/telegram/webhook"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bench = Bench(session, url, provider)
        await bench.write(1, "hello")
        await bench.until(range(1, 2), 2)
        times = sorted(
            itertools.chain.from_iterable([await bench.burst(round_) for round_ in range(ROUNDS)])
        )
        p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
        print(
            f"webhooks  {AT_ONCE} at once while {BUSY} messages are answered, {ROUNDS} times: "
            f"p50 {p50:.0f} ms   p99 {p99:.0f} ms   longest {times[-1] * 1000:.0f} ms",
            flush=True,
        )
        before = await website(port, seconds)
        provider.delay = SLOW
        begin = time.perf_counter()
        senders = range(500_000, 500_000 + CONVERSATIONS)

        async def talk() -> None:
            await asyncio.gather(*(bench.write(one, "does massage help?") for one in senders))
            await bench.until(senders, 2)

        together, _ = await asyncio.gather(website(port, seconds), talk())
        last = [provider.arrived[one][1] - begin for one in senders]
        print(
            f"slow      {CONVERSATIONS} conversations, {SLOW:g} s a call, two calls each: the "
            f"first complete after {min(last):.1f} s, the last after {max(last):.1f} s",
            flush=True,
        )
        provider.delay = 0.0
        after = await website(port, seconds)
        print(f"website   before them  {figures(before)}", flush=True)
        print(f"          with them    {figures(together)}", flush=True)
        print(f"          after them   {figures(after)}", flush=True)
        return all(
            [
                _verdict("webhooks' p99", p99, limit, "ms"),
                _verdict("slowest of the slow conversations", max(last), ALL_WITHIN, "s"),
                _verdict("website's p95", p95(together), as_before(p95(before), p95(after)), "ms"),
            ]
        )


def as_before(before: float, after: float) -> float:
    """What the website's p95 may be meanwhile, in milliseconds: no more than it varies by itself.

    Both are of the same run, without the apps.
    """
    return max(before, after) + max(abs(before - after), NOISE)


def p95(times: list[float]) -> float:
    """The 95th percentile in milliseconds."""
    return sorted(times)[int(len(times) * 0.95)] * 1000


def _verdict(what: str, found: float, most: float, unit: str) -> bool:
    reached = found <= most
    said = "reached" if reached else "MISSED"
    print(f"verdict   {what}: {found:.1f} {unit}, at most {most:.1f} {unit}: {said}", flush=True)
    return reached


async def run(var: str, seconds: float, limit: float) -> bool:
    """Starts the provider and the assistant; whether all figures are reached."""
    provider = Provider()
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.call)
    runner = web.AppRunner(app)
    await runner.setup()
    own = free_port()
    await web.TCPSite(runner, "127.0.0.1", own).start()
    settings = {
        "CLINIC_TELEGRAM_TOKEN": TOKEN,
        "CLINIC_TELEGRAM_SECRET": SECRET,
        "CLINIC_TELEGRAM_ADDRESS": f"http://127.0.0.1:{own}",
        # The second twenty windows come before the server has seen the first ones go.
        "CLINIC_CHAT_CONNECTIONS_PER_ADDRESS": "100",
        "CLINIC_CHAT_MESSAGES_PER_MINUTE": "1000",
        "CLINIC_CHAT_MESSAGES_PER_MINUTE_PER_ADDRESS": "100000",
    }
    with serving(var, **settings) as port:
        return await measure(port, provider, seconds, limit)


def main() -> int:
    """Measures and prints; 1 when a figure is missed."""
    parser = argparse.ArgumentParser(prog="script/bench --webhooks")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--limit", type=float, default=200.0, help="of webhooks' p99, in ms")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
    with tempfile.TemporaryDirectory() as var:
        return 0 if asyncio.run(run(var, options.seconds, options.limit)) else 1


if __name__ == "__main__":
    sys.exit(main())
