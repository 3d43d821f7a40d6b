"""Who writes in messaging apps: the table ``app_senders``.

It stands beside the mailbox, in the same database. A sender is one patient's chat in one app: its
address is kept once, encrypted, and the conversation's id tells nothing of it. What arrives from
there is in :mod:`assistant.channels.apps.updates`, what is still to be sent in
:mod:`assistant.channels.apps.sending`.

The functions on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.dialects import postgresql, sqlite  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox
from assistant.channels.apps import errands, links, taken
from assistant.channels.apps.sentences import sentence
from assistant.channels.bubbles import Bubble, stamp
from assistant.channels.mailbox import VIA
from assistant.channels.tokens import new_conversation

OPEN, STOPPED, OPTED_OUT, LEAVING, GROUP = "open", "stopped", "optedout", "leaving", "group"
STANDBY = "standby"
# Nothing is sent to these.
SILENT = (STOPPED, OPTED_OUT, STANDBY)
# Nothing is failing now.
WELL = {"attempts": 0, "reason": "", "failing_since": None, "due_at": None}

senders = sa.Table(
    "app_senders",
    mailbox.tables,
    # The keyed hash of the address.
    sa.Column("name", sa.String(43), primary_key=True),
    sa.Column("app", sa.String(20), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("locale", sa.String(2), nullable=False),
    # "open"; "stopped": can be sent nothing until they write again; "optedout": wants nothing
    # until they ask for it; "leaving": the conversation was deleted, and this row goes when the
    # last words are sent; "group": refused; "standby": another app has the chat, until the
    # patient's words come here again.
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("noticed", sa.Boolean, nullable=False),
    # When the patient last wrote, by the provider's clock or else the real one.
    sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
    # Everything up to this number of the mailbox is sent, and so many calls of the next message.
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    # How sending fails now: the moments are of the real clock.
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("failing_since", sa.DateTime(timezone=True)),
    sa.Column("due_at", sa.DateTime(timezone=True)),
    # The keyed hash of the phone number, where the address is another one and the app tells it.
    sa.Column("phone", sa.String(43), nullable=False, server_default=""),
    # When the patient last asked for no more messages, and when for messages again.
    sa.Column("opted_out_at", sa.DateTime(timezone=True)),
    sa.Column("resumed_at", sa.DateTime(timezone=True)),
)
# Conversations that a patient left for another one, by a link from the website: what concerns the
# person concerns both.
earlier = sa.Table(
    "app_earlier",
    mailbox.tables,
    sa.Column("conversation", sa.String(64), primary_key=True),
    sa.Column("later", sa.String(64), primary_key=True, index=True),
)


@dataclass(frozen=True)
class Sender:
    """A row of ``app_senders``; ``address`` is encrypted."""

    name: str
    app: str
    conversation: str
    address: str
    locale: str
    state: str
    noticed: bool
    heard_at: datetime
    sent: int
    calls: int
    attempts: int
    reason: str
    failing_since: datetime | None
    due_at: datetime | None
    phone: str


def of(connection: Connection, conversation: str) -> list[Sender]:
    """Who reads a conversation in apps."""
    query = sa.select(senders).where(senders.c.conversation == conversation)
    return [_read(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, name: str) -> Sender | None:
    """A sender by its hash."""
    return by_names(connection, [name])


def note_stopped(connection: Connection, sender: Sender) -> None:
    """The sender can be sent nothing until they write again; what waits is not sent later.

    Who opted out stays so even when they write, and nothing is kept of who was leaving.
    """
    can_write = senders.c.state.not_in((OPTED_OUT, LEAVING))
    stopped = {"state": STOPPED, **caught_up(sender.conversation)}
    connection.execute(mine(sender).where(can_write).values(stopped))
    forget(connection, sender)


def leave(connection: Connection, conversation: str) -> list[str]:
    """A conversation is deleted: its senders go, too, once they were sent the last words.

    Returns the conversations in which these are to be said, one for each sender. Of somebody who
    opted out nothing is kept but that, under the hash, and nothing is said.
    """
    links.forget(connection, conversation)
    errands.forget(connection, conversation)
    taken.forget(connection, conversation)
    tied = (earlier.c.conversation == conversation) | (earlier.c.later == conversation)
    connection.execute(earlier.delete().where(tied))
    _keep_opt_out(connection, conversation)
    new = {sender.name: new_conversation() for sender in of(connection, conversation)}
    for name, begun in new.items():
        fresh = {"conversation": begun, "sent": 0, "calls": 0, "state": LEAVING, "noticed": True}
        connection.execute(senders.update().where(senders.c.name == name).values(fresh))
    return list(new.values())


def forget(connection: Connection, sender: Sender) -> None:
    """The last words are sent: nothing of the sender is kept. Not when they wrote again."""
    mine = is_still(sender) & (senders.c.state == LEAVING)
    if connection.execute(senders.delete().where(mine)).rowcount:
        theirs = mailbox.messages.c.conversation == sender.conversation
        connection.execute(mailbox.messages.delete().where(theirs))
        taken.forget(connection, sender.conversation)
        row = mailbox.conversations.c.id == sender.conversation
        connection.execute(mailbox.conversations.delete().where(row))


def unfinished(connection: Connection) -> list[Sender]:
    """Senders whose conversation was deleted, and who have not been told so."""
    said = sa.select(mailbox.conversations.c.id)
    query = sa.select(senders).where(senders.c.state == LEAVING)
    query = query.where(senders.c.conversation.not_in(said))
    return [_read(row) for row in connection.execute(query).mappings()]


def sentence_bubble(sender: Sender, name: str, /, **values: object) -> Bubble:
    """A sentence of the app's own, for this app alone; its name stands in place of a response."""
    body = {
        "id": str(uuid.uuid4()),
        "at": stamp(),
        "from": "clinic",
        "text": sentence(name, sender.locale, **values),
        "lang": sender.locale,
        "buttons": [],
        "rateable": False,
        VIA: sender.app,
    }
    return Bubble(name, body)


