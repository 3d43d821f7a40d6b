"""Storing a row that has a reference and must not be stored twice."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from clinic.references import new_reference
from clinic.text import BadInput

Row = TypeVar("Row", bound=models.Model)

_ATTEMPTS = 5


def store_once(model: type[Row], idempotency_key: str, values: dict[str, Any]) -> tuple[Row, bool]:
    """The row with this key and whether it is new; ``values`` count only for a new one.

    Takes a new reference when one is already used. Raises :class:`BadInput` when the key belongs
    to another conversation; database errors pass through.
    """
    for attempt in range(_ATTEMPTS):
        existing = model._default_manager.filter(idempotency_key=idempotency_key).first()
        if existing is not None:
            if existing.conversation_id != values["conversation_id"]:
                raise BadInput(
                    "idempotency_key is used by another conversation. Allowed: one key for each "
                    "submission."
                )
            return existing, False
        try:
            with transaction.atomic():
                row = model._default_manager.create(
                    reference=new_reference(), idempotency_key=idempotency_key, **values
                )
        except IntegrityError:
            # Either the same submission arrived twice at once, or the reference is taken. Both
            # are settled by looking again; anything else fails every time.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return row, True
    raise AssertionError("unreachable")
