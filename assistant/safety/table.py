"""The table of signs: what a clinician wrote in ``data/safety/*.yml``, checked and loaded.

Nothing here knows what a sign means. An entry that cannot be used is refused when the
table is loaded, with the file, the key and the value, since a sign that silently never
matches would be worse than no start at all.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

LEVELS = ("check", "urgent", "emergency")
SIGN_LEVELS = ("urgent", "emergency")
CHECKS = (
    *("bladder", "saddle", "legs", "weakness", "swelling", "fever", "mood", "safety", "overdose"),
    *("joke", "general"),
)
# Signs with an answer of their own, instead of the one of their level. The first goes before the
# others: whoever took pills to die needs Poison Control and the ambulance first.
RESPONSES = ("overdose", "crisis_means", "crisis", "violence", "violence_quiet")
# What an alarm is about. "medical" is for a doctor to look at, "ambulance" not even a way for.
KINDS = ("medical", "ambulance", "overdose", "crisis", "violence")
SECTIONS = (
    "concepts",
    "spellings",
    "signs",
    "findings",
    "combinations",
    "figures_of_speech",
    "said_to_be_well",
    "ordinary",
    "everyday",
    "wordings",
)
# Concepts that assistant/safety/context.py asks for by name.
CUES = (
    "not",
    "not_a_negation",
    "ends_negation",
    "is_fine",
    "i_do_not",
    "long_ago",
    "went_away",
    "unchanged",
    "new",
    "question_start",
    "small_talk",
    "asks_about",
    "asks_if_usual",
    "hedge",
    "request",
    "definition",
    "search_word",
    "cause_question",
    "named_cause",
    "personal",
    "onset",
    "attribute",
    "supposed",
    "someone_elses_illness",
    "animal",
    "said_of_others",
    "at_work",
    "works_with_people",
    "laughing",
    "in_earnest",
    "insists",
    "trifle",
    "no_word",
    "yes_word",
    "unsure",
)
_CONCEPT_KEYS = {"means", "words", "verbs", "includes"}
_SIGN_KEYS = {
    "id",
    "level",
    "check",
    "response",
    "ambulance",
    "why",
    "named",
    "source",
    "clear",
    "unclear",
    "ask",
    "even_if_general",
    "even_if_passed",
    "examples",
    "not_a_sign",
}
_FINDING_KEYS = {"id", "clear", "even_if_past", "even_if_general"}
_COMBINATION_KEYS = {
    "id",
    "of",
    "level",
    "check",
    "response",
    "ambulance",
    "why",
    "named",
    "source",
    "examples",
    "not_a_sign",
}


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# A word in angle brackets in a phrase stands for any of these.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "my": ("", "my", "his", "her", "the", "your", "their", "our", "a"),
    "myself": ("myself", "himself", "herself", "themselves", "yourself", "themself", "my self"),
    "legs": tuple(
        f"{whose} {part}".strip()
        for whose in ("", "my", "his", "her", "the", "their", "of my", "of his", "of her")
        for part in (
            *_split("legs feet thighs calves toes heels shins hamstrings buttocks sides limbs"),
            *_split("side leg foot soles glutes"),
            *("big toes", "lower legs", "upper legs", "lower limbs", "lower extremities"),
        )
    ),
    "that": ("", *_split("a the my that this yesterdays todays"), "a long", "the long", "a hard"),
    "sport": (
        *_split("run running walk walking hike hiking gym workout exercise training cycling ride"),
        *_split("squats hockey skating skiing yoga pilates race match game football tennis swim"),
        *_split("swimming climb climbing dance class day shift marathon deadlifts lunges crossfit"),
        *_split("lifting spin boxing soccer burpees"),
    ),
    "temp": tuple(f"{degrees}.{tenth}" for degrees in (38, 39, 40) for tenth in range(1, 10)),
    "age": tuple(str(age) for age in range(65, 100)),
    "child_age": (
        *(str(age) for age in range(3, 30)),
        *_split("five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"),
        *_split("seventeen eighteen nineteen twenty"),
    ),
    "dose": (
        *(str(amount) for amount in (*range(5, 100), 100, 120, 125, 150, 200)),
        *_split("five six seven eight nine ten twelve fifteen twenty thirty forty fifty hundred"),
    ),
    "number": (
        *_split("2 3 5 10 15 20 25 30 40 45"),
        *_split("few two three five ten fifteen twenty thirty half"),
    ),
    "relative": (
        *_split(
            "mother mum mom father dad grandma grandmother gran nan grandpa grandad grandfather"
        ),
        *_split("aunt uncle sister brother cousin friend neighbour neighbor husband wife partner"),
    ),
    "tiresome": (
        *_split(
            "boss husband wife boyfriend girlfriend brother sister dad mom mum kid son daughter"
        ),
        *_split("he she coworker colleague landlord neighbour neighbor ex teacher manager dog cat"),
        *("mother in law", "father in law"),
    ),
    "game": (
        *_split(
            "badminton squash chess cards tennis golf darts pool snooker bowling scrabble poker"
        ),
        *_split(
            "monopoly hockey football basketball curling cribbage trivia running everything it"
        ),
        *("table tennis", "ping pong", "arm wrestling", "a race", "the race"),
    ),
    "treat": (
        *_split(
            "sunshine chocolate netflix sugar cake relaxation giggles laughter pies pie turkey"
        ),
        *_split("cookies candy pizza cheese sweets carbs pasta curry tv tiktok stuffing crisps"),
        *_split("chips pudding bbq minecraft fortnite roblox youtube hockey football memes coffee"),
        *_split("zoom meetings emails gossip work news"),
        *("ice cream", "mince pies", "christmas food", "video games", "screen time"),
    ),
    "weekday": _split(
        "monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday fridays "
        "saturday saturdays sunday sundays"
    ),
    "trifle": (
        *_split("traffic commute bus train line queue website form chair desk homework exam exams"),
        *_split("weather heat snow meeting meetings music price prices waiting parking app wifi"),
        *("hold music", "phone line", "workout", "leg day", "school run"),
    ),
    "is": (
        *_split("is are was were feels feel felt feeling went gone goes going got gets getting"),
        *("has gone", "have gone", "has", "have", "seems", "became"),
    ),
}
_SLOT = re.compile(r"<(\w+)>")


class SafetyTableError(ValueError):
    """The table of signs cannot be used. The message names the file, the key and the value."""

    def __init__(self, file: str, key: str, value: object, problem: str) -> None:
        super().__init__(f"{file}: {key}: {value!r}: {problem}")


def kind_of(response: str | None, ambulance: bool) -> str:
    """What an alarm with this answer is about, one of KINDS."""
    if response is not None:
        return response.partition("_")[0]
    return "ambulance" if ambulance else "medical"


@dataclass(frozen=True)
class Pattern:
    """Concepts that together tell of a sign.

    ``parts`` has one set of concept names an element, any of which will do.
    """

    parts: tuple[frozenset[str], ...]
    in_order: bool
    within: int
    """Words that may stand between one part and the next."""
    unless: tuple[str, ...]
    """Concepts whose presence in the same sentence makes the pattern void."""
    written: str


@dataclass(frozen=True)
class Sign:
    """One sign of the table. ``level`` is "urgent" or "emergency"."""

    id: str
    level: str
    check: str
    response: str | None
    ambulance: bool
    """Call an ambulance, and go nowhere: heart, stroke, breath."""
    why: str
    named: str
    """How a sentence names it: "because of {named}", "do they know about {named}"."""
    source: tuple[str, ...]
    clear: tuple[Pattern, ...]
    unclear: tuple[Pattern, ...]
    ask: tuple[Pattern, ...]
    even_if_general: bool
    even_if_passed: bool
    """Had lately it alarms as well, and that it is gone settles nothing: a small stroke."""
    examples: tuple[str, ...]
    not_a_sign: tuple[str, ...]

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return kind_of(self.response, self.ambulance)


@dataclass(frozen=True)
class Finding:
    """Something that is no sign by itself, such as fever, but is one in a combination."""

    id: str
    clear: tuple[Pattern, ...]
    even_if_past: bool
    even_if_general: bool


@dataclass(frozen=True)
class Combination:
    """Findings or signs that together make a sign, wherever in the message they stand.

    ``level`` is one of LEVELS, ``response`` one of RESPONSES or None.
    """

    id: str
    of: tuple[tuple[str, ...], ...]
    level: str
    check: str
    response: str | None
    ambulance: bool
    why: str
    named: str
    source: tuple[str, ...]
    examples: tuple[str, ...]
    not_a_sign: tuple[str, ...]

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return kind_of(self.response, self.ambulance)


@dataclass(frozen=True)
class Wording:
    """One more wording of a sign, or of what is none. Only the comparison of meanings reads it."""

    of: str
    is_sign: bool
    text: str


@dataclass
class Table:
    """The whole table."""

    concepts: dict[str, list[str]] = field(default_factory=dict)
    """Phrases of each concept, inflected and with slots filled, not yet made plain."""
    spellings: dict[str, str] = field(default_factory=dict)
    signs: list[Sign] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    combinations: list[Combination] = field(default_factory=list)
    figures_of_speech: list[str] = field(default_factory=list)
    said_to_be_well: list[Pattern] = field(default_factory=list)
    ordinary: list[str] = field(default_factory=list)
    everyday: list[str] = field(default_factory=list)
    """Ordinary as well, but not collected because it sounds like a sign."""
    wordings: list[Wording] = field(default_factory=list)
    digest: str = ""
    """Changes whenever a file of the table changes."""

    @property
    def entries(self) -> list[Sign | Combination]:
        """Signs, then combinations: all that a patient may be told about."""
        return [*self.signs, *self.combinations]

    def concepts_of(self, entry: Sign | Combination) -> frozenset[str]:
        """Names of the concepts in the patterns of an entry, or of what it combines."""
        return frozenset().union(*self.concepts_by_part(entry))

    def concepts_by_part(self, entry: Sign | Combination) -> tuple[frozenset[str], ...]:
        """The same for each part of a combination; a sign has one part."""
        parts = entry.of if isinstance(entry, Combination) else ((entry.id,),)
        return tuple(self._concepts_of_any(part) for part in parts)

    def _concepts_of_any(self, names: Collection[str]) -> frozenset[str]:
        patterns: list[Pattern] = []
        for sign in self.signs:
            if sign.id in names:
                patterns += (*sign.clear, *sign.unclear, *sign.ask)
        for finding in self.findings:
            if finding.id in names:
                patterns += finding.clear
        return frozenset(name for pattern in patterns for part in pattern.parts for name in part)


def load(folder: Path) -> Table:
    """Reads and checks every ``*.yml`` of ``folder``.

    Raises SafetyTableError for a missing folder, unreadable YAML, an unknown key, a level
    that does not exist, a pattern that names an unknown concept, and the like.
    """
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise SafetyTableError(str(folder), "folder", str(folder), "holds no .yml file")
    digest = hashlib.sha256()
    raw: list[tuple[str, dict[str, Any]]] = []
    for file in files:
        content = file.read_bytes()
        digest.update(file.name.encode() + b"\0" + content + b"\0")
        raw.append((file.name, _parse(file.name, content)))
    table = Table(digest=digest.hexdigest())
    for name, data in raw:
        _load_concepts(table, name, data.get("concepts"))
        _load_spellings(table, name, data.get("spellings"))
        for phrase in _texts(name, "figures_of_speech", data, required=False):
            table.figures_of_speech += _expanded(name, "figures_of_speech", phrase)
        table.ordinary += _texts(name, "ordinary", data, required=False)
        table.everyday += _texts(name, "everyday", data, required=False)
    _resolve_includes(table, raw)
    for cue in CUES:
        if not table.concepts.get(cue):
            raise SafetyTableError(str(folder), "concepts", cue, "this concept is needed")
    for name, data in raw:
        table.said_to_be_well += _patterns(table, name, "said_to_be_well", data)
        for entry in _entries(name, "findings", data):
            table.findings.append(_finding(table, name, entry))
        for entry in _entries(name, "signs", data):
            table.signs.append(_sign(table, name, entry))
    for name, data in raw:
        for entry in _entries(name, "combinations", data):
            table.combinations.append(_combination(table, name, entry))
    for name, data in raw:
        _load_wordings(table, name, data.get("wordings"))
    _refuse_duplicates(str(folder), table)
    if not table.signs:
        raise SafetyTableError(str(folder), "signs", [], "the table holds no sign")
    return table


def expand(phrase: str) -> list[str]:
    """All wordings of a phrase: "between <my> legs" gives "between legs", "between her legs"..."""
    pieces: list[tuple[str, ...]] = []
    position = 0
    for slot in _SLOT.finditer(phrase):
        pieces += [(phrase[position : slot.start()],), SLOTS[slot.group(1)]]
        position = slot.end()
    pieces.append((phrase[position:],))
    return [" ".join("".join(choice).split()) for choice in itertools.product(*pieces)]


def inflect(verb: str) -> list[str]:
    """Forms of a regular verb or verb phrase ("pass urine": "passes urine", "passing urine").

    Doubled letters are tried both ways, which also covers a common slip of spelling.
    """
    head, _, rest = verb.partition(" ")
    stem = head[:-1] if head.endswith("e") and not head.endswith("ee") else head
    forms = [head, head + "s", stem + "ing", stem + "ed", head + "ing"]
    if head.endswith(("s", "sh", "ch", "x", "z")):
        forms.append(head + "es")
    if head.endswith("y"):
        forms += [head[:-1] + "ies", head[:-1] + "ied"]
    if head.endswith("ee"):
        forms.append(head + "d")
    if re.fullmatch(r"[a-z]*[^aeiou][aeiou][bdgklmnprt]", head):
        forms += [head + head[-1] + "ing", head + head[-1] + "ed"]
    return [f"{form} {rest}".strip() for form in dict.fromkeys(forms)]


class _Loader(yaml.CSafeLoader):
    """Refuses a name that stands twice in one mapping; YAML would keep only the second."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key) for key, _ in node.value]
    for name in names:
        if names.count(name) > 1:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {name!r} stands there twice")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _parse(file: str, content: bytes) -> dict[str, Any]:
    try:
        data = yaml.load(content, _Loader)  # noqa: S506 (CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SafetyTableError(file, "file", file, f"not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise SafetyTableError(file, "file", data, "must hold keys and values")
    for key in data:
        if key not in SECTIONS:
            allowed = ", ".join(SECTIONS)
            raise SafetyTableError(file, "key", key, f"unknown; allowed: {allowed}")
    return data


