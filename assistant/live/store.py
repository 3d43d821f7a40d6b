"""The clinic's tables about live chats (``clinic/live/models.py``), without Django.

Django would cost the Rasa server 20 MB. The functions are single operations on a ``Connection``.
All moments are aware and in UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection, Engine  # type: ignore[import-untyped]

from assistant.live.standing import Standing
from assistant.tracker_store import kept_open
from clinic import environment
from clinic.live.limits import GONE_AFTER, TYPED_WITHIN

JOINED, SAID, LEFT, CLOSED = "joined", "said", "left", "closed"
VANISHED, LONG_WAIT, NEWS = "vanished", "long_wait", "news"
WAITING, PERSON = "waiting", "person"
DONE, GONE, FAILED = "done", "gone", "failed"

_tables = sa.MetaData()
chats = sa.Table(
    "live_chat",
    _tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("conversation_id", sa.String(255)),
    sa.Column("state", sa.String(8)),
    sa.Column("person", sa.String(150)),
    sa.Column("person_name", sa.String(200)),
    sa.Column("patient_at", sa.DateTime(timezone=True)),
    sa.Column("alarm_at", sa.DateTime(timezone=True)),
    sa.Column("alarm", sa.String(16)),
    sa.Column("staff_typing_at", sa.DateTime(timezone=True)),
    sa.Column("patient_typing_at", sa.DateTime(timezone=True)),
    sa.Column("changed_at", sa.DateTime(timezone=True)),
)
steps = sa.Table(
    "live_step",
    _tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("chat_id", sa.BigInteger),
    sa.Column("kind", sa.String(9)),
    sa.Column("key", sa.String(64)),
    sa.Column("who", sa.String(150)),
    sa.Column("name", sa.String(200)),
    sa.Column("text", sa.Text),
    sa.Column("attached", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("done_at", sa.DateTime(timezone=True)),
    sa.Column("outcome", sa.String(6)),
)
asks = sa.Table("live_ask", _tables, sa.Column("chat_id", sa.BigInteger))
duties = sa.Table(
    "live_duty",
    _tables,
    sa.Column("available", sa.Boolean),
    sa.Column("seen_at", sa.DateTime(timezone=True)),
)


@dataclass(frozen=True)
class Step:
    """Something a person did that the conversation does not have yet.

    ``attached`` is what the message has beside its text, such as ``card`` and ``buttons``.
    """

    id: int
    conversation: str
    kind: str
    key: str
    name: str
    text: str
    attached: dict[str, Any] = field(default_factory=dict)


def engine(conversations: Engine) -> Engine:
    """The clinic's database; with PostgreSQL it is the one of the conversations.

    Raises ``clinic.environment.EnvironmentProblem``.
    """
    if conversations.dialect.name != "sqlite":
        return conversations
    file = environment.database(environment.var_folder())["NAME"]
    return kept_open(f"sqlite:///{file}")


def is_there(connection: Connection) -> bool:
    """Whether the tables have been made, which the clinic's own programs do."""
    return bool(sa.inspect(connection).has_table(chats.name))


def look(connection: Connection, now: datetime) -> tuple[Standing, list[str]]:
    """Where live chats stand, and the conversations in which steps are to be carried out."""
    is_open = chats.c.state.in_((WAITING, PERSON))
    typing = sa.func.coalesce(chats.c.staff_typing_at >= now - TYPED_WITHIN, sa.false())
    names = sa.select(
        *(chats.c.conversation_id, chats.c.state, chats.c.person_name), typing.label("typing")
    )
    found = connection.execute(names.where(is_open)).all()
    on_duty = sa.select(sa.func.count()).where(
        duties.c.available.is_(True), duties.c.seen_at >= now - GONE_AFTER
    )
    standing = Standing(
        people={row.conversation_id: row.person_name for row in found if row.state == PERSON},
        typing=frozenset(
            row.conversation_id for row in found if row.state == PERSON and row.typing
        ),
        waiting=frozenset(row.conversation_id for row in found if row.state == WAITING),
        on_duty=connection.execute(on_duty).scalar() > 0,
    )
    to_do = (
        sa.select(chats.c.conversation_id)
        .join(steps, steps.c.chat_id == chats.c.id)
        .where(steps.c.done_at.is_(None))
        .distinct()
    )
    return standing, list(connection.execute(to_do).scalars())


