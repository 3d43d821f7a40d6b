"""What was said on the website: every message of both sides, kept before it counts as sent.

Two tables beside Rasa's own events, in the same database. A conversation's messages are numbered
1, 2, 3... (``seq``), the patient's and the answers alike; a chat window asks for all after the last
it has. A patient's message is "pending" until the answers to it are stored, which happens in one
transaction: so a server that dies in between finds the message and answers it, and never twice.

The functions on a ``Connection`` are single operations; :class:`Mailbox` runs them away from the
event loop. What waits while the disk is busy is written in one transaction: a hundred messages
cost one wait for the disk.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.dialects import postgresql, sqlite  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection, Engine  # type: ignore[import-untyped]

from assistant.channels.bubbles import Bubble
from assistant.channels.wording import LOCALES

T = TypeVar("T")

PENDING, ANSWERED = "pending", "answered"
OPEN, CLOSED, DELETED = "open", "closed", "deleted"
PATIENT = "patient"
# In a body: the messaging app in which it was written, or in which alone it is said.
VIA = "via"
# In the body of a patient's message, and not shown: a keyed hash of the network address it came
# from. By it, tries to find an appointment are counted.
ADDRESS = "address"
# In a body, and not shown: it was said while another app of the clinic's had the chat. It is kept
# for staff, answered by nobody and sent nowhere.
OVERHEARD = "overheard"
_HIDDEN = (ADDRESS, OVERHEARD)
_BATCH = 100
# How many rows back another process's rows may still turn up: numbers are given out before the
# transaction ends.
_LATE = 500

tables = sa.MetaData()
conversations = sa.Table(
    "website_conversations",
    tables,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("received", sa.Integer, nullable=False),
    sa.Column("active_at", sa.DateTime(timezone=True), nullable=False, index=True),
    # "open"; "closed" by starting again; "deleted", which leaves only this row, so that an old
    # token does not bring the conversation back.
    sa.Column("state", sa.String(8), nullable=False),
    # That of the patient's window or app: what nobody asked for is said in it.
    sa.Column("locale", sa.String(2), nullable=False, server_default=LOCALES[0]),
)
messages = sa.Table(
    "website_messages",
    tables,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("sender", sa.String(16), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    # What the assistant is given: the words, or the payload of the button.
    sa.Column("input", sa.Text, nullable=False, default=""),
    # Which wording was said.
    sa.Column("response", sa.String(255), nullable=False, default=""),
    sa.Column("body", sa.Text, nullable=False),
    # A messaging app's provider has taken it for the patient, and has not reported it lost.
    sa.Column("reached", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("conversation", "seq"),
    sa.UniqueConstraint("conversation", "id"),
    sa.Index("website_messages_state", "state", "number"),
    # Without it the number of a deleted row would be given out again, and not count as new.
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class Stored:
    """A message as it is kept. ``body`` has what the protocol sends, ``seq`` included."""

    conversation: str
    seq: int
    id: str
    sender: str
    body: dict[str, Any]
    state: str = ANSWERED
    input: str = ""
    response: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        """What a chat window gets of it."""
        return {key: value for key, value in self.body.items() if key not in _HIDDEN}


@dataclass(frozen=True)
class Accepted:
    """A patient's message is stored; ``repeated`` when it already was."""

    message: Stored
    repeated: bool


class Gone(Exception):
    """The conversation has been closed or deleted; the argument says which."""


def clean(text: str) -> str:
    """A text that can be stored: half an emoji, as some keyboards send it, and NUL cannot be."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


class UnknownButton(Exception):
    """No message of this conversation has a button with this payload."""


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands: the last number, and up to which the patient has seen.

    ``locale`` is the patient's language: one of a window's or of an app's sentences.
    """

    last_seq: int
    received: int
    locale: str = LOCALES[0]


def accept(
    connection: Connection,
    conversation: str,
    body: dict[str, Any],
    payload: str | None,
    now: datetime,
    locale: str,
) -> Accepted:
    """Stores a patient's message, once for each ``id``, or what was overheard.

    ``body`` has ``id`` and ``text``, and "from" when it is not the patient's; with a ``payload``,
    the text becomes the title of the button. ``locale`` is the language of the window or app.
    Raises Gone or UnknownButton.
    """
    _touch(connection, conversation, now, locale=locale)
    last_seq = standing(connection, conversation).last_seq
    known = _one(connection, conversation, body["id"])
    if known is not None:
        return Accepted(known, True)
    if payload is not None:
        body = body | {"text": _title(connection, conversation, payload)}
    _take(connection, conversation, last_seq + 1)
    message = Stored(
        *(conversation, last_seq + 1, body["id"], body.get("from", PATIENT), body, PENDING),
        payload or body["text"],
    )
    return Accepted(_insert(connection, [message])[0], False)


