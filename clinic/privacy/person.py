"""Finding everything of one person across channels.

Needs ``clinic.setup.ready()``. What is found is unmasked: who asks and why belongs in the desk's
log, before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Model, Q

from clinic import environment
from clinic.booking.models import AppointmentRequest, WaitingEntry
from clinic.contacts import SPOKEN_FIGURES, Contact, read_contact, read_contacts
from clinic.conversations.models import Message
from clinic.conversations.store import open_store
from clinic.conversations.ties import with_tied
from clinic.handoff.models import PatientMessage
from clinic.references import LENGTH
from clinic.seal import Seal
from clinic.text import BadInput, required

_KEPT: tuple[type[Model], ...] = (AppointmentRequest, PatientMessage, WaitingEntry)
# The apps that know patients by their phone numbers, and what each writes before the digits.
_BEFORE_DIGITS = {"sms": "+", "twilio-whatsapp": "whatsapp:+", "whatsapp": ""}
# Where the ten digits of that width begin.
_FULL_WIDTH = 0xFF10
_SIGN = "dot|period|under ?score|dash|hyphen|minus|plus"


@dataclass(frozen=True)
class Found:
    """What belongs to a person: conversations, and contacts and names they are known by."""

    conversations: tuple[str, ...]
    contacts: tuple[str, ...]
    names: tuple[str, ...]


def find(who: str) -> Found:
    """Everything that belongs to a phone number, an e-mail address, or a request's reference.

    A contact is found wherever it was given: in a request, in a message to the clinic, on the
    waiting list, in words typed and never sent, and as the number a message came from. With each
    conversation come those that the patient left for it. With a reference, by the contact of its
    request. Raises ``clinic.text.BadInput`` when it is none
    of these.
    """
    who = required("who", who, 320)
    contacts: dict[str, Contact] = {}
    rows: list[Any] = []
    given = read_contact(who)
    if given is not None:
        contacts[given.value] = given
    elif len(who) == LENGTH and who.isalnum():
        for model in _KEPT:
            rows += model._default_manager.filter(reference=who.upper())
        for row in rows:
            known = read_contact(row.patient_contact)
            if known is not None:
                contacts[known.value] = known
    else:
        raise BadInput(
            "who is no contact. Allowed: a phone number with its area code, an e-mail address, or "
            "the reference of a request."
        )
    for model in _KEPT:
        rows += model._default_manager.filter(patient_contact__in=list(contacts))
    conversations = {row.conversation_id for row in rows}
    for contact in contacts.values():
        conversations |= _said_in(contact)
        if contact.kind == "phone":
            conversations |= _written_from(contact.value.partition(";")[0])
    return Found(
        tuple(sorted(with_tied(filter(None, conversations)))),
        tuple(contacts),
        tuple(sorted({row.patient_name for row in rows if row.patient_name})),
    )


def _written_from(number: str) -> set[str]:
    """The conversations in messaging apps that are held from a phone number, in E.164.

    The numbers themselves are nowhere: a sender is kept under a keyed hash.
    """
    seal = Seal(environment.chat_keys(Path(settings.VAR)))
    digits = number.removeprefix("+")
    names = [
        name for app, before in _BEFORE_DIGITS.items() for name in seal.names(app, before + digits)
    ]
    store = open_store()
    try:
        return set(store.held_by(names))
    finally:
        store.close()


def _said_in(contact: Contact) -> set[str]:
    """The conversations in which a contact was typed or dictated, however it was written."""
    said = Message.objects.filter(author=Message.Author.PATIENT)
    if contact.kind == "email":
        may_be = Q(text__iregex=_spelling(contact.value.partition("@")[0]))
    else:
        digits = contact.value.partition(";")[0][-7:]
        in_digits = "[^0-9]*".join(f"[{digit}{chr(_FULL_WIDTH + int(digit))}]" for digit in digits)
        may_be = Q(text__regex=in_digits) | Q(text__iregex=rf"(?:^|\W){SPOKEN_FIGURES}")
    rows = said.filter(may_be).values_list("session__conversation_id", "text")
    return {
        who
        for who, text in rows.iterator()
        if any(contact.value in (each.value, *each.choices) for each in read_contacts(text))
    }


def _spelling(local: str) -> str:
    """An expression for the part before the @: "lena.okoro", "lena dot okoro", "lena okoro"."""
    between = "[^a-z0-9]*"
    return between.join(
        re.escape(sign) if sign.isalnum() else f"(?:{_SIGN}|{between})" for sign in local
    )
