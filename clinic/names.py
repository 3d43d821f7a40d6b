"""Reading a person's name out of the answer to "What is your name?"."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import yaml

from clinic.text import clean

LONGEST = 80
_MOST_WORDS = 6
_LONGEST_ANSWER = 400

# What people say around their name, taken off the front again and again: "hi, it's Sam".
_GREETING = re.compile(
    r"^(?:hi|hello|hey|yes|yeah|yep|yup|sure|ok|okay|oh|um|uh|well|so|of course|no problem"
    r"|bonjour|hola|lol|haha+|oops|sorry)"
    r"(?: there)?(?:\s*[,.!;:\-\u2013\u2014]+\s*|\s+)(?=\S)",
    re.I,
)
# These say that a name follows.
_NAMING = re.compile(
    r"^(?:(?:and\s+)?(?:(?:change|fix|correct|make)\s+)?"
    r"(?:my|the|patient['\u2019]?s?|her|his|their)?\s*"
    r"(?:full |first |last |legal |whole )?"
    r"(?:names|(?:name|nmae|naem|nmea)\s*(?:is|['\u2019]s|would be|it['\u2019]?s|to|:|=|-))\s*"
    r"(?:actually\s+|really\s+)?(?!not\b)"
    r"|(?:(?:you (?:can|may) |please |just |people |they |everyone |my friends )*)call me\s+"
    r"|i go by\s+|i['\u2019]m called\s+|i am called\s+|je m['\u2019]appelle\s+|mon nom est\s+"
    r"|me llamo\s+|mi nombre es\s+)",
    re.I,
)
# These may be followed by anything: "I'm in pain", "it's urgent".
_MAYBE_NAMING = re.compile(
    r"^(?:i\s*['\u2019]?\s*m|i am|it\s*['\u2019]?\s*s|it is|this is|that['\u2019]s"
    r"|that is|that would be|je suis|soy|for|under)"
    r"\s*[:,]?\s+(?=\S)",
    re.I,
)
_TAIL = re.compile(
    r"(?:[\s,;:]+(?:speaking|here|actually|instead|please|pls|thanks|thank you|thx"
    r"|is (?:my |the |his |her |their |a )?(?:full |real |whole |legal |first |last )*name"
    r"|(?:like|as) i (?:said|told (?:you|u)|wrote|typed)"
    r"|i (?:just )?(?:said|told (?:you|u))|not (?:me|mine|him|her|my name)|on the (?:phone|line)"
    r"|(?:you|u) (?:missed|forgot|dropped|left)(?: (?:it|that|out|off|the last name))*"
    r"|lol|haha+)|\s*[,;]\s*(?:yes|yeah|yep|no|nope))+$",
    re.I,
)
# "Kay McDonut lol no McDonough": the last name once more, as it should be.
_LAST_NAME_AGAIN = re.compile(
    r"^(\S+) (?!(?:lol|haha+|oops|sorry|wait|no)\b)\S+\W+(?:(?:lol|haha+|wait)\W+)*"
    r"(?:(?:oops|sorry|no|i mean|i meant)\W+)+(\S+)$",
    re.I,
)
# "Lou. Lou Ferris", "Ferris, Lou Ferris".
_SAID_IN_FULL = re.compile(
    r"^([^\W\d_]+)[.,!]+\s+((?:[^\W\d_][\w'-]*\s+)?\1(?:\s+[^\W\d_][\w'-]*)?)$", re.I
)
# "Meghan, m e g h a n": a word, and its letters.
_SPELLED = re.compile(
    r"\b([^\W\d_]{2,})[,.:; -]+((?:[^\W\d_][ .-]+)+[^\W\d_])\b(?![\w'-])[,.;]?", re.I
)
_PRONOUNS = re.compile(r"\s*\((?:he|she|they|ze|xe|him|her|them|/|,|\s){2,20}\)$", re.I)
_CUT = re.compile(
    r"[,;!?\n|/()]|\.(?=\s+\S{2,}\s)|\s[-\u2013\u2014]\s|\s(?=\S*@|\+?\(?\d{3})"
    r"|\s(?:and|but|my|i|i['\u2019]m|i['\u2019]d|can|could)\s",
    re.I,
)
_INSIDE_WORDS = frozenset("'`.-\u2019\u02bc\u02bb\u00b4\u2010\u2011\u00b7\u200c")
_INITIAL = re.compile(r"(?:^|[\s.])(?:[A-Z]|Jr|Sr)$")
_ADDRESS_OR_CODE = re.compile(r"://|^\s*[/{<\[]|www\.", re.I)
_PARTICLES = frozenset(
    {"al", "bin", "bint", "da", "de", "del", "den", "der", "dos", "du", "el", "ibn", "la", "las"}
    | {"le", "los", "van", "von", "y"}
)
_SENTENCE_ENDINGS = re.compile(r"(?:ing|tion|ness|ously|able)$")


@lru_cache(maxsize=1)
def _words() -> tuple[frozenset[str], frozenset[str]]:
    lists = yaml.safe_load(Path(__file__).with_name("not_names.yml").read_text(encoding="utf-8"))
    return frozenset(lists["never"].split()), frozenset(lists["rarely"].split())


def read_name(text: str) -> str | None:
    """The name in ``text``, spelled as typed, or None when it holds no name.

    Takes off lead-ins and tails ("hi, it's ... speaking") and keeps everything else: hyphens,
    apostrophes, accents, any script, single names. None for questions, sentences, digits and
    addresses. A hint for the read-back, not a judgement: rare names that are also ordinary words
    need "my name is" in front.
    """
    text = without_spelling(text[:_LONGEST_ANSWER])
    rest = _LAST_NAME_AGAIN.sub(r"\1 \2", _outer(clean(text)))
    in_full = said_in_full(rest)
    if in_full:
        rest = in_full
    named = surely = False
    while True:
        shorter = _GREETING.sub("", rest, count=1)
        for pattern, sure in ((_NAMING, True), (_MAYBE_NAMING, False)):
            without = pattern.sub("", shorter, count=1)
            if without != shorter:
                shorter, named, surely = without, True, surely or sure
        shorter = _outer(_TAIL.sub("", shorter))
        if shorter == rest:
            break
        rest = shorter
    if not surely and ("?" in text or _ADDRESS_OR_CODE.search(text)):
        return None
    if _is_name(rest, surely, named):
        return rest
    # A name and something more: "Priya Nair, 604-555-0142", "my name is Sam and I need ...".
    cut = _CUT.search(rest)
    if cut:
        head = _outer(_TAIL.sub("", rest[: cut.start()]))
        # A mark after the name ends it; a word does only when it is plain that a name came first.
        plain = not cut.group(0).strip().isalpha() or surely or named
        plain = plain or (head != head.lower() and " " in head)
        if plain and _is_name(head, surely, named):
            return head
    return None


def without_spelling(text: str) -> str:
    """ "Meghan, m e g h a n, Doyle" as "Meghan Doyle": without the letters of the word before."""

    def word(match: re.Match[str]) -> str:
        letters = re.sub(r"[\W\d_]", "", match[2])
        return match[1] if letters.casefold() == match[1].casefold() else match[0]

    return _SPELLED.sub(word, text)


def said_in_full(text: str) -> str | None:
    """The whole name in "Lou. Lou Ferris", which begins with a part of it; None elsewhere."""
    match = _SAID_IN_FULL.match(text.strip())
    return match[2] if match and len(match[2].split()) > 1 else None


def _outer(text: str) -> str:
    """Without quotation marks, blanks, emoji and punctuation around; "Jr." keeps its full stop."""
    text = re.sub(r"\s+", " ", text)
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (
        text[end - 1].isalnum() or unicodedata.category(text[end - 1])[0] == "M"
    ):
        end -= 1
    initial = text[end : end + 1] == "." and _INITIAL.search(text[start:end])
    if initial or _PRONOUNS.search(text[start : end + 1]):
        end += 1
    return text[start:end]


def _is_word(word: str) -> bool:
    """Letters of any script with their marks, and what names have between them."""
    return word[0].isalpha() and all(
        c.isalpha() or unicodedata.category(c)[0] == "M" or c in _INSIDE_WORDS for c in word
    )


def _is_name(text: str, surely: bool, named: bool) -> bool:
    bare = _PRONOUNS.sub("", text)
    words = bare.replace(",", ", ").split()
    if not words or len(words) > _MOST_WORDS or len(bare) > LONGEST:
        return False
    if bare.count(",") > 1 or (bare.count(",") and len(words) < 2):
        return False
    never, rarely = _words()
    plain = [word.rstrip(",").rstrip(".").lower().replace("\u2019", "'") for word in words]
    if not all(_is_word(word.rstrip(",") or ",") for word in words):
        return False
    if any(word in never for word in plain):
        return False
    capitals = len(words) > 1 and all(word.istitle() for word in words)
    if not surely and not capitals and all(word in rarely for word in plain):
        return False
    lower = bare == bare.lower() and bare != bare.upper()
    # "i'm limping", "it's inflammation": lower case and an ending names seldom have.
    if named and not surely and lower and _SENTENCE_ENDINGS.search(plain[0]):
        return False
    # Four words and more in lower case are a sentence more often than a name, unless none of them
    # is a small word: "nguyen thi minh khai".
    longest = 3 if any(word in rarely for word in plain) else 4
    return not (
        lower and not surely and len([word for word in plain if word not in _PARTICLES]) > longest
    )
