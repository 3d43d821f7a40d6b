"""Sends what the mailbox has for the senders of one app: in order for each, side by side for all.

What was sent is noted right after the provider's answer. A server that is killed in between sends
that one call again: reading a sentence twice does no harm, never reading it may.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assistant.channels.apps import late, senders, sending
from assistant.channels.apps.app import Answer, App, Call, Outcome, Outgoing
from assistant.channels.apps.outgoing import outgoing
from assistant.channels.apps.senders import Sender
from assistant.channels.apps.sentences import language_of, sentence
from assistant.channels.bubbles import ALARMS
from assistant.channels.locks import Locks
from assistant.channels.mailbox import Mailbox, Stored
from assistant.channels.wording import LOCALES
from clinic import clock
from clinic.seal import Seal

logger = logging.getLogger(__name__)

# Seconds to wait after the first failed try; doubled after each further one up to the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
# After so long without success a message is given up, and someone at the clinic must look.
GIVE_UP = timedelta(hours=24)
# Failed tries after which the clinic is told that something is late.
TELL_AFTER = 3
# Mistakes in a row over one message, the server's own, after which it is given up; their reason.
MOST_FAULTS, MISTAKE = 5, "mistake"
# So many senders have a pace that is remembered.
_REMEMBERED = 20_000
# The provider's clock may run ahead of ours.
WINDOW_MARGIN = timedelta(minutes=1)
# Why nothing is sent to somebody, as staff are told.
_WHY_SILENT = {
    senders.OPTED_OUT: late.OPTED_OUT,
    senders.STANDBY: "standby",
    senders.STOPPED: "stopped",
}
# Messages that are read at once.
_AT_ONCE = 20

# Tells the clinic how sending in a conversation goes: the state, "" when all is well again, and
# why.
Report = Callable[[str, str, str], Awaitable[None]]


class Pace:
    """Lets one call begin every ``gap`` seconds, after a pause up to ``burst`` at once."""

    def __init__(self, gap: float, burst: int = 1) -> None:
        self._gap = gap
        self._ahead = (burst - 1) * gap
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the next call may begin."""
        now = time.monotonic()
        begin = max(now, self._next - self._ahead)
        self._next = max(now, self._next) + self._gap
        if begin > now:
            await asyncio.sleep(begin - now)


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
        self._pace = Pace(1 / app.per_second)
        # The senders that were written to last, each with a pace of its own.
        self._paces: OrderedDict[str, Pace] = OrderedDict()
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
        for name in await self._box.read(sending.owed, self._app.name, _now()):
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
        while found := await self._box.read(sending.to_send, name, _AT_ONCE):
            sender, messages = found
            if not messages:
                return None
            if sender.state in senders.SILENT:
                await self._pass_over(sender)
                return None
            if sender.due_at is not None and sender.due_at > _now():
                return (sender.due_at - _now()).total_seconds()
            for message in messages:
                if await self._box.read(sending.concerns, self._app.name, message):
                    if (wait := await self._send(sender, message)) is not None:
                        return wait
                    break
            else:
                last = (messages[-1].seq, 0, sender.noticed)
                await self._box.write(sending.note_sent, sender, *last)
        return None

    async def _send(self, sender: Sender, message: Stored) -> float | None:
        """Sends one message; seconds after which to try again, None when it is dealt with."""
        address = self._seal.open(sender.address)
        if address is None:
            await self._end(sender, message, sender.noticed, "key_lost")
            return None
        is_late = self._is_late(sender)
        sender = await self._spoken_to(sender, message)
        first = 1
        if self._app.numbered:
            first += await self._box.read(sending.choices_before, message)
        try:
            calls, notice = self._calls(sender, message, is_late, first)
        except Exception as error:
            return await self._not_sent(sender, message, _mistake(error), sender.noticed)
        if not calls:
            await self._end(sender, message, sender.noticed, "window")
            return None
        name = ""
        for number, call in enumerate(calls[sender.calls :], sender.calls + 1):
            await self._turn(sender)
            # Only now: while its turn was waited for, the patient may have written STOP.
            if await self._is_over(sender):
                return None
            answer = await self._call(address, call)
            if answer.outcome != Outcome.SENT:
                noticed = sender.noticed or notice in range(1, number)
                return await self._not_sent(sender, message, answer, noticed)
            name = self._seal.names(self._app.name, f"call {answer.id}")[0] if answer.id else ""
            if number < len(calls):
                part = (sender, message, number, name, clock.now())
                await self._box.write(sending.note_part, *part)
            if sender.attempts:
                await self._report(sender.conversation, "", "")
        noticed = sender.noticed or notice > 0
        await self._box.write(sending.note_arrived, sender, message, noticed, name, clock.now())
        await self._leave(sender)
        return None

    async def _turn(self, sender: Sender) -> None:
        """Returns when a call to a sender may be made."""
        if self._app.per_chat is not None:
            await self._pace_of(sender.name).turn()
        await self._pace.turn()

    async def _call(self, address: str, call: Call) -> Answer:
        try:
            return await self._app.send(address, call)
        except Exception as error:
            return _mistake(error)

    def _pace_of(self, name: str) -> Pace:
        assert self._app.per_chat is not None
        pace = self._paces.setdefault(name, Pace(*self._app.per_chat))
        self._paces.move_to_end(name)
        while len(self._paces) > _REMEMBERED:
            self._paces.popitem(last=False)
        return pace

    async def _is_over(self, sender: Sender) -> bool:
        """Whether the patient wants nothing more, or reads another conversation, since a moment."""
        now = await self._box.read(senders.get, sender.name)
        here = now is not None and now.conversation == sender.conversation
        return now is None or not here or now.state in senders.SILENT

    async def _not_sent(
        self, sender: Sender, message: Stored, answer: Answer, noticed: bool
    ) -> float | None:
        """A call has failed, or could not even be made: tried again, or the end of the message."""
        if answer.outcome == Outcome.STOPPED:
            await self._box.write(senders.note_stopped, sender)
            now = await self._box.read(senders.get, sender.name)
            # Of who has written STOP meanwhile staff know that.
            if now is None or now.state != senders.OPTED_OUT:
                await self._report(sender.conversation, late.STUCK, answer.reason)
            return None
        if answer.outcome == Outcome.LATER:
            if not _given_up(sender, message, answer):
                return await self._later(sender, answer)
            if answer.reason == MISTAKE:
                await self._end(sender, message, noticed, MISTAKE)
                return None
            await self._box.write(sending.note_given_up, sender, message.seq, noticed)
            await self._report(sender.conversation, late.STUCK, answer.reason)
            await self._leave(sender)
            return None
        # The rest of a message of which a part is missing says nothing.
        await self._end(sender, message, noticed, answer.reason or "refused")
        return None

    async def _end(self, sender: Sender, message: Stored, noticed: bool, reason: str) -> None:
        """A message will not arrive, whatever is tried."""
        await self._report(sender.conversation, late.STUCK, reason)
        await self._box.write(sending.note_sent, sender, message.seq, 0, noticed)
        await self._leave(sender)

    async def _leave(self, sender: Sender) -> None:
        """Those were the last words to somebody whose chat is deleted."""
        if sender.state == senders.LEAVING:
            await self._box.write(senders.forget, sender)

    async def _pass_over(self, sender: Sender) -> None:
        """Says nothing to somebody who wants nothing said, and has staff know it."""
        if await self._box.read(sending.unsent, sender):
            await self._report(sender.conversation, late.STUCK, _WHY_SILENT[sender.state])
        await self._box.write(sending.pass_over, sender)

    def _is_late(self, sender: Sender) -> bool:
        """Whether the patient last wrote so long ago that the provider takes no plain message."""
        window = self._app.window
        return window is not None and _now() - sender.heard_at > window - WINDOW_MARGIN

    async def _spoken_to(self, sender: Sender, message: Stored) -> Sender:
        """The sender in the language in which the assistant has begun to speak to them."""
        language = language_of(message.response)
        if language is None and sender.locale != LOCALES[0]:
            english = await self._box.read(sending.writes_english, message)
            language = LOCALES[0] if english else None
        if language is None or language == sender.locale:
            return sender
        await self._box.write(sending.speak, sender, language)
        return replace(sender, locale=language)

    def _calls(
        self, sender: Sender, message: Stored, is_late: bool, first: int
    ) -> tuple[list[Call], int]:
        """The calls for one message; with the first message comes the notice.

        The number says after how many calls it has been read, 0 where it is not among them.
        """
        said = replace(outgoing(message, sender.locale, self._seal, self._address), first=first)
        if is_late:
            # Of a message that was begun in time, the rest alone would say nothing.
            return [] if sender.calls else self._app.render_late(said), 0
        calls = self._app.render(said)
        if sender.noticed:
            return calls, 0
        notice = self._app.render(Outgoing(sentence(self._app.notice, sender.locale)))
        if said.kind in ALARMS:
            return [*calls, *notice], len(calls) + len(notice)
        return [*notice, *calls], len(notice)

    async def _later(self, sender: Sender, answer: Answer) -> float:
        wait = min(FIRST_WAIT * 2 ** min(sender.attempts, 20), LONGEST_WAIT)
        wait = max(wait, answer.after or 0.0)
        now = _now()
        failing = replace(sender, failing_since=sender.failing_since or now)
        due = now + timedelta(seconds=wait)
        await self._box.write(sending.note_failure, failing, answer.reason, due)
        if sender.attempts + 1 >= TELL_AFTER or wait >= LONGEST_WAIT:
            await self._report(failing.conversation, late.FAILED, answer.reason)
        logger.warning("A message to %s is late: %s", self._app.title, answer.reason)
        return wait


def _given_up(sender: Sender, message: Stored, answer: Answer) -> bool:
    """Whether it has been tried for long enough: each message that waits, not the first only."""
    if answer.reason == MISTAKE:
        return sender.reason == MISTAKE and sender.attempts >= MOST_FAULTS
    since = sender.failing_since
    waited = clock.now() - datetime.fromisoformat(message.body["at"])
    return since is not None and _now() - since > GIVE_UP and waited > GIVE_UP


def _mistake(error: Exception) -> Answer:
    """It may be the server's own, and would keep back whatever is said after it."""
    logger.error("A message could not be rendered or sent: %s", type(error).__name__)
    return Answer(Outcome.LATER, MISTAKE)


def _now() -> datetime:
    """The real clock's: the provider's is real, too, whatever CLINIC_NOW says."""
    return datetime.now(UTC)
