"""Taking out of a text what tells who a patient is.

One place for every page, export and notice. All that :mod:`clinic.contacts` reads as a contact is
taken out, and rather too much than too little beside it: a row of seven digits is taken for a phone
number unless it is plainly a day or a time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from clinic import clock, facts
from clinic.contacts import contact_places, spoken_figures
from clinic.mentions import find_name

Span = tuple[int, int, str]
"""Where something begins and ends in a text, and what it is: a key of ``wording.yml``."""

#: Nobody younger than this comes alone, and a day of the last years is more often an operation.
_YOUNGEST = 3

_SHORT = r"[\s().\-\u2010-\u2015\u2212/_\u00b7\\|]{0,3}"
_SHORTEST = 7  # digits of a phone number, without its area code
_DIGITS = re.compile(
    rf"(?<![\w$\u20ac.])[+(]{{0,2}}\d(?:{_SHORT}\d){{6,}}"
    r"(?:\s*(?:ext\.?|extension|x|#)\s*\d{1,6})?",
    re.IGNORECASE,
)
_TWO_DIGITS = re.compile(r"\d\D*\d")
_AT = re.compile(r"@|[\s(\[]at[\s)\]]", re.IGNORECASE)
_EMAIL = re.compile(
    r"[^\s<>()\[\],;:\"@]{1,64}\s?@\s?[^\s<>()\[\],;:\"@/?!]{1,255}?(?:\s?\.\s?[^\W\d_]{2,24})+"
    r"|[^\s<>()\[\],;:\"@]{1,64}\s*(?:\(at\)|\[at\]|\sat\s)\s*"
    r"[^\s<>()\[\],;:\"@]{1,255}?\s*(?:\(dot\)|\[dot\]|\sdot\s|\.)\s*"
    r"(?:com|net|org|edu|gov|info|io|ca|us|uk|fr|de|me|co)\b",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ANY_YEAR = r"(?:(?:19|20)\d\d|['\u2019]?\d\d)"
_YEAR = rf"(?P<year>{_ANY_YEAR})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>(?:19|20)\d\d)[\s./\-]{1,2}\d{1,2}[\s./\-]{1,2}\d{1,2}(?!\d)",
        rf"(?<!\d)\d{{1,2}}\s?[./\-]\s?\d{{1,2}}\s?[./\-]\s?{_YEAR}(?!\d)",
        rf"\b{_MONTH}\s*\d{{1,2}}(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d)",
        rf"(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?[\s\-]*(?:of\s+)?{_MONTH}[\s\-,]*{_YEAR}(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
        r"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|[12]\d|3[01])(?P<year>(?:19|20)\d\d)(?!\d)",
    )
)
# With one of these in front, a day is a birth date whatever its year, also without a year.
_BORN = re.compile(
    r"\b(?:born|birth\s?-?days?|birth\s?-?dates?|date of birth|d\.?\s?o\.?\s?b\.?)\W{0,3}"
    r"(?:(?:is|was|on|the|in|my|:|=)\W{1,3}){0,4}",
    re.IGNORECASE,
)
_BORN_THEN = re.compile(
    rf"{_MONTH}\s*\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+{_ANY_YEAR})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[\s\-]*(?:of\s+)?{_MONTH}(?:[\s\-,]*{_ANY_YEAR})?"
    r"|\d{1,4}(?:[\s./\-]{1,2}\d{1,4}){0,2}",
    re.IGNORECASE,
)
# Ontario: ten digits and two letters. Quebec: four letters and eight digits.
_HEALTH = re.compile(
    r"(?<!\w)\d{4}[\s\-]?\d{3}[\s\-]?\d{3}[\s\-]?[a-z]{2}(?!\w)"
    r"|(?<!\w)[a-z]{4}[\s\-]?\d{4}[\s\-]?\d{4}(?!\w|[\s\-]?\d)",
    re.IGNORECASE,
)
_HEALTH_WORDS = re.compile(
    r"\b(?:(?:health|care|medicare|msp|phn|ohip|ramq|ahcip)\b[\s\-]*)+"
    r"(?:(?:card|number|no|num|id|is|my|insurance|plan|#)\b\W{0,3})*\W{0,3}"
    r"(?P<number>[a-z]{0,4}[\s\-]?\d(?:[\s\-]?\d){4,}(?:[\s\-]?[a-z]{2})?)(?!\w)",
    re.IGNORECASE,
)
# Taken out of examples for training as well.
_POSTAL = re.compile(r"\b[a-z]\d[a-z][\s\-]?\d[a-z]\d\b", re.IGNORECASE)
_STREET = re.compile(
    r"\b\d{1,6}[a-z]?\s+(?:[^\W\d_][\w'.\-]*\s+){1,3}"
    r"(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|crescent|cres|court|boulevard|blvd|way)\b\.?",
    re.IGNORECASE,
)
_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_LONG_NUMBER = re.compile(rf"(?<!\w)#?\d(?:{_SHORT}\d){{4,}}")
_HANDLE = re.compile(r"(?<!\w)@\w{2,}")

# What overlaps is taken out together, named by the first of these.
_ORDER = ("email", "health_number", "birth_date", "phone", "link", "address", "number", "name")


def mask(text: str, names: Iterable[str] = ()) -> str:
    """``text`` without phone numbers, e-mail addresses, birth dates, health numbers and ``names``.

    What is taken out is named in its place: "[phone]". How to reach the clinic stays.
    """
    private = [
        (begin, end, kind)
        for begin, end, kind in _private(text)
        if text[begin:end].casefold() not in _of_the_clinic()
    ]
    return _replaced(text, [*private, *_named(text, names)], _words()["masks"])


def mask_all(value: Any, names: Iterable[str] = ()) -> Any:
    """The same for every text in a value made of lists, dicts and texts, as JSON has them."""
    names = tuple(names)
    if isinstance(value, str):
        return mask(value, names)
    if isinstance(value, dict):
        return {key: mask_all(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [mask_all(each, names) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and len(str(abs(value))) > 6:
        return mask(str(value), names)
    return value


def scrub(text: str, names: Iterable[str] = ()) -> str:
    """``text`` as it may leave the clinic, as an example to train or test the assistant with.

    Stricter than :func:`mask`: also names that the text gives as such, addresses, links and any
    longer number. Invented ones stand in their place.
    """
    own = find_name(text)
    spans = [*_private(text), *_named(text, [*names, *([own] if own else [])]), *_also(text)]
    return _replaced(text, spans, _words()["examples"])


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    return yaml.safe_load(Path(__file__).with_name("wording.yml").read_text(encoding="utf-8"))


def _of_the_clinic() -> set[str]:
    clinic = facts.current()
    return {known.casefold() for known in (clinic.phone, clinic.email) if known}


def _plain(text: str) -> tuple[str, list[int]]:
    """Other scripts' digits and full-width signs as plain ones, nothing invisible.

    With each character's place in ``text``.
    """
    if text.isascii():
        return text, list(range(len(text)))
    plain: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":
            continue
        digit = unicodedata.decimal(character, None)
        for one in unicodedata.normalize("NFKC", character) if digit is None else str(digit):
            plain.append(one)
            places.append(place)
    return "".join(plain), places


def _in_plain(find: Callable[..., Iterator[Span]]) -> Callable[..., list[Span]]:
    """Lets ``find`` search the plain text; gives where that is in the text itself."""

    def found(text: str, *arguments: Any) -> list[Span]:
        plain, places = _plain(text)
        return [
            (places[begin], places[end - 1] + 1, kind)
            for begin, end, kind in find(plain, *arguments)
            if end > begin
        ]

    return found


def _private(text: str) -> Iterator[Span]:
    """What tells who somebody is: all that is read as a contact, and what looks like more."""
    yield from contact_places(text)
    yield from _looks_private(text)


@_in_plain
def _looks_private(text: str) -> Iterator[Span]:
    if _AT.search(text):
        for match in _EMAIL.finditer(text):
            yield *match.span(), "email"
    for begin, end, said in spoken_figures(text):
        if len(said) >= _SHORTEST:
            yield begin, end, "phone"
    for match in _BORN.finditer(text):
        then = _BORN_THEN.match(text, match.end())
        if then:
            yield *then.span(), "birth_date"
    if not _TWO_DIGITS.search(text):
        return
    days: list[tuple[int, int]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if _could_be_birth(match["year"]):
                yield *match.span(), "birth_date"
            else:
                days.append(match.span())
    for match in _HEALTH.finditer(text):
        yield *match.span(), "health_number"
    for match in _HEALTH_WORDS.finditer(text):
        yield *match.span("number"), "health_number"
    for match in _DIGITS.finditer(text):
        for begin, end in _without(match.span(), days):
            if sum(character.isdigit() for character in text[begin:end]) >= _SHORTEST:
                yield begin, end, "phone"


def _could_be_birth(year: str) -> bool:
    now = clock.now().year
    if len(year) == 4:
        return 1900 <= int(year) <= now - _YOUNGEST
    short = int(year.strip("'\u2019"))
    # "27/11/26" is this year, "27/11/80" is not
    return not now % 100 - _YOUNGEST < short <= now % 100 + 1


def _without(span: tuple[int, int], days: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What remains of a stretch of text when days are taken out of it."""
    begin, end = span
    for first, last in sorted(days):
        if first >= begin and last <= end:
            yield begin, first
            begin = last
    yield begin, end


