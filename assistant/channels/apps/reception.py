"""Takes what arrives from one messaging app, and sees to it that answers go back there."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.exc import (  # type: ignore[import-untyped]
    InterfaceError,
    OperationalError,
    TimeoutError,
)

from assistant.channels import mailbox
from assistant.channels.apps import errands, late, links, senders, updates
from assistant.channels.apps.app import App, Kind, Update
from assistant.channels.apps.couriers import Couriers
from assistant.channels.apps.errands import Errand
from assistant.channels.apps.senders import Sender
from assistant.channels.apps.updates import Arrival, Known
from assistant.channels.bubbles import Bubble
from assistant.channels.limits import Quiet, Rate
from assistant.channels.website import LONGEST, STOP_WITHIN, Chat
from assistant.live import standing
from clinic import clock
from clinic.seal import Seal

logger = logging.getLogger(__name__)

# Seconds without an answer after which the patient is shown that one is being made.
TYPING_AFTER = 0.5
# How often it is shown again, and so many seconds before it would lapse.
TYPING_TIMES, TYPING_AHEAD = 12, 1.0
# Seconds between two looks for what is due, and for updates that are old enough to be forgotten.
LOOK_EVERY, FORGET_EVERY = 10.0, 3600.0
# Seconds before an update is taken again when the database cannot be written, or the patient has
# to read something first.
AGAIN_AFTER = 1.0
# The database is away, which concerns all patients. Other errors are about the one update.
_AWAY = (OperationalError, InterfaceError, TimeoutError)
# So often the server may make a mistake over one, waiting twice as long each time. Then the patient
# is asked to write it anew: what they write after it, perhaps of a danger, waits behind it.
MOST_FAULTS = 4
# Seconds before it is tried once more to ask for that.
TOLD_AGAIN_AFTER = 60.0
# Providers send an update again for a week at most.
UPDATES_KEPT = timedelta(days=30)
# Of so many conversations it is remembered who reads them.
_REMEMBERED = 20_000


@dataclass
class _Arrived:
    """An update that is on the disk; what was known when it first had its turn, and its faults."""

    name: str
    update: Update
    known: Known | None = None
    faults: int = 0


class Reception:
    """One app's part of the running server. ``address`` is where patients reach it, or ""."""

    def __init__(self, app: App, chat: Chat, seal: Seal, address: str) -> None:
        self.name = app.name
        self._app = app
        self._chat = chat
        self._seal = seal
        self._couriers = Couriers(app, chat.box, seal, chat.locks, address, self._report)
        self._arrived: asyncio.Queue[_Arrived] = asyncio.Queue()
        # The names of updates that this server has still to take.
        self._here: set[str] = set()
        # By address, what has to be tried again and what came after it.
        self._held: dict[str, deque[_Arrived]] = {}
        self._rate = Rate(chat.settings.per_minute)
        self._told = Quiet()
        # Who reads which conversation; the database is asked about others.
        self._readers: OrderedDict[str, Sender] = OrderedDict()
        self._typing: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._errands = asyncio.Lock()

    async def start(self) -> None:
        """Goes on with what a server before this one has left."""
        for sender in await self._chat.box.read(senders.unfinished):
            if sender.app == self._app.name:
                await self._say_deleted(sender.conversation, [])
        await self._read_waiting()
        await self._couriers.wake_owed()
        self._keep(self._take_all())
        self._keep(self._run_errands())
        self._keep(self._look())

    async def _read_waiting(self) -> None:
        """Takes what was acknowledged and not taken, by a server that is gone."""
        unread = 0
        for name, content in await self._chat.box.read(updates.waiting, self._app.name):
            told = self._seal.open(content)
            if told is None:
                unread += 1
                continue
            self._put(name, _update(told))
        if unread:
            logger.error("Updates of %s cannot be read, the key is lost: %d", self.name, unread)
            # Nobody knows whose they are.
            await self._note_late("", late.STUCK, "unread")

    async def stop(self) -> None:
        """Ends in order."""
        for task in (*self._tasks, *self._typing.values()):
            task.cancel()
        await self._couriers.stop(STOP_WITHIN)

    async def take(self, update: Update) -> None:
        """Returns when an update is on the disk; it is answered afterwards.

        Raises SQLAlchemy's errors: the provider has to send it again.
        """
        if update.at is not None and time.time() - update.at > UPDATES_KEPT.total_seconds():
            # Whether it was here before is not known any more: somebody plays an old one again.
            logger.warning("An update of %s is too old and is not read.", self._app.title)
            return
        names = self._seal.names(self._app.name, f"update {update.id}")
        kept = {field: value for field, value in vars(update).items() if field != "handle"}
        content = self._seal.close(json.dumps(kept))
        row = (self._app.name, names, content, clock.now(), update.at is None)
        if await self._chat.box.write(updates.arrive, *row):
            self._put(names[0], update)
        else:
            self._keep(self._repeated(update))

    def _put(self, name: str, update: Update) -> None:
        self._here.add(name)
        self._arrived.put_nowait(_Arrived(name, update))

    async def _take_all(self) -> None:
        """Takes what has arrived, in its order and after all that is arriving.

        What has to be tried again keeps back what the same patient sent after it, and no others.
        """
        while True:
            arrived = await self._arrived.get()
            sender = arrived.update.sender
            held = self._held.setdefault(sender, deque())
            if not held or held[0] is not arrived:
                held.append(arrived)
            if held[0] is not arrived:
                continue
            while held and not (pause := await self._try(held[0])):
                held.popleft()
            if held:
                self._later(pause, held[0])
            else:
                del self._held[sender]

    def _later(self, seconds: float, arrived: _Arrived) -> None:
        asyncio.get_running_loop().call_later(seconds, self._arrived.put_nowait, arrived)

    async def _try(self, arrived: _Arrived) -> float:
        """Takes an update; the seconds until that has to be tried again, 0 when it is done."""
        while True:
            await self._chat.arrivals.give_way()
            try:
                await self._take(arrived)
                self._here.discard(arrived.name)
                return 0.0
            except updates.Unsent:
                return AGAIN_AFTER
            except _AWAY as error:
                logger.error("An update is late: %s", type(error).__name__)
                await asyncio.sleep(AGAIN_AFTER)
            except Exception as error:
                logger.error("An update could not be taken: %s", type(error).__name__)
                arrived.faults += 1
                if arrived.faults > MOST_FAULTS:
                    # Not even the patient could be told: tried again, and keeps nobody waiting.
                    self._later(TOLD_AGAIN_AFTER, arrived)
                    return 0.0
                return AGAIN_AFTER * 2.0 ** (arrived.faults - 1)

    async def _take(self, arrived: _Arrived) -> None:
        update = arrived.update
        # Once: what is tried again is no further message.
        arrived.known = arrived.known or self._known(arrived.name, update)
        # What nobody wrote to us cannot be asked for anew: a STOP, or what another app was told.
        anew = not (update.overheard or update.kind in updates.UNWRITTEN)
        take = updates.give_up if anew and arrived.faults >= MOST_FAULTS else updates.take
        arrival = await self._chat.box.write(take, arrived.known, update, clock.now())
        if arrival is None or arrival.sender is None:
            return
        self._remember(arrival.sender)
        if arrival.stuck:
            place = arrival.about or arrival.sender.conversation
            await self._report(place, late.STUCK, arrival.stuck)
        if update.resumes:
            await self._tell_desk(late.resumed, arrival.sender.conversation)
        if arrival.asked is not None:
            self._chat.accepted(arrival.asked)
        elif arrival.told:
            self._couriers.wake(arrival.sender.name)
        if arrival.errand:
            self._keep(self._run_errands())
        self._keep(self._follow(update, arrival))

    def _known(self, name: str, update: Update) -> Known:
        names = self._seal.names(self._app.name, update.sender)
        real = time.time()
        # What has waited at the provider was written before.
        at = min(update.at or real, real)
        refusal, values, silent = "", {}, False
        to_us = not (update.overheard or update.kind in updates.UNWRITTEN)
        if to_us and (wait := math.ceil(self._rate.wait(names[0], at))):
            refusal, values = "too_fast", {"seconds": wait}
            silent = self._told.holds(names[0], at)
            if not silent:
                self._told.begin(names[0], at + wait)
        elif to_us:
            # Only what is answered: else whoever waits as long as they are told waits in vain.
            self._rate.count(names[0], at)
        if not refusal and len(update.text) > LONGEST:
            refusal, values = "too_long", {"limit": LONGEST}
        return Known(
            app=self._app.name,
            names=names,
            update=name,
            sealed=self._seal.close(update.sender),
            heard_at=datetime.fromtimestamp(at, UTC),
            phone=self._seal.names(self._app.name, update.phone)[0] if update.phone else "",
            about=self._seal.names(self._app.name, f"call {update.about}") if update.about else (),
            refusal=refusal,
            silent=silent,
            values=tuple(values.items()),
            numbered=self._app.numbered,
        )

    async def _follow(self, update: Update, arrival: Arrival) -> None:
        """What is done once for an update and needs no second try."""
        try:
            people = standing.current().people
            sender = arrival.sender
            alone = sender is not None and sender.conversation not in people
            awaited = arrival.asked is not None and alone
            await self._app.acknowledge(update, arrival.chosen, awaited)
        except Exception as error:
            logger.error("An update could not be followed up: %s", type(error).__name__)

    async def _repeated(self, update: Update) -> None:
        try:
            await self._app.repeated(update)
        except Exception as error:
            logger.error("An update could not be followed up: %s", type(error).__name__)

    async def _run_errands(self) -> None:
        """Does what is to be done at the clinic; what fails is tried at the next look."""
        async with self._errands:
            for errand in await self._chat.box.read(errands.waiting, self._app.name):
                try:
                    await self._run_errand(errand)
                    await self._chat.box.write(errands.done, errand)
                except Exception as error:
                    what = "A thumb" if errand.kind == errands.RATE else "A live chat"
                    logger.error("%s reaches the clinic late: %s", what, type(error).__name__)

    async def _run_errand(self, errand: Errand) -> None:
        if errand.kind == errands.HAND_ON:
            await self._chat.live.hand_on(errand.conversation, errand.about)
            # What was late there was carried along.
            await self._note_late(errand.conversation, "", "")
            return
        rated = await self._chat.box.read(mailbox.find, errand.conversation, errand.about)
        if rated is not None:
            await self._chat.rate(rated, errand.value)

    async def link(self, conversation: str) -> tuple[str, datetime] | None:
        """An address that goes on with a conversation in the app, once, and until when."""
        token, now = links.new_token(), clock.now()
        address = await self._app.link(token)
        if not address:
            return None
        await self._chat.box.write(links.store, token, conversation, now)
        return address, now + links.LIFE

    # What becomes of messages: see assistant.channels.website.Outlet.

    async def began(self, conversation: str) -> None:
        """The assistant is working on an answer, unless a person is there."""
        sender = self._readers.get(conversation)
        if sender is None or sender.state in senders.SILENT:
            return
        if conversation in standing.current().people:
            return
        if conversation not in self._typing:
            task = asyncio.create_task(self._show_typing(conversation, sender))
            self._typing[conversation] = task

    async def news(self, conversation: str) -> None:
        """There are new messages in a conversation."""
        if task := self._typing.pop(conversation, None):
            task.cancel()
        known = self._readers.get(conversation)
        found = [known] if known else await self._chat.box.read(senders.of, conversation)
        for sender in found:
            if sender.app == self._app.name:
                self._couriers.wake(sender.name)

    async def joined(self, conversation: str, name: str, key: str) -> None:
        """A person has come, which is said once."""
        for sender in await self._chat.box.read(senders.of, conversation):
            if sender.app != self._app.name or sender.state in senders.SILENT:
                continue
            bubble = senders.sentence_bubble(sender, "joined", name=name)
            known = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{sender.name}/{key}"))}
            said = [Bubble(bubble.response, bubble.body | known)]
            await self._chat.box.write(mailbox.post_once, conversation, said, clock.now())
            self._couriers.wake(sender.name)

    async def typed(self, conversation: str, on: bool) -> None:
        """A person has begun to type, or has stopped. Waits for no provider."""
        if task := self._typing.pop(conversation, None):
            task.cancel()
        if on:
            self._typing[conversation] = asyncio.create_task(self._show_typing(conversation))

    async def erased(self, conversation: str, left: list[str], farewell: list[Bubble]) -> None:
        """A conversation was deleted; the last words are said in those that are ``left``."""
        self._readers.pop(conversation, None)
        for begun in left:
            await self._say_deleted(begun, farewell)

    async def _say_deleted(self, conversation: str, farewell: list[Bubble]) -> None:
        for sender in await self._chat.box.read(senders.of, conversation):
            if sender.app != self._app.name:
                continue
            words = farewell or [senders.sentence_bubble(sender, "deleted")]
            await self._chat.box.write(mailbox.post, conversation, words, clock.now())
            self._couriers.wake(sender.name)

    async def _show_typing(self, conversation: str, asked: Sender | None = None) -> None:
        """To ``asked``, whom the assistant answers, or to all whom a person is writing to.

        Ends when something is said or the person stops, and for the assistant after a while.
        """
        try:
            if asked is not None:
                await asyncio.sleep(TYPING_AFTER)
            readers = [asked] if asked else await self._chat.box.read(senders.of, conversation)
            addresses = [
                address
                for sender in readers
                if sender.app == self._app.name and sender.state not in senders.SILENT
                if (address := self._seal.open(sender.address)) is not None
            ]
            for times in count(1):
                for address in addresses:
                    await self._app.typing(address)
                if not addresses or not self._app.typing_lasts:
                    break
                await asyncio.sleep(self._app.typing_lasts - TYPING_AHEAD)
                # Nobody says that a person has stopped while the desk cannot be read.
                gone = conversation not in standing.current().typing
                if (asked and times == TYPING_TIMES) or (not asked and gone):
                    break
        except Exception as error:
            logger.error("Typing could not be shown: %s", type(error).__name__)
        finally:
            if self._typing.get(conversation) is asyncio.current_task():
                del self._typing[conversation]

    async def _report(self, conversation: str, state: str, reason: str) -> None:
        """Puts what does not arrive on the staff desk; a failure costs the desk a line."""
        await self._note_late(conversation, state, reason)
        if state == late.STUCK:
            logger.error("A message to %s will not arrive: %s", self._app.title, reason)

    async def _note_late(self, conversation: str, state: str, reason: str) -> None:
        if state:
            await self._tell_desk(late.note, conversation, state, reason, clock.now())
        else:
            await self._tell_desk(late.arrived, conversation)

    async def _tell_desk(self, what: Callable[..., None], conversation: str, *more: Any) -> None:
        try:
            await self._chat.live.desk.write(what, conversation, self._app.name, *more)
        except Exception as error:
            logger.error("The staff desk could not be told: %s", type(error).__name__)

    async def _take_over(self, before: set[str]) -> set[str]:
        """Takes what another server has acknowledged and not taken for a while."""
        if not self._chat.settings.redis_url:
            return set()
        waiting = await self._chat.box.read(updates.waiting, self._app.name)
        for name, content in waiting:
            told = self._seal.open(content) if name in before - self._here else None
            if told is not None:
                self._put(name, _update(told))
        return {name for name, _ in waiting}

    async def _look(self) -> None:
        forgot = -FORGET_EVERY
        waiting: set[str] = set()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._couriers.wake_owed()
                await self._run_errands()
                waiting = await self._take_over(waiting)
                if time.monotonic() - forgot >= FORGET_EVERY:
                    forgot = time.monotonic()
                    before = clock.now() - UPDATES_KEPT
                    await self._chat.box.write(updates.forget_updates, before)
            except Exception as error:
                logger.error("Looking for messages to send failed: %s", type(error).__name__)

    def _remember(self, sender: Sender) -> None:
        self._readers[sender.conversation] = sender
        self._readers.move_to_end(sender.conversation)
        while len(self._readers) > _REMEMBERED:
            self._readers.popitem(last=False)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Holds a task until it is done; the loop alone would let it be collected."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _update(told: str) -> Update:
    """An update as it was kept."""
    kept = json.loads(told)
    return Update(**{**kept, "kind": Kind(kept["kind"])})
