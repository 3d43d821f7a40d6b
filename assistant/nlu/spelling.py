"""Mends slips of the keyboard before a message is ranked: "deos masage hepl", "howmuchisit".

Only words that are neither English nor among the examples are touched. They become the nearest
word of the examples, or the words of the examples that were typed without spaces between them.
The text as typed stays what everything else reads: dates, names and the triage.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from assistant.nlu import english

# Shorter words resemble too many others.
SHORTEST = 4
LONGEST = 40
# From this length on two slips are mended.
LONG = 7
# Words at least this long may be several words.
RUN_TOGETHER = 7
LONGEST_PIECE = 14
# A word of the examples that stands in fewer of them may itself be a slip.
SEEN = 3
# A message of nothing but unknown words is no English; its first words tell as much.
MOST_WORDS = 25

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ENDINGS = ("'s", "s", "es", "ed", "d", "ing", "er", "ly", "y")
_ALONE = frozenset("aiu")


def count(texts: Iterable[str]) -> dict[str, int]:
    """In how many of the texts each word stands, in small letters."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update({word.lower() for word in _WORD.findall(text)})
    return dict(sorted(found.items()))


class Spelling:
    """Mends texts with the words of the examples."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """``counts`` is what ``count`` returns for the examples."""
        self._english = english.words()
        self._seen = frozenset(counts)
        often = {
            word: times
            for word, times in counts.items()
            if times >= SEEN and word.isascii() and word.isalpha()
        }
        self._targets = sorted(
            word
            for word in often
            if len(word) >= SHORTEST and (word in self._english or _is_a_word(often[word]))
        )
        total = sum(often.values())
        self._likely = {
            word: math.log(times / total)
            for word, times in often.items()
            if len(word) > 1 or word in _ALONE
        }
        self._mend = lru_cache(maxsize=4096)(self._mend_uncached)

    def mend(self, text: str) -> str:
        """Returns the text with slips mended; the same text when there are none."""
        left = MOST_WORDS
        shouted = text.isupper()

        def replace(match: re.Match[str]) -> str:
            nonlocal left
            typed = match[0]
            # In the middle, a capital letter begins a name.
            name = typed[0].isupper() and match.start() > 0 and not shouted
            if left <= 0 or name or not SHORTEST <= len(typed) <= LONGEST:
                return typed
            word = typed.lower()
            if not word.isascii() or self._is_known(word):
                return typed
            left -= 1
            return self._mend(word) or typed

        return _WORD.sub(replace, text)

    def knows(self, text: str) -> bool:
        """Whether every word of the text is English or stands in the examples."""
        return all(self._is_known(word.lower()) for word in _WORD.findall(text))

    def _is_known(self, word: str) -> bool:
        if word in self._seen or word in self._english:
            return True
        stems = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))
        return any(stem in self._english or f"{stem}e" in self._english for stem in stems)

    def _mend_uncached(self, word: str) -> str | None:
        slips = 1 if len(word) < LONG else 2
        near = process.extract(
            word, self._targets, scorer=OSA.distance, score_cutoff=slips, limit=5
        )
        candidates = [
            (distance, -JaroWinkler.similarity(word, target), target)
            for target, distance, _ in near
            if target[0] == word[0] or distance == 1
        ]
        if candidates:
            return min(candidates)[2]
        return self._separate(word) if len(word) >= RUN_TOGETHER else None

    def _separate(self, word: str) -> str | None:
        """The likeliest words that make up this one, or None."""
        best: list[tuple[float, int] | None] = [(0.0, 0)] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - LONGEST_PIECE), end):
                before, piece = best[start], self._likely.get(word[start:end])
                if before is None or piece is None:
                    continue
                here = best[end]
                if here is None or before[0] + piece > here[0]:
                    best[end] = (before[0] + piece, start)
        pieces: list[str] = []
        end = len(word)
        while end:
            found = best[end]
            if found is None:
                return None
            pieces.append(word[found[1] : end])
            end = found[1]
        return " ".join(reversed(pieces))


def _is_a_word(times: int) -> bool:
    """Whether what is not in the dictionary stands in so many examples that it is no slip."""
    return times >= 4 * SEEN
