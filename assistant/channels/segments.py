"""How many text messages a text is: phones are sent it in segments, and each one is paid for.

With the letters of GSM-7 (3GPP TS 23.038) a segment holds 160 of them, or 153 where there are
several; with any other letter it holds 70, or 67, in UCS-2.
"""

from __future__ import annotations

from functools import lru_cache

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these takes the room of two.
_EXTENDED = "\f^{}\\[~]|€"
_GSM7, _UCS2 = (160, 153), (70, 67)


@lru_cache(maxsize=1)
def _sizes() -> dict[str, int]:
    return {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}


def segments(text: str) -> int:
    """Returns the number of segments, at least 1. No character is divided between two."""
    (alone, part), sizes = _room(text)
    if sum(sizes) <= alone:
        return 1
    count, left = 1, part
    for size in sizes:
        if size > left:
            count, left = count + 1, part
        left -= size
    return count


def longest(text: str, most: int) -> int:
    """Returns how many characters of this text surely fit into so many segments."""
    (_, part), sizes = _room(text)
    return most * (part // max(sizes, default=1))


def _room(text: str) -> tuple[tuple[int, int], list[int]]:
    """The room in a segment, alone and beside others, and that which each character takes."""
    if all(letter in _sizes() for letter in text):
        return _GSM7, [_sizes()[letter] for letter in text]
    return _UCS2, [1 if ord(letter) < 0x10000 else 2 for letter in text]