def to_do(connection: Connection, conversation: str) -> list[Step]:
    """The steps to be carried out in one conversation, in order."""
    query = (
        sa.select(
            *(steps.c.id, steps.c.kind, steps.c.key, steps.c.name),
            *(steps.c.text, steps.c.attached),
        )
        .join(chats, steps.c.chat_id == chats.c.id)
        .where(chats.c.conversation_id == conversation, steps.c.done_at.is_(None))
        .order_by(steps.c.id)
    )
    return [
        Step(
            *(row.id, conversation, row.kind, row.key, row.name, row.text),
            json.loads(row.attached or "{}"),
        )
        for row in connection.execute(query)
    ]


def finish(connection: Connection, step: Step, outcome: str, now: datetime) -> None:
    """A step is carried out (DONE), has nowhere to go (GONE), or is given up (FAILED).

    Its words are not kept here, unless it is given up: then staff see what did not arrive.
    """
    values = {"done_at": now, "outcome": outcome}
    if outcome != FAILED:
        values |= {"text": "", "attached": ""}
    connection.execute(steps.update().where(steps.c.id == step.id).values(values))


def heard(connection: Connection, conversation: str, alarm: str, now: datetime) -> None:
    """The patient wrote; ``alarm`` is the kind of danger sign in it, or empty."""
    values = {
        "patient_at": now,
        "patient_typing_at": None,
        **({"alarm": alarm, "alarm_at": now} if alarm else {}),
    }
    mine = chats.update().where(chats.c.conversation_id == conversation)
    connection.execute(mine.values(values))


def typed(connection: Connection, conversation: str, on: bool, now: datetime) -> None:
    """The patient has begun to type, or has stopped."""
    mine = chats.update().where(chats.c.conversation_id == conversation)
    connection.execute(mine.values(patient_typing_at=now if on else None))


def end(connection: Connection, conversation: str, now: datetime) -> None:
    """The patient has left the conversation for good."""
    mine = chats.update().where(chats.c.conversation_id == conversation)
    is_open = chats.c.state.in_((WAITING, PERSON))
    connection.execute(mine.where(is_open).values(state=CLOSED, changed_at=now))


def hand_on(connection: Connection, conversation: str, other: str, now: datetime) -> None:
    """The live chat of a conversation goes on in another one, to which the patient has moved.

    When someone is there already, or is waited for, the first one ends.
    """
    query = sa.select(chats.c.id, chats.c.state, chats.c.person, chats.c.person_name)
    is_open = chats.c.state.in_((WAITING, PERSON))
    chat = connection.execute(query.where(chats.c.conversation_id == conversation, is_open)).first()
    there = connection.execute(query.where(chats.c.conversation_id == other)).first()
    if chat is None:
        return
    if there is not None and there.state in (WAITING, PERSON):
        end(connection, conversation, now)
        return
    if there is not None:
        # One conversation has one row: what was done there stays with it.
        for kept in (steps, asks):
            moved = kept.update().where(kept.c.chat_id == there.id)
            connection.execute(moved.values(chat_id=chat.id))
        connection.execute(chats.delete().where(chats.c.id == there.id))
    here = chats.update().where(chats.c.id == chat.id)
    connection.execute(here.values(conversation_id=other, changed_at=now))
    if chat.state == PERSON:
        step = {"chat_id": chat.id, "kind": JOINED, "key": uuid4().hex, "at": now}
        who = {"who": chat.person, "name": chat.person_name}
        connection.execute(steps.insert().values(**step, **who, text="", attached="", outcome=""))
