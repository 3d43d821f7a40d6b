"""Lets Rasa 3.6.21 start where TensorFlow is not installed.

Rasa imports its TensorFlow models whatever ``config.yml`` says. Loaded by
``rasa_without_tensorflow.pth`` at interpreter start, this module adds an import
finder that serves stand-ins for Rasa's own TensorFlow modules, and for nothing else,
and only when no TensorFlow is installed. A name taken from a stand-in is a class of its
own that raises one clear sentence as soon as it is used.

No package named ``tensorflow`` is faked: other libraries look for one and would
believe it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any

STAND_INS = frozenset(
    {
        "rasa.core.policies.ted_policy",
        "rasa.core.policies.unexpected_intent_policy",
        "rasa.nlu.classifiers.diet_classifier",
        "rasa.nlu.featurizers.dense_featurizer.convert_featurizer",
        "rasa.nlu.featurizers.dense_featurizer.lm_featurizer",
        "rasa.nlu.selectors.response_selector",
        "rasa.utils.tensorflow.callback",
        "rasa.utils.tensorflow.crf",
        "rasa.utils.tensorflow.data_generator",
        "rasa.utils.tensorflow.layers",
        "rasa.utils.tensorflow.layers_utils",
        "rasa.utils.tensorflow.metrics",
        "rasa.utils.tensorflow.models",
        "rasa.utils.tensorflow.rasa_layers",
        "rasa.utils.tensorflow.transformer",
        "rasa.utils.tensorflow.types",
    }
)

# Components that a config.yml may name. They are registered with Rasa's recipe, so that
# naming one ends in the sentence below and not in "can't load class".
COMPONENTS = {
    "DIETClassifier": "INTENT_CLASSIFIER",
    "ResponseSelector": "INTENT_CLASSIFIER",
    "ConveRTFeaturizer": "MESSAGE_FEATURIZER",
    "LanguageModelFeaturizer": "MESSAGE_FEATURIZER",
    "TEDPolicy": "POLICY_WITH_END_TO_END_SUPPORT",
    "UnexpecTEDIntentPolicy": "POLICY_WITH_END_TO_END_SUPPORT",
}


def _refusal(name: str) -> Exception:
    from rasa.shared.exceptions import RasaException

    return RasaException(
        f"'{name}' needs TensorFlow, which this project does not install: use a component "
        "of config.yml as it is shipped, or install TensorFlow on Python 3.10 yourself."
    )


class _Unavailable(type):
    """Metaclass of stand-in classes: any use beyond being named is refused."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise _refusal(cls.__name__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _refusal(cls.__name__)


class _StandIn(ModuleType):
    """A module whose every public name is an unavailable class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        classes = self.__dict__.setdefault("_classes", {})
        if name not in classes:
            classes[name] = _Unavailable(name, (), {"__module__": self.__name__})
        if name in COMPONENTS:
            _register(classes[name], COMPONENTS[name])
        return classes[name]


def _register(component: type, kind: str) -> None:
    # The recipe's own decorator takes only graph components, which a stand-in is not.
    recipes = sys.modules.get("rasa.engine.recipes.default_recipe")
    recipe = getattr(recipes, "DefaultV1Recipe", None)
    if recipe is not None:
        recipe._registered_components[component.__name__] = recipe.RegisteredComponent(
            component, {recipe.ComponentType[kind]}, is_trainable=True, model_from=None
        )


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in STAND_INS or importlib.util.find_spec("tensorflow") is not None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """A stand-in has nothing to run."""


def install() -> None:
    """Adds the finder, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