def _load_concepts(table: Table, file: str, concepts: object) -> None:
    if concepts is None:
        return
    if not isinstance(concepts, dict):
        raise SafetyTableError(file, "concepts", concepts, "must be a list of names with words")
    for name, entry in concepts.items():
        key = f"concepts.{name}"
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise SafetyTableError(file, "concepts", name, "a name is lower case, with underscores")
        if name in table.concepts:
            raise SafetyTableError(file, key, name, "this concept is there already")
        if not isinstance(entry, dict):
            raise SafetyTableError(file, key, entry, "must hold words, verbs or includes")
        _refuse_unknown_keys(file, key, entry, _CONCEPT_KEYS)
        phrases: list[str] = []
        for phrase in _texts(file, f"{key}.words", entry, "words", required=False):
            phrases += _expanded(file, key, phrase)
        for verb in _texts(file, f"{key}.verbs", entry, "verbs", required=False):
            for form in inflect(verb):
                phrases += _expanded(file, key, form)
        if not phrases and not entry.get("includes"):
            raise SafetyTableError(file, key, entry, "has no words")
        table.concepts[name] = phrases


def _expanded(file: str, key: str, phrase: str) -> list[str]:
    for slot in _SLOT.findall(phrase):
        if slot not in SLOTS:
            allowed = ", ".join(f"<{name}>" for name in SLOTS)
            raise SafetyTableError(file, key, phrase, f"unknown <{slot}>; allowed: {allowed}")
    return expand(phrase)


