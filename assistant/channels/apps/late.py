"""Tells the staff desk what does not reach patients: the table of ``clinic.outbox.models``.

Without Django, as in ``assistant.live.store``. The functions are operations on a ``Connection``.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

FAILED, STUCK = "failed", "stuck"
# Why nothing is sent to somebody who asked for no more messages.
OPTED_OUT = "opted_out"

late = sa.Table(
    "outbox_latemessage",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("conversation_id", sa.String(255)),
    sa.Column("app", sa.String(20)),
    sa.Column("state", sa.String(7)),
    sa.Column("reason", sa.String(20)),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("settled_at", sa.DateTime(timezone=True)),
)


def note(
    connection: Connection, conversation: str, app: str, state: str, reason: str, now: datetime
) -> None:
    """A message of the conversation is late (FAILED) or will not arrive (STUCK).

    Whatever will not arrive is a row of its own, in place of the one before: who has seen to that
    one has not seen to this, and staff are told of it anew.
    """
    mine = (late.c.conversation_id == conversation) & (late.c.app == app)
    values = {"state": state, "reason": reason, "at": now}
    # What will not arrive stays until someone has seen to it.
    over = mine if state == STUCK else mine & late.c.settled_at.isnot(None)
    connection.execute(late.delete().where(over))
    late_already = mine & (late.c.state == FAILED)
    if connection.execute(late.update().where(late_already).values(values)).rowcount:
        return
    if connection.execute(sa.select(late.c.id).where(mine)).first() is None:
        connection.execute(late.insert().values(conversation_id=conversation, app=app, **values))


def arrived(connection: Connection, conversation: str, app: str) -> None:
    """What was late has arrived after all."""
    mine = (late.c.conversation_id == conversation) & (late.c.app == app)
    connection.execute(late.delete().where(mine & (late.c.state == FAILED)))


def resumed(connection: Connection, conversation: str, app: str) -> None:
    """The patient wants messages again; what else does not arrive stays."""
    mine = (late.c.conversation_id == conversation) & (late.c.app == app)
    connection.execute(late.delete().where(mine & (late.c.reason == OPTED_OUT)))
