"""What patients say beside the answer to a question; most words are in data/booking_words.yml."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile
from typing import Any

import yaml

from assistant.nlu import clauses
from assistant.nlu.therapists import any_name, naming
from assistant.policies import alarm, checked
from assistant.project import DATA
from clinic.names import read_name
from clinic.references import ALPHABET

_PART = re.compile(
    r"(?<=[.;!?])\s+|,\s*|\n+|\s+(?:but|so)\s+|\s+and\s+(?=i\b|i'|my\b)", re.IGNORECASE
)
# Before a note: "at quarter past three, and (add that ...)".
_AND = re.compile(r"[\s,;]*\b(?:and|also|plus)\W*$", re.IGNORECASE)
# How the wish to cancel is written.
CANCELS = re.compile(r"\b(?:cancel|cancle|cansel|canel\b)", re.IGNORECASE)
# A question that begins in the middle: "wait whats the price first".
_ASKS = re.compile(
    r"\b(?:what.?s|how (?:much|long|many|often)|(?:what|where|when|which|who) (?:is|are|do|does|r)|"
    r"(?:do|does|are|r) (?:you|u|it|they|she)|is (?:it|there|that))\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DATA / "booking_words.yml").read_text("utf-8"))
    return loaded


def says(name: str, text: str) -> bool:
    """The words of that name in the list are in the text."""
    return re.search(_pattern(name), text, re.IGNORECASE) is not None


def _pattern(name: str) -> str:
    return naming(str(_words()[name]))


def refuses_contact(text: str) -> str | None:
    """ "phone" or "email" when the patient does not want to give it, or None."""
    if re.search(_words()["told_wrong"]["patient_contact"], text, re.IGNORECASE):
        # "no, wrong email" gives another one
        return None
    for kind, pattern in _words()["refuses"].items():
        if re.search(pattern, text, re.IGNORECASE):
            return str(kind)
    return None


def reference_in(text: str) -> str | None:
    """A reference among other words: six of its characters, a digit and a letter among them."""
    for word in re.findall(r"\b[A-Za-z0-9]{6}\b", text.upper()):
        mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        if mixed and set(word) <= set(ALPHABET):
            return str(word)
    named = re.search(_pattern("gives_reference"), text, re.IGNORECASE)
    return named[1].upper() if named else None


def note_in(text: str) -> str | None:
    """What the text tells the therapist: "add a note that ...", or about the patient's health.

    A question tells nothing.
    """
    return note_and_rest(text)[0]


def note_and_rest(text: str) -> tuple[str | None, str]:
    """What ``note_in`` finds, and what is said beside it."""
    asked_for = re.search(_pattern("note_for_her"), text, re.IGNORECASE)
    if asked_for:
        told = next(filter(None, asked_for.groups())).strip()
        told = re.sub(_pattern("around_a_note"), "", told, flags=re.IGNORECASE)
        rest = f"{_AND.sub('', text[: asked_for.start()])} {text[asked_for.end() :]}"
        return told, rest.strip()
    parts = [part.strip() for part in _PART.split(text)]
    told = [
        part
        for part in parts
        if says("health", part)
        and not (
            clauses.is_question(part) or says("reason_only", part) or says("denies_signs", part)
        )
    ]
    return ". ".join(told) or None, ", ".join(part for part in parts if part not in told)


def asks_for_somebody(text: str) -> bool:
    """ "Is sarah in today?", with a name that is none of the therapists'."""
    asked = re.search(str(_words()["asks_for_somebody"]), text, re.IGNORECASE)
    if asked is None or re.fullmatch(any_name(), asked[1], re.IGNORECASE):
        return False
    return read_name(asked[1]) is not None


def asks_for_a_note(text: str) -> bool:
    """ "Can you add that it is my left leg": words for the note, also in the form of a question."""
    return says("note_for_her", text)


