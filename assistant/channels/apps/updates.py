"""What has arrived from messaging apps: the table ``app_updates``, and what becomes of each.

An update is kept before its provider is answered, and emptied by the transaction that takes it to
the mailbox. The functions on a ``Connection`` are single operations, run by
:class:`mailbox.Mailbox`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox
from assistant.channels.apps import errands, late, links, taken
from assistant.channels.apps.app import Kind, Update
from assistant.channels.apps.numbers import chosen_number
from assistant.channels.apps.outgoing import button_of, is_thumb, tokens
from assistant.channels.apps.senders import (
    GROUP,
    LEAVING,
    OPEN,
    OPTED_OUT,
    STANDBY,
    STOPPED,
    Sender,
    by_names,
    caught_up,
    earlier,
    get,
    insert_new,
    mine,
    note_stopped,
    senders,
    sentence_bubble,
)
from assistant.channels.apps.sending import answers_before, unsent
from assistant.channels.apps.sentences import words
from assistant.channels.bubbles import Bubble, stamp
from assistant.channels.mailbox import VIA, Stored
from assistant.channels.tokens import new_conversation

# Sentences of an app's own after which one can still choose from what stands before them.
_ASIDES = ("rated", "media", "edited", "lost", "too_long", "too_fast", "help")
# What the app itself tells, or what is not to be answered.
UNWRITTEN = (
    *(Kind.STOPPED, Kind.FAILED, Kind.OPTED_OUT, Kind.GROUP),
    *(Kind.SAID, Kind.TAKEN, Kind.GIVEN),
)
# What a message has in the conversation in which it was said, and nowhere else.
_LEFT_BEHIND = ("seq", "in_reply_to")

updates = sa.Table(
    "app_updates",
    mailbox.tables,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    # The keyed hash of the provider's id.
    sa.Column("name", sa.String(43), nullable=False, unique=True),
    sa.Column("app", sa.String(20), nullable=False),
    # What it tells, encrypted; "" once it is taken.
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
    # The provider does not tell its moment: only this row says that it was here before.
    sa.Column("lasting", sa.Boolean, nullable=False, server_default=sa.true()),
)


@dataclass(frozen=True)
class Arrival:
    """What became of an update: ``asked`` is for the assistant; ``chosen`` is a button's title.

    ``told``: the app has something to say by itself. ``errand``: something is to be done at the
    clinic. ``stuck``: why something will not reach the patient, for staff; ``about``: the
    conversation in which it was said, where that is known.
    """

    sender: Sender | None = None
    asked: Stored | None = None
    chosen: str = ""
    told: bool = False
    errand: bool = False
    stuck: str = ""
    about: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of an update before the database is asked.

    ``names`` is what the sender is called by each key, ``update`` what the update is called,
    ``phone`` what the sender's phone number is called where it is told beside the address,
    ``about`` what a message of ours is called, by each key, that has failed;
    ``heard_at`` is when it was written; ``refusal`` is a sentence to be said in place of an answer,
    unless it is ``silent``.
    """

    app: str
    names: Sequence[str]
    update: str
    sealed: str
    heard_at: datetime
    phone: str = ""
    about: Sequence[str] = ()
    refusal: str = ""
    silent: bool = False
    values: tuple[tuple[str, int], ...] = ()
    numbered: bool = False


class Unsent(Exception):
    """An update has to wait until the patient has read what is on its way."""


def arrive(
    connection: Connection,
    app: str,
    names: Sequence[str],
    content: str,
    now: datetime,
    lasting: bool = False,
) -> bool:
    """Keeps an update until it is taken; False when it is known already, by whichever key.

    ``lasting``: nobody can tell how old it is, so it must be known for ever. One statement while
    there is one key: the provider waits for it.
    """
    name, *before = names
    row = {"name": name, "app": app, "content": content, "at": now, "lasting": lasting}
    new = insert_new(connection, updates, **row)
    if new and before:
        known = sa.select(updates.c.number).where(updates.c.name.in_(before))
        if connection.execute(known).first() is not None:
            connection.execute(updates.delete().where(updates.c.name == name))
            return False
    return new


