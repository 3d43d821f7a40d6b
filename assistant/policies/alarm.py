"""What is kept of an alarm, and what a patient says back to it. The words are in data/alarm.yml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, cast

import yaml

from assistant.nlu.clauses import is_question
from assistant.project import DATA
from assistant.safety.triage import RESEMBLES

# One sign of an open alarm, as the slot ``alarms`` keeps it: "sign" (its id in data/safety),
# "named" (how a sentence names it, "" where it was only resembled), "kind" (one of
# ``assistant.safety.table.KINDS``), "level" and, once it is said again that it is so, "confirmed".
Alarm = Mapping[str, str]

# More would be a list that nobody in fear can take in.
MOST_NAMED = 3
SHORT_MESSAGE = 5  # words
# Kinds of sign of which the check question is not asked twice, whatever the reply.
ASKED_ONCE = frozenset({"crisis", "violence"})
Said = Literal[
    "there",
    "joke",
    "going",
    "drive",
    "which",
    "wait",
    "refuses",
    "gone",
    "own_reason",
    "massage",
    "taken_back",
]
_PART = re.compile(r"<(\w+)>")


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The lists of data/alarm.yml."""
    loaded: dict[str, Any] = yaml.safe_load((DATA / "alarm.yml").read_text(encoding="utf-8"))
    return loaded


@lru_cache(maxsize=128)
def _pattern(expression: str) -> re.Pattern[str]:
    parts = words()["parts"]
    return re.compile(_PART.sub(lambda match: parts[match[1]], expression), re.IGNORECASE)


def _has(expressions: str | Iterable[str], text: str) -> bool:
    expressions = [expressions] if isinstance(expressions, str) else expressions
    return any(_pattern(expression).search(text) for expression in expressions)


def added(open_alarms: Sequence[Alarm], triage: Mapping[str, Any], level: str) -> list[Alarm]:
    """The open alarms with the signs of a message, each once, the newest last."""
    kind = str(triage.get("kind") or "medical")
    known = {alarm["sign"] for alarm in open_alarms}
    named = triage.get("named") or {}
    kinds = triage.get("kinds") or {}
    new = [
        {
            "sign": _plain(sign),
            "named": named.get(sign, ""),
            "kind": kinds.get(sign, kind),
            "level": level,
        }
        for sign in triage.get("signs") or ()
        if _plain(sign) not in known
    ]
    return [*open_alarms, *new]


def confirmed(open_alarms: Sequence[Alarm]) -> list[Alarm]:
    """The open alarms, once the patient was asked whether they were meant and did not say no."""
    return [{**one, "confirmed": "yes"} for one in open_alarms]


def _plain(sign: str) -> str:
    return sign.removeprefix(RESEMBLES)


def only_resembles(triage: Mapping[str, Any]) -> bool:
    """No pattern found a sign in the message, it only compares with one."""
    signs = triage.get("signs") or ()
    return bool(signs) and all(str(sign).startswith(RESEMBLES) for sign in signs)


def covers(open_alarms: Sequence[Alarm], triage: Mapping[str, Any]) -> bool:
    """All signs of the message are among those that the patient was warned of before."""
    known = {alarm["sign"] for alarm in open_alarms}
    signs = {_plain(sign) for sign in triage.get("signs") or ()}
    return bool(signs) and signs <= known


def without_crisis(open_alarms: Sequence[Alarm]) -> list[Alarm]:
    """What stays open when words of despair were taken back."""
    return [alarm for alarm in open_alarms if alarm["kind"] != "crisis"]


def names(open_alarms: Sequence[Alarm]) -> list[str]:
    """How a sentence names the open signs, the latest first."""
    named = [alarm["named"] for alarm in reversed(open_alarms) if alarm["named"]]
    return list(dict.fromkeys(named))[:MOST_NAMED]


def most_pressing(open_alarms: Sequence[Alarm]) -> str:
    """What the body needs at once: "ambulance", "overdose" or "medical"."""
    kinds = {alarm["kind"] for alarm in open_alarms}
    return next((kind for kind in ("ambulance", "overdose") if kind in kinds), "medical")


