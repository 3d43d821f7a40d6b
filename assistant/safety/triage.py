"""The safety triage: every message passes here before anything else may act on it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language

from assistant.safety.clauses import Words, plain_words
from assistant.safety.context import (
    Cues,
    Meaning,
    filled_in,
    is_in_the_family,
    is_laughed_off,
    is_of_the_writer,
    judge,
    read_cues,
)
from assistant.safety.meaning import MeaningModel
from assistant.safety.patterns import Match, Places, Vocabulary, matches
from assistant.safety.replies import read_reply
from assistant.safety.table import CUES, RESPONSES, Combination, Finding, Sign, Table, load

logger = logging.getLogger(__name__)

MEANING_FILE = ".meaning.npz"
RANK = {None: 0, "check": 1, "urgent": 2, "emergency": 3}
RESEMBLES = "resembles_"
# Said with a laugh these are asked about, in other words where there are some.
LAUGHED_OFF = {"crisis": "joke", "violence": "safety"}

# One sentence of a long message says less by itself, so it has to be this much clearer.
SENTENCE_MARGIN = 0.15
# What a comparison of meanings cannot read. With any of it, it asks and does not tell.
DOUBTS = (
    *("not", "supposed", "animal", "long_ago", "went_away", "unchanged", "asks_about"),
    *("definition", "question_start", "said_of_others"),
)
# Sentences of a long message that are looked at one by one, for time's sake.
MOST_SENTENCES = 3
LONG_MESSAGE_WORDS = 14
# With fewer words, only those that were typed as they are can tell of something.
FEW_WORDS = 5
# Everyday words ("was", "want to", "at home") that tell of a sign only beside others.
EVERYDAY = frozenset(
    {
        *("enough_of", "holding", "near_me", "thoughts_of", "was_before"),
        *("close_by", "decided", "excited", "got_hurt", "may_i_take", "partner_did_it"),
        *("blade_slip", "the_whole_of_it", "whole_bottle", "again_and_again", "lost_no"),
    }
)
# Questions about what the nerves at the base of the spine do.
SADDLE = ("bladder", "saddle")
# Asked about also where it is only a question: "will she see the cuts on my arms".
ASKED_ANYWAY = (*SADDLE, "mood")
# How a question goes on from the one before.
_ASKS_ON = frozenset({"and", "or", "also", "what", "how"})
# Concepts that belong to no sign in particular.
COMMON = frozenset(
    {
        *CUES,
        *EVERYDAY,
        *("cannot", "does_not", "hard_to", "hardly", "have", "having", "takes", "sudden", "severe"),
        *("as_well", "affected", "spreading", "pain", "hurting", "strong_pain", "chest_feels"),
    }
)
# Patients here have these anyway: they speak for the nearest sign, for no other.
ANYWAY = frozenset({"back_pain", "back_place", "bare_back", "sciatica_word"})


@dataclass(frozen=True)
class Assessment:
    """What the triage found in one message."""

    level: str | None
    """None, "check", "urgent" or "emergency"."""
    signs: tuple[str, ...]
    """Ids of the signs found, most serious first."""
    response: str | None
    """Name of the response to give."""
    why: str | None
    """One plain sentence for {why}."""
    escalates_to: str | None
    """For "check": the level if the answer is not a clear "old and unchanged"."""
    safety_net: bool
    """A red-flag subject was mentioned, but denied, past or asked in general."""
    reply: str | None
    """How the text reads as a reply to a check question: "old", "gone", "yes" or None."""
    escalates_with: str | None = None
    """For "check": the response if it escalates, where it is not the one of the level."""
    named: Mapping[str, str] = field(default_factory=dict)
    """How a sentence names the signs that were told; not what a message only resembles."""
    kind: str | None = None
    """What the first sign is, one of ``table.KINDS``."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The same for each sign."""
    history: tuple[str, ...] = ()
    """Findings that count even when they are past: cancer, thin bones."""
    about: str = ""
    """How a sentence names the first sign, also one that is only resembled: for a question."""
    even_if_passed: bool = False
    """That the first sign is gone does not settle it."""
    of_the_writer: bool = False
    """Where the first sign is told, only the one who writes is spoken of."""
    speaks: bool = False
    """The message holds words that signs are told in, be it none by itself."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return {**asdict(self), "signs": list(self.signs), "history": list(self.history)}


@dataclass(frozen=True)
class _Found:
    """One sign with the level this message gives it."""

    id: str
    level: str
    check: str
    response: str | None
    why: str
    escalates_to: str
    named: str
    kind: str
    even_if_passed: bool = False


class Triage:
    """Assesses messages by the table of signs in ``data/safety``."""

    def __init__(
        self,
        table: Table,
        vocabulary: Vocabulary,
        model: MeaningModel,
    ) -> None:
        self.table = table
        self._vocabulary = vocabulary
        self._model = model
        self._order = {entry.id: place for place, entry in enumerate(table.entries)}
        self._past = {finding.id for finding in table.findings if finding.even_if_past}
        self._by_id = {entry.id: entry for entry in table.entries}
        self._family = {entry.id: table.concepts_of(entry) - COMMON for entry in table.entries}
        self._parts = {
            entry.id: [part - COMMON for part in table.concepts_by_part(entry)]
            for entry in table.combinations
        }

    @classmethod
    def load(cls, folder: Path, nlp: Language, encode: Callable[[list[str]], np.ndarray]) -> Triage:
        """Loads the table of ``folder``.

        ``nlp`` lends its vocabulary and word lists, ``encode`` gives one vector of length 1
        a text. Raises SafetyTableError naming file, key and value for a table that cannot
        be used.
        """
        table = load(Path(folder))
        vocabulary = Vocabulary(table, nlp)
        model = MeaningModel.load(table, encode, vocabulary, Path(folder) / MEANING_FILE)
        return cls(table, vocabulary, model)

    def assess(self, text: str, by_meaning: bool = True) -> Assessment:
        """Assesses one message. Never raises, whatever the text.

        Without ``by_meaning`` only what a pattern finds counts, at half the time. If something
        inside fails, the answer is a check question: silence would not be safe.
        """
        try:
            return self._assess(text, by_meaning)
        except Exception as error:
            # Only the kind of error is logged: no message may reach a log.
            logger.error("Safety triage failed (%s), asks a question", type(error).__name__)
            return Assessment(
                "check", (), "utter_check_general", None, "urgent", True, None, kind="medical"
            )

    def _assess(self, text: str, by_meaning: bool) -> Assessment:
        message = self._vocabulary.read(text)
        places = self._vocabulary.find(message)
        cues = read_cues(message, places)
        found: list[_Found] = []
        well = {
            message.sentence[match.start]
            for match in matches(self.table.said_to_be_well, places, message)
            if not match.void
        }
        mentioned = well | filled_in(message, places)
        present: set[str] = set()
        for sign in self.table.signs:
            level, seen, told = self._sign_level(sign, message, places, cues, well)
            mentioned |= seen
            if level is None:
                continue
            if told:
                present.add(sign.id)
            check = sign.check
            if sign.kind in LAUGHED_OFF and is_laughed_off(places):
                level, check = "check", LAUGHED_OFF[sign.kind]
            escalates = sign.level if level == "check" else level
            found.append(
                _Found(
                    sign.id,
                    level,
                    check,
                    sign.response,
                    sign.why,
                    escalates,
                    sign.named,
                    sign.kind,
                    sign.even_if_passed,
                )
            )
        history: list[str] = []
        for finding in self.table.findings:
            if self._is_present(finding, message, places, cues):
                present.add(finding.id)
                if finding.even_if_past:
                    history.append(finding.id)
            mentioned |= self._in_the_family(finding, message, places)
        for combination in self.table.combinations:
            if _is_complete(combination, present):
                found.append(_of_combination(combination))
        if by_meaning and not found:
            likely = self._by_meaning(message, places, mentioned)
            if likely is not None:
                found.append(likely)
        speaks = any(name not in CUES and name not in EVERYDAY for name in places)
        concluded = self._conclude(found, bool(mentioned), read_reply(message, places, cues))
        return replace(
            concluded,
            speaks=speaks,
            history=tuple(history),
            of_the_writer=self._is_of_the_writer(concluded.signs[:1], message, places),
        )

    def _sign_level(
        self, sign: Sign, message: Words, places: Places, cues: Cues, well: set[int]
    ) -> tuple[str | None, set[int], bool]:
        """The level a message gives a sign, and the sentences that speak of the sign at all.

        The last says whether the sign is told of as there now, be it worth a question only:
        not supposed, over or there for years. ``well`` holds the sentences that say something
        works, where no question is due.
        """
        level: str | None = None
        seen: set[int] = set()
        told = False
        settled: list[Match] = []
        for patterns, clear in ((sign.clear, True), (sign.unclear, False), (sign.ask, False)):
            for match in matches(patterns, places, message):
                seen.add(message.sentence[match.start])
                if match.void:
                    continue
                meaning = judge(match, message, places, cues)
                if meaning in (Meaning.DENIED, Meaning.OLD) or (
                    meaning is Meaning.GENERAL and not sign.even_if_general
                ):
                    settled.append(match)
                given = _level(sign, clear, meaning)
                if patterns is sign.ask and given is not None:
                    well_known = message.sentence[match.start] in well or any(
                        other.covers(part) for other in settled for part in match.parts
                    )
                    level = _higher(level, None if well_known else "check")
                    continue
                level = _higher(level, given)
                told |= given is not None and meaning in (Meaning.NEW, Meaning.PRESENT)
                if level == sign.level:
                    return level, seen, True
        return level, seen, told

    def _is_of_the_writer(self, signs: tuple[str, ...], message: Words, places: Places) -> bool:
        patterns = [
            pattern
            for sign in self.table.signs
            if sign.id in signs
            for pattern in (*sign.clear, *sign.unclear, *sign.ask)
        ]
        found = [one for one in matches(patterns, places, message) if not one.void]
        return bool(found) and is_of_the_writer(found[0], message, places)

    def _is_present(self, finding: Finding, message: Words, places: Places, cues: Cues) -> bool:
        return any(
            self._counts(finding, match, message, places, cues)
            for match in matches(finding.clear, places, message)
            if not match.void
        )

    def _in_the_family(self, finding: Finding, message: Words, places: Places) -> set[int]:
        """The sentences that tell of a relative's illness and of the patient's own pain."""
        if not finding.even_if_past or "someone_elses_illness" not in places:
            return set()
        return {
            message.sentence[match.start]
            for match in matches(finding.clear, places, message)
            if is_in_the_family(match, message, places)
        }

    def _counts(
        self, finding: Finding, match: Match, message: Words, places: Places, cues: Cues
    ) -> bool:
        if finding.even_if_past and is_in_the_family(match, message, places):
            return False
        meaning = judge(match, message, places, cues)
        if meaning in (Meaning.NEW, Meaning.PRESENT, Meaning.LASTING):
            return True
        if finding.even_if_general and meaning in (
            Meaning.SUPPOSED,
            Meaning.ASKED,
            Meaning.GENERAL,
        ):
            return True
        return finding.even_if_past and meaning in (Meaning.OLD, Meaning.PASSING, Meaning.LATELY)

    def _weight_of_sentences(self, message: Words, places: Places) -> Counter[int]:
        """How many words of the table's signs each sentence holds."""
        weight: Counter[int] = Counter()
        for name, found in places.items():
            if name not in CUES and name not in EVERYDAY:
                weight.update(message.sentence[place.start] for place in found)
        return weight

    def _by_meaning(self, message: Words, places: Places, mentioned: set[int]) -> _Found | None:
        """What the message resembles, when no pattern found anything in it.

        Sentences that a pattern understood as a denial, as past or as a general question are
        left out: a sentence vector does not tell "no fever" from "fever".
        """
        if _only_asks_on(message, places):
            return None
        spoken = _spoken_of(message, places)
        if not spoken and not places.get("personal"):
            return None  # whatever it resembles, ``_could_mean`` would say no
        texts: list[str] = []
        margins: list[float] = []
        if message.words and not mentioned:
            texts.append(message.text.strip())
            margins.append(0.0)
        sentences = [one for one in message.sentence_texts() if one[0] not in mentioned]
        if len(message.words) > LONG_MESSAGE_WORDS and message.sentence[-1] > 0:
            weight = self._weight_of_sentences(message, places)
            sentences.sort(key=lambda one: -weight[one[0]])
            for number, text in sentences[:MOST_SENTENCES]:
                if weight[number]:
                    texts.append(text)
                    margins.append(SENTENCE_MARGIN)
        if not texts:
            return None
        likely, margin = max(
            zip(self._model.likeness(texts), margins, strict=True),
            key=lambda found: found[0].asks - found[1],
        )
        if likely.asks < margin:
            return None
        near = [self._by_id[kind] for kind in likely.kinds]
        # a reason of two parts, such as "weight loss and back pain", needs a word of the other part
        anyway = near[0] if isinstance(near[0], Sign) else None
        own = [
            entry
            for entry in near
            if self._could_mean(entry, spoken if entry is anyway else spoken - ANYWAY, places)
        ]
        clear = likely.tells >= margin
        if not own and not (clear and spoken):
            return None
        # without a word of its own even what is clearly alike is only worth a question
        entry = own[0] if own else near[0]
        found = f"{RESEMBLES}{entry.id}"
        # of what takes two things, both have to be told
        whole = all(spoken & part for part in self._parts.get(entry.id, ()))
        told = clear and bool(own) and whole and not any(places.get(name) for name in DOUBTS)
        level = entry.level if entry.level != "check" else "urgent"
        given = entry.level if told else "check"
        response = entry.response
        # "I can't feel my left foot" is not asked about both legs
        check = "general" if entry.check == "legs" else entry.check
        if entry.kind in LAUGHED_OFF and is_laughed_off(places):
            given, check = "check", LAUGHED_OFF[entry.kind]
        return _Found(found, given, check, response, entry.why, level, entry.named, entry.kind)

    def _could_mean(self, entry: Sign | Combination, spoken: set[str], places: Places) -> bool:
        """Whether a message that resembles a sign has a word that the sign is told in.

        "She's new" is near to nothing that was learnt, and so to something. Despair and violence
        have too few words of their own: they need somebody of whom it could be said.
        """
        if entry.kind in ("crisis", "violence"):
            return bool(places.get("personal")) or bool(spoken & self._family[entry.id])
        return bool(spoken & self._family[entry.id])

    def _named(self, found: Iterable[_Found]) -> dict[str, str]:
        """Names by sign. A combination has one only where none of its signs has."""
        named = {one.id: one.named for one in found if one.id in self._by_id}
        for combination in self.table.combinations:
            parts = {name for part in combination.of for name in part}
            others = named.keys() - {combination.id}
            if parts & self._past:
                continue  # an illness of the past is a reason of its own
            if parts & others or (combination.level == "check" and others):
                named.pop(combination.id, None)
        return named

    def _conclude(self, found: Iterable[_Found], mentioned: bool, reply: str | None) -> Assessment:
        ranked = sorted(
            found,
            key=lambda one: (
                -RANK[one.level],
                RESPONSES.index(one.response) if one.response else len(RESPONSES),
                -RANK[one.escalates_to],
                one.kind != "ambulance",
                # of a nerve emergency the plainest reason is told: what is lost, before "both legs"
                one.check not in SADDLE,
                self._order.get(one.id, len(self._order)),
            ),
        )
        if not ranked:
            return Assessment(None, (), None, None, None, mentioned, reply)
        first = ranked[0]
        if first.level == "check":
            response = f"utter_check_{first.check}"
        elif first.response is not None:
            response = f"utter_{first.response}"
        else:
            response = f"utter_{first.level}"
        return Assessment(
            level=first.level,
            signs=tuple(dict.fromkeys(one.id for one in ranked)),
            response=response,
            why=first.why,
            escalates_to=first.escalates_to if first.level == "check" else None,
            safety_net=False,
            reply=reply,
            escalates_with=_escalates_with(first),
            named=self._named(ranked),
            kind=first.kind,
            kinds={one.id: one.kind for one in ranked},
            about=first.named,
            even_if_passed=first.even_if_passed,
        )