def waiting(connection: Connection, app: str) -> list[tuple[str, str]]:
    """The names and contents of updates that have arrived and are not taken, in order."""
    query = sa.select(updates.c.name, updates.c.content)
    query = query.where(updates.c.app == app, updates.c.content != "").order_by(updates.c.number)
    return [(name, content) for name, content in connection.execute(query)]


def take(connection: Connection, known: Known, update: Update, now: datetime) -> Arrival | None:
    """Stores what an update that has arrived tells; None when that has been done. Raises Unsent."""
    # A write comes first in every transaction: SQLite then waits for its turn.
    mine = (updates.c.name == known.update) & (updates.c.content != "")
    if not connection.execute(updates.update().where(mine).values(content="")).rowcount:
        return None
    if update.kind in (Kind.STOPPED, Kind.FAILED):
        return _fail(connection, known, update, now)
    before = by_names(connection, known.names)
    if update.overheard or update.kind in (Kind.SAID, Kind.TAKEN, Kind.GIVEN):
        return _overhear(connection, known, before, update, now)
    sender = writer(connection, known, update, now)
    if update.kind == Kind.OPTED_OUT:
        return _opt_out(connection, before, sender, now)
    if update.kind == Kind.GROUP:
        return _refuse_group(connection, sender, now)
    if carried := links.token_of(update.link) or links.token_in(update.text):
        return _link(connection, sender, carried, now)
    if known.refusal:
        _forget_press(connection, known, update)
        said = "" if known.silent else known.refusal
        return Arrival(sender, told=_tell(connection, sender, said, now, dict(known.values)))
    if update.kind == Kind.EDITED:
        return Arrival(sender, told=_tell(connection, sender, "edited", now))
    if update.kind == Kind.HELP:
        # STOP and HELP are said in every language.
        asked = replace(sender, locale=update.locale if update.locale != "en" else sender.locale)
        return Arrival(sender, told=_tell(connection, asked, "help", now))
    told = False
    if update.kind == Kind.MEDIA:
        told = _tell(connection, sender, "media", now)
    if update.kind == Kind.BUTTON:
        return _press(connection, known, sender, update.token, now)
    text = update.text
    back = before is not None and before.state == OPTED_OUT and sender.state == OPEN
    if update.kind == Kind.START or back:
        text = words()["greeting"]
    if known.numbered and (token := _token_of(connection, sender, text)):
        return _press(connection, known, sender, token, now, typed=text)
    if not text.strip():
        return Arrival(sender, told=told)
    return Arrival(sender, _accept(connection, known, sender, text, None, now), told=told)


def give_up(connection: Connection, known: Known, update: Update, now: datetime) -> Arrival | None:
    """An update cannot be taken, whatever is tried: its patient is asked to write it anew.

    None when it has been taken.
    """
    mine = (updates.c.name == known.update) & (updates.c.content != "")
    if not connection.execute(updates.update().where(mine).values(content="")).rowcount:
        return None
    _forget_press(connection, known, update)
    sender = writer(connection, known, update, now)
    return Arrival(sender, told=_tell(connection, sender, "lost", now))


def forget_updates(connection: Connection, before: datetime) -> None:
    """Providers send nothing again that is older."""
    old = (updates.c.at < before) & ~updates.c.lasting
    connection.execute(updates.delete().where(old))
    errands.forget_old(connection, before)
    taken.forget_old(connection, before)


def _forget_press(connection: Connection, known: Known, update: Update) -> None:
    """A button that is pressed again, as its patient is asked to, may be the same update."""
    if update.kind == Kind.BUTTON:
        connection.execute(updates.delete().where(updates.c.name == known.update))