@_in_plain
def _also(text: str) -> Iterator[Span]:
    for pattern, kind in (
        (_LINK, "link"),
        (_POSTAL, "address"),
        (_STREET, "address"),
        (_LONG_NUMBER, "number"),
        (_HANDLE, "name"),
    ):
        for match in pattern.finditer(text):
            yield *match.span(), kind


@_in_plain
def _named(text: str, names: Iterable[str]) -> Iterator[Span]:
    for pattern in _patterns_of(tuple(sorted(set(names)))):
        for match in pattern.finditer(text):
            yield *match.span(), "name"


@lru_cache(maxsize=256)
def _patterns_of(names: tuple[str, ...]) -> list[re.Pattern[str]]:
    """The whole name, and each part of it that is no initial or particle."""
    found: list[re.Pattern[str]] = []
    for name in names:
        parts = [part for part in re.split(r"[\s,]+", _plain(name)[0]) if part]
        wholes = [r"[\s,]+".join(map(re.escape, parts))] if parts else []
        wholes += [re.escape(part) for part in parts if len(part.strip(".")) > 2]
        found += [
            re.compile(rf"(?<!\w){whole}(?:['\u2019]s)?(?!\w)", re.IGNORECASE) for whole in wholes
        ]
    return found


def _replaced(text: str, spans: list[Span], words: dict[str, str]) -> str:
    taken: list[Span] = []
    for begin, end, kind in sorted(spans):
        if taken and begin < taken[-1][1]:
            first, last, other = taken[-1]
            taken[-1] = (first, max(last, end), min(other, kind, key=_ORDER.index))
        else:
            taken.append((begin, end, kind))
    parts: list[str] = []
    place = 0
    for begin, end, kind in taken:
        parts += [text[place:begin], words[kind]]
        place = end
    return "".join([*parts, text[place:]])
