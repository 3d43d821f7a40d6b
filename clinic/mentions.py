"""A name that is mentioned in a longer message: "thursday after 4, I'm Priya, 604-555-0142"."""

from __future__ import annotations

import re

from clinic import facts
from clinic.names import read_name, without_spelling

_PART = re.compile(
    r"[,.;:!?\n]+|\s+(?:and|but|on|for|at|with)\s+|\s[-\u2013\u2014]\s", re.IGNORECASE
)
# "my name is": whatever follows is meant as a name.
_NAMED = re.compile(
    r"\b(?:name|nmae|naem)(?: is|'s|s| to| its| it's| should be|:)\s+"
    r"(?:actually\s+|really\s+)?(?P<name>.+)"
    r"|\b(?:call me|je m'appelle|me llamo)\s+(?P<called>.+)",
    re.IGNORECASE,
)
# "I'm", "this is": only a capital letter tells a name from "I'm tired".
_PERHAPS = re.compile(
    r"^\s*(?:[Ii]'?m|[Ii] am|[Tt]his is|[Ii]t'?s|[Ii]t is)\s+(?P<name>[^\W\d_a-z].*)"
)
# "hi im Jo Park need an hour": two capital letters or more, before words that have none.
_GOES_ON = re.compile(
    r"^\s*(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening))(?: there)?\W+)?"
    r"(?:i'?m|i am|this is|it'?s|my name'?s?(?: is)?)\s+"
    r"(?P<name>(?-i:[^\W\d_a-z][\w'-]*(?: (?!\w+day\b)[^\W\d_a-z][\w'-]+)+))(?=\s+(?-i:[a-z]))",
    re.IGNORECASE,
)
# "name Jo Park": the capital letters tell it from "name and phone".
_PLAIN = re.compile(r"\b[Nn]ame\s+(?P<name>[^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+)*)")
# "priya nair here, 604-555-0142": as a greeting begins.
_HERE = re.compile(
    r"^\s*(?:(?:hi|hello|hey)\W+)?(?P<name>[^\W\d_]+(?:[ '-][^\W\d_]+){0,2}) here\s*(?:$|[,.;!-])",
    re.IGNORECASE,
)
# Around one of these, a part of a list may be a name: "mon 2pm, ali khan, ali@example.com".
_LISTED = re.compile(r"[,;\n]")
# "Actually thursday, ..." is no name.
_WEEKDAY = re.compile(
    r"\b(?:mon|tues?|wednes|weds?|thurs?|thu|fri|satur|sat|sun)(?:days?)?\b", re.IGNORECASE
)
_TAIL = re.compile(
    r"\s+(?:not (?:me|mine|him|her)|calling|speaking|here|and|but|please|thanks"
    r"|you (?:missed|forgot|left|dropped))\b.*$",
    re.IGNORECASE,
)


def find_name(text: str) -> str | None:
    """The name that ``text`` gives as a name, or None. A bare name is not a mention."""
    text = without_spelling(text)
    here = _HERE.search(text)
    if here:
        name = read_name(here["name"])
        if name:
            return name
    for part in _PART.split(text):
        for pattern in (_GOES_ON, _NAMED, _PLAIN, _PERHAPS):
            match = pattern.search(part)
            if match:
                name = read_name(_TAIL.sub("", next(filter(None, match.groups()))))
                if name:
                    return name
    return None


def listed_names(text: str) -> list[str]:
    """The parts of a list that are nothing but a name of two words or more."""
    parts = _LISTED.split(text)
    names = [read_name(part) or "" for part in parts] if len(parts) > 1 else []
    return [name for name in names if len(name.split()) > 1 and not _WEEKDAY.search(name)]


def without_names(text: str) -> str:
    """The text without its listed names, and without the therapist who is wished for."""
    parts = [part for one in facts.current().therapists for part in (one.name, *one.name.split())]
    wished = rf"\b(?:with|by|see)\s+(?:{'|'.join(map(re.escape, parts))})\b"
    text = re.sub(wished, ",", text, flags=re.IGNORECASE)
    names = listed_names(text)
    kept = [part for part in _LISTED.split(text) if read_name(part) not in names]
    return ", ".join(kept) if names else text
