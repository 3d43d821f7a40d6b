"""Erasing conversations at the desk, when their days are over, and as patients wish.

Needs ``clinic.setup.ready()``. What is held as part of a client's health record is kept, whoever
asks. But for what patients wish: not while somebody is talking in one.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import DatabaseError

from clinic import clock
from clinic.conversations import search
from clinic.conversations.erasing import erase_idle, is_idle
from clinic.conversations.models import Session
from clinic.conversations.ties import with_tied
from clinic.privacy.deletion import DeletionCounts, delete_conversation
from clinic.privacy.records import Held, note_request

logger = logging.getLogger("clinic.privacy")


@dataclass
class Erased:
    """What was erased, and the conversations that were not: held, not idle, or not possible."""

    receipts: list[DeletionCounts] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    talking: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def delete_for_patient(conversation_id: str) -> set[str]:
    """Delete all that the clinic keeps of a conversation, as its patient wishes.

    Rasa, which is asked in it, deletes its own part. Conversations that the patient left for this
    one, or went on with, are deleted as a whole, by the worker once nobody talks in them. Gives
    those that are kept because they are held as part of a client's health record: this one, or one
    of the others. The privacy officer is told that they were asked for. Raises
    ``clinic.text.BadInput``; database errors pass through.
    """
    kept = set()
    others = sorted(with_tied([conversation_id]) - {conversation_id})
    for one in (*others, conversation_id):
        try:
            delete_conversation(one, erase_events=one != conversation_id)
        except Held:
            note_request(one, clock.now())
            kept.add(one)
    return kept


def erase(conversation_ids: Iterable[str], who: str) -> Erased:
    """Erase conversations with all that is kept of them, each at once or not at all.

    ``who`` stands on the receipt. When this is interrupted after a receipt was written, the worker
    does the rest. What the database does not allow is logged without its name, and left. Raises
    ``clinic.text.BadInput``.
    """
    conversations = sorted(set(conversation_ids))
    held = set(
        Session.objects.filter(conversation_id__in=conversations, hold=True).values_list(
            "conversation_id", flat=True
        )
    )
    done = Erased(held=sorted(held))
    for conversation in conversations:
        if conversation in held:
            continue
        try:
            if is_idle(conversation):
                done.receipts.append(delete_conversation(conversation, who, erase_events=True))
                erase_idle(conversation)
            else:
                done.talking.append(conversation)
        except Held:
            # Held since.
            done.held.append(conversation)
        except (DatabaseError, sqlite3.Error) as error:
            logger.error("A conversation could not be erased: %s", type(error).__name__)
            done.failed.append(conversation)
    if done.receipts:
        search.forget_removed()
    return done