def finish(
    connection: Connection, asked: Stored, bubbles: Sequence[Bubble], now: datetime
) -> list[Stored]:
    """Stores the answers to a message; none when it has been answered before. Raises Gone."""
    changed = connection.execute(
        messages.update()
        .where(messages.c.conversation == asked.conversation)
        .where(messages.c.id == asked.id)
        .where(messages.c.state == PENDING)
        .values(state=ANSWERED)
    ).rowcount
    if not changed and _one(connection, asked.conversation, asked.id) is None:
        raise Gone(DELETED)
    if not changed:
        return []
    return post(connection, asked.conversation, bubbles, now)


def post(
    connection: Connection, conversation: str, bubbles: Sequence[Bubble], now: datetime
) -> list[Stored]:
    """Stores messages to the patient. Raises Gone when the conversation was deleted."""
    _touch(connection, conversation, now)
    row = _conversation(connection, conversation)
    if row.state == DELETED:
        raise Gone(DELETED)
    _take(connection, conversation, row.last_seq + len(bubbles))
    return _insert(
        connection,
        [
            Stored(
                *(conversation, seq, bubble.body["id"], bubble.body["from"]),
                *(bubble.body, ANSWERED, "", bubble.response),
            )
            for seq, bubble in enumerate(bubbles, row.last_seq + 1)
        ],
    )


def post_once(
    connection: Connection, conversation: str, bubbles: Sequence[Bubble], now: datetime
) -> list[Stored]:
    """Stores messages to the patient that nobody has asked for; none when they are there already.

    Raises Gone when the conversation was closed or deleted.
    """
    _touch(connection, conversation, now)
    standing(connection, conversation)
    if not bubbles or _one(connection, conversation, bubbles[0].body["id"]) is not None:
        return []
    return post(connection, conversation, bubbles, now)


def after(connection: Connection, conversation: str, seq: int) -> list[Stored]:
    """All messages of a conversation after a number, in order."""
    query = _of(conversation).where(messages.c.seq > seq).order_by(messages.c.seq)
    return [_stored(row) for row in connection.execute(query)]


def before(connection: Connection, conversation: str, seq: int | None, limit: int) -> list[Stored]:
    """The last messages of a conversation, or the last before a number, oldest first."""
    query = _of(conversation).order_by(messages.c.seq.desc()).limit(limit)
    if seq is not None:
        query = query.where(messages.c.seq < seq)
    return [_stored(row) for row in connection.execute(query)][::-1]


def pending(connection: Connection, conversation: str) -> list[Stored]:
    """What a patient still waits for, oldest first."""
    query = _of(conversation).where(messages.c.state == PENDING).order_by(messages.c.seq)
    return [_stored(row) for row in connection.execute(query)]


