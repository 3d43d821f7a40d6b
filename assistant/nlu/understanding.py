"""From the ranking of intents to what a message asks for.

A message may ask several things. Each part of it is ranked beside the whole, and the
parts that clearly ask for something of their own become its acts, in order, at most
three. A message that asks one thing is taken as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import yaml

from assistant.nlu import clauses
from assistant.nlu.intent_model import IntentModel
from assistant.project import DATA

MAX_ACTS = 3
# Below this the likeliest intent is not acted on: the assistant asks back.
UNDERSTOOD = 0.22
# A part of a message counts as a request of its own only when it is this clear.
CLEAR_PART = 0.45
# What the whole message says counts for more than its one part that asks: "them" and "they" are
# explained in the rest.
OF_THE_WHOLE = 0.6
# A question this clear, and whole in itself, is answered whatever is chatted around it.
CLEAR_QUESTION = 0.75
# What the chat around a question may be taken for.
CHAT = frozenset({"abuse", "feedback", "nlu_fallback", "out_of_scope"})
# What can be asked for beside something else. Greetings and statements cannot.
REQUESTS = frozenset({"book_appointment", "change_appointment", "speak_to_human", "delete_my_data"})
# What is told on the way to a question: "my leg burns when I sit. can massage do anything?"
TOLD = frozenset(
    {"affirm", "been_checked", "deny", "faq/symptoms", "greet", "skip", "thank", "write_for_other"}
)
# In a message of this many words, the one thing that is asked counts, not what the whole resembles.
LONG = 40
# A request starts something, so a resemblance is not enough.
REQUESTED_CLEARLY = 0.4
# Words told without a question that may be the answer to anything: "right side", "for three weeks".
# Taken for signs only when that is this clear; otherwise the assistant asks back.
TOLD_CLEARLY = {"faq/symptoms": 0.45, "goodbye": 0.4}
# So few words told without a question are about a topic only when that is clear: "right side" has
# letters of "is there parking right outside".
FRAGMENT = 3
FRAGMENT_CLEARLY = 0.5
NOT_UNDERSTOOD = "nlu_fallback"
NO_WORDS = "no_words"
OTHER_LANGUAGE = "speak_other_language"

_TOPIC_PAYLOAD = re.compile(r"^/(faq/[a-z_]+)$")
# "how much is it", "where do they do that"
_LEANS = re.compile(r"\b(?:it|its|it's|that|this|these|those|they|them|he|she|one|there)\b", re.I)
# Dictated: "can massage help question mark".
_SPOKEN = ((re.compile(r"\s*\bquestion mark\b", re.I), "?"), (re.compile(r"\s+comma\b", re.I), ","))


@dataclass(frozen=True)
class Act:
    """One thing a message asks for. ``label`` is an intent or ``faq/<topic>``."""

    label: str
    confidence: float

    @property
    def intent(self) -> str:
        """The intent as Rasa's domain knows it."""
        return self.label.partition("/")[0]

    def as_dict(self) -> dict[str, Any]:
        """The act as it travels with the message."""
        return asdict(self)


@dataclass(frozen=True)
class Understanding:
    """What a message asks for, and how sure that is.

    ``acts`` is never empty; its first label is NOT_UNDERSTOOD when nothing is likely
    enough and NO_WORDS when the message has no letters or digits. ``ranking`` holds all
    labels for the whole message, likeliest first. ``as_read`` is the text without shorthand and
    slips, when it had some.
    """

    acts: tuple[Act, ...]
    ranking: tuple[Act, ...]
    as_read: str | None = None