def _load_spellings(table: Table, file: str, spellings: object) -> None:
    if spellings is None:
        return
    if not isinstance(spellings, dict):
        raise SafetyTableError(file, "spellings", spellings, "must map a word to its variants")
    for word in spellings:
        for variant in _texts(file, f"spellings.{word}", spellings, word):
            table.spellings[variant.lower()] = str(word)


def _resolve_includes(table: Table, raw: list[tuple[str, dict[str, Any]]]) -> None:
    includes: dict[str, list[str]] = {}
    for file, data in raw:
        for name, entry in (data.get("concepts") or {}).items():
            key = f"concepts.{name}.includes"
            includes[name] = _texts(file, key, entry, "includes", required=False)
            for other in includes[name]:
                if other not in table.concepts:
                    raise SafetyTableError(file, key, other, "unknown concept")
    own = {name: list(phrases) for name, phrases in table.concepts.items()}

    def collect(name: str, seen: frozenset[str]) -> list[str]:
        phrases = list(own[name])
        for other in includes.get(name, []):
            if other not in seen:
                phrases += collect(other, seen | {other})
        return phrases

    for name in table.concepts:
        table.concepts[name] = list(dict.fromkeys(collect(name, frozenset({name}))))


def _entries(file: str, section: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = data.get(section) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SafetyTableError(file, section, entries, "must be a list of entries")
    return entries


def _load_wordings(table: Table, file: str, wordings: object) -> None:
    if wordings is None:
        return
    if not isinstance(wordings, dict):
        raise SafetyTableError(file, "wordings", wordings, "must be ids with their wordings")
    known = {entry.id for entry in table.entries}
    for name, more in wordings.items():
        key = f"wordings.{name}"
        if name not in known:
            raise SafetyTableError(file, key, name, "there is no such sign or combination")
        if not isinstance(more, dict):
            raise SafetyTableError(file, key, more, "must hold examples or not_a_sign")
        _refuse_unknown_keys(file, key, more, {"examples", "not_a_sign"})
        for kind, is_sign in (("examples", True), ("not_a_sign", False)):
            texts = _texts(file, f"{key}.{kind}", more, kind, required=False)
            table.wordings += [Wording(name, is_sign, text) for text in texts]


def _sign(table: Table, file: str, entry: dict[str, Any]) -> Sign:
    key = f"signs.{entry.get('id')}"
    _refuse_unknown_keys(file, key, entry, _SIGN_KEYS)
    clear = _patterns(table, file, f"{key}.clear", entry, "clear")
    unclear = _patterns(table, file, f"{key}.unclear", entry, "unclear")
    ask = _patterns(table, file, f"{key}.ask", entry, "ask")
    if not (clear or unclear or ask):
        raise SafetyTableError(file, key, entry, "has no patterns: clear, unclear or ask")
    return Sign(
        id=_identifier(file, key, entry),
        level=_choice(file, f"{key}.level", entry, "level", SIGN_LEVELS),
        check=_choice(file, f"{key}.check", entry, "check", CHECKS),
        response=_response(file, key, entry),
        ambulance=_flag(file, key, entry, "ambulance"),
        why=_sentence(file, key, entry),
        named=_name(file, key, entry),
        source=tuple(_texts(file, f"{key}.source", entry, "source")),
        clear=clear,
        unclear=unclear,
        ask=ask,
        even_if_general=_flag(file, key, entry, "even_if_general"),
        even_if_passed=_flag(file, key, entry, "even_if_passed"),
        examples=tuple(_texts(file, f"{key}.examples", entry, "examples")),
        not_a_sign=tuple(_texts(file, f"{key}.not_a_sign", entry, "not_a_sign", required=False)),
    )


def _finding(table: Table, file: str, entry: dict[str, Any]) -> Finding:
    key = f"findings.{entry.get('id')}"
    _refuse_unknown_keys(file, key, entry, _FINDING_KEYS)
    clear = _patterns(table, file, f"{key}.clear", entry, "clear")
    if not clear:
        raise SafetyTableError(file, f"{key}.clear", entry.get("clear"), "has no patterns")
    return Finding(
        id=_identifier(file, key, entry),
        clear=clear,
        even_if_past=_flag(file, key, entry, "even_if_past"),
        even_if_general=_flag(file, key, entry, "even_if_general"),
    )


def _combination(table: Table, file: str, entry: dict[str, Any]) -> Combination:
    key = f"combinations.{entry.get('id')}"
    _refuse_unknown_keys(file, key, entry, _COMBINATION_KEYS)
    known = {sign.id for sign in table.signs} | {finding.id for finding in table.findings}
    parts = []
    for part in _texts(file, f"{key}.of", entry, "of"):
        names = tuple(part.split(" or "))
        for name in names:
            if name not in known:
                raise SafetyTableError(file, f"{key}.of", name, "unknown sign or finding")
        parts.append(names)
    if len(parts) < 2:
        raise SafetyTableError(file, f"{key}.of", entry.get("of"), "needs two or more")
    return Combination(
        id=_identifier(file, key, entry),
        of=tuple(parts),
        level=_choice(file, f"{key}.level", entry, "level", LEVELS),
        check=_choice(file, f"{key}.check", entry, "check", CHECKS),
        response=_response(file, key, entry),
        ambulance=_flag(file, key, entry, "ambulance"),
        why=_sentence(file, key, entry),
        named=_name(file, key, entry),
        source=tuple(_texts(file, f"{key}.source", entry, "source")),
        examples=tuple(_texts(file, f"{key}.examples", entry, "examples")),
        not_a_sign=tuple(_texts(file, f"{key}.not_a_sign", entry, "not_a_sign", required=False)),
    )


def parse_pattern(file: str, key: str, written: str, concepts: Iterable[str]) -> Pattern:
    """Reads "numb or tingling with saddle within 6 unless exercise"."""
    known = set(concepts)
    body, _, unless = written.partition(" unless ")
    within = 4
    sized = re.fullmatch(r"(.*) within (\d+)", body)
    if sized:
        body, within = sized.group(1), int(sized.group(2))
    if " then " in body and " with " in body:
        raise SafetyTableError(file, key, written, 'use either "then" or "with", not both')
    in_order = " with " not in body
    parts = tuple(
        frozenset(name.strip() for name in part.split(" or "))
        for part in body.split(" then " if in_order else " with ")
    )
    excluded = tuple(name.strip() for name in unless.split(" or ")) if unless else ()
    for name in itertools.chain(excluded, *parts):
        if name not in known:
            raise SafetyTableError(file, key, written, f"unknown concept {name!r}")
    return Pattern(parts, in_order, within, excluded, written)


def _patterns(
    table: Table, file: str, key: str, entry: Mapping[str, Any], name: str | None = None
) -> tuple[Pattern, ...]:
    written = _texts(file, key, entry, name, required=False)
    return tuple(parse_pattern(file, key, one, table.concepts) for one in written)


def _refuse_unknown_keys(file: str, key: str, entry: Mapping[str, Any], allowed: set[str]) -> None:
    for name in entry:
        if name not in allowed:
            problem = f"unknown key; allowed: {', '.join(sorted(allowed))}"
            raise SafetyTableError(file, key, name, problem)


def _identifier(file: str, key: str, entry: Mapping[str, Any]) -> str:
    value = entry.get("id")
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise SafetyTableError(file, f"{key}.id", value, "lower case words with underscores")
    return value


def _choice(
    file: str, key: str, entry: Mapping[str, Any], name: str, allowed: tuple[str, ...]
) -> str:
    value = entry.get(name)
    if value not in allowed:
        raise SafetyTableError(file, key, value, f"allowed: {', '.join(allowed)}")
    return str(value)


def _response(file: str, key: str, entry: Mapping[str, Any]) -> str | None:
    value = entry.get("response")
    if value not in (None, *RESPONSES):
        allowed = f"allowed: {', '.join(RESPONSES)}, or leave out"
        raise SafetyTableError(file, f"{key}.response", value, allowed)
    return value


def _sentence(file: str, key: str, entry: Mapping[str, Any]) -> str:
    value = entry.get("why")
    if not isinstance(value, str) or not value.strip().endswith("."):
        raise SafetyTableError(file, f"{key}.why", value, "one plain sentence with a full stop")
    return " ".join(value.split())


def _name(file: str, key: str, entry: Mapping[str, Any]) -> str:
    value = entry.get("named")
    if not isinstance(value, str) or not value.strip() or value.strip().endswith("."):
        raise SafetyTableError(file, f"{key}.named", value, "a few words without a full stop")
    return " ".join(value.split())


def _flag(file: str, key: str, entry: Mapping[str, Any], name: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise SafetyTableError(file, f"{key}.{name}", value, "allowed: true, false")
    return value


def _texts(
    file: str, key: str, entry: Mapping[str, Any], name: str | None = None, required: bool = True
) -> list[str]:
    values = entry.get(name if name is not None else key)
    if values is None and not required:
        return []
    if not isinstance(values, list) or (required and not values):
        raise SafetyTableError(file, key, values, "must be a list of texts")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            problem = "must be a text; put quotes around words such as yes, no and numbers"
            raise SafetyTableError(file, key, value, problem)
    return values


def _refuse_duplicates(folder: str, table: Table) -> None:
    seen: set[str] = set()
    for name in [one.id for one in table.entries] + [one.id for one in table.findings]:
        if name in seen:
            raise SafetyTableError(folder, "id", name, "used twice")
        seen.add(name)
