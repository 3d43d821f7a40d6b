"""What messaging apps still have to do at the clinic: store a thumb, hand on a live chat.

The clinic's database is another one, and the action server may be away. So what is to be done there
is noted in the transaction of the update that asks for it, and done until it is. Doing it twice
changes nothing.

The functions on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox

RATE, HAND_ON = "rate", "hand_on"

errands = sa.Table(
    "app_errands",
    mailbox.tables,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("app", sa.String(20), nullable=False),
    # "rate": the thumb ``value``, "up" or "down", on the message ``about``. "hand_on": whoever is
    # in the conversation, or is waited for there, goes on in the conversation ``about``.
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("about", sa.String(64), nullable=False),
    sa.Column("value", sa.String(4), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Errand:
    """A row of ``app_errands`` without its moment."""

    number: int
    app: str
    kind: str
    conversation: str
    about: str
    value: str


def add(
    connection: Connection,
    app: str,
    kind: str,
    conversation: str,
    about: str,
    value: str,
    now: datetime,
) -> None:
    """Notes something to be done."""
    row = {"app": app, "kind": kind, "conversation": conversation, "about": about}
    connection.execute(errands.insert().values(**row, value=value, at=now))


def waiting(connection: Connection, app: str) -> list[Errand]:
    """What is still to be done, in order."""
    columns = [column for column in errands.c if column.name != "at"]
    query = sa.select(*columns).where(errands.c.app == app).order_by(errands.c.number)
    return [Errand(**row) for row in connection.execute(query).mappings()]


def done(connection: Connection, errand: Errand) -> None:
    """It need not be done again."""
    connection.execute(errands.delete().where(errands.c.number == errand.number))


def forget(connection: Connection, conversation: str) -> None:
    """The conversation is deleted: there is nothing to be done about it any more."""
    about = (errands.c.conversation == conversation) | (errands.c.about == conversation)
    connection.execute(errands.delete().where(about))


def forget_old(connection: Connection, before: datetime) -> None:
    """What could not be done for so long never will be."""
    connection.execute(errands.delete().where(errands.c.at < before))
