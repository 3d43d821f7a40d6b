"""Rasa component: the intent of a message, its topics, and the answer's name.

Fills what Rasa's own classifiers and response selector would: ``intent``,
``intent_ranking`` and ``response_selector``; ``acts``, the list of everything the message asks
for; and ``as_read``. When the safety triage has found something in the message, the intent
is ``red_flag`` and what the message asked for beside it stays in ``acts``.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant.nlu.intent_model import IntentModel
from assistant.nlu.safety_triage import TRIAGE
from assistant.nlu.sentence_encoder import shared_encoder
from assistant.nlu.understanding import Act, Understanding, understand

ACTS = "acts"
# The text without shorthand and slips, when it had some.
AS_READ = "as_read"
RED_FLAG = "red_flag"
RETRIEVAL_INTENT = "faq"
RANKED = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ClinicIntentClassifier(GraphComponent):
    """Ranks intents and topics for each message."""

    def __init__(
        self, storage: ModelStorage, resource: Resource, model: IntentModel | None = None
    ) -> None:
        self._storage = storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ClinicIntentClassifier:
        """Creates an untrained component."""
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> ClinicIntentClassifier:
        """Loads the trained component."""
        with model_storage.read_from(resource) as folder:
            model = IntentModel.load(folder, shared_encoder().encode)
        return cls(model_storage, resource, model)

    def train(self, training_data: TrainingData) -> Resource:
        """Trains on the examples of data/nlu and stores the model."""
        examples = [
            (example.get(TEXT), example.get_full_intent())
            for example in training_data.intent_examples
            if example.get(TEXT)
        ]
        texts, labels = zip(*examples, strict=True)
        self._model = IntentModel.train(list(texts), list(labels), shared_encoder().encode)
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing that runs later in training needs predictions."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the intent, its ranking, the acts and the answer to each message."""
        assert self._model is not None, "the component is used before it is trained"
        for message in messages:
            self._describe(message, understand(message.get(TEXT) or "", self._model))
        return messages

    def _describe(self, message: Message, understanding: Understanding) -> None:
        first = understanding.acts[0]
        if (message.get(TRIAGE) or {}).get("level"):
            intent = {"name": RED_FLAG, "confidence": 1.0}
        else:
            intent = {"name": first.intent, "confidence": first.confidence}
        ranking = [
            {"name": act.label, "confidence": act.confidence}
            for act in understanding.ranking[:RANKED]
        ]
        message.set(INTENT, intent, add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        message.set(ACTS, [act.as_dict() for act in understanding.acts], add_to_output=True)
        if understanding.as_read:
            message.set(AS_READ, understanding.as_read, add_to_output=True)
        message.set("response_selector", _response_selector(understanding), add_to_output=True)


def _response_selector(understanding: Understanding) -> dict[str, Any]:
    topics = [
        act
        for act in (*understanding.acts, *understanding.ranking)
        if act.intent == RETRIEVAL_INTENT
    ]
    if not topics:
        return {"all_retrieval_intents": [RETRIEVAL_INTENT]}
    return {
        "all_retrieval_intents": [RETRIEVAL_INTENT],
        RETRIEVAL_INTENT: {
            "response": _answer(topics[0]),
            "ranking": [
                {"confidence": topic.confidence, "intent_response_key": topic.label}
                for topic in topics[:RANKED]
            ],
        },
    }


def _answer(topic: Act) -> dict[str, Any]:
    return {
        "responses": [],
        "confidence": topic.confidence,
        "intent_response_key": topic.label,
        "utter_action": f"utter_{topic.label}",
    }
