"""Many visitors on the website's channel, and the same load over REST: script/bench --chat.

Visitors are spread evenly: each sends its next message when its turn comes, whether the last answer
is there or not. A refused message is sent again after the time the server asks for, as the chat
window does. An answer's time counts from the first sending.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import websockets
from bench import MESSAGES, free_port

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 300.0
# Seconds without any answer after which what is missing counts as lost.
SILENCE = 60.0


class Visitor:
    """One chat window, speaking Engine.IO and Socket.IO by hand to cost little."""

    def __init__(self, number: int) -> None:
        self.sent: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.shown: list[int] = []
        self.acknowledged: dict[str, int] = {}
        self.refused: Counter[str] = Counter()
        self._texts = itertools.cycle(MESSAGES[number % len(MESSAGES) :] + MESSAGES)
        self._acks: dict[int, tuple[str, str]] = {}
        self._newest: asyncio.Future[int] | None = None
        self._numbers = itertools.count(1)

    async def open(self, url: str) -> None:
        """Connects and waits for the session; raises RuntimeError when it is refused."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = await websockets.connect(url, max_queue=None, ping_interval=None)  # type: ignore[attr-defined]
        await self._socket.send("40{}")
        self._reader = asyncio.create_task(self._read(ready))
        await ready

    async def send(self, again: tuple[str, str] | None = None) -> None:
        """Sends the next message, or one that was refused."""
        message_id, text = again or (str(uuid.uuid4()), next(self._texts))
        self.sent.setdefault(message_id, time.perf_counter())
        number = next(self._numbers)
        self._acks[number] = (message_id, text)
        event = json.dumps(["message", {"id": message_id, "text": text}])
        await self._socket.send(f"42{number}{event}")

    async def close(self) -> None:
        """Disconnects."""
        self._reader.cancel()
        await self._socket.close()

    async def _read(self, ready: asyncio.Future[None]) -> None:
        async for packet in self._socket:
            if packet == "2":
                await self._socket.send("3")
            elif packet.startswith("44"):
                ready.set_exception(RuntimeError(f"a window is refused: {packet[2:]}"))
            elif packet.startswith("42"):
                event, data = json.loads(packet[2:])
                if event == "session" and not ready.done():
                    ready.set_result(None)
                if event == "message":
                    self._show(data)
            elif packet.startswith("43"):
                place = packet.index("[")
                (ack,) = json.loads(packet[place:])
                if self._newest is not None and packet[2:place] == "0":
                    self._newest.set_result(max((m["seq"] for m in ack["messages"]), default=0))
                    continue
                sent = self._acks.pop(int(packet[2:place]))
                if ack["ok"]:
                    self.acknowledged[sent[0]] = ack["seq"]
                else:
                    self.refused[ack["error"]["code"]] += 1
                    wait = ack["error"].get("retry_after", 1)
                    asyncio.get_running_loop().call_later(wait, self._again, sent)

    def _again(self, sent: tuple[str, str]) -> None:
        task = asyncio.ensure_future(self.send(sent))
        task.add_done_callback(lambda _: None)

    def _show(self, message: dict[str, Any]) -> None:
        self.shown.append(message["seq"])
        asked = message.get("in_reply_to")
        if asked in self.sent:
            self.answered.setdefault(asked, time.perf_counter() - self.sent[asked])

    async def newest(self) -> int:
        """The number of the last message that the server has stored."""
        self._newest = asyncio.get_running_loop().create_future()
        await self._socket.send('420["history", {"limit": 1}]')
        return await self._newest

    def faults(self, newest: int) -> Counter[str]:
        """What is wrong with the conversation's numbers: 1, 2, 3... to the newest, for both sides.

        A message is shown, or acknowledged where it was typed, once. An answer that never came is
        lost, whether there is a number for it or not.
        """
        numbers = [*self.shown, *self.acknowledged.values()]
        whole = set(range(1, newest + 1))
        return Counter(
            {
                "lost": len(self.sent.keys() - self.answered) + len(whole - set(numbers)),
                "doubled": len(numbers) - len(set(numbers)),
                "out of order": sum(b < a for a, b in itertools.pairwise(self.shown)),
            }
        )


async def offer(rate: float, seconds: float, send: Callable[[int], Awaitable[None]]) -> None:
    """Calls ``send`` that often, with a running number, never waiting for it."""
    begin = time.perf_counter()
    tasks = set()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        tasks.add(asyncio.ensure_future(send(number)))
    await asyncio.gather(*tasks)