def writer(connection: Connection, known: Known, update: Update, now: datetime) -> Sender:
    """The row of whoever wrote, made if need be, with a conversation that goes on."""
    first = {
        "name": known.names[0],
        "app": known.app,
        "conversation": new_conversation(),
        "address": known.sealed,
        "locale": update.locale,
        "state": OPEN,
        "noticed": False,
        "heard_at": known.heard_at,
        "phone": known.phone,
        **{"sent": 0, "calls": 0, "attempts": 0, "reason": ""},
    }
    found = by_names(connection, known.names)
    if found is None:
        insert_new(connection, senders, **first)
        found = by_names(connection, known.names)
        assert found is not None
    row = senders.update().where(senders.c.name == found.name)
    # Found by a key that is being rotated out: from now on it goes by the new one.
    changes: dict[str, Any] = {"name": known.names[0], "address": known.sealed}
    if known.phone:
        changes["phone"] = known.phone
    if known.heard_at > found.heard_at:
        changes["heard_at"] = known.heard_at
    if found.state in (STOPPED, LEAVING, STANDBY) or (found.state == OPTED_OUT and update.resumes):
        changes["state"] = OPEN
    if found.state == OPTED_OUT and update.resumes:
        connection.execute(row.values(**caught_up(found.conversation), resumed_at=now))
    try:
        mailbox.standing(connection, found.conversation)
    except mailbox.Gone:
        changes |= {"conversation": new_conversation(), "sent": 0, "calls": 0}
    if found.state == LEAVING or "conversation" in changes:
        changes["noticed"] = False
    if any(getattr(found, key) != value for key, value in changes.items() if key != "address"):
        connection.execute(row.values(changes))
    return by_names(connection, known.names) or found


def _link(connection: Connection, sender: Sender, token: str, now: datetime) -> Arrival:
    """Goes on with a chat from the website; what was said there is not said again.

    The conversation that the app had before stays tied to it, and whoever is there comes along.
    Raises Unsent when the patient is still to be told something there.
    """
    if _is_owed(connection, sender):
        raise Unsent
    conversation = links.use(connection, token, now)
    if conversation is None:
        return Arrival(sender, told=_tell(connection, sender, "not_linked", now))
    left = sender.conversation
    if left == conversation:
        return Arrival(sender, told=_tell(connection, sender, "linked", now))
    spoken = mailbox.standing(connection, conversation).locale
    handed = mailbox.standing(connection, left).last_seq > 0
    late_ones = [_carried(sender, message) for message in unsent(connection, sender)]
    there = {**caught_up(conversation), "conversation": conversation, "locale": spoken}
    connection.execute(mine(sender).values(there))
    moved = get(connection, sender.name) or sender
    if handed:
        insert_new(connection, earlier, conversation=left, later=conversation)
        errands.add(connection, sender.app, errands.HAND_ON, left, conversation, "", now)
        mailbox.post(connection, conversation, late_ones, now)
    told = _tell(connection, moved, "linked", now)
    return Arrival(moved, told=told, errand=handed)


def _carried(sender: Sender, message: Stored) -> Bubble:
    """What could not be sent yet, for the conversation that goes on: without its buttons.

    These belong to the conversation in which they were offered.
    """
    plain = {"id": str(uuid.uuid4()), "buttons": [], "rateable": False, VIA: sender.app}
    kept = {name: part for name, part in message.body.items() if name not in _LEFT_BEHIND}
    return Bubble(message.response, {**kept, **plain})


def _is_owed(connection: Connection, sender: Sender) -> bool:
    """Whether an answer is being made or sent: after the move it would reach nobody.

    What cannot be sent now keeps nobody waiting: it is carried along.
    """
    if sender.state != OPEN:
        return False
    if mailbox.pending(connection, sender.conversation):
        return True
    return not sender.attempts and bool(unsent(connection, sender))


def _fail(connection: Connection, known: Known, update: Update, now: datetime) -> Arrival:
    """The provider says that somebody cannot be reached, or was not."""
    sender = by_names(connection, known.names)
    if sender is None:
        return Arrival()
    about = taken.lose(connection, known.about, now) if known.about else ""
    stuck = update.reason
    if update.kind == Kind.STOPPED or update.reason == STOPPED:
        waits = unsent(connection, sender)
        note_stopped(connection, sender)
        stuck = STOPPED if stuck or waits else ""
    return Arrival(sender, stuck=stuck, about=about)


