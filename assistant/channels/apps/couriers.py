"""Sends what the mailbox has for the senders of one app: in order for each, side by side for all.

What was sent is noted right after the provider's answer. A server that is killed in between sends
that one call again: reading a sentence twice does no harm, never reading it may.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from assistant.channels import mailbox
from assistant.channels.apps import senders
from assistant.channels.apps.app import Answer, App, Call, Outcome, Outgoing
from assistant.channels.apps.late import OPTED_OUT
from assistant.channels.apps.outgoing import outgoing
from assistant.channels.apps.senders import Sender
from assistant.channels.apps.sentences import sentence
from assistant.channels.locks import Locks
from assistant.channels.mailbox import Mailbox, Stored
from clinic.seal import Seal

logger = logging.getLogger(__name__)

# Seconds to wait after the first failed try; doubled after each further one up to the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
# After so long without success a message is given up, and someone at the clinic must look.
GIVE_UP = timedelta(hours=24)
# Failed tries after which the clinic is told that something is late.
TELL_AFTER = 3
# The provider's clock may run ahead of ours.
WINDOW_MARGIN = timedelta(minutes=1)
# Kinds of messages before which nothing else may be read.
ALARMS = ("emergency", "urgent", "check")
# Why nothing is sent to somebody, as staff are told.
_WHY_SILENT = {
    senders.OPTED_OUT: OPTED_OUT,
    senders.STANDBY: "standby",
    senders.STOPPED: "stopped",
}
# Messages that are read at once.
_AT_ONCE = 20

# Tells the clinic how sending to a sender goes: the state, "" when all is well again, and why.
Report = Callable[[Sender, str, str], Awaitable[None]]


class Pace:
    """Lets so many calls a second begin."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the next call may begin."""
        now = time.monotonic()
        self._next = max(now, self._next) + self._gap
        if self._next - self._gap > now:
            await asyncio.sleep(self._next - self._gap - now)


