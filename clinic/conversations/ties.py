"""Which conversations are one patient's: those that went on from one another in messaging apps."""

from __future__ import annotations

from collections.abc import Iterable

from clinic.conversations.store import open_store


def with_tied(conversation_ids: Iterable[str]) -> set[str]:
    """These conversations and all that the same patients left for them or went on with."""
    found = set(conversation_ids)
    new = sorted(found)
    store = open_store()
    try:
        while new:
            new = sorted(set(store.tied(new)) - found)
            found.update(new)
    finally:
        store.close()
    return found
