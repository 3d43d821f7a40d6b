"""What providers call the messages that they have taken: some report later that one was lost.

Messages are told by their number in a conversation; one may have been several calls. The functions
on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.dialects import postgresql, sqlite  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox

taken = sa.Table(
    "app_taken",
    mailbox.tables,
    # The keyed hash of the provider's id.
    sa.Column("name", sa.String(43), primary_key=True),
    # "" and 0 while it is not noted what this was: its loss can be told before.
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("lost", sa.Boolean, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
)


def note(connection: Connection, name: str, conversation: str, seq: int, now: datetime) -> None:
    """A call that brings a message, or a part of it, was taken under a name."""
    _insert_new(connection, name, now)
    mine = taken.update().where(taken.c.name == name)
    connection.execute(mine.values(conversation=conversation, seq=seq))


def lose(connection: Connection, names: Sequence[str], now: datetime) -> str:
    """What was taken under one of the names has not arrived: its message does not count as read.

    Returns the conversation in which it stands; "" when that is not known.
    """
    query = sa.select(taken).where(taken.c.name.in_(names))
    found = connection.execute(query).first()
    name = found.name if found else names[0]
    if found is None:
        _insert_new(connection, name, now)
    connection.execute(taken.update().where(taken.c.name == name).values(lost=True))
    if found is None or not found.conversation:
        return ""
    mailbox.reach(connection, found.conversation, found.seq, False)
    return str(found.conversation)


def is_lost(connection: Connection, conversation: str, seq: int) -> bool:
    """Whether a part of a message has not arrived."""
    parts = (taken.c.conversation == conversation) & (taken.c.seq == seq)
    query = sa.select(taken.c.name).where(parts, taken.c.lost)
    return connection.execute(query).first() is not None


def forget(connection: Connection, conversation: str) -> None:
    """The conversation is deleted."""
    connection.execute(taken.delete().where(taken.c.conversation == conversation))


def forget_old(connection: Connection, before: datetime) -> None:
    """Providers report no loss of what they took before."""
    connection.execute(taken.delete().where(taken.c.at < before))


def _insert_new(connection: Connection, name: str, now: datetime) -> None:
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    row = {"name": name, "conversation": "", "seq": 0, "lost": False, "at": now}
    connection.execute(insert(taken).values(row).on_conflict_do_nothing())
