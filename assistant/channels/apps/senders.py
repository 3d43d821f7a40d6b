"""Who writes in messaging apps, what has arrived from there, and how far answers have been sent.

Tables beside the mailbox, in the same database. A sender is one patient's chat in one app: its
address is kept once, encrypted, and the conversation's id tells nothing of it. What is said stands
in the mailbox and nowhere else: a message there after the number up to which a sender has got
everything is still to be sent. So what answers a message is due to be sent from the moment at which
the message counts as answered, and is deleted together with the conversation.

The functions on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.dialects import postgresql, sqlite  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox
from assistant.channels.apps import errands, late, links, taken
from assistant.channels.apps.app import Kind, Update
from assistant.channels.apps.numbers import chosen_number
from assistant.channels.apps.outgoing import button_of, is_thumb, tokens
from assistant.channels.apps.sentences import is_english, sentence, words
from assistant.channels.bubbles import Bubble, stamp
from assistant.channels.mailbox import VIA, Stored
from assistant.channels.tokens import new_conversation

OPEN, STOPPED, OPTED_OUT, LEAVING, GROUP = "open", "stopped", "optedout", "leaving", "group"
STANDBY = "standby"
# Nothing is sent to these.
SILENT = (STOPPED, OPTED_OUT, STANDBY)
# Sentences of an app's own after which one can still choose from what stands before them.
_ASIDES = ("rated", "media", "edited", "lost", "too_long", "too_fast", "help")
# What the app itself tells, or what is not to be answered.
UNWRITTEN = (
    *(Kind.STOPPED, Kind.FAILED, Kind.OPTED_OUT, Kind.GROUP),
    *(Kind.SAID, Kind.TAKEN, Kind.GIVEN),
)
# What a message has in the conversation in which it was said, and nowhere else.
_LEFT_BEHIND = ("seq", "in_reply_to")
# Messages among which a patient's last ones and their answers stand, and words of a message by
# which its language can be told.
_LOOKED_BACK, _SOME_WORDS = 20, 3
# Nothing is failing now.
_WELL = {"attempts": 0, "reason": "", "failing_since": None, "due_at": None}

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
    new = _insert_new(connection, updates, **row)
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
    before = _by_name(connection, known.names)
    if update.overheard or update.kind in (Kind.SAID, Kind.TAKEN, Kind.GIVEN):
        return _overhear(connection, known, before, update, now)
    sender = _sender(connection, known, update, now)
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
    sender = _sender(connection, known, update, now)
    return Arrival(sender, told=_tell(connection, sender, "lost", now))


def _forget_press(connection: Connection, known: Known, update: Update) -> None:
    """A button that is pressed again, as its patient is asked to, may be the same update."""
    if update.kind == Kind.BUTTON:
        connection.execute(updates.delete().where(updates.c.name == known.update))


def of(connection: Connection, conversation: str) -> list[Sender]:
    """Who reads a conversation in apps."""
    query = sa.select(senders).where(senders.c.conversation == conversation)
    return [_read(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, name: str) -> Sender | None:
    """A sender by its hash."""
    return _by_name(connection, [name])


def to_send(connection: Connection, name: str, most: int) -> tuple[Sender, list[Stored]] | None:
    """A sender and the messages after the last that was sent, each of them sent or not."""
    sender = get(connection, name)
    if sender is None:
        return None
    return sender, mailbox.after(connection, sender.conversation, sender.sent)[:most]


def unsent(connection: Connection, sender: Sender) -> list[Stored]:
    """The messages that are still to be sent to a sender."""
    waits = mailbox.after(connection, sender.conversation, sender.sent)
    return [message for message in waits if concerns(connection, sender.app, message)]


def concerns(connection: Connection, app: str, message: Stored) -> bool:
    """Whether a message is for an app: what answers something written elsewhere is not."""
    if message.sender == mailbox.PATIENT or message.body.get(mailbox.OVERHEARD):
        return False
    via = message.body.get(VIA)
    asked = message.body.get("in_reply_to")
    if via is None and asked:
        found = mailbox.find(connection, message.conversation, asked)
        via = found.body.get(VIA, "website") if found else None
    return via in (None, app)


def owed(connection: Connection, app: str, now: datetime) -> list[str]:
    """The senders for whom something is to be sent that is due by the real moment ``now``."""
    theirs = mailbox.conversations.c.id == senders.c.conversation
    query = (
        sa.select(senders.c.name)
        .join(mailbox.conversations, theirs)
        .where(senders.c.app == app, senders.c.state.not_in(SILENT))
        .where(mailbox.conversations.c.last_seq > senders.c.sent)
        .where(senders.c.due_at.is_(None) | (senders.c.due_at <= now))
    )
    return list(connection.execute(query).scalars())


def note_sent(connection: Connection, sender: Sender, seq: int, calls: int, noticed: bool) -> bool:
    """So much is sent, or is nothing to send; so many ``calls`` of the next message, too.

    Nothing is noted, and False returned, when the conversation has become another one.
    """
    values = {"sent": seq, "calls": calls, "noticed": noticed}
    return bool(connection.execute(_mine(sender).values(**values, **_WELL)).rowcount)


def note_part(
    connection: Connection, sender: Sender, message: Stored, calls: int, name: str, now: datetime
) -> None:
    """The provider has taken so many calls of a message, the last of them under a name, or ""."""
    noted = note_sent(connection, sender, message.seq - 1, calls, sender.noticed)
    # of a conversation that was deleted meanwhile nothing is kept
    if noted and name:
        taken.note(connection, name, message.conversation, message.seq, now)


def note_arrived(
    connection: Connection, sender: Sender, message: Stored, noticed: bool, name: str, now: datetime
) -> None:
    """The provider has taken all of a message, which counts as read unless a part was lost."""
    noted = note_sent(connection, sender, message.seq, 0, noticed)
    if noted and name:
        taken.note(connection, name, message.conversation, message.seq, now)
    if not taken.is_lost(connection, message.conversation, message.seq):
        mailbox.reach(connection, message.conversation, message.seq)


def note_given_up(connection: Connection, sender: Sender, seq: int, noticed: bool) -> None:
    """A message will not be tried again; what fails since a moment goes on failing since then."""
    values = {"sent": seq, "calls": 0, "noticed": noticed, "due_at": None}
    connection.execute(_mine(sender).values(values))


def note_failure(connection: Connection, sender: Sender, reason: str, due: datetime) -> None:
    """Sending failed and is tried again at a moment of the real clock."""
    values = {
        "attempts": senders.c.attempts + 1,
        "reason": reason,
        "failing_since": sender.failing_since,
        "due_at": due,
    }
    connection.execute(_mine(sender).values(**values))


def note_stopped(connection: Connection, sender: Sender) -> None:
    """The sender can be sent nothing until they write again; what waits is not sent later.

    Who opted out stays so even when they write, and nothing is kept of who was leaving.
    """
    can_write = senders.c.state.not_in((OPTED_OUT, LEAVING))
    stopped = {"state": STOPPED, **_caught_up(sender.conversation)}
    connection.execute(_mine(sender).where(can_write).values(stopped))
    forget(connection, sender)


def speak(connection: Connection, sender: Sender, locale: str) -> None:
    """The patient is spoken to in another language from now on."""
    connection.execute(_mine(sender).values(locale=locale))
    mailbox.speak(connection, sender.conversation, locale)


def writes_english(connection: Connection, message: Stored) -> bool:
    """Whether a message answers the second one in a row that the patient has written in English.

    Counted are typed messages of some words: a name or a "merci" tells nothing, nor does a button.
    """
    before = mailbox.before(connection, message.conversation, message.seq + 1, _LOOKED_BACK)
    typed = [
        each.id
        for each in before
        if each.sender == mailbox.PATIENT and each.input == each.body["text"]
        if len(each.input.split()) >= _SOME_WORDS
    ][-2:]
    if len(typed) < 2 or message.body.get("in_reply_to") != typed[-1]:
        return False
    answers = {asked: [each for each in before if _answers(each, asked)] for asked in typed}
    return all(
        said and all(is_english(each.response) for each in said) for said in answers.values()
    )


def _answers(message: Stored, asked: str) -> bool:
    return message.body.get("in_reply_to") == asked


def choices_before(connection: Connection, message: Stored) -> int:
    """How many choices the answers to the same question have that stand before a message."""
    return sum(len(tokens(each)) for each in _answers_before(connection, message))


def pass_over(connection: Connection, sender: Sender) -> None:
    """What waits is not sent to somebody who wants nothing."""
    still = _mine(sender).where(senders.c.state.in_(SILENT))
    connection.execute(still.values(**_caught_up(sender.conversation)))


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
    mine = _is(sender) & (senders.c.state == LEAVING)
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


def forget_updates(connection: Connection, before: datetime) -> None:
    """Providers send nothing again that is older."""
    old = (updates.c.at < before) & ~updates.c.lasting
    connection.execute(updates.delete().where(old))
    errands.forget_old(connection, before)
    taken.forget_old(connection, before)


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


def _sender(connection: Connection, known: Known, update: Update, now: datetime) -> Sender:
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
    found = _by_name(connection, known.names)
    if found is None:
        _insert_new(connection, senders, **first)
        found = _by_name(connection, known.names)
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
        connection.execute(row.values(**_caught_up(found.conversation), resumed_at=now))
    try:
        mailbox.standing(connection, found.conversation)
    except mailbox.Gone:
        changes |= {"conversation": new_conversation(), "sent": 0, "calls": 0}
    if found.state == LEAVING or "conversation" in changes:
        changes["noticed"] = False
    if any(getattr(found, key) != value for key, value in changes.items() if key != "address"):
        connection.execute(row.values(changes))
    return _by_name(connection, known.names) or found


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
    there = {**_caught_up(conversation), "conversation": conversation, "locale": spoken}
    connection.execute(_mine(sender).values(there))
    moved = get(connection, sender.name) or sender
    if handed:
        _insert_new(connection, earlier, conversation=left, later=conversation)
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
    sender = _by_name(connection, known.names)
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
    sender = _sender(connection, known, update, now) if update.overheard else before
    assert sender is not None
    if update.kind == Kind.GIVEN:
        connection.execute(_mine(sender).where(senders.c.state == STANDBY).values(state=OPEN))
        return Arrival(sender)
    connection.execute(_mine(sender).where(senders.c.state == OPEN).values(state=STANDBY))
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
    silent = {"state": OPTED_OUT, "opted_out_at": now, **_caught_up(sender.conversation)}
    connection.execute(_mine(sender).values(silent))
    return Arrival(sender, stuck=late.OPTED_OUT if before else "")


def _keep_opt_out(connection: Connection, conversation: str) -> None:
    for sender in of(connection, conversation):
        if sender.state == OPTED_OUT:
            empty = {"conversation": new_conversation(), "address": "", "phone": ""}
            connection.execute(_mine(sender).values(sent=0, calls=0, noticed=False, **empty))


def _refuse_group(connection: Connection, sender: Sender, now: datetime) -> Arrival:
    if sender.state == GROUP:
        return Arrival(sender)
    quiet = {"state": GROUP, "noticed": True}
    connection.execute(_mine(sender).values(quiet))
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
        together = [*_answers_before(connection, message), message]
        choices = [token for each in together for token in tokens(each)]
        return choices[number - 1] if number <= len(choices) else None
    return None


def _answers_before(connection: Connection, message: Stored) -> list[Stored]:
    """What was answered to the same question before a message: their choices are counted on."""
    asked = message.body.get("in_reply_to")
    found = mailbox.before(connection, message.conversation, message.seq, 10) if asked else []
    return [each for each in found if each.body.get("in_reply_to") == asked]


def _asked_here(connection: Connection, sender: Sender, message: Stored) -> bool:
    """Whether a message to the patient was shown in this app: not what answers another one."""
    asked = message.body.get("in_reply_to")
    found = mailbox.find(connection, sender.conversation, asked) if asked else None
    return found is None or found.body.get(VIA) == sender.app


def _caught_up(conversation: str) -> dict[str, Any]:
    last = sa.select(mailbox.conversations.c.last_seq)
    last = last.where(mailbox.conversations.c.id == conversation).scalar_subquery()
    return {"sent": sa.func.coalesce(last, 0), "calls": 0, **_WELL}


def _mine(sender: Sender) -> Any:
    return senders.update().where(_is(sender))


def _is(sender: Sender) -> Any:
    return (senders.c.name == sender.name) & (senders.c.conversation == sender.conversation)


def _by_name(connection: Connection, names: Sequence[str]) -> Sender | None:
    query = sa.select(senders).where(senders.c.name.in_(names))
    row = connection.execute(query).mappings().first()
    return None if row is None else _read(row)


def _read(row: Any) -> Sender:
    """SQLite gives moments back without their zone, which is UTC."""
    moments = {key: row[key] for key in ("heard_at", "failing_since", "due_at")}
    aware = {key: at and at.replace(tzinfo=UTC) for key, at in moments.items()}
    known = {key: row[key] for key in row if key in Sender.__dataclass_fields__}
    return Sender(**{**known, **aware})


def _insert_new(connection: Connection, table: Any, **values: Any) -> bool:
    """Inserts a row; False when there is one of that name."""
    return bool(connection.execute(_insert_into(table, connection.dialect.name), values).rowcount)


@lru_cache(maxsize=8)
def _insert_into(table: Any, dialect: str) -> Any:
    """Made once: putting the statement together takes longer than carrying it out."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    return insert(table).on_conflict_do_nothing()
