"""Taking out of a conversation what should not be kept, and leaving the rest.

Needs ``clinic.setup.ready()``. Not while somebody is talking in it, and not in what is held as part
of a client's health record.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations import projection, rechecks, search
from clinic.conversations.models import Feedback, Message
from clinic.conversations.redacting import redact_idle, without
from clinic.conversations.store import Store
from clinic.privacy.deletion import conversation_digest
from clinic.privacy.models import RedactionReceipt
from clinic.privacy.records import refuse_held
from clinic.questions import collecting
from clinic.references import new_reference


class Talking(Exception):
    """Somebody is talking in the conversation."""


@dataclass(frozen=True)
class RedactionCounts:
    """The reference of the receipt, and how many events were changed."""

    receipt: str
    events: int


def redact(message: Message, words: str, who: str, store: Store) -> RedactionCounts:
    """Take ``words`` out wherever they stand in the message's conversation; "" the whole message.

    ``who`` stands on the receipt, which holds none of it. When this is interrupted after the words
    are gone from Rasa's events, the worker reads the conversation again. Raises
    ``clinic.privacy.records.Held``, :class:`Talking`, and ``clinic.text.BadInput`` for words that
    are not in the message.
    """
    conversation = message.session.conversation_id
    with transaction.atomic():
        refuse_held(conversation)
        rechecks.read_again(conversation, until=clock.now() + rechecks.REDACTED_WITHIN)
    receipt = new_reference()
    with transaction.atomic():
        refuse_held(conversation)
        log.note(
            who,
            Action.REDACT,
            f"conversation {message.session_id}",
            detail=f"{'words' if words else 'message'} receipt {receipt}",
        )
        _redact_reasons(message, words)
        # With SQLite in a database of its own, where it cannot be taken back: after what can fail.
        done = redact_idle(conversation, message.pk, words, reason=message.feedback_reason)
        if done is None:
            raise Talking
        collecting.forget_asked(done.events)
        RedactionReceipt.objects.create(
            reference=receipt,
            conversation_digest=conversation_digest(conversation),
            who=who,
            whole=not words,
            events=len(done.events),
            messages=done.messages,
        )
    projection.read_now(store, conversation)
    search.forget_removed()
    return RedactionCounts(receipt, len(done.events))


def _redact_reasons(message: Message, words: str) -> None:
    """The same in what the patient wrote beside thumbs; without ``words`` that of this message."""
    words = words.strip()
    rows = Feedback.objects.filter(conversation_id=message.session.conversation_id)
    if not words:
        rows = rows.filter(answer=message.response, reason=message.feedback_reason)
    for feedback in rows.exclude(reason=None).exclude(reason=""):
        feedback.reason = without(feedback.reason, words) if words else ""
        feedback.save(update_fields=["reason"])
