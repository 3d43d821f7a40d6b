"""Leaving a message for a person at the clinic.

Needs ``clinic.setup.ready()``. Nothing here writes patients' words to a log.
"""

from __future__ import annotations

from clinic.contacts import Contact, contact_of
from clinic.handoff.models import PatientMessage
from clinic.storing import store_once
from clinic.text import optional, required


def leave_message(
    *,
    conversation_id: str,
    patient_contact: str | Contact,
    text: str,
    idempotency_key: str,
    patient_name: str | None = None,
) -> PatientMessage:
    """Store a message with a way to reach the patient, once, and give it a reference.

    ``patient_contact`` is a contact already read, or text to read one from. The same
    ``idempotency_key`` in the same conversation gives the message stored first. Raises
    ``clinic.text.BadInput`` naming the field; database errors pass through.
    """
    contact = contact_of(patient_contact)
    message, _ = store_once(
        PatientMessage,
        required("idempotency_key", idempotency_key, 255),
        {
            "conversation_id": required("conversation_id", conversation_id, 255),
            "patient_name": optional("patient_name", patient_name, 200) or "",
            "patient_contact_kind": contact.kind,
            "patient_contact": contact.value,
            "patient_contact_typed": required("patient_contact", contact.typed, 500),
            "text": required("text", text, 4000),
        },
    )
    return message
