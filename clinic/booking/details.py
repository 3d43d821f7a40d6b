"""What a patient says of themselves, for a request and for the waiting list alike."""

from __future__ import annotations

from datetime import datetime

from clinic.booking.models import Visit
from clinic.contacts import Contact, contact_of
from clinic.text import BadInput, optional, required


def columns(
    *,
    conversation_id: str,
    patient_name: str,
    patient_contact: str | Contact,
    service: str | None,
    note: str | None,
    new_or_returning: str | None,
    for_whom: str | None,
    consent_version: str | None,
    consent_at: datetime | None,
) -> dict[str, object]:
    """The checked values of a row. Raises :class:`BadInput` naming the field."""
    contact = contact_of(patient_contact)
    if new_or_returning is not None and new_or_returning not in Visit.values:
        raise BadInput(f"new_or_returning is not known. Allowed: {', '.join(Visit.values)}.")
    if (consent_version is None) != (consent_at is None):
        raise BadInput("consent_at goes with consent_version. Allowed: both or neither.")
    return {
        "conversation_id": required("conversation_id", conversation_id, 255),
        "patient_name": required("patient_name", patient_name, 200),
        "patient_contact_kind": contact.kind,
        "patient_contact": contact.value,
        "patient_contact_typed": required("patient_contact", contact.typed, 500),
        "service": optional("service", service, 200),
        "note": optional("note", note, 4000) or "",
        "new_or_returning": new_or_returning or "",
        "for_whom": optional("for_whom", for_whom, 200) or "",
        "consent_version": optional("consent_version", consent_version, 50) or "",
        "consent_at": consent_at,
    }
