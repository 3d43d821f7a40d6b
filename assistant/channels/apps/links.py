"""Going on in a messaging app with a chat from the website, by a link that works once.

The functions on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox
from assistant.channels.apps.sentences import words

LIFE = timedelta(minutes=15)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")

links = sa.Table(
    "app_links",
    mailbox.tables,
    # The hash of the token: whoever reads the database cannot use it.
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)


def new_token() -> str:
    """128 random bits, as 22 characters of URL-safe base64."""
    return secrets.token_urlsafe(16)


def store(connection: Connection, token: str, conversation: str, now: datetime) -> None:
    """Lets a token open a conversation for :data:`LIFE`; an earlier one of it opens it no more."""
    gone = (links.c.expires_at < now) | (links.c.conversation == conversation)
    connection.execute(links.delete().where(gone))
    row = {"token": _hash(token), "conversation": conversation, "expires_at": now + LIFE}
    connection.execute(links.insert().values(row))


def use(connection: Connection, token: str, now: datetime) -> str | None:
    """The conversation that a token opens, this once; None when it opens none any more."""
    mine = links.c.token == _hash(token)
    query = sa.select(links.c.conversation).where(mine, links.c.expires_at >= now)
    conversation = connection.execute(query).scalar()
    connection.execute(links.delete().where(mine))
    if conversation is None:
        return None
    try:
        mailbox.standing(connection, conversation)
    except mailbox.Gone:
        return None
    return str(conversation)


def forget(connection: Connection, conversation: str) -> None:
    """No token opens a conversation any more."""
    connection.execute(links.delete().where(links.c.conversation == conversation))


def token_of(link: str) -> str:
    """What a link into an app brought along, if that can be a token; "" for a poster's, say."""
    return link if _TOKEN.fullmatch(link) else ""


def token_in(text: str) -> str:
    """The token in words that a link has filled in; "" for any other text."""
    found = _filled_in().fullmatch(text.strip())
    return found[1] if found else ""


@lru_cache(maxsize=1)
def _filled_in() -> re.Pattern[str]:
    before, after = words()["link"].split("{token}")
    return re.compile(
        f"{re.escape(before.strip())}\\s*({_TOKEN.pattern})\\s*{re.escape(after.strip())}"
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