def waiting(connection: Connection) -> list[str]:
    """The conversations in which a patient still waits, the one waiting longest first."""
    query = (
        sa.select(messages.c.conversation)
        .where(messages.c.state == PENDING)
        .order_by(messages.c.number)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


def count_try(connection: Connection, asked: Stored) -> int:
    """Notes that a message is tried again after a server died over it; returns the count."""
    mine = (messages.c.conversation == asked.conversation) & (messages.c.id == asked.id)
    connection.execute(messages.update().where(mine).values(tries=messages.c.tries + 1))
    return int(connection.execute(sa.select(messages.c.tries).where(mine)).scalar() or 0)


def standing(connection: Connection, conversation: str) -> Standing:
    """Where a conversation stands; all of it at 0 when nothing was said. Raises Gone."""
    row = _conversation(connection, conversation)
    if row is None:
        return Standing(0, 0)
    if row.state != OPEN:
        raise Gone(row.state)
    return Standing(row.last_seq, row.received, row.locale)


def speak(connection: Connection, conversation: str, locale: str) -> None:
    """The patient reads the conversation in another language from now on."""
    mine = conversations.c.id == conversation
    connection.execute(conversations.update().where(mine).values(locale=locale))


def receive(connection: Connection, conversation: str, seq: int) -> None:
    """Notes up to which number the patient has seen everything."""
    connection.execute(
        conversations.update()
        .where(conversations.c.id == conversation)
        .where(conversations.c.received < seq)
        .where(conversations.c.last_seq >= seq)
        .values(received=seq)
    )


def reach(connection: Connection, conversation: str, seq: int, reached: bool = True) -> None:
    """Notes that a message has reached the patient in a messaging app, or after all has not."""
    mine = (messages.c.conversation == conversation) & (messages.c.seq == seq)
    connection.execute(messages.update().where(mine).values(reached=reached))


def find(connection: Connection, conversation: str, message_id: str) -> Stored | None:
    """A message by its id."""
    return _one(connection, conversation, message_id)


def rate(connection: Connection, rated: Stored, value: str) -> None:
    """Remembers the thumb that a message was given, "none" for none, for windows to show."""
    mine = (messages.c.conversation == rated.conversation) & (messages.c.id == rated.id)
    # A write comes first in every transaction: SQLite then waits for its turn.
    connection.execute(messages.update().where(mine).values(tries=messages.c.tries))
    stored = _one(connection, rated.conversation, rated.id)
    if stored is not None:
        body = {name: part for name, part in stored.body.items() if name != "rated"}
        body |= {} if value == "none" else {"rated": value}
        connection.execute(
            messages.update().where(mine).values(body=json.dumps(body, ensure_ascii=False))
        )


def find_anywhere(connection: Connection, message_id: str) -> Stored | None:
    """A message by its id, whatever the conversation."""
    row = connection.execute(sa.select(messages).where(messages.c.id == message_id)).first()
    return None if row is None else _stored(row)


def find_by_start(connection: Connection, conversation: str, start: str) -> Stored | None:
    """A message to the patient by the first characters of its id, the newest of several."""
    query = _of(conversation).where(messages.c.id.startswith(start, autoescape=True))
    query = query.where(messages.c.sender != PATIENT).order_by(messages.c.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def forget(connection: Connection, conversation: str, now: datetime) -> None:
    """Deletes everything said in a conversation and closes it for good.

    Of one that was not held on the website there is nothing here, and nothing is left of it.
    """
    if _conversation(connection, conversation) is None:
        return
    close(connection, conversation, DELETED, now)
    connection.execute(messages.delete().where(messages.c.conversation == conversation))


def close(connection: Connection, conversation: str, state: str, now: datetime) -> None:
    """Lets nobody go on with a conversation; ``state`` is CLOSED or DELETED."""
    _touch(connection, conversation, now)
    connection.execute(
        conversations.update().where(conversations.c.id == conversation).values(state=state)
    )


def forget_deleted(connection: Connection, before: datetime) -> None:
    """Removes the last trace of conversations that were deleted before a moment."""
    connection.execute(
        conversations.delete()
        .where(conversations.c.active_at < before)
        .where(conversations.c.state == DELETED)
    )


def newest(connection: Connection) -> int:
    """The number of the newest row, 0 without any."""
    return int(connection.execute(sa.select(sa.func.max(messages.c.number))).scalar() or 0)


def changed(connection: Connection, number: int) -> tuple[int, dict[str, int]]:
    """The newest row's number, and the last ``seq`` of conversations with rows since ``number``."""
    latest = newest(connection)
    if latest == number:
        return latest, {}
    query = (
        sa.select(messages.c.conversation, sa.func.max(messages.c.seq))
        .where(messages.c.number > min(number, latest) - _LATE)
        .group_by(messages.c.conversation)
    )
    return latest, {row[0]: row[1] for row in connection.execute(query)}


def _touch(connection: Connection, conversation: str, now: datetime, **more: Any) -> None:
    """Takes the conversation's row until the transaction ends, and makes it if need be.

    A write comes first in every transaction: SQLite then waits for its turn, and cannot be refused
    in the middle.
    """
    mine = conversations.update().where(conversations.c.id == conversation)
    mine = mine.values(active_at=now, **more)
    if connection.execute(mine).rowcount:
        return
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    connection.execute(
        insert(conversations)
        .values(id=conversation, last_seq=0, received=0, active_at=now, state=OPEN)
        .on_conflict_do_nothing()
    )
    connection.execute(mine)


def _conversation(connection: Connection, conversation: str) -> Any:
    query = sa.select(conversations).where(conversations.c.id == conversation)
    return connection.execute(query).one_or_none()


def _take(connection: Connection, conversation: str, seq: int) -> None:
    """Takes the numbers up to ``seq``."""
    connection.execute(
        conversations.update().where(conversations.c.id == conversation).values(last_seq=seq)
    )


def _insert(connection: Connection, new: Sequence[Stored]) -> list[Stored]:
    stored = [replace(message, body=message.body | {"seq": message.seq}) for message in new]
    rows = [
        {**vars(message), "body": json.dumps(message.body, ensure_ascii=False)}
        for message in stored
    ]
    if rows:
        connection.execute(messages.insert(), rows)
    return stored


def _title(connection: Connection, conversation: str, payload: str) -> str:
    query = _of(conversation).where(messages.c.sender != PATIENT).order_by(messages.c.seq.desc())
    for row in connection.execute(query):
        for button in json.loads(row.body).get("buttons") or []:
            if button["payload"] == payload:
                return str(button["title"])
    raise UnknownButton


def _one(connection: Connection, conversation: str, message_id: str) -> Stored | None:
    row = connection.execute(_of(conversation).where(messages.c.id == message_id)).one_or_none()
    return None if row is None else _stored(row)


def _of(conversation: str) -> Any:
    return sa.select(messages).where(messages.c.conversation == conversation)


def _stored(row: Any) -> Stored:
    return Stored(
        *(row.conversation, row.seq, row.id, row.sender, json.loads(row.body)),
        *(row.state, row.input, row.response),
    )


class Mailbox:
    """Runs operations on the database, away from the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # One thread writes: SQLite has one writer anyway. Two read.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mailbox-write")
        self._connection: Connection | None = None
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="mailbox-read")
        self._waiting: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = []
        self._work: asyncio.Task[None] | None = None

    def create_tables(self) -> None:
        """Makes the tables that are missing, and columns that an earlier version had not."""
        tables.create_all(self._engine)
        for table in tables.sorted_tables:
            there = {column["name"] for column in sa.inspect(self._engine).get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    self._add(table, column)

    def _add(self, table: Any, column: Any) -> None:
        definition = sa.schema.CreateColumn(column).compile(self._engine)
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
        except sa.exc.DBAPIError:
            # Another server that starts at the same time has done so.
            there = sa.inspect(self._engine).get_columns(table.name)
            if column.name not in {each["name"] for each in there}:
                raise

    async def write(self, operation: Callable[..., T], *arguments: Any) -> T:
        """Runs an operation and returns its result once it is on the disk.

        Raises what the operation raises, then without effect, or SQLAlchemy's errors.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append((lambda connection: operation(connection, *arguments), done))
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._write_all())
        return await done

    async def read(self, operation: Callable[..., T], *arguments: Any) -> T:
        """Runs an operation that only reads."""

        def work() -> T:
            with self._engine.connect() as connection:
                return operation(connection, *arguments)

        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def close(self) -> None:
        """Returns when everything that was asked for is written."""
        if self._work is not None:
            await self._work
        if self._connection is not None:
            self._writer.submit(self._connection.close)
        self._writer.shutdown()
        self._readers.shutdown()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            operations = [operation for operation, _ in batch]
            results = await loop.run_in_executor(self._writer, self._commit, operations)
            for (_, done), result in zip(batch, results, strict=True):
                if done.cancelled():
                    continue
                if isinstance(result, Exception):
                    done.set_exception(result)
                else:
                    done.set_result(result)

    def _open(self) -> Connection:
        connection = self._engine.connect()
        if connection.dialect.name == "sqlite":
            # What is acknowledged survives a loss of power, and so does all written before it.
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
        return connection

    def _commit(self, operations: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """All in one transaction, or, when one of them fails, each in its own."""
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection.begin():
                return [operation(self._connection) for operation in operations]
        except Exception as error:
            if isinstance(error, sa.exc.SQLAlchemyError) and self._connection is not None:
                self._connection.invalidate()
                self._connection = None
            if len(operations) == 1:
                return [error]
        return [result for operation in operations for result in self._commit([operation])]
