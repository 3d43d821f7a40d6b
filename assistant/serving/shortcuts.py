"""What Rasa works out anew although it never changes, worked out once.

Measured on 200 messages of patients, half of them within forms: the first two things below took
half of the server's time, the next two a tenth of what was left
(docs/decisions/0015-two-shortcuts-through-rasa.md). Results are the same; a test compares them with
Rasa's own. The last takes a third of the start (docs/decisions/0019-a-quick-start.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from rasa.core import processor
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import Event
from rasa.shared.core.slots import Slot
from rasa.shared.utils import validation

from assistant.serving.runner import InOrderRunner


def take() -> None:
    """Puts the first four into Rasa's classes; a second call changes nothing."""
    if not hasattr(Event.resolve_by_type, "cache_info"):
        # Rasa walks through all classes of events for each event of a conversation.
        Event.resolve_by_type = staticmethod(lru_cache(maxsize=None)(Event.resolve_by_type))
    # Rasa checks its own schema against the schema of schemas for each answer of an action.
    RemoteAction._validate_action_result = _validate_action_result
    # dask plans for each message and prediction in which order the model's parts are called.
    processor.DaskGraphRunner = InOrderRunner
    # Each copy of a conversation copies all slots, by a way that is made for objects of any kind.
    Slot.__copy__ = _copied


def trust_the_model() -> None:
    """Reads the domain in a model without holding it against Rasa's schema again.

    For a process that reads no other such file: it was checked when the model was trained.
    """
    validation.validate_yaml_schema = lambda *_, **__: None


def _copied(slot: Slot) -> Slot:
    copied = object.__new__(type(slot))
    vars(copied).update(vars(slot))
    return copied


@lru_cache(maxsize=1)
def _validator() -> Any:
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _validate_action_result(action: RemoteAction, result: dict[str, Any]) -> bool:
    """Whether the action server's answer is one. Raises jsonschema's ValidationError if not."""
    error = best_match(_validator().iter_errors(result))
    if error is not None:
        raise error
    return True
