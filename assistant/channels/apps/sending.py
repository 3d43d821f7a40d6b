"""How far answers have been sent to whoever writes in messaging apps.

What is said stands in the mailbox and nowhere else: a message there after the number up to which a
sender has got everything is still to be sent. So what answers a message is due to be sent from the
moment at which the message counts as answered, and is deleted together with the conversation.

The functions on a ``Connection`` are single operations, run by :class:`mailbox.Mailbox`.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection  # type: ignore[import-untyped]

from assistant.channels import mailbox
from assistant.channels.apps import taken
from assistant.channels.apps.outgoing import tokens
from assistant.channels.apps.senders import SILENT, WELL, Sender, caught_up, get, mine, senders
from assistant.channels.apps.sentences import is_english
from assistant.channels.mailbox import VIA, Stored

# Messages among which a patient's last ones and their answers stand, and words of a message by
# which its language can be told.
_LOOKED_BACK, _SOME_WORDS = 20, 3


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
    return bool(connection.execute(mine(sender).values(**values, **WELL)).rowcount)


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
    connection.execute(mine(sender).values(values))


def note_failure(connection: Connection, sender: Sender, reason: str, due: datetime) -> None:
    """Sending failed and is tried again at a moment of the real clock."""
    values = {
        "attempts": senders.c.attempts + 1,
        "reason": reason,
        "failing_since": sender.failing_since,
        "due_at": due,
    }
    connection.execute(mine(sender).values(**values))


def speak(connection: Connection, sender: Sender, locale: str) -> None:
    """The patient is spoken to in another language from now on."""
    connection.execute(mine(sender).values(locale=locale))
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
    return sum(len(tokens(each)) for each in answers_before(connection, message))


def answers_before(connection: Connection, message: Stored) -> list[Stored]:
    """What was answered to the same question before a message: their choices are counted on."""
    asked = message.body.get("in_reply_to")
    found = mailbox.before(connection, message.conversation, message.seq, 10) if asked else []
    return [each for each in found if each.body.get("in_reply_to") == asked]


def pass_over(connection: Connection, sender: Sender) -> None:
    """What waits is not sent to somebody who wants nothing."""
    still = mine(sender).where(senders.c.state.in_(SILENT))
    connection.execute(still.values(**caught_up(sender.conversation)))
