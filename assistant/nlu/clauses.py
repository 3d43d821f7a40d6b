"""Cuts a message into the parts that may each ask for something."""

from __future__ import annotations

import re

MAX_CLAUSES = 8
# Shorter parts ("ok", "and") say nothing of their own.
MIN_LETTERS = 3

_QUESTION_WORD = (
    r"(?:how|what|whats|when|where|who|which|why|do|does|did|is|are|can|could|will|would|should|"
    r"may|have|has|am)"
)
_SENTENCE_END = re.compile(r"(?<=[.?!;])\s+|[\n\r]+|\s+[-\u2013\u2014]\s+")
# "and how much is it", "also do you", ", where are you": a new question without a full stop
_NEW_QUESTION = re.compile(
    rf"(?:,\s*|\s+)(?:and|also|plus|oh and|but)\s+(?:also\s+)?(?={_QUESTION_WORD}\b)"
    rf"|,\s+(?={_QUESTION_WORD}\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    rf"^\W*(?:(?:and|also|so|but|ok|okay|hi|hello|hey|please|oh|well)\W+)*{_QUESTION_WORD}\b",
    re.IGNORECASE,
)


def split(text: str) -> list[str]:
    """Returns the parts in order, at most eight; the last one keeps what remains."""
    parts: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        parts.extend(_NEW_QUESTION.split(sentence))
    parts = [part.strip(" ,") for part in parts]
    parts = [part for part in parts if sum(c.isalpha() for c in part) >= MIN_LETTERS]
    if len(parts) > MAX_CLAUSES:
        parts = [*parts[: MAX_CLAUSES - 1], " ".join(parts[MAX_CLAUSES - 1 :])]
    return parts


def is_question(clause: str) -> bool:
    """True when the clause ends in a question mark or begins as a question does."""
    return clause.rstrip().endswith("?") or bool(_ASKS.match(clause))
