"""Deleting everything the clinic keeps of one conversation.

Needs ``clinic.setup.ready()``. The conversation's own events are in Rasa's tracker store. In a
conversation that is going on Rasa itself has to delete them; :mod:`clinic.privacy.erasing` does it
where nobody is talking.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from clinic import clock
from clinic.audit import log
from clinic.audit.models import Action
from clinic.booking.erasing import erase_conversation
from clinic.conversations.models import Feedback
from clinic.conversations.projection import forget
from clinic.handoff.models import PatientMessage
from clinic.live import chats
from clinic.outbox import late, links
from clinic.privacy.models import DeletionReceipt, DeletionRequest
from clinic.privacy.records import refuse_held
from clinic.questions.collecting import forget_unasked
from clinic.references import new_reference
from clinic.text import required


@dataclass(frozen=True)
class DeletionCounts:
    """How many rows were emptied or deleted, and the reference of the receipt."""

    receipt: str
    requests_anonymised: int
    messages_deleted: int
    feedback_deleted: int


def delete_conversation(
    conversation_id: str, who: str = "patient", *, erase_events: bool = False
) -> DeletionCounts:
    """Delete or empty all that is kept of one conversation, at once or not at all.

    Messages, feedback, links that were given, the state of a live chat and what staff read and
    noted of it are deleted. An appointment request loses
    everything personal and keeps its reference and states, so that the clinic can still tell what
    became of it; one that was still open becomes ``cancelled``. With ``erase_events`` the worker
    deletes what Rasa keeps. A second call finds nothing and is no error. Raises
    ``clinic.privacy.records.Held`` for a client's health record, which is left as it is, and
    ``clinic.text.BadInput``; database errors pass through.
    """
    conversation_id = required("conversation_id", conversation_id, 255)
    who = required("who", who, 150)
    with transaction.atomic():
        refuse_held(conversation_id)
        emptied = erase_conversation(conversation_id, who, clock.now())
        messages, _ = PatientMessage.objects.filter(conversation_id=conversation_id).delete()
        feedback, _ = Feedback.objects.filter(conversation_id=conversation_id).delete()
        chats.forget(conversation_id)
        links.forget(conversation_id)
        late.forget(conversation_id)
        forget([conversation_id], erase_events=erase_events)
        forget_unasked()
        DeletionRequest.objects.filter(conversation_id=conversation_id).delete()
        receipt = DeletionReceipt.objects.create(
            reference=new_reference(),
            conversation_digest=conversation_digest(conversation_id),
            who=who,
            requests_anonymised=emptied,
            messages_deleted=messages,
            feedback_deleted=feedback,
        )
        log.note(who, Action.ERASE, f"receipt {receipt.reference}")
    _forget_old_pages()
    return DeletionCounts(receipt.reference, emptied, messages, feedback)


def conversation_digest(conversation_id: str) -> str:
    """The keyed hash under which a receipt is found again."""
    return salted_hmac("clinic.privacy", conversation_id, algorithm="sha256").hexdigest()


def _forget_old_pages() -> None:
    """Move SQLite's write-ahead log into the database, so that it holds no deleted text.

    While another process reads, SQLite leaves that to the next time; the deletion itself stands.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
