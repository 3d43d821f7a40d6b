"""Finds the table's concepts in a message, and its patterns over those concepts."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from assistant.nlu import english
from assistant.safety.clauses import CONTRACTED, Words, plain_words, read
from assistant.safety.table import Pattern, Table

# Beyond these a message is no longer something a person typed, and time must stay bounded.
MOST_MENDED_WORDS = 200
MOST_MATCHES = 12
LONGEST_PHRASE = 8

_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er", "ers", "est", "ness")
_FIGURE = "figure of speech"
# A phrase of the table written with this at its end only counts at the end of a clause.
CLAUSE_END = "|"
LAST = " (last)"


@dataclass(frozen=True)
class Place:
    """Where a concept stands: positions of its first word and of the one after its last."""

    start: int
    end: int


Places = Mapping[str, list[Place]]


@dataclass(frozen=True)
class Match:
    """One place where a pattern fits."""

    pattern: Pattern
    parts: tuple[Place, ...]
    void: bool
    """Whether an "unless" of the pattern holds: spoken of, but no sign."""

    @property
    def start(self) -> int:
        return min(part.start for part in self.parts)

    @property
    def end(self) -> int:
        return max(part.end for part in self.parts)

    def covers(self, place: Place) -> bool:
        """Whether a word of ``place`` is itself part of the match."""
        return any(part.start < place.end and place.start < part.end for part in self.parts)


class Vocabulary:
    """All phrases of the table, ready to be found in messages."""

    def __init__(self, table: Table, nlp: Language) -> None:
        self._vocab = nlp.vocab
        self._matcher = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._spellings = dict(table.spellings)
        words: set[str] = set()
        phrases: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for name, written in table.concepts.items():
            for phrase in written:
                last = LAST if phrase.rstrip().endswith(CLAUSE_END) else ""
                plain_phrase = self._phrase(phrase)
                phrases[tuple(plain_phrase)].add(name + last)
                if len(plain_phrase) > 1 and plain_phrase[0] == "not":
                    # "Not responding": in a message also "isn't responding".
                    for word in CONTRACTED:
                        phrases[(word, *plain_phrase[1:])].add(name + last)
        for phrase in table.figures_of_speech:
            phrases[tuple(self._phrase(phrase))].add(_FIGURE)
        for phrase_words, names in phrases.items():
            if phrase_words:
                words.update(phrase_words)
                # One by one: twenty thousand Docs at once take 70 MB, much of it for ever.
                doc = Doc(nlp.vocab, words=list(phrase_words))
                for name in sorted(names):
                    self._matcher.add(name, [doc])
        # The shortest words are left alone: "leh" may be anything.
        self._targets = sorted(word for word in words if len(word) >= 4 and word.isalpha())
        self._known = words | set(self._spellings)
        self._english = english.words()
        self._mend = lru_cache(maxsize=4096)(self._mend_uncached)

    def read(self, text: str) -> Words:
        """The words of a message, with slips of spelling mended."""
        left = MOST_MENDED_WORDS

        def mend(word: str) -> str:
            nonlocal left
            if len(word) < 5 or len(word) > 20 or self._is_known(word) or left <= 0:
                return word
            left -= 1
            return self._mend(word)

        return read(text, self._spellings, mend)

    def find(self, message: Words) -> dict[str, list[Place]]:
        """Where each concept stands in a message, in reading order.

        What is part of a figure of speech ("killing me") counts for nothing else.
        """
        if not message.words:
            return {}
        doc = Doc(self._vocab, words=message.words)
        found: dict[str, list[Place]] = defaultdict(list)
        figures: list[Place] = []
        strings = self._vocab.strings
        for key, start, end in self._matcher(doc):
            if message.sentence[start] != message.sentence[end - 1]:
                continue
            if end - start > 1 and any(at in message.comma_before for at in range(start + 1, end)):
                continue
            name = strings[key]
            if name.endswith(LAST):
                if end < len(message.words) and message.clause[end] == message.clause[end - 1]:
                    continue
                name = name.removesuffix(LAST)
            if name == _FIGURE:
                figures.append(Place(start, end))
            else:
                found[name].append(Place(start, end))
        result: dict[str, list[Place]] = {}
        for name, places in found.items():
            kept = [place for place in places if not _is_figurative(place, figures)]
            if kept:
                result[name] = _longest(kept)
        return result

    def _phrase(self, phrase: str) -> list[str]:
        return [self._spellings.get(word, word) for word in plain_words(phrase)]

    def _is_known(self, word: str) -> bool:
        if self._is_listed(word) or word[0].isdigit():
            return True
        if word.endswith(("ies", "ied")) and self._is_listed(word[:-3] + "y"):
            return True
        for ending in _ENDINGS:
            if word.endswith(ending):
                stem = word[: -len(ending)]
                if self._is_listed(stem) or (ending != "s" and self._is_listed(stem + "e")):
                    return True
                if len(stem) > 2 and stem[-1] == stem[-2] and self._is_listed(stem[:-1]):
                    return True
        return False

    def _is_listed(self, word: str) -> bool:
        return word in self._known or word in self._english

    def _mend_uncached(self, word: str) -> str:
        slips = 1 if len(word) < 6 else 2
        near = process.extract(
            word, self._targets, scorer=OSA.distance, score_cutoff=slips, limit=5
        )
        candidates = [
            (distance, -JaroWinkler.similarity(word, target), target)
            for target, distance, _ in near
            if target[0] == word[0] and (distance == 1 or max(len(word), len(target)) >= 8)
        ]
        return min(candidates)[2] if candidates else word


def _is_figurative(place: Place, figures: list[Place]) -> bool:
    """Whether a word of ``place`` is part of a figure of speech, and not the other way round.

    The table may list a longer phrase that holds one: "my back is killing me".
    """
    return any(
        figure.start < place.end
        and place.start < figure.end
        and not (place != figure and place.start <= figure.start and figure.end <= place.end)
        for figure in figures
    )


def _longest(places: list[Place]) -> list[Place]:
    """Drops places that lie inside a longer one of the same concept."""
    kept: list[Place] = []
    for place in sorted(places, key=lambda one: (one.start, -one.end)):
        if not kept or place.end > kept[-1].end:
            kept.append(place)
    return kept


def matches(patterns: Iterable[Pattern], places: Places, message: Words) -> list[Match]:
    """Every place where one of the patterns fits, at most MOST_MATCHES a pattern."""
    found: list[Match] = []
    present = places.keys()
    for pattern in patterns:
        # A plain loop: this runs for every pattern of the table on every message.
        for part in pattern.parts:
            if part.isdisjoint(present):
                break
        else:
            found.extend(_matches(pattern, places, message))
    return found


def _matches(pattern: Pattern, places: Places, message: Words) -> Iterator[Match]:
    choices = [_of(part, places) for part in pattern.parts]
    for parts in islice(_combine(pattern, choices, message), MOST_MATCHES):
        yield Match(pattern, parts, _is_void(pattern, parts, places, message))


def _of(part: frozenset[str], places: Places) -> list[Place]:
    found = {place for name in part for place in places.get(name, [])}
    return sorted(found, key=_start)


def _start(place: Place) -> int:
    return place.start


def _combine(
    pattern: Pattern, choices: list[list[Place]], message: Words
) -> Iterator[tuple[Place, ...]]:
    for first in choices[0]:
        yield from _extend(pattern, choices, (first,), message)


def _extend(
    pattern: Pattern, choices: list[list[Place]], chosen: tuple[Place, ...], message: Words
) -> Iterator[tuple[Place, ...]]:
    if len(chosen) == len(choices):
        if _close_together(pattern, chosen):
            yield chosen
        return
    sentence = message.sentence[chosen[0].start]
    # Parts are a few words long, so none can stand further off than this.
    reach = (pattern.within + LONGEST_PHRASE) * len(choices)
    candidates = choices[len(chosen)]
    for place in candidates[bisect_left(candidates, chosen[0].start - reach, key=_start) :]:
        if place.start > chosen[0].start + reach:
            break
        if message.sentence[place.start] != sentence:
            continue
        if pattern.in_order and place.start < chosen[-1].end:
            continue
        if any(one.start < place.end and place.start < one.end for one in chosen):
            continue
        yield from _extend(pattern, choices, (*chosen, place), message)


def _close_together(pattern: Pattern, parts: tuple[Place, ...]) -> bool:
    ordered = sorted(parts, key=lambda one: one.start)
    return all(later.start - earlier.end <= pattern.within for earlier, later in pairwise(ordered))


def _is_void(pattern: Pattern, parts: tuple[Place, ...], places: Places, message: Words) -> bool:
    if not pattern.unless:
        return False
    sentence = message.sentence[parts[0].start]
    return any(
        message.sentence[place.start] == sentence
        and not any(part.start <= place.start and place.end <= part.end for part in parts)
        for name in pattern.unless
        for place in places.get(name, [])
    )
