"""Slips between the parts of an e-mail address: "sam@gmail,com", "sam at example.com", "sam@gmail".

What is put right here is read back to the patient before anything is sent there.
"""

from __future__ import annotations

import re

Place = tuple[int, int]
"""Where a character begins and ends in another text."""

#: Providers with one ending only.
ONE_ENDING = ("gmail", "googlemail", "icloud")
#: Providers of which a patient may mean either ending, the likelier one first.
TWO_ENDINGS = {"hotmail": ("com", "ca"), "outlook": ("com", "ca"), "yahoo": ("com", "ca")}
_NAMED = "|".join((*ONE_ENDING, *TWO_ENDINGS))
_ENDING = r"(?:com|ca|net|org|me|co|uk|fr|info|io|edu|us)"
_LOCAL = r"[a-z0-9][a-z0-9._+'-]*"
#: What may stand before and after an address that is all of a message.
_BEFORE = (
    r"^\W*(?:(?:hi|yes|yeah|yep|ok|okay|sure|so|um+|it'?s|it is|my|the|best|e-?mail|mail"
    r"|address"
    r"|is|at|use|try|reach me at|contact me at|send it to)\b[\s:,]*+)*+"
)
_AFTER = r"(?=\W*+(?:(?:please|pls|plz|thanks|thx|thank you)\b\W*+)*+$)"
# "Look at example.com" names a page.
_NO_LOCAL = (
    r"(?!(?:look|looking|looked|see|seen|saw|found|find|meet|visit|am|im|i'?m|me|it|is|was|were|work"
    r"|works|you|u|them|us|page|site|here|there|read|call|arrive|be|up|stay|live|someone)\b)"
)
_RULES = [
    (re.compile(pattern, re.IGNORECASE), right)
    for pattern, right in (
        (r"\{(at|dot)\}", r"(\1)"),
        (r"@{2,}", "@"),
        (rf"(?<=[\w.])#(?=(?:{_NAMED})\b)", "@"),
        # "sam@gmail,com", "sam@example . com", "sam@example..ca"
        (
            rf"(@\s?[a-z0-9-]+)(?:\s*,\s*|\s+\.\s*|\.\s+|\.{{2,}})({_ENDING})\b(?!\w)",
            r"\1.\2",
        ),
        # "sam@gmailcom"
        (rf"(@\s?(?:{_NAMED}))(com|ca)\b", r"\1.\2"),
        # "sam at exmaple,com", and nothing else
        (
            rf"({_BEFORE}){_NO_LOCAL}({_LOCAL}) at ([a-z0-9-]*[a-z][a-z0-9-]*)\s*[.,]\s*"
            rf"({_ENDING})\b{_AFTER}",
            r"\1\2@\3.\4",
        ),
        (rf"({_BEFORE}){_NO_LOCAL}({_LOCAL}) at ({_NAMED}){_AFTER}", r"\1\2@\3"),
        # "sam gmail.com"
        (rf"({_BEFORE}){_NO_LOCAL}({_LOCAL}) ((?:{_NAMED}))[.,](com|ca)\b{_AFTER}", r"\1\2@\3.\4"),
        # "sam@gmail"
        (rf"(@\s?(?:{'|'.join(ONE_ENDING)}))(?![\w.,-])", r"\1.com"),
    )
]
_WITHOUT_ENDING = re.compile(
    rf"({_LOCAL})@\s?({'|'.join(TWO_ENDINGS)})(?![\w-]|\.\w)", re.IGNORECASE
)

_ANY_SIGN = ("@", "#", " at ", "(at)", "[at]", "{at}", *ONE_ENDING, *TWO_ENDINGS)


def mended(text: str, places: list[Place] | None = None) -> str:
    """``text`` with what is plainly a slip in an address put right.

    ``places``, one for each character of ``text``, are kept in step with it.
    """
    for pattern, right in _RULES:
        slips = [(*match.span(), match.expand(right)) for match in pattern.finditer(text)]
        for begin, end, new in reversed(slips):
            if places is not None:
                places[begin:end] = _moved(places[begin:end], text[begin:end], new)
            text = text[:begin] + new + text[end:]
    return text


def _moved(places: list[Place], old: str, new: str) -> list[Place]:
    """The places of the characters of ``new``, which was ``old``."""
    shorter = min(len(old), len(new))
    before = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    shorter -= before
    after = next((at for at in range(shorter) if old[-1 - at] != new[-1 - at]), shorter)
    rest = len(old) - after
    replaced = places[before:rest] or [(places[before - 1][1],) * 2]
    whole = (replaced[0][0], replaced[-1][1])
    return [*places[:before], *[whole] * (len(new) - before - after), *places[rest:]]


def without_ending(text: str) -> re.Match[str] | None:
    """Where an address stands that has no ending and may have two, as "sam@yahoo"."""
    return _WITHOUT_ENDING.search(text)


def with_endings(match: re.Match[str]) -> tuple[str, ...]:
    """The addresses that such a one may stand for, the likelier first."""
    provider = match[2].lower()
    return tuple(f"{match[1]}@{provider}.{ending}" for ending in TWO_ENDINGS[provider])


def may_be_one(text: str) -> bool:
    """Whether anything here can be an address, well written or not; a quick look."""
    text = text.lower()
    return any(sign in text for sign in _ANY_SIGN)
