"""In which conversations a person is, or is waited for, and whether anyone takes chats.

The website's channel reads it from the clinic's database a few times a second; whoever asks here
asks the memory of this process, so that a message costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Standing:
    """``people`` maps conversations to the name of the person there; ``typing``: who types now."""

    people: Mapping[str, str] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    typing: frozenset[str] = frozenset()
    on_duty: bool = False

    def is_open(self, conversation: str) -> bool:
        """Whether someone at the clinic looks at the conversation, or should."""
        return conversation in self.people or conversation in self.waiting


_current = Standing()


def current() -> Standing:
    """As it was when last looked at."""
    return _current


def update(standing: Standing) -> None:
    """What was found."""
    global _current
    _current = standing
