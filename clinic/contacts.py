"""Reading a phone number or an e-mail address out of what a patient typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from rapidfuzz.distance import OSA

from clinic import address_slips
from clinic.address_slips import Place
from clinic.names import read_name
from clinic.text import BadInput

REGION = "CA"

# A message is cut here before it is searched. Contacts stand in sentences, not in essays.
_LONGEST = 4000

# Providers Canadians use most, for typo hints. Not a list of what is allowed.
_PROVIDERS = (
    *("gmail.com", "hotmail.com", "hotmail.ca", "outlook.com", "outlook.ca", "yahoo.com"),
    *("yahoo.ca", "icloud.com", "live.com", "live.ca", "rogers.com", "bell.net", "shaw.ca"),
    *("sympatico.ca", "telus.net", "videotron.ca", "cogeco.ca", "eastlink.ca", "proton.me"),
    *("protonmail.com", "googlemail.com"),
)
# Real ones that are one slip away from those above.
_LOOKALIKES = frozenset(
    {"mail.com", "ymail.com", "email.com", "gmx.com", "hotmail.co", "hotmail.fr", "hotmail.it"}
    | {"hotmail.de", "hotmail.es", "yahoo.fr", "yahoo.de", "yahoo.it", "yahoo.es", "yahoo.in"}
    | {"outlook.fr", "outlook.de", "outlook.in", "live.fr", "live.de", "live.nl", "live.cn"}
    | {"bell.ca", "telus.com", "shaw.com", "rogers.ca", "proton.com", "protonmail.ch"}
)
_TLD_SLIPS = {"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "vom": "com", "xom": "com"}

_ADDRESS = re.compile(
    # Not the bracket, comma or quotation mark in front of it, nor the full stop after it.
    r"(?<![^\s<>()\[\],;:\"@])(?P<local>[^\s<>()\[\],;:\"@]{1,64})"
    r"\s?@\s?(?P<domain>[^\s<>()\[\],;:\"@/?!]{1,255})"
)
# As it is dictated: "jo dot park at example dot com", with any of the signs in words.
_PIECE = r"[a-z0-9]+(?:[._+'-][a-z0-9]+)*"
_SPOKEN = re.compile(
    r"(?<![^\s<>()\[\],;:\"@])"
    rf"(?P<local>{_PIECE}"
    rf"(?:\s+(?:dot|period|under ?score|dash|hyphen|minus|plus)\s+{_PIECE}){{0,5}})"
    r"(?P<at>\s*(?:@|\(at\)|\[at\])\s*|\s+at\s+)"
    rf"(?P<domain>[a-z0-9-]{{1,63}}(?:\s+(?:dash|hyphen)\s+[a-z0-9-]{{1,63}})?"
    r"(?:(?:\s*(?:\.|\(dot\)|\[dot\])\s*|\s+dot\s+)[a-z0-9-]{1,63}){0,3}"
    r"(?:\.|\s*(?:\(dot\)|\[dot\])\s*|\s+dot\s+)[a-z]{2,12})\b",
    re.I,
)
_SIGNS = (
    (re.compile(r"\s*(?:\(dot\)|\[dot\])\s*|\s+(?:dot|period)\s+", re.I), "."),
    (re.compile(r"\s+under ?score\s+", re.I), "_"),
    (re.compile(r"\s+(?:dash|hyphen|minus)\s+", re.I), "-"),
    (re.compile(r"\s+plus\s+", re.I), "+"),
)
# A row of figures as it is dictated, some of them in digits: "six four seven, double five 0122".
_FIGURES = {
    **{"zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4"},
    **{"five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"},
}
_FIGURE = rf"(?:{'|'.join(_FIGURES)})"
#: For the expressions of SQLite (Python's) and of PostgreSQL alike. Four of them at least: fewer
#: are in every second sentence.
SPOKEN_FIGURES = (
    rf"(?:(?:double |triple )?{_FIGURE}|\d{{1,4}})"
    rf"(?:[\s,.-]{{1,3}}(?:(?:double |triple )?{_FIGURE}|\d{{1,4}})){{3,}}"
)
_SPOKEN_NUMBER = re.compile(rf"\b{SPOKEN_FIGURES}\b", re.I)
_FEWEST_DIGITS = 5  # of a phone number anywhere, with its country in front
# Up to two words right before a dictated address, which may be the beginning of it.
_WORDS_BEFORE = re.compile(r"(?:^|(?<=\s)|(?<=[,;:.]))((?:[^\W_]+ +){1,2})$")
_LOCAL_NUMBER = re.compile(r"(?<![\d.\-/:])(?<!\d[ )])[2-9]\d{2}[ .\-]?\d{4}(?![\d:/]|[.\-]\d)")
_DATE_OR_CLOCK = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}:\d{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What is one letter, whatever it is made of.
_LETTER = re.compile(r"[\s\S][\u0300-\u036f\u3099\u309a]*")
_DIGITS = re.compile(r"\d(?:[ .\-()]{0,2}\d){5,}")


class ContactProblem(Enum):
    """Why no contact could be read."""

    NOTHING_FOUND = "nothing_found"
    AREA_CODE_MISSING = "area_code_missing"
    PHONE_NOT_VALID = "phone_not_valid"
    EMAIL_NOT_VALID = "email_not_valid"


@dataclass(frozen=True)
class Contact:
    """A way to reach a patient.

    ``value`` is normalised: E.164, an extension behind it (``+14165550142;ext=5``), or the address
    with its domain in lower case.
    ``typed`` is the part of the message it was read from. ``hint`` is the address probably meant
    when this one looks like a slip of the finger (``jo@gmial.com``), else None. ``longer`` are the
    addresses that a dictated one may be the end of ("jo park at example dot com"), or that one
    without an ending may stand for ("jo@yahoo").
    """

    kind: Literal["phone", "email"]
    value: str
    typed: str
    hint: str | None = None
    longer: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The addresses that may be meant, the likeliest first; empty where there is no doubt."""
        if self.longer:
            return (*self.longer, self.value)
        return (self.hint, self.value) if self.hint else ()

    @property
    def shown(self) -> str:
        """How it is read back: ``416-555-0142``, other countries ``+44 20 7946 0958``."""
        if self.kind == "email":
            return self.value
        number = phonenumbers.parse(self.value, REGION)
        if number.country_code == 1:
            digits = str(number.national_number)
            shown = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
            return f"{shown} ext {number.extension}" if number.extension else shown
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def read_contact(text: str) -> Contact | None:
    """The first phone number or e-mail address in ``text``, or None.

    Phone numbers are Canadian unless they start with +, and need their area code.
    :func:`contact_problem` says what was wrong.
    """
    found = read_contacts(text)
    return found[0] if found else None


