"""The card of an appointment, shown beside the sentence that tells its reference."""

from __future__ import annotations

import logging
from typing import Any

from clinic import facts, setup

logger = logging.getLogger(__name__)


async def card_of(reference: str) -> dict[str, Any] | None:
    """Returns the card, or None when there is no time yet or it cannot be made.

    The appointment stands whether there is a card or not.
    """
    try:
        return await setup.call(_card, reference)
    except Exception as error:
        logger.error("A card could not be made: %s", type(error).__name__)
        return None


def _card(reference: str) -> dict[str, Any] | None:
    from clinic.booking.handoff.card import card
    from clinic.booking.models import AppointmentRequest
    from clinic.outbox.reading import appointment_now

    appointment = appointment_now(AppointmentRequest.objects.get(reference=reference))
    return card(appointment, facts.current()) if appointment.starts_at else None
