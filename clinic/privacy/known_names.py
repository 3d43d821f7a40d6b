"""The names that are known in a conversation, so that they can be masked.

Needs ``clinic.setup.ready()``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from clinic.booking.models import AppointmentRequest, WaitingEntry
from clinic.conversations.models import Message
from clinic.handoff.models import PatientMessage

#: The slots in which a name is noted down.
_SLOTS = ("patient_name",)


def known_names(conversation_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names of patients by conversation, for :func:`clinic.privacy.masking.mask`.

    Those of requests, messages to the clinic and the waiting list, and those that were given and
    never sent. Every conversation asked for has an entry.
    """
    conversations = list(conversation_ids)
    found: dict[str, set[str]] = defaultdict(set)
    for model in (AppointmentRequest, PatientMessage, WaitingEntry):
        rows = model._default_manager.filter(conversation_id__in=conversations)
        for who, name in rows.values_list("conversation_id", "patient_name"):
            found[who].add(name)
    given = Message.objects.filter(session__conversation_id__in=conversations).exclude(slots={})
    for who, slots in given.values_list("session__conversation_id", "slots"):
        found[who].update(str(slots[slot]) for slot in _SLOTS if slots.get(slot))
    return {who: tuple(sorted(filter(None, found[who]))) for who in conversations}