def read_contacts(text: str) -> list[Contact]:
    """Every phone number and e-mail address in ``text``, in order, each once."""
    unique: dict[str, Contact] = {}
    for _, _, contact in _found(_plain(text)):
        unique.setdefault(contact.value, contact)
    return list(unique.values())


def contact_places(text: str) -> Iterator[tuple[int, int, Literal["phone", "email"]]]:
    """Where all that stands in ``text`` that :func:`read_contacts` reads, and which kind it is."""
    found = _found(_plain(text))
    if found:
        places: list[Place] = []
        _plain(text, places)
        for begin, end, contact in found:
            yield places[begin][0], places[end - 1][1], contact.kind


def spoken_figures(text: str) -> Iterator[tuple[int, int, str]]:
    """Where rows of figures stand some of which are words, and the digits that they are."""
    for match in _SPOKEN_NUMBER.finditer(text):
        digits, times = "", 1
        for word in re.findall(r"[a-z]+|\d+", match[0].lower()):
            if word in ("double", "triple"):
                times = 2 if word == "double" else 3
            else:
                digits += _FIGURES.get(word, word) * times
                times = 1
        if re.search(r"[a-z]", match[0], re.I):
            yield *match.span(), digits


def without_spoken_phones(text: str, gap: str) -> str:
    """The text with ``gap`` for each phone number that is said in words."""
    phones = [(begin, end) for begin, end, digits in spoken_figures(text) if _as_phone(digits)]
    for begin, end in reversed(phones):
        text = text[:begin] + gap + text[end:]
    return text


def contact_problem(text: str) -> ContactProblem | None:
    """Why :func:`read_contact` finds nothing in ``text``; None when it finds something."""
    if read_contacts(text):
        return None
    text = _plain(text)
    if "@" in text or any(map(_spoken_address, _SPOKEN.finditer(text))):
        return ContactProblem.EMAIL_NOT_VALID
    if _LOCAL_NUMBER.search(text):
        return ContactProblem.AREA_CODE_MISSING
    if _DIGITS.search(_DATE_OR_CLOCK.sub(" ", text)):
        return ContactProblem.PHONE_NOT_VALID
    return ContactProblem.NOTHING_FOUND


def _found(text: str) -> list[tuple[int, int, Contact]]:
    """All contacts in a plain text, with their places in it, in order."""
    found: list[tuple[int, int, Contact]] = []
    rest = text
    if address_slips.may_be_one(text):
        open_ended = address_slips.without_ending(text)
        if open_ended:
            *likelier, value = address_slips.with_endings(open_ended)
            contact = Contact("email", value, text.strip(), longer=tuple(likelier))
            found.append((*open_ended.span(), contact))
        for pattern, read in ((_SPOKEN, _dictated), (_ADDRESS, _email)):
            for match in pattern.finditer(rest):
                one = read(match)
                if one:
                    found.append(one)
                    # Digits inside an address are no phone number.
                    rest = _blanked(rest, *match.span())
        rest = _ADDRESS.sub(lambda match: " " * len(match[0]), rest)
    for begin, end, digits in spoken_figures(rest):
        value = _as_phone(digits)
        if value:
            found.append((begin, end, Contact("phone", value, text[begin:end])))
            rest = _blanked(rest, begin, end)
    if sum(map(str.isdigit, rest)) >= _FEWEST_DIGITS:
        for phone in phonenumbers.PhoneNumberMatcher(rest, REGION):
            number = phonenumbers.format_number(phone.number, phonenumbers.PhoneNumberFormat.E164)
            if phone.number.extension:
                number += f";ext={phone.number.extension}"
            found.append((phone.start, phone.end, Contact("phone", number, phone.raw_string)))
    return sorted(found, key=lambda one: one[0])