def language_of(text: str) -> str | None:
    """ "french" or "spanish" for a message that is, None for English."""
    for language, expression in words()["languages"].items():
        found = {match.group().lower() for match in _pattern(expression).finditer(text)}
        if len(found) >= (2 if len(text.split()) > SHORT_MESSAGE else 1):
            return str(language)
    return None


def person_in(text: str) -> str | None:
    """About whom a sign is told ("your mother"); None when it is the patient who writes."""
    lists = words()
    plain = text.replace("\u2019", "'")
    if is_own(text):
        return None
    for person, expression in lists["persons"].items():
        for match in _pattern(expression).finditer(plain):
            if not re.match(lists["only_named"], plain[match.end() :], re.IGNORECASE):
                return str(person)
    return somebody() if _has(lists["somebody"]["words"], plain) else None


def could_be(person: str | None, text: str) -> bool:
    """Whether the "he" or "she" of a text can be this person ("your mother")."""
    lists = words()["somebody"]
    if person is None:
        return False
    said = {word for word, forms in lists["forms"].items() if _has(forms, text)}
    return not said or any(not _has(lists["never"][word], person) for word in said)


def somebody() -> str:
    """How a sentence names a patient who is only "he" or "she"."""
    return str(words()["somebody"]["named"])


def is_own(text: str) -> bool:
    """Whoever writes tells of their own body."""
    return _has(words()["own_sign"], text.replace("\u2019", "'"))


def names_the_writer(text: str) -> bool:
    """Whether the one who writes is in it: "I", "me"; "my" may be anyone's of theirs."""
    return _has(words()["the_writer"], text.replace("\u2019", "'"))


def asks_to_wait(text: str) -> bool:
    """Whether the message asks if the danger can wait, and says nothing of an appointment."""
    lists = words()
    plain = text.replace("\u2019", "'")
    return _has(lists["asks_to_wait"], plain) and not _has(lists["about_booking"], plain)


def fears_hospital(text: str) -> bool:
    """Whether the message says that the patient did not want to be sent to hospital."""
    return _has(words()["fears_hospital"], text.replace("\u2019", "'"))


def half_yes(text: str) -> bool:
    """A yes that is not said outright ("kind of"), or no knowing: both count as a yes."""
    return _has(words()["half_yes"], text.replace("\u2019", "'"))


def misunderstood(text: str) -> bool:
    """Whether the message says that something else was meant than what it was taken for."""
    return _has(words()["misunderstood"], text.replace("\u2019", "'"))


def names_another_place(text: str) -> bool:
    """ "Not my leg, it's my back", "my legs are fine": a no to where, not to what was told."""
    return _has(words()["another_place"], text.replace("\u2019", "'"))


def never_told(text: str) -> bool:
    """ "I never said so", "there is no swelling", with no "but" after it."""
    plain = text.replace("\u2019", "'")
    return _has(words()["never_told"], plain) and not _has(words()["but"], plain)


def corrects(text: str) -> bool:
    """Whether the message says that what was told before was a joke or not meant so."""
    lists = words()
    plain = text.replace("\u2019", "'")
    said_so = _has(lists["said"]["joke"], plain) or _has(lists["corrected"], plain)
    return said_so and not _has(lists["meant"], plain)


def feels_unwell(text: str) -> bool:
    """Whether the message tells of feeling ill: what eases is not told so."""
    return _has(words()["unwell"], text.replace("\u2019", "'"))


def same_since(text: str) -> bool:
    """ "It's the same since the spring": there for long, and no worse."""
    return _has(words()["same_since"], text.replace("\u2019", "'"))


def only_consents(text: str) -> bool:
    """ "Ok", said to the advice, and nothing more."""
    return _has(words()["only_consents"], text.replace("\u2019", "'"))


def said(text: str, kind: str) -> Said | None:
    """What the message says back to an alarm of this kind, or None."""
    lists = words()
    plain = text.replace("\u2019", "'")
    if kind == "crisis":
        taken_back = _has(lists["taken_back"], plain) and not _has(lists["meant"], plain)
        return "taken_back" if taken_back else None
    if kind == "violence":
        return None
    for name, expressions in lists["said"].items():
        if name == "gone" and (is_question(plain) or _has(lists["unwell"], plain)):
            continue  # "is that normal", "I feel ok, just a bit sick"
        if _has(expressions, plain):
            return cast("Said", name)
    return None