class Couriers:
    """Brings messages to the senders that are named with ``wake``.

    ``address`` is where patients reach this channel, or "".
    """

    def __init__(
        self, app: App, box: Mailbox, seal: Seal, locks: Locks, address: str, report: Report
    ) -> None:
        self._app = app
        self._box = box
        self._seal = seal
        self._locks = locks
        self._address = address
        self._report = report
        self._pace = Pace(app.per_second)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def wake(self, name: str) -> None:
        """Sends what is there for a sender, the app's ``senders.Sender.name``."""
        if name in self._running:
            self._again.add(name)
            return
        self._running[name] = asyncio.create_task(self._run(name))

    async def wake_owed(self) -> None:
        """Sends whatever is due: after a start, and what another server has left."""
        for name in await self._box.read(senders.owed, self._app.name, _now()):
            if name not in self._running:
                self.wake(name)

    async def stop(self, patience: float) -> None:
        """Waits for the calls under way, at most so many seconds. The rest is sent later."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=patience)
        for task in self._running.values():
            task.cancel()

    async def _run(self, name: str) -> None:
        try:
            while True:
                self._again.discard(name)
                async with self._locks.of(f"app:{name}"):
                    wait = await self._send_all(name)
                if wait is not None:
                    asyncio.get_running_loop().call_later(wait, self.wake, name)
                    return
                if name not in self._again:
                    return
        except Exception as error:
            logger.error("A message to %s is late: %s", self._app.title, type(error).__name__)
            asyncio.get_running_loop().call_later(FIRST_WAIT, self.wake, name)
        finally:
            del self._running[name]

    async def _send_all(self, name: str) -> float | None:
        """Seconds after which to try again, None when all is sent."""
        while found := await self._box.read(senders.to_send, name, _AT_ONCE):
            sender, messages = found
            if not messages:
                return None
            if sender.state in senders.SILENT:
                await self._pass_over(sender, messages)
                return None
            if sender.due_at is not None and sender.due_at > _now():
                return (sender.due_at - _now()).total_seconds()
            for message in messages:
                if await self._concerns(message):
                    if (wait := await self._send(sender, message)) is not None:
                        return wait
                    break
            else:
                last = (messages[-1].seq, 0, sender.noticed)
                await self._box.write(senders.note_sent, sender, *last)
        return None

    async def _send(self, sender: Sender, message: Stored) -> float | None:
        """Sends one message; seconds after which to try again, None when it is dealt with."""
        address = self._seal.open(sender.address)
        late = self._is_late(sender)
        calls = self._calls(sender, message, late) if address else []
        if address is None:
            await self._report(sender, "stuck", "key_lost")
        elif not calls:
            await self._report(sender, "stuck", "window")
        for number, call in enumerate(calls[sender.calls :], sender.calls + 1):
            await self._pace.turn()
            answer = await self._app.send(address or "", call)
            if answer.outcome == Outcome.LATER and not _given_up(sender):
                return await self._later(sender, answer)
            if answer.outcome == Outcome.STOPPED:
                await self._box.write(senders.note_stopped, sender)
                await self._report(sender, "stuck", answer.reason or "stopped")
                return None
            if answer.outcome != Outcome.SENT:
                # The rest of a message of which a part is missing says nothing.
                await self._report(sender, "stuck", answer.reason or "refused")
                break
            if number < len(calls):
                part = (sender, message.seq - 1, number, sender.noticed)
                await self._box.write(senders.note_sent, *part)
            if sender.attempts:
                await self._report(sender, "", "")
        done = (sender, message.seq, 0, sender.noticed or not late)
        await self._box.write(senders.note_sent, *done)
        if sender.state == senders.LEAVING:
            await self._box.write(senders.forget, sender)
        return None

    async def _pass_over(self, sender: Sender, messages: list[Stored]) -> None:
        """Says nothing to somebody who wants nothing said, and has staff know it."""
        if any([await self._concerns(message) for message in messages]):
            await self._report(sender, "stuck", _WHY_SILENT[sender.state])
        await self._box.write(senders.pass_over, sender)

    async def _concerns(self, message: Stored) -> bool:
        """Whether a message is for this app: what answers something written elsewhere is not."""
        if message.sender == mailbox.PATIENT or message.body.get(mailbox.OVERHEARD):
            return False
        via = message.body.get(mailbox.VIA)
        asked = message.body.get("in_reply_to")
        if via is None and asked:
            found = await self._box.read(mailbox.find, message.conversation, asked)
            via = found.body.get(mailbox.VIA, "website") if found else None
        return via in (None, self._app.name)

    def _is_late(self, sender: Sender) -> bool:
        """Whether the patient last wrote so long ago that the provider takes no plain message."""
        window = self._app.window
        return window is not None and _now() - sender.heard_at > window - WINDOW_MARGIN

    def _calls(self, sender: Sender, message: Stored, late: bool) -> list[Call]:
        """The calls for one message; with the first one comes the notice."""
        said = outgoing(message, sender.locale, self._seal, self._address)
        if late:
            # Of a message that was begun in time, the rest alone would say nothing.
            return [] if sender.calls else self._app.render_late(said)
        calls = self._app.render(said)
        if sender.noticed:
            return calls
        notice = self._app.render(Outgoing(sentence(self._app.notice, sender.locale)))
        return [*calls, *notice] if said.kind in ALARMS else [*notice, *calls]

    async def _later(self, sender: Sender, answer: Answer) -> float:
        wait = min(FIRST_WAIT * 2 ** min(sender.attempts, 20), LONGEST_WAIT)
        wait = max(wait, answer.after or 0.0)
        now = _now()
        failing = sender if sender.failing_since else _since(sender, now)
        due = now + timedelta(seconds=wait)
        await self._box.write(senders.note_failure, failing, answer.reason, due)
        if sender.attempts + 1 >= TELL_AFTER:
            await self._report(failing, "failed", answer.reason)
        logger.warning("A message to %s is late: %s", self._app.title, answer.reason)
        return wait


def _since(sender: Sender, now: datetime) -> Sender:
    return Sender(**{**vars(sender), "failing_since": now})


def _given_up(sender: Sender) -> bool:
    since = sender.failing_since
    return since is not None and _now() - since > GIVE_UP


def _now() -> datetime:
    """The real clock's: the provider's is real, too, whatever CLINIC_NOW says."""
    return datetime.now(UTC)
