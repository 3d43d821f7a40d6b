"""Texts in the sizes that messaging apps take."""

from __future__ import annotations

import re

# Where a text is best divided: between paragraphs, then lines, then sentences, then words.
_PLACES = (r"\n\s*\n", r"\n", r"(?<=[.!?])\s+", r"\s+")


def plain(text: str) -> str:
    """A text without the marks for bold."""
    return text.replace("**", "")


def split(text: str, longest: int) -> list[str]:
    """Divides a text into parts of at most so many characters, none of them empty."""
    parts = []
    rest = text.strip()
    while len(rest) > longest:
        cut, after = _place(rest, longest)
        parts.append(rest[:cut].rstrip())
        rest = rest[after:].lstrip()
    return [part for part in [*parts, rest] if part]


def _place(text: str, longest: int) -> tuple[int, int]:
    """Where the first part ends and the rest begins."""
    for pattern in _PLACES:
        found = [match for match in re.finditer(pattern, text[: longest + 1]) if match.start()]
        # A part that is almost empty is no better than a sentence cut in two.
        if found and found[-1].start() >= longest / 4:
            return found[-1].start(), found[-1].end()
    return longest, longest
