"""Turns a message into words, sentences and clauses that the safety patterns can read.

Words are lower case, without accents and apostrophes ("can't", "cannot" and "can not" are
all "cant"), and with slips of spelling mended where the table knows the
word that was meant.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass


def word_set(words: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(words.split())


# Straight, typographic and the other signs that keyboards offer as an apostrophe.
_APOSTROPHE = "['\u2019\u2018`\u00b4\u02bc]"
_APOSTROPHES = re.compile(_APOSTROPHE)
# "Dad's leg", "my back's sore"; but "it's" and "he's" are words of their own.
_POSSESSIVE = re.compile(rf"(.+){_APOSTROPHE}[sS]")
_KEEP_S = word_set("it he she that what there who where here let how when why this")
# "Fever N, numbness N.", as a form is filled in.
_TICKED_NO = re.compile(r"N\s*(?:[,.;\n]|$)")
# Faces that laugh are read as the word for it.
_LAUGHS = "\U0001f602\U0001f923\U0001f606\U0001f639\U0001f605"
_LAUGH_WORD = "lol"
_DASH = "[-\u2013\u2014]"
_PIECE = re.compile(
    r"\d+(?:[.,]\d+)+"  # 39.5
    rf"|[^\W_]+(?:{_APOSTROPHE}[^\W_]+)*"  # can't
    r"|[.!?;:,\n()\u2026]|&|\+"
    rf"|[{_LAUGHS}]+"
    rf"|\s{_DASH}+\s|{_DASH}{{2,}}|\u2014"
)
_SENTENCE_END = frozenset(".!?;\n\u2026")
# "do not" and "don't" are one thing to a pattern.
_BEFORE_NOT = {
    "can": "cant",
    "could": "couldnt",
    "do": "dont",
    "does": "doesnt",
    "did": "didnt",
    "is": "isnt",
    "are": "arent",
    "was": "wasnt",
    "were": "werent",
    "have": "havent",
    "has": "hasnt",
    "had": "hadnt",
    "will": "wont",
    "would": "wont",
    "should": "shouldnt",
}
# "... and I", "... and now": a new statement begins.
CONTRACTED = tuple(dict.fromkeys(_BEFORE_NOT.values()))
_JOINS = word_set("and so because then et y plus")
_STARTS = word_set(
    "i im ive id my now it its he she they we hes shes there theres today since je jai ahora "
    "cant suddenly"
)
CONTRAST = word_set("but however although though except mais pero whereas")


@dataclass(frozen=True)
class Words:
    """One message, read. All lists have one entry a word."""

    text: str
    words: list[str]
    starts: list[int]
    """Character offset of each word in the original text."""
    ends: list[int]
    sentence: list[int]
    """Number of the sentence each word stands in."""
    clause: list[int]
    """Number of the clause: commas, "but", "and I", sentence ends divide them."""
    asked: frozenset[int]
    """Numbers of the sentences that end in a question mark."""
    comma_before: frozenset[int]
    """Positions of words with a comma, colon, bracket or dash in front of them."""

    def sentence_span(self, position: int) -> tuple[int, int]:
        """First position of the sentence a word stands in, and the one after its last."""
        number = self.sentence[position]
        return bisect_left(self.sentence, number), bisect_right(self.sentence, number)

    def sentence_texts(self) -> list[tuple[int, str]]:
        """Number and original text of each sentence."""
        found: list[tuple[int, str]] = []
        position = 0
        while position < len(self.words):
            number = self.sentence[position]
            first = position
            while position < len(self.words) and self.sentence[position] == number:
                position += 1
            found.append((number, self.text[self.starts[first] : self.ends[position - 1]]))
        return found


def plain(text: str) -> str:
    """Lower case, without accents: "Déjà" becomes "deja"."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).lower()


def plain_words(text: str) -> list[str]:
    """The words of a phrase of the table, written as the words of a message are."""
    return read(text, {}, lambda word: word).words


def read(text: str, spellings: Mapping[str, str], mend: Callable[[str], str]) -> Words:
    """Reads a message. ``spellings`` maps known variants, ``mend`` mends unknown words."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    sentence: list[int] = []
    clause: list[int] = []
    asked: set[int] = set()
    commas: set[int] = set()
    sentence_number = 0
    clause_number = 0
    open_sentence = False
    comma = False
    for piece in _PIECE.finditer(text):
        raw = piece.group()
        first = raw.strip()[:1] or raw[:1]
        if first in _LAUGHS:
            raw = first = _LAUGH_WORD
        if not first.isalnum() and first not in "&+":
            if first in _SENTENCE_END:
                if "?" in raw and open_sentence:
                    asked.add(sentence_number)
                if open_sentence:
                    sentence_number += 1
                    clause_number += 1
                    open_sentence = False
                    comma = False
            elif open_sentence:
                comma = True
                clause_number += 1
            continue
        possessive = _POSSESSIVE.fullmatch(raw)
        if possessive and possessive.group(1).lower() not in _KEEP_S:
            raw = possessive.group(1)
        for part in plain(_APOSTROPHES.sub("", raw)).split():
            word = "and" if part in "&+" else spellings.get(part) or mend(part)
            word = "wont" if word == "wouldnt" else word
            word = "no" if _TICKED_NO.match(text, piece.start()) else word
            if word == "not" and words and words[-1] in _BEFORE_NOT and open_sentence:
                words[-1] = _BEFORE_NOT[words[-1]]
                ends[-1] = piece.end()
                continue
            for single in word.split():
                joined = open_sentence and words[-1] in _JOINS and single in _STARTS
                if single in CONTRAST or joined:
                    clause_number += 1
                if comma:
                    commas.add(len(words))
                    comma = False
                words.append(single)
                starts.append(piece.start())
                ends.append(piece.end())
                sentence.append(sentence_number)
                clause.append(clause_number)
                open_sentence = True
    return Words(text, words, starts, ends, sentence, clause, frozenset(asked), frozenset(commas))