def _overhear(
    connection: Connection, known: Known, before: Sender | None, update: Update, now: datetime
) -> Arrival:
    """Another app has the chat, or had: what is said there is kept for staff, and not answered.

    Of somebody who has never written here nothing is kept but what they write now.
    """
    if not update.overheard and (before is None or before.state == LEAVING):
        return Arrival()
    sender = writer(connection, known, update, now) if update.overheard else before
    assert sender is not None
    if update.kind == Kind.GIVEN:
        connection.execute(mine(sender).where(senders.c.state == STANDBY).values(state=OPEN))
        return Arrival(sender)
    connection.execute(mine(sender).where(senders.c.state == OPEN).values(state=STANDBY))
    if not update.text.strip():
        return Arrival(sender)
    text = update.text[: dict(known.values).get("limit")]
    try:
        return Arrival(sender, _accept(connection, known, sender, text, None, now, update))
    except mailbox.Gone:
        # The patient has had deleted what there was, and has not written since.
        return Arrival(sender)


def _opt_out(
    connection: Connection, before: Sender | None, sender: Sender, now: datetime
) -> Arrival:
    """Kept also of somebody who never wrote before; said and told to staff once."""
    if before is not None and before.state == OPTED_OUT:
        return Arrival()
    silent = {"state": OPTED_OUT, "opted_out_at": now, **caught_up(sender.conversation)}
    connection.execute(mine(sender).values(silent))
    return Arrival(sender, stuck=late.OPTED_OUT if before else "")


def _refuse_group(connection: Connection, sender: Sender, now: datetime) -> Arrival:
    if sender.state == GROUP:
        return Arrival(sender)
    quiet = {"state": GROUP, "noticed": True}
    connection.execute(mine(sender).values(quiet))
    return Arrival(sender, told=_tell(connection, sender, "group", now))


def _tell(
    connection: Connection,
    sender: Sender,
    name: str,
    now: datetime,
    values: dict[str, int] | None = None,
) -> bool:
    if name and sender.state != OPTED_OUT:
        bubble = sentence_bubble(sender, name, **(values or {}))
        mailbox.post(connection, sender.conversation, [bubble], now)
        return True
    return False


def _press(
    connection: Connection,
    known: Known,
    sender: Sender,
    token: str,
    now: datetime,
    typed: str | None = None,
) -> Arrival:
    """A button was pressed, or its number ``typed``."""
    found = button_of(connection, sender.conversation, token)
    if found is None:
        return Arrival(sender, told=_tell(connection, sender, "unknown_button", now))
    message, payload = found
    if is_thumb(token):
        thumb = words()["thumbs"][payload]
        errands.add(
            connection, known.app, errands.RATE, message.conversation, message.id, payload, now
        )
        # A thumb that was pressed can be seen, a number that was typed can not.
        told = typed is not None and _tell(connection, sender, "rated", now)
        return Arrival(sender, chosen=thumb, told=told, errand=True)
    asked = _accept(connection, known, sender, typed or "", payload, now)
    return Arrival(sender, asked, chosen=asked.body["text"])


def _accept(
    connection: Connection,
    known: Known,
    sender: Sender,
    text: str,
    payload: str | None,
    now: datetime,
    overheard: Update | None = None,
) -> Stored:
    body: dict[str, Any] = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{known.app}/{known.update}")),
        "at": stamp(),
        "from": mailbox.PATIENT,
        "text": mailbox.clean(text),
        VIA: known.app,
    }
    if overheard is not None:
        body |= {mailbox.OVERHEARD: True}
    if overheard is not None and overheard.kind == Kind.SAID:
        body |= {"from": "person", "name": words()["other_app"]}
    return mailbox.accept(
        *(connection, sender.conversation, body, payload, now, sender.locale)
    ).message


def _token_of(connection: Connection, sender: Sender, text: str) -> str | None:
    """The token of the choice whose number was typed.

    Only what was said last can be chosen from: after anything newer a number is an answer to that.
    """
    number = chosen_number(text)
    if number is None:
        return None
    for message in reversed(mailbox.before(connection, sender.conversation, None, 10)):
        if message.response in _ASIDES:
            continue
        if not _asked_here(connection, sender, message):
            return None
        together = [*answers_before(connection, message), message]
        choices = [token for each in together for token in tokens(each)]
        return choices[number - 1] if number <= len(choices) else None
    return None


def _asked_here(connection: Connection, sender: Sender, message: Stored) -> bool:
    """Whether a message to the patient was shown in this app: not what answers another one."""
    asked = message.body.get("in_reply_to")
    found = mailbox.find(connection, sender.conversation, asked) if asked else None
    return found is None or found.body.get(VIA) == sender.app
