"""What Rasa imports at once and this server does not use: left out until somebody asks for it.

Rasa loads every channel it knows (Slack, Telegram, Twilio and twelve more, each with its library)
and the libraries of two databases wherever a conversation is handled. Here they cost a quarter of
the start and 50 MB. Nothing is taken away: a channel named in the credentials file, or a MongoDB
or DynamoDB store, loads what it needs when it is named.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_CHANNELS = "rasa.core.channels"
#: Names that the rest of Rasa takes from the package of channels.
_BASICS = ("InputChannel", "OutputChannel", "UserMessage", "CollectingOutputChannel")


class _Channels(ModuleType):
    """Rasa's package of channels; its own code runs when more than the basics is wanted."""

    def __getattr__(self, name: str) -> Any:
        if name in _BASICS:
            return getattr(importlib.import_module(f"{_CHANNELS}.channel"), name)
        if not name.startswith("__") and self.__spec__ and self.__spec__.loader:
            del self.__class__.__getattr__
            self.__spec__.loader.exec_module(self)
            return getattr(self, name)
        raise AttributeError(f"module {_CHANNELS!r} has no attribute {name!r}")


def channels() -> None:
    """Spare Rasa's own channels. To be called before anything of Rasa is imported."""
    if _CHANNELS in sys.modules:
        return
    spec = importlib.util.find_spec(_CHANNELS)
    assert spec is not None
    package = _Channels(_CHANNELS)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations or ())
    package.__file__, package.__package__ = spec.origin, _CHANNELS
    sys.modules[_CHANNELS] = package
    # What the import statement does once it has loaded a package.
    parent, _, name = _CHANNELS.rpartition(".")
    setattr(sys.modules[parent], name, package)


class _Later(type):
    """A class that is there to be named; using it loads the real one."""

    real: tuple[str, str]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module, name = cls.real
        return getattr(importlib.import_module(module), name)(*args, **kwargs)


@contextmanager
def databases() -> Iterator[None]:
    """Spare the libraries of MongoDB and DynamoDB while ``rasa.core.tracker_store`` is imported.

    Afterwards the real libraries are found again by whoever imports them.
    """
    wanted = {"boto3.dynamodb.conditions": "Key", "pymongo.collection": "Collection"}
    placed: list[str] = []
    for module, name in wanted.items():
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            path = ".".join(parts[:length])
            if path not in sys.modules:
                sys.modules[path] = ModuleType(path)
                placed.append(path)
        if module in placed:
            later = _Later(name, (), {"real": (module, name)})
            setattr(sys.modules[module], name, later)
    try:
        yield
    finally:
        for path in placed:
            del sys.modules[path]
