"""Storing what patients thought of an answer.

Needs ``clinic.setup.ready()``. Nothing here writes patients' words to a log.
"""

from __future__ import annotations

from clinic.conversations.models import Feedback
from clinic.conversations.rechecks import read_again
from clinic.text import BadInput, optional, required


def save_feedback(
    *,
    conversation_id: str,
    answer: str,
    value: str,
    message_reference: str,
    reason: str | None = None,
) -> Feedback:
    """Store thumbs ``up`` or ``down`` on one answer; a second press replaces the first.

    ``message_reference`` may be empty when the message is not known: then there is one thumb for
    all such messages with that answer in the conversation. A reason given earlier stays when the
    same thumb comes again without one. Raises ``clinic.text.BadInput`` naming the field; database
    errors pass through.
    """
    if value not in Feedback.Value.values:
        raise BadInput("value is not known. Allowed: up, down.")
    words = optional("reason", reason, 4000)
    key = _key(conversation_id, answer, message_reference)
    feedback, created = Feedback.objects.get_or_create(
        **key, defaults={"value": value, "reason": words}
    )
    if not created:
        if words is not None or feedback.value != value:
            feedback.reason = words
        feedback.value = value
        feedback.save(update_fields=["value", "reason"])
    read_again(feedback.conversation_id)
    return feedback


def withdraw_feedback(*, conversation_id: str, answer: str, message_reference: str) -> bool:
    """Take a thumb back, with its reason; whether there was one.

    Raises ``clinic.text.BadInput`` naming the field; database errors pass through.
    """
    key = _key(conversation_id, answer, message_reference)
    deleted, _ = Feedback.objects.filter(**key).delete()
    if deleted:
        read_again(key["conversation_id"])
    return bool(deleted)


def _key(conversation_id: str, answer: str, message_reference: str) -> dict[str, str]:
    return {
        "conversation_id": required("conversation_id", conversation_id, 255),
        "message_reference": optional("message_reference", message_reference, 255) or "",
        "answer": required("answer", answer, 255),
    }