def _blanked(text: str, begin: int, end: int) -> str:
    return f"{text[:begin]}{' ' * (end - begin)}{text[end:]}"


def _as_phone(digits: str) -> str:
    """The phone number that dictated digits make, in E.164; "" where they make none."""
    if len(digits) not in (10, 11):
        return ""
    try:
        number = phonenumbers.parse(digits, REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _plain(text: str, places: list[Place] | None = None) -> str:
    """Full-width digits and signs as plain ones, no control characters, no slips; not too much.

    Fills ``places`` with where each character stands in ``text``.
    """
    text = text[:_LONGEST]
    if text.isascii():
        plain = text
        if places is not None:
            places += [(at, at + 1) for at in range(len(text))]
    elif places is None:
        plain = unicodedata.normalize("NFKC", text)
    else:
        parts: list[str] = []
        for letter in _LETTER.finditer(text):
            parts.append(unicodedata.normalize("NFKC", letter[0]))
            places += [letter.span()] * len(parts[-1])
        plain = "".join(parts)
    if not plain.isascii():
        plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain)
    plain = _CONTROL.sub(" ", plain)
    return address_slips.mended(plain, places) if address_slips.may_be_one(plain) else plain


def _dictated(match: re.Match[str]) -> tuple[int, int, Contact] | None:
    """An address of which at least one sign is a word, with what may be the beginning of it."""
    address = _spoken_address(match)
    contact = _validated(address, match[0]) if address else None
    if contact is None:
        return None
    begin, end = match.span()
    before = _WORDS_BEFORE.search(match.string, 0, begin)
    words: list[str] = []
    for word in reversed(list(re.finditer(r"\S+", before[1])) if before else []):
        # "my address is jo at ..." ends with a word that is in no address
        if before is None or read_name(word[0]) is None:
            break
        words.insert(0, word[0].lower())
        begin = before.start() + word.start()
    local, _, domain = contact.value.partition("@")
    longer = tuple(f"{sign.join([*words, local])}@{domain}" for sign in (".", "") if words)
    return begin, end, replace(contact, longer=longer)


def _spoken_address(match: re.Match[str]) -> str | None:
    """The address in signs; None when it is typed, or "at" may be an ordinary word."""
    local, domain = match["local"], match["domain"]
    for pattern, sign in _SIGNS:
        local, domain = pattern.sub(sign, local), pattern.sub(sign, domain)
    domain = re.sub(r"\s*\.\s*", ".", domain)
    at_in_words = match["at"].strip().lower() == "at"
    in_signs = (local, domain) == (match["local"], match["domain"])
    if in_signs and "@" in match["at"]:
        return None
    # "look at example.com" names a page
    if at_in_words and in_signs and domain.lower() not in _PROVIDERS:
        return None
    return f"{local}@{domain}"


def _email(match: re.Match[str]) -> tuple[int, int, Contact] | None:
    local = match["local"].lstrip(".'*").removeprefix("mailto:")
    domain = match["domain"].rstrip(".'*-_…")
    contact = _validated(f"{local}@{domain}", match[0])
    if contact is None:
        return None
    return match.end("local") - len(local), match.start("domain") + len(domain), contact


def _validated(written: str, typed: str) -> Contact | None:
    try:
        address = validate_email(written, check_deliverability=False)
    except EmailNotValidError:
        return None
    return Contact(
        "email",
        address.normalized,
        " ".join(typed.strip(".'* ").split()),
        _hint(address.local_part, address.domain),
    )


def _hint(local: str, domain: str) -> str | None:
    if domain in _PROVIDERS or domain in _LOOKALIKES:
        return None
    for provider in _PROVIDERS:
        # Short names are one slip away from too many others.
        allowed = 2 if len(provider) > 9 and domain[0] == provider[0] else 1
        if len(provider) > 7 and OSA.distance(domain, provider, score_cutoff=allowed) <= allowed:
            return f"{local}@{provider}"
    name, _, ending = domain.rpartition(".")
    if ending in _TLD_SLIPS:
        return f"{local}@{name}.{_TLD_SLIPS[ending]}"
    return None


def contact_of(given: str | Contact) -> Contact:
    """A contact that may already have been read.

    Raises ``clinic.text.BadInput`` when none can be read from the text, saying why.
    """
    if isinstance(given, Contact):
        return given
    contact = read_contact(given)
    if contact is None:
        problem = contact_problem(given) or ContactProblem.NOTHING_FOUND
        raise BadInput(
            f"patient_contact cannot be used ({problem.value}). Allowed: a phone number with its "
            "area code, for example 416-555-0142, or an e-mail address."
        )
    return contact