def statements(text: str) -> str:
    """The text without the questions in it: "60" of "60, and is there parking?"."""
    parts = [part for part in re.split(r"(?<=[.?!;])\s+|,\s*|\n+", text) if part]
    asks = re.compile(r"^(?:and|but|also|plus|or)\s+", re.IGNORECASE)
    return ", ".join(
        part
        for part in parts
        if not clauses.is_question(asks.sub("", part)) and not _ASKS.search(part)
    )


def passes_change_on(message: str | None) -> bool:
    """The message to the clinic asks for a change of an appointment without a reference."""
    return own_words(message) != (message or "")


def own_words(message: str | None) -> str:
    """The message to the clinic without the wish for such a change."""
    wording = _words()["message_without_reference"]
    asks = tuple(str(wording[kind]) for kind in ("cancel", "move", "change"))
    lines = (message or "").split("\n")
    return "\n".join(takewhile(lambda line: not line.startswith(asks), lines))


def kind_of_change(text: str) -> str | None:
    """ "cancel" or "move", when the words tell one of them: "don't cancel, just move it"."""
    wanted = re.sub(_pattern("not_cancelling"), " ", text, flags=re.IGNORECASE)
    kinds = [kind for kind in ("cancel", "move") if says(kind, wanted)]
    return kinds[0] if len(kinds) == 1 else None


def says_yes_beside(text: str) -> bool:
    """ "Yes, is it confirmed now?": a yes before a question that wishes for nothing else."""
    asks = says("yes_first", text) and asks_something(text)
    return asks and not any(says(other, text) for other in ("says_no", "move", "not_cancelling"))


def begins_another(text: str) -> bool:
    """ "Another one", "ok now carlos at 10": one appointment more than the one that was sent."""
    anew = says("books_anew", text) or says("one_more_for", text)
    return anew or next_person(text) is not None or about_the_second(text) is not None


def next_person(text: str) -> str | None:
    """The one named in "ok now carlos at 10", "book the second one for carlos"."""
    patterns = _words()["next_person"]
    found = filter(None, (re.search(pattern, text, re.IGNORECASE) for pattern in patterns))
    match = next(found, None)
    return str(match[1]) if match else None


def tells_length(text: str) -> bool:
    """A length is told, and not only asked about."""
    told = statements(text)
    patterns = (_words()["minutes"], *_words()["lengths"].values(), *_words()["length_alone"])
    return any(re.search(pattern, told, re.IGNORECASE) for pattern in patterns)


def therapist_wish(text: str) -> str | None:
    """ "woman" or "man", or None when the message has no such wish."""
    for wish, pattern in _words()["therapist_wishes"].items():
        if re.search(naming(pattern), text, re.IGNORECASE):
            return str(wish)
    return None


def somebody_wished(text: str) -> str | None:
    """ "I saw Marcus last time", "I wanted Marcus": a name that is none of the therapists'."""
    for pattern in _words()["somebody_wished"]:
        match = re.search(pattern, text, re.IGNORECASE)
        name = read_name(match["name"]) if match else None
        if name and not re.fullmatch(any_name(), name, re.IGNORECASE):
            return name
    return None


def about_the_second(text: str) -> re.Match[str] | None:
    """Where a message goes on to the second of two who want to come; its "name" may be None."""
    found = (re.search(one, text, re.IGNORECASE) for one in _words()["about_the_second"])
    return next(filter(None, found), None)


def wishes_a_series(text: str, *, books: bool) -> bool:
    """ "Twice a week for a month": more than one request, but no question how often to come.

    ``books`` is whether the message was understood as the wish for an appointment.
    """
    if not says("series", text):
        return False
    return books or checked.wants_appointment(text) or not asks_something(text)


def is_for_a_grown_up(text: str) -> bool:
    """ "It's for my mom, she's 67", with nobody's child."""
    somebody = alarm.person_in(text) is not None
    return somebody and says("grown_up", text) and not says("under_16", text)


def asks_something(text: str) -> bool:
    """A part of the text is a question, also one without a mark."""
    asks = any(clauses.is_question(part) for part in (text, *clauses.split(text)))
    return asks or _ASKS.search(text) is not None
