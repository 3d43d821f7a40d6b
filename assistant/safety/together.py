"""A sign told in two messages: "my calf hurts", then "it's red and swollen now".

Each message is assessed by itself when it comes. Here it is read once more together with what
was said right before, as if both had been one message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.safety.clauses import plain_words, word_set
from assistant.safety.triage import RANK, RESEMBLES, Assessment

# Messages of the patient that are looked back at; further for what a past illness, or a farewell,
# makes more of.
MOST_EARLIER = 3
MOST_EARLIER_FOR_HISTORY = 8
# A longer message is a story of its own.
LONGEST = 60  # words
MOST_WORDS_OF_A_REST = 6
# How a message begins that goes on with what was said before.
_GOES_ON = word_set("it its and also plus now they theyre both that this")

Assess = Callable[[str, bool], Assessment]
Found = Mapping[str, Any]


def assess_together(
    assess: Assess, earlier: Sequence[tuple[str, Found]], text: str, alone: Found
) -> Found:
    """The assessment of a message after the ones before it (text and assessment, newest last).

    It is ``alone`` unless both together tell of more than either, or ``alone`` is the alarm of a
    few words without a subject ("it's numb"): these are read with what "it" is, and at least
    asked about.
    """
    if not alone.get("speaks") or not _is_short(text):
        return alone
    if alone.get("history"):
        found = _with_history(assess, earlier, text, alone)
        if found is not None:
            return found
    vague = _is_vague(text, alone)
    if alone.get("level") == "emergency" and not vague:
        return alone
    near = [
        (before, found)
        for before, found in earlier[-MOST_EARLIER:]
        if found.get("speaks") and _is_short(before)
    ]
    if not near:
        return alone
    overstated = vague and RANK[alone.get("level")] > RANK["check"]
    read = [
        # what both together only resemble says nothing new, and takes the most time to tell
        (found, assess(_joined(before, text), overstated).as_dict())
        for before, found in near
    ]
    if overstated:
        told = max((joint for _, joint in read), key=_surest)
        return told if told["level"] else _asked_about(alone)
    more = [
        joint
        for found, joint in read
        if RANK[joint["level"]] > max(RANK[alone.get("level")], RANK[found.get("level")])
    ]
    if not more:
        return alone
    return {**max(more, key=lambda joint: RANK[joint["level"]]), "reply": alone.get("reply")}


def _with_history(
    assess: Assess, earlier: Sequence[tuple[str, Found]], text: str, alone: Found
) -> Found | None:
    """A past illness that makes more of what was told before: "I had cancer in 2019".

    It does so also when an alarm was given for it: the new reason joins the others.
    """
    for before, found in reversed(earlier[-MOST_EARLIER_FOR_HISTORY:]):
        if not (found.get("speaks") and _is_short(before)):
            continue
        joint = assess(_joined(before, text), False).as_dict()
        new = {*joint["signs"]} - {*(found.get("signs") or ())} - {*(alone.get("signs") or ())}
        if new and RANK[joint["level"]] > RANK["check"]:
            return {**joint, "reply": alone.get("reply")}
    return None


def _surest(joint: Found) -> tuple[bool, int]:
    """What a pattern found goes before what is only resembled."""
    return bool(joint["level"]) and not _resembles(joint), RANK[joint["level"]]


def _is_short(text: str) -> bool:
    return len(text.split()) <= LONGEST


def _goes_on(text: str) -> bool:
    return bool(_GOES_ON.intersection(plain_words(text)[:1]))


def _is_vague(text: str, alone: Found) -> bool:
    short = len(text.split()) <= MOST_WORDS_OF_A_REST
    return short and _goes_on(text) and bool(alone.get("signs")) and _resembles(alone)


def _resembles(found: Found) -> bool:
    return all(str(sign).startswith(RESEMBLES) for sign in found.get("signs") or ())


def _joined(before: str, text: str) -> str:
    """One sentence when the second goes on with the first; a "no" or a day stays with its own."""
    return f"{before.rstrip(' .!?,;')}, {text}" if _goes_on(text) else f"{before}. {text}"


def _asked_about(alone: Found) -> Found:
    return {
        **alone,
        "level": "check",
        "response": "utter_check_general",
        "escalates_to": alone["level"],
    }
