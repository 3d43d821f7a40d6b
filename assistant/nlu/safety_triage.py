"""Rasa component: the safety triage, first in the pipeline.

It runs on every message, also on answers to a form's question, and writes its
assessment to the message before any other component may act on it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from assistant.nlu import english
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.project import SAFETY_TABLE
from assistant.safety.triage import Triage

TRIAGE = "triage"


@lru_cache(maxsize=1)
def shared_triage() -> Triage:
    """The triage with the project's table, loaded once a process."""
    return Triage.load(SAFETY_TABLE, english.load(), shared_encoder().encode)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class SafetyTriage(GraphComponent):
    """Writes the triage's assessment to each message as ``triage``."""

    def __init__(self, triage: Triage) -> None:
        self._triage = triage

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SafetyTriage:
        """Creates the component with the table in data/safety."""
        return cls(shared_triage())

    def process(self, messages: list[Message]) -> list[Message]:
        """Assesses each message."""
        for message in messages:
            assessment = self._triage.assess(message.get(TEXT) or "")
            message.set(TRIAGE, assessment.as_dict(), add_to_output=True)
        return messages
