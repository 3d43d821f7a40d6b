"""Making text that people typed fit to be stored."""

from __future__ import annotations

import re
import unicodedata


class BadInput(ValueError):
    """Something handed over to be stored cannot be; the text names the field and what is allowed.

    The value itself is not in the text, which may end up in a log.
    """


# Turn the direction of the text around them: at the staff desk they would show it falsified.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_APOSTROPHE = re.compile("['\u2019\u02bc`]")
_NOT_LETTERS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """The words of a text: "What's DVT?" and "whats dvt" are the same."""
    plain = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return " ".join(_NOT_LETTERS.sub(" ", plain).split())


def clean(text: str) -> str:
    """``text`` as typed, composed (NFC) and without blanks around it, less what is no text.

    Left out: control characters other than line ends and tabs, halves of characters, marks that
    turn the direction of reading.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        c
        for c in text
        if c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _DIRECTION)
    )
    return unicodedata.normalize("NFC", kept).strip()


def required(field: str, text: str | None, longest: int) -> str:
    """``text`` cleaned. Raises :class:`BadInput` when nothing is left or it is too long."""
    cleaned = clean(text or "")
    if not cleaned:
        raise BadInput(f"{field} is empty. Allowed: 1 to {longest} characters.")
    return _short(field, cleaned, longest)


def optional(field: str, text: str | None, longest: int) -> str | None:
    """``text`` cleaned, None when nothing is left. Raises :class:`BadInput` when too long."""
    cleaned = clean(text or "")
    return _short(field, cleaned, longest) if cleaned else None


def _short(field: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise BadInput(f"{field} has {len(text)} characters. Allowed: 1 to {longest}.")
    return text
