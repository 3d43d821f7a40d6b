"""Cuts a message into the parts that may each ask for something."""

from __future__ import annotations

import re

MAX_CLAUSES = 8
# Shorter parts ("ok", "and") say nothing of their own.
MIN_LETTERS = 3

_QUESTION_WORD = (
    r"(?:how|what|whats|when|where|who|which|why|do|does|did|is|are|can|could|will|would|should|"
    # "has sciatica" tells, "has she" asks
    r"may|am|ha(?:ve|s)(?= (?:(?:yo)?u|i|we|they|s?he|it|any\w*|some\w*|the|your|my|that|this)\b))"
)
# What tells after an "and": "and can barely walk", "but is pregnant".
_TELLS = (
    r"\w+ (?:(?:also|already|now|really|just) )*(?:barely|hardly|not|never|only|still|no longer|"
    r"pregnant|getting|very|so|on|in (?:a lot|so much|pain|agony)|been|\d)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.?!;])\s+|[\n\r]+|\s+[-\u2013\u2014]\s+")
# "1) is it a disc 2) can I keep running"
_NUMBERED = re.compile(r"(?:^|\s)\(?[1-9]\)\s+")
# "and how much is it", "also do you", ", where are you": a new question without a full stop
_NEW_QUESTION = re.compile(
    rf"(?:,\s*|\s+)(?:and|also|plus|oh and|but)\s+(?:also\s+)?(?={_QUESTION_WORD}\b)(?!{_TELLS})"
    rf"|,\s+(?={_QUESTION_WORD}\b)"
    # "lol anyway do you", "haha btw is there": after a story
    rf"|\s+(?:(?:anyways?|lo+l|lmao|ha(?:ha)+|hehe|btw|so)\W+)+(?={_QUESTION_WORD}\b)"
    # the reason for asking is told, not asked
    r"|,\s+(?=(?:because|cause|cos|cuz|since|'cause)\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|also|so|but|ok|okay|hi|hello|hey|please|oh|well|anyways?|btw|by the way|now|"
    r"then|um+|uh|lastly|finally|first|firstly|second|secondly|third|quick question|"
    r"questions?)\W+)*"
    rf"{_QUESTION_WORD}\b",
    re.IGNORECASE,
)
# "I wanted to know whether you have parking", "my question is how hard you press"
_ASKS_INDIRECTLY = re.compile(
    r"\b(?:(?:to|i'?ll|must|should) (?:ask|know|find out)|wonder(?:ing|ed)?|tell me|let me know|"
    r"question (?:is|was)(?: only| just| simply)?(?: this)?,?) "
    rf"(?:you )?(?:if|whether|{_QUESTION_WORD})\b",
    re.IGNORECASE,
)
# "you didn't answer my question, ...": what follows is asked once more.
_COMPLAINS = re.compile(
    r"^\W*(?:(?:no|nope|but|sorry|hey|um+|well|wait|ok|hello)\W+)*(?:you|u|ya|that|this|it)\s+(?:still\s+)?"
    r"(?:did ?n.?t|did not|have ?n.?t|have not|never|do ?n.?t|does ?n.?t|does not|didnot)\s+"
    r"(?:(?:really|even|actually|quite)\s+)*answer(?:ed|s)?\b"
    r"(?:\s+(?:me|that|this|it|my (?:\w+ )?question|the question|what i asked))?"
    r"(?:\W+(?:i (?:asked|said|meant)|my question (?:is|was)|about|again)\b)*[\W]*",
    re.IGNORECASE,
)


def without_complaint(text: str) -> str:
    """The question in "you didn't answer, does it help or not"; a text without one stays whole."""
    asked = _COMPLAINS.sub("", text, count=1)
    if asked == text:
        return text
    offers_a_choice = re.search(r"\w\W+or\W+\w", asked, re.IGNORECASE)
    return asked if is_question(asked) or offers_a_choice else text


def split(text: str) -> list[str]:
    """Returns the parts in order, at most eight. Of more, those that ask and the last ones stay."""
    if len(_NUMBERED.findall(text)) > 1:
        text = _NUMBERED.sub("\n", text)
    parts: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        parts.extend(_NEW_QUESTION.split(sentence))
    parts = [part.strip(" ,") for part in parts]
    parts = [part for part in parts if sum(c.isalpha() for c in part) >= MIN_LETTERS]
    if len(parts) > MAX_CLAUSES:
        by_weight = sorted(range(len(parts)), key=lambda at: (not is_question(parts[at]), -at))
        parts = [parts[at] for at in sorted(by_weight[:MAX_CLAUSES])]
    return parts


def is_question(clause: str) -> bool:
    """True when the clause ends in a question mark, begins as a question does or holds one."""
    if clause.rstrip().endswith("?"):
        return True
    return bool(_ASKS.match(clause) or _ASKS_INDIRECTLY.search(clause))
