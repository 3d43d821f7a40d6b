"""Reading a phone number or an e-mail address out of what a patient typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from rapidfuzz.distance import OSA

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
_SPELLED_OUT = re.compile(
    r"(?<![^\s<>()\[\],;:\"@])(?P<local>[^\s<>()\[\],;:\"@]{1,64})"
    r"\s*(?:\(at\)|\[at\]|\sat\s)\s*"
    r"(?P<domain>[^\s<>()\[\],;:\"@]{1,255}?)"
    r"\s*(?:\(dot\)|\[dot\]|\sdot\s)\s*(?P<tld>[a-z]{2,12})\b",
    re.I,
)
_LOCAL_NUMBER = re.compile(r"(?<![\d.\-/:])(?<!\d[ )])[2-9]\d{2}[ .\-]?\d{4}(?![\d:/]|[.\-]\d)")
_DATE_OR_CLOCK = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}:\d{2}")
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
    when this one looks like a slip of the finger (``jo@gmial.com``), else None.
    """

    kind: Literal["phone", "email"]
    value: str
    typed: str
    hint: str | None = None

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
    text = _plain(text)
    found: list[tuple[int, Contact]] = []
    rest = text
    for pattern in (_ADDRESS, _SPELLED_OUT):
        for match in pattern.finditer(rest):
            contact = _email(match)
            if contact:
                found.append((match.start(), contact))
        # Digits inside an address are no phone number.
        rest = pattern.sub(lambda m: " " * len(m.group(0)), rest)
    for phone in phonenumbers.PhoneNumberMatcher(rest, REGION):
        number = phonenumbers.format_number(phone.number, phonenumbers.PhoneNumberFormat.E164)
        if phone.number.extension:
            number += f";ext={phone.number.extension}"
        found.append((phone.start, Contact("phone", number, phone.raw_string)))
    found.sort(key=lambda pair: pair[0])
    unique: dict[str, Contact] = {}
    for _, contact in found:
        unique.setdefault(contact.value, contact)
    return list(unique.values())


def contact_problem(text: str) -> ContactProblem | None:
    """Why :func:`read_contact` finds nothing in ``text``; None when it finds something."""
    if read_contacts(text):
        return None
    text = _plain(text)
    if "@" in text or _SPELLED_OUT.search(text):
        return ContactProblem.EMAIL_NOT_VALID
    if _LOCAL_NUMBER.search(text):
        return ContactProblem.AREA_CODE_MISSING
    if _DIGITS.search(_DATE_OR_CLOCK.sub(" ", text)):
        return ContactProblem.PHONE_NOT_VALID
    return ContactProblem.NOTHING_FOUND


def _plain(text: str) -> str:
    """Full-width digits and signs as plain ones, no control or half characters; not too much."""
    text = unicodedata.normalize("NFKC", text[:_LONGEST])
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def _email(match: re.Match[str]) -> Contact | None:
    groups = match.groupdict()
    local = groups["local"].lstrip(".'*").removeprefix("mailto:")
    domain = groups["domain"].rstrip(".'*-_…")
    if groups.get("tld"):
        domain = f"{domain}.{groups['tld']}"
    try:
        address = validate_email(f"{local}@{domain}", check_deliverability=False)
    except EmailNotValidError:
        return None
    return Contact(
        "email",
        address.normalized,
        " ".join(match.group(0).strip(".'* ").split()),
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