def figures(times: list[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    ordered = sorted(times)
    if not ordered:
        return "no answers"
    median, slow = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.95))
    return f"p50 {median:8.0f} ms   p95 {slow:8.0f} ms"


async def chat(port: int, visitors: int, rate: float, seconds: float) -> bool:
    """Measures the website's channel; returns whether all was shown once and in order."""
    url = f"ws://127.0.0.1:{port}/chat/socket.io/?EIO=4&transport=websocket"
    everybody = [Visitor(number) for number in range(visitors)]
    for start in range(0, visitors, 50):
        await asyncio.gather(*(visitor.open(url) for visitor in everybody[start : start + 50]))
    begin = time.perf_counter()
    await offer(rate, seconds, lambda number: everybody[number % visitors].send())
    answered, since = -1, time.perf_counter()
    while any(visitor.sent.keys() - visitor.answered for visitor in everybody):
        now = sum(len(visitor.answered) for visitor in everybody)
        if now != answered:
            answered, since = now, time.perf_counter()
        if time.perf_counter() - since > SILENCE:
            break
        await asyncio.sleep(0.2)
    took = time.perf_counter() - begin
    sent = sum(len(visitor.sent) for visitor in everybody)
    newest = await asyncio.gather(*(visitor.newest() for visitor in everybody))
    found = (visitor.faults(last) for visitor, last in zip(everybody, newest, strict=True))
    faults = sum(found, Counter())
    refused = sum((visitor.refused for visitor in everybody), Counter())
    times = [each for visitor in everybody for each in visitor.answered.values()]
    print(
        f"website   {visitors} connected, {sent} messages at {rate:g}/s: {faults['lost']} lost, "
        f"{faults['doubled']} shown twice, {faults['out of order']} out of order, "
        f"{figures(times)}, {sent / took:.1f} answered/s, "
        f"asked to wait: {dict(refused) or 'none'}",
        flush=True,
    )
    await asyncio.gather(*(visitor.close() for visitor in everybody))
    return not faults.total()


async def rest(port: int, visitors: int, rate: float, seconds: float) -> None:
    """The same load on the REST channel."""
    times: list[float] = []
    failed = 0
    connections = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connections, timeout=patience) as session:

        async def send(number: int) -> None:
            nonlocal failed
            visitor = number % visitors
            text = MESSAGES[(visitor + number // visitors) % len(MESSAGES)]
            begin = time.perf_counter()
            try:
                address = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
                body = {"sender": f"rest-{visitor}", "message": text}
                async with session.post(address, json=body) as answer:
                    failed += not await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                failed += 1
                return
            times.append(time.perf_counter() - begin)

        begin = time.perf_counter()
        await offer(rate, seconds, send)
    took = time.perf_counter() - begin
    print(
        f"REST      {len(times)} messages at {rate:g}/s: {failed} failed, {figures(times)}, "
        f"{len(times) / took:.1f} answered/s",
        flush=True,
    )


async def measure(port: int, options: argparse.Namespace) -> bool:
    """Both channels, one after the other, first at a tenth of the rate."""
    fine = True
    for rate in (options.rate / 10, options.rate):
        fine = await chat(port, options.visitors, rate, options.seconds) and fine
        await rest(port, options.visitors, rate, options.seconds)
    return fine


@contextmanager
def serving(var: str, **settings: str) -> Iterator[int]:
    """The whole assistant, which keeps everything in ``var``; the port of its Rasa server."""
    port = free_port()
    ports = {
        "CLINIC_PORT": str(port),
        "ACTION_SERVER_PORT": str(free_port()),
        "CLINIC_DESK_PORT": str(free_port()),
    }
    child = subprocess.Popen(  # noqa: S603 (our own command)
        [str(ROOT / "script" / "server")],
        cwd=ROOT,
        env=os.environ | {"CLINIC_VAR": var, **ports, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("The assistant is ready"):
                break
        else:
            sys.exit("The server did not start.")
        yield port
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(30)


def main() -> int:
    """Starts the servers, measures, prints."""
    parser = argparse.ArgumentParser(prog="script/bench --chat")
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
    settings = {
        "CLINIC_REST": "on",
        "CLINIC_CHAT_CONNECTIONS": str(2 * options.visitors),
        "CLINIC_CHAT_CONNECTIONS_PER_ADDRESS": str(2 * options.visitors),
        "CLINIC_CHAT_MESSAGES_PER_MINUTE": "1000",
        "CLINIC_CHAT_MESSAGES_PER_MINUTE_PER_ADDRESS": "100000",
    }
    with tempfile.TemporaryDirectory() as var, serving(var, **settings) as port:
        return 0 if asyncio.run(measure(port, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