def understand(text: str, model: IntentModel) -> Understanding:
    """Reads one message. Never raises on any text."""
    payload = _TOPIC_PAYLOAD.match(text.strip())
    if payload and payload[1] in model.labels:
        chosen = Act(payload[1], 1.0)
        return Understanding((chosen,), (chosen,))
    plain = _without_ranking(text)
    if plain:
        return Understanding((plain,), (plain,))
    for spoken, sign in _SPOKEN:
        text = spoken.sub(sign, text)
    text = clauses.without_complaint(text)
    mended = model.mend(text)
    parts = clauses.split(mended)
    if len(parts) < 2:
        parts = []
    whole, *ranked_parts = model.rank([mended, *parts])
    if mended != text:
        # Another language looks like English full of slips: the clearer reading counts, unless
        # nothing but English is left.
        as_typed = None if model.knows(mended) else model.rank([text])[0]
        if as_typed and as_typed[0][1] > whole[0][1]:
            whole, ranked_parts, parts, mended = as_typed, [], [], text
    ranking = tuple(Act(label, confidence) for label, confidence in whole)
    asking = [
        (part, ranked)
        for part, ranked in zip(parts, ranked_parts, strict=True)
        if _asks(part, *ranked[0])
    ]
    asked = [ranked for _, ranked in asking]
    asked_parts = [part for part, _ in asking]
    acts = _distinct([Act(*ranked[0]) for ranked in asked])
    if len(acts) < 2:
        on_the_way = ranking[0].label in TOLD or len(mended.split()) >= LONG
        if not acts:
            best = ranking[0]
        elif on_the_way or _is_whole(asked_parts[0], acts[0], ranking[0]):
            best = acts[0]
        else:
            best = _likeliest_of_both(dict(whole), dict(asked[0]))
        if best.confidence < _enough(best.label, mended):
            best = Act(NOT_UNDERSTOOD, best.confidence)
        acts = [best]
    as_read = mended if mended != text else None
    return Understanding(tuple(acts[:MAX_ACTS]), ranking, as_read)


def _without_ranking(text: str) -> Act | None:
    """What a text without Latin letters and digits says."""
    letters = [character for character in text if character.isalpha()]
    if letters:
        latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
        return Act(OTHER_LANGUAGE, 1.0) if 2 * latin < len(letters) else None
    if any(character.isalnum() for character in text):
        return None
    # colours of skin and the like are no pictures of their own
    pictures = [sign for sign in text if unicodedata.category(sign) in ("So", "Sm")]
    said = {_emoji().get(picture, NO_WORDS) for picture in pictures} or {NO_WORDS}
    return Act(said.pop() if len(said) == 1 else NO_WORDS, 1.0)


@lru_cache(maxsize=1)
def _emoji() -> dict[str, str]:
    intents = yaml.safe_load((DATA / "emoji.yml").read_text(encoding="utf-8"))["emoji"]
    return {picture: intent for intent, pictures in intents.items() for picture in pictures}


def _enough(label: str, text: str) -> float:
    """What the likeliest label must reach to be acted on."""
    if label in REQUESTS:
        return REQUESTED_CLEARLY
    if clauses.is_question(text):
        return UNDERSTOOD
    enough = TOLD_CLEARLY.get(label, UNDERSTOOD)
    if label.startswith("faq/") and len(text.split()) <= FRAGMENT:
        return max(enough, FRAGMENT_CLEARLY)
    return enough


def _asks(part: str, label: str, confidence: float) -> bool:
    if confidence < CLEAR_PART:
        return False
    return label in REQUESTS or (label.startswith("faq/") and clauses.is_question(part))


def _is_whole(part: str, act: Act, of_all: Act) -> bool:
    """A clear question that leans on nothing, in a message that says something else as well."""
    return of_all.label in CHAT and act.confidence >= CLEAR_QUESTION and not _LEANS.search(part)


def _likeliest_of_both(whole: dict[str, float], part: dict[str, float]) -> Act:
    """What a message and its one part that asks say together, as sure as the surer of them."""
    label = max(
        whole, key=lambda name: OF_THE_WHOLE * whole[name] + (1 - OF_THE_WHOLE) * part[name]
    )
    return Act(label, max(whole[label], part[label]))


def _distinct(acts: list[Act]) -> list[Act]:
    seen: dict[str, Act] = {}
    for act in acts:
        seen.setdefault(act.label, act)
    return list(seen.values())