def _only_asks_on(message: Words, places: Places) -> bool:
    """As in "and with a fever?", after an answer about something else: nobody has it."""
    words = message.words
    few = 0 < len(words) <= FEW_WORDS and set(message.sentence) <= message.asked
    return few and words[0] in _ASKS_ON and not places.get("personal")


def _spoken_of(message: Words, places: Places) -> set[str]:
    """The concepts of signs in a message.

    In a few words, not those that only a mended one holds ("Thurs" to "thuds", "Tremblay" to
    "trembly"): too little to go by.
    """
    names = places.keys() - CUES
    if len(message.words) >= FEW_WORDS:
        return set(names)
    typed = set(plain_words(message.text))
    return {
        name
        for name in names
        if any(typed.intersection(message.words[one.start : one.end]) for one in places[name])
    }


def _escalates_with(found: _Found) -> str | None:
    if found.level != "check" or found.response is None:
        return None
    return f"utter_{found.response}"


def _level(sign: Sign, clear: bool, meaning: Meaning) -> str | None:
    if meaning is Meaning.NEW:
        return sign.level
    if meaning is Meaning.PRESENT:
        return sign.level if clear else "check"
    if sign.even_if_general and meaning in (Meaning.SUPPOSED, Meaning.ASKED, Meaning.GENERAL):
        return sign.level
    if meaning is Meaning.LATELY and sign.even_if_passed:
        return sign.level
    if meaning in (Meaning.SUPPOSED, Meaning.PASSING, Meaning.LATELY):
        return "check"
    if meaning is Meaning.ASKED:
        worth_asking = clear or sign.check in ASKED_ANYWAY
        return "check" if worth_asking and sign.level == "emergency" else None
    if meaning is Meaning.LASTING:
        return "check" if clear and sign.level == "emergency" else None
    return None


def _higher(one: str | None, other: str | None) -> str | None:
    return one if RANK[one] >= RANK[other] else other


def _is_complete(combination: Combination, present: set[str]) -> bool:
    return all(any(name in present for name in part) for part in combination.of)


def _of_combination(combination: Combination) -> _Found:
    escalates = combination.level if combination.level != "check" else "urgent"
    return _Found(
        combination.id,
        combination.level,
        combination.check,
        combination.response,
        combination.why,
        escalates,
        combination.named,
        combination.kind,
    )