def _keep_opt_out(connection: Connection, conversation: str) -> None:
    for sender in of(connection, conversation):
        if sender.state == OPTED_OUT:
            empty = {"conversation": new_conversation(), "address": "", "phone": ""}
            connection.execute(mine(sender).values(sent=0, calls=0, noticed=False, **empty))


def caught_up(conversation: str) -> dict[str, Any]:
    last = sa.select(mailbox.conversations.c.last_seq)
    last = last.where(mailbox.conversations.c.id == conversation).scalar_subquery()
    return {"sent": sa.func.coalesce(last, 0), "calls": 0, **WELL}


def mine(sender: Sender) -> Any:
    return senders.update().where(is_still(sender))


def is_still(sender: Sender) -> Any:
    return (senders.c.name == sender.name) & (senders.c.conversation == sender.conversation)


def by_names(connection: Connection, names: Sequence[str]) -> Sender | None:
    query = sa.select(senders).where(senders.c.name.in_(names))
    row = connection.execute(query).mappings().first()
    return None if row is None else _read(row)


def _read(row: Any) -> Sender:
    """SQLite gives moments back without their zone, which is UTC."""
    moments = {key: row[key] for key in ("heard_at", "failing_since", "due_at")}
    aware = {key: at and at.replace(tzinfo=UTC) for key, at in moments.items()}
    known = {key: row[key] for key in row if key in Sender.__dataclass_fields__}
    return Sender(**{**known, **aware})


def insert_new(connection: Connection, table: Any, **values: Any) -> bool:
    """Inserts a row; False when there is one of that name."""
    return bool(connection.execute(_insert_into(table, connection.dialect.name), values).rowcount)


@lru_cache(maxsize=8)
def _insert_into(table: Any, dialect: str) -> Any:
    """Made once: putting the statement together takes longer than carrying it out."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    return insert(table).on_conflict_do_nothing()
