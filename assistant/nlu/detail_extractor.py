"""Rasa component: what a patient says about themselves, wherever they say it.

Finds a way to reach the patient (``contact``), a name said as one (``name``) and a day or
time (``time``, or ``time_unclear`` for one that is past, closed or ambiguous), so that what
is said early is not asked for again. The reading itself is the clinic's
(``clinic.contacts``, ``clinic.mentions``, ``clinic.booking.when``); entity values are the
normalised text that is read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from clinic import clock, facts
from clinic.booking import when
from clinic.contacts import read_contact
from clinic.mentions import find_name, without_names
from clinic.opening import OpeningHours


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class DetailExtractor(GraphComponent):
    """Adds the entities ``contact``, ``name`` and ``time``."""

    def __init__(self, clinic_facts: facts.Facts) -> None:
        self._facts = clinic_facts
        self._hours = OpeningHours(
            clinic_facts.opening_hours, clinic_facts.time_zone, clinic_facts.province
        )

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> DetailExtractor:
        """Creates the component with the hours and zone of clinic.yml."""
        return cls(facts.load())

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds what is found to each message."""
        for message in messages:
            found = list(self._find(message.get(TEXT) or ""))
            entities = [*(message.get(ENTITIES) or []), *found]
            message.set(ENTITIES, entities, add_to_output=True)
        return messages

    def _find(self, text: str) -> Iterator[dict[str, Any]]:
        if text.startswith("/"):
            return
        contact = read_contact(text)
        if contact:
            yield _entity("contact", contact.shown, text)
        name = find_name(text)
        if name:
            yield _entity("name", name, text)
        time = when.understand(
            without_names(text),
            clock.now(),
            self._hours,
            horizon_days=self._facts.booking.horizon.days,
            notice=self._facts.booking.notice,
        )
        if time.windows:
            yield _entity("time", time.say, text)
        elif time.status != "none":
            yield _entity("time_unclear", time.say, text)


def _entity(name: str, value: str, text: str) -> dict[str, Any]:
    return {
        "entity": name,
        "value": value,
        "start": 0,
        "end": len(text),
        "extractor": "DetailExtractor",
    }
