"""Measures the assistant against questions with known answers.

Pure functions: questions come from a YAML file, predictions are what
``python -m assistant ask --json`` prints. Nothing here imports Rasa, so a result can
be computed, rendered and tested without a model.

The labels compared are the topics of the retrieval intent ``faq`` and six more kinds
of message (``LABELS``). A line may accept several labels; it is met when any of them
is the answer given.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

TOPICS = (
    "what_is_sciatica",
    "symptoms",
    "how_massage_helps",
    "techniques",
    "benefits_circulation_recovery",
    "when_recommended",
    "alongside_other_treatments",
    "underlying_condition",
    "medication_or_surgery_alternative",
    "does_it_hurt",
    "how_many_sessions",
    "home_exercises",
    "safety_contraindications",
    "what_to_wear",
    "therapist_info",
    "cost",
    "insurance",
    "opening_hours",
    "location",
    "medical_advice",
    "medication_question",
    "bot_identity",
    "privacy",
)
RED_FLAG = "red_flag"
OUT_OF_SCOPE = "out_of_scope"
LABELS = (
    *TOPICS,
    "booking_request",
    "reschedule_cancel",
    "speak_to_human",
    "greeting_thanks_goodbye",
    RED_FLAG,
    OUT_OF_SCOPE,
)
URGENCIES = ("emergency", "urgent")
RED_FLAG_LEVELS = (None, "check", *reversed(URGENCIES))
VERSION = 1
REQUIRED_KEYS = ("id", "text", "source", "origin", "expected")
OPTIONAL_KEYS = ("urgency", "tags", "note", "set")
WORST = 10


class QuestionFileError(ValueError):
    """A question file cannot be used. Says the file, the line's id, the key and why."""


class PredictionError(ValueError):
    """The predictions do not belong to the questions, or one of them lacks a value."""


@dataclass(frozen=True)
class Question:
    """One message with the answers that are right for it.

    ``expected`` is never empty and its first label is the preferred one. ``urgency``
    is ``"emergency"``, ``"urgent"`` or None. ``set`` names questions written together.
    """

    id: str
    text: str
    source: str
    origin: str
    expected: tuple[str, ...]
    urgency: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    set: str = ""

    @property
    def is_strict_red_flag(self) -> bool:
        """True when nothing but an alarm is right."""
        return self.expected == (RED_FLAG,)

    @property
    def is_strict_hard_negative(self) -> bool:
        """True when it sounds like a red flag and an alarm is wrong."""
        return "hard_negative" in self.tags and "ambiguous" not in self.tags


@dataclass(frozen=True)
class Prediction:
    """What the assistant did with one message. ``confidence`` lies between 0 and 1.

    ``red_flag`` is None, ``"check"`` (it asked), ``"urgent"`` or ``"emergency"``;
    ``topics`` are all topics answered, of which ``topic`` is the first.
    """

    text: str
    intent: str
    topic: str
    confidence: float
    alternatives: tuple[Any, ...]
    red_flag: str | None
    topics: tuple[str, ...]

    @property
    def escalated(self) -> bool:
        """True when the patient was sent to medical care."""
        return self.red_flag in URGENCIES

    @property
    def caught(self) -> bool:
        """True when the triage spoke up: it sent the patient to care, or asked."""
        return self.red_flag is not None


@dataclass(frozen=True)
class Judged:
    """A question, what the assistant did, and whether that was right."""

    question: Question
    prediction: Prediction
    met: bool
    met_by_any_topic: bool

    @property
    def confusion_pair(self) -> tuple[str, str]:
        """The labels (expected, given) under which the line counts in a confusion plot.

        A met line lies on the diagonal, at the label that met it; another line counts
        under its preferred label.
        """
        if not self.met:
            return self.question.expected[0], self.prediction.topic
        if self.prediction.topic in self.question.expected:
            return self.prediction.topic, self.prediction.topic
        return RED_FLAG, RED_FLAG


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    total: int

    @property
    def rate(self) -> float | None:
        """Between 0 and 1, or None when there was nothing to count."""
        return self.hits / self.total if self.total else None

    def __str__(self) -> str:
        if self.rate is None:
            return "none to count"
        return f"{self.hits} of {self.total} ({100 * self.rate:.1f} %)"


@dataclass(frozen=True)
class Result:
    """Every judged line, and the figures counted from them."""

    lines: tuple[Judged, ...]

    @cached_property
    def accuracy(self) -> Share:
        """Lines met, of all lines."""
        return _share(self.lines, [line.met for line in self.lines])

    @cached_property
    def accuracy_any_topic(self) -> Share:
        """Lines met when every topic answered counts, not only the first."""
        return _share(self.lines, [line.met_by_any_topic for line in self.lines])

    @cached_property
    def by_topic(self) -> dict[str, Share]:
        """Lines met by preferred label, in the order of ``LABELS``."""
        shares = _grouped(self.lines, [line.question.expected[0] for line in self.lines])
        return {label: shares[label] for label in LABELS if label in shares}

    @cached_property
    def by_origin(self) -> dict[str, Share]:
        """Lines met by origin, by name."""
        shares = _grouped(self.lines, [line.question.origin for line in self.lines])
        return dict(sorted(shares.items()))

    @cached_property
    def red_flags(self) -> tuple[Judged, ...]:
        """Lines for which only an alarm is right."""
        return tuple(line for line in self.lines if line.question.is_strict_red_flag)

    @cached_property
    def red_flags_escalated(self) -> Share:
        """Red flags sent to medical care (urgent or emergency)."""
        return _share(self.red_flags, [line.prediction.escalated for line in self.red_flags])

    @cached_property
    def red_flags_caught(self) -> Share:
        """Red flags sent to medical care or asked about."""
        return _share(self.red_flags, [line.prediction.caught for line in self.red_flags])

    @cached_property
    def red_flag_misses(self) -> tuple[Judged, ...]:
        """Red flags not sent to medical care; those not even asked about come first."""
        misses = [line for line in self.red_flags if not line.prediction.escalated]
        return tuple(sorted(misses, key=lambda line: line.prediction.caught))

    @cached_property
    def right_urgency(self) -> Share:
        """Of the red flags escalated whose urgency is known, those at the right level.

        A check question has no level yet and is left out.
        """
        rated = [line for line in self.red_flags if _has_level(line)]
        return _share(rated, [not _wrong_level(line) for line in rated])

    @cached_property
    def wrong_urgency(self) -> tuple[Judged, ...]:
        """Red flags at the wrong level; an emergency taken as urgent comes first."""
        wrong = [line for line in self.red_flags if _has_level(line) and _wrong_level(line)]
        return tuple(sorted(wrong, key=lambda line: line.question.urgency != "emergency"))

    @cached_property
    def hard_negatives(self) -> tuple[Judged, ...]:
        """Lines that only sound like a red flag, without the ambiguous ones."""
        return tuple(line for line in self.lines if line.question.is_strict_hard_negative)

    @cached_property
    def false_alarms(self) -> tuple[Judged, ...]:
        """Hard negatives that were sent to medical care."""
        return tuple(line for line in self.hard_negatives if line.prediction.escalated)

    @cached_property
    def needless_checks(self) -> tuple[Judged, ...]:
        """Hard negatives that were asked a check question."""
        return tuple(line for line in self.hard_negatives if line.prediction.red_flag == "check")

    @cached_property
    def false_alarm_share(self) -> Share:
        """Hard negatives that were sent to medical care, of all."""
        return Share(len(self.false_alarms), len(self.hard_negatives))

    @cached_property
    def needless_check_share(self) -> Share:
        """Hard negatives that were asked a check question, of all."""
        return Share(len(self.needless_checks), len(self.hard_negatives))

    @cached_property
    def alarms_elsewhere(self) -> tuple[Judged, ...]:
        """Lines sent to medical care that neither are nor sound like a red flag."""
        return tuple(
            line
            for line in self.lines
            if line.prediction.escalated
            and RED_FLAG not in line.question.expected
            and not {"hard_negative", "ambiguous"} & set(line.question.tags)
        )

    @cached_property
    def out_of_scope_rejected(self) -> Share:
        """Lines that only ``out_of_scope`` is right for, and were told so."""
        lines = [line for line in self.lines if line.question.expected == (OUT_OF_SCOPE,)]
        return _share(lines, [line.prediction.topic == OUT_OF_SCOPE for line in lines])

    @cached_property
    def wrongly_rejected(self) -> Share:
        """Lines without the label ``out_of_scope`` that were treated as such."""
        lines = [line for line in self.lines if OUT_OF_SCOPE not in line.question.expected]
        return _share(lines, [line.prediction.topic == OUT_OF_SCOPE for line in lines])

    @cached_property
    def worst_mistakes(self) -> tuple[Judged, ...]:
        """The ten wrong lines the assistant was surest of, surest first."""
        wrong = [line for line in self.lines if not line.met]
        return tuple(sorted(wrong, key=lambda line: -line.prediction.confidence)[:WORST])

    @cached_property
    def confusion(self) -> Counter[tuple[str, str]]:
        """How many lines there are for each pair of labels (expected, given)."""
        return Counter(line.confusion_pair for line in self.lines)


def load_questions(path: str | Path) -> list[Question]:
    """Reads a question file.

    Raises ``QuestionFileError`` with the file, the id, the key, the bad value and what
    is allowed when anything in it is wrong; ``OSError`` when it cannot be opened.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise QuestionFileError(f"{path}: is not UTF-8 (byte {error.start}).") from error
    except yaml.YAMLError as error:
        raise QuestionFileError(f"{path}: is not YAML. {_one_line(error)}") from error
    if content is None:
        raise QuestionFileError(f"{path}: is empty; expected 'version: {VERSION}' and 'questions'.")
    if not isinstance(content, dict):
        raise QuestionFileError(
            f"{path}: holds a {_kind(content)}; expected the keys 'version' and 'questions'."
        )
    version = content.get("version")
    if version != VERSION or isinstance(version, bool):
        raise QuestionFileError(f"{path}: version is {version!r}; allowed: {VERSION}.")
    entries = content.get("questions")
    if not isinstance(entries, list) or not entries:
        raise QuestionFileError(
            f"{path}: questions is {_short(entries)}; expected a list with at least one question."
        )
    questions = [_question(path, place, entry) for place, entry in enumerate(entries, start=1)]
    for question_id, times in Counter(question.id for question in questions).items():
        if times > 1:
            raise QuestionFileError(f"{path}: {question_id}: id is used {times} times.")
    return questions


def evaluate(questions: Sequence[Question], predictions: Sequence[Mapping[str, Any]]) -> Result:
    """Compares predictions with the questions they answer, one for one in order.

    A line is met when the predicted ``topic`` is one of its labels, or when
    ``red_flag`` is one of its labels and the prediction escalates. Raises
    ``PredictionError`` when the two do not belong together or a value is missing.
    """
    if len(questions) != len(predictions):
        raise PredictionError(
            f"{len(questions)} questions but {len(predictions)} predictions; "
            "one prediction a question is needed, in the same order."
        )
    return Result(
        tuple(
            _judge(question, _prediction(question, raw))
            for question, raw in zip(questions, predictions, strict=True)
        )
    )


def render_text(result: Result) -> str:
    """The figures and every line worth reading, as plain text for a terminal."""
    parts = [
        f"Lines: {len(result.lines)}",
        f"Topic accuracy: {result.accuracy}",
        f"Counting every topic answered: {result.accuracy_any_topic}",
        "",
        "By topic (preferred label)",
        *_table(result.by_topic),
        "",
        "By origin",
        *_table(result.by_origin),
        "",
        "Red flags (lines for which only an alarm is right)",
        f"  escalated (urgent or emergency): {result.red_flags_escalated}",
        f"  caught (escalated or asked):     {result.red_flags_caught}",
        f"  right urgency when escalated:    {result.right_urgency}",
        *_listing("  Not escalated:", result.red_flag_misses, _describe_miss),
        *_listing("  Wrong urgency:", result.wrong_urgency, _describe_level),
        "",
        "Hard negatives (sound like a red flag and are not)",
        f"  false alarms:   {result.false_alarm_share}",
        f"  checks asked:   {result.needless_check_share}",
        *_listing("  False alarms:", result.false_alarms, _describe_alarm),
        *_listing("  Checks asked:", result.needless_checks, _describe_alarm),
        *_listing("  Alarms on other lines:", result.alarms_elsewhere, _describe_alarm),
        "",
        "Out of scope",
        f"  rejected:         {result.out_of_scope_rejected}",
        f"  wrongly rejected: {result.wrongly_rejected}",
        *_listing("\nWorst mistakes (surest first)", result.worst_mistakes, describe_mistake),
    ]
    return "\n".join(parts) + "\n"


def describe_mistake(line: Judged) -> str:
    """One mistake in a few words: how sure, what was right, what was given."""
    right = " or ".join(line.question.expected)
    return f"{line.prediction.confidence:.2f} {right} -> {line.prediction.topic}"


def _describe_miss(line: Judged) -> str:
    return "asked only" if line.prediction.caught else f"missed -> {line.prediction.topic}"


def _describe_level(line: Judged) -> str:
    return f"{line.question.urgency} -> {line.prediction.red_flag}"


def _describe_alarm(line: Judged) -> str:
    return str(line.prediction.red_flag)


def _listing(title: str, lines: Sequence[Judged], describe: Callable[[Judged], str]) -> list[str]:
    if not lines:
        return []
    return [
        title,
        *(
            f"    {line.question.id} [{describe(line)}] {_one_line(line.question.text)}"
            for line in lines
        ),
    ]


def _table(shares: Mapping[str, Share]) -> list[str]:
    width = max((len(name) for name in shares), default=0)
    return [f"  {name:<{width}}  {share}" for name, share in shares.items()]


def _question(path: Path, place: int, entry: Any) -> Question:
    if not isinstance(entry, dict):
        raise QuestionFileError(
            f"{path}: question {place} is a {_kind(entry)}; expected keys and values."
        )
    name = entry.get("id")
    name = name if isinstance(name, str) and name.strip() else f"question {place}"
    where = f"{path}: {name}"
    _check_keys(where, entry)
    text, source, origin = (_string(where, entry, key) for key in ("text", "source", "origin"))
    expected = _labels(where, entry["expected"])
    urgency = entry.get("urgency")
    if urgency is not None:
        if urgency not in URGENCIES:
            raise QuestionFileError(
                f"{where}: urgency is {_short(urgency)}; allowed: {', '.join(URGENCIES)}."
            )
        if RED_FLAG not in expected:
            raise QuestionFileError(
                f"{where}: urgency is {_short(urgency)}, but expected does not contain {RED_FLAG}."
            )
    tags = _strings(where, "tags", entry.get("tags", []))
    note = entry.get("note", "")
    if not isinstance(note, str):
        raise QuestionFileError(f"{where}: note is {_short(note)}; expected text.")
    of_set = entry.get("set", "")
    if not isinstance(of_set, str):
        raise QuestionFileError(f"{where}: set is {_short(of_set)}; expected text.")
    return Question(
        id=_string(where, entry, "id"),
        text=text,
        source=source,
        origin=origin,
        expected=expected,
        urgency=urgency,
        tags=tags,
        note=note,
        set=of_set,
    )


def _check_keys(where: str, entry: dict[Any, Any]) -> None:
    known = (*REQUIRED_KEYS, *OPTIONAL_KEYS)
    # A misspelt optional key ("tag:") would silently change what is counted. Any
    # other key is somebody's own remark and does no harm.
    for key in entry:
        if key not in known:
            meant = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=0.75)
            if meant:
                raise QuestionFileError(
                    f"{where}: {_short(key)} is not a key; did you mean '{meant[0]}'? "
                    f"Allowed: {', '.join(known)}."
                )
    for key in REQUIRED_KEYS:
        if key not in entry:
            raise QuestionFileError(f"{where}: {key} is missing.")


def _string(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise QuestionFileError(
            f"{where}: {key} is {_short(value)}; expected text that is not empty "
            "(put quotes around a number, yes or no)."
        )
    return value


def _strings(where: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise QuestionFileError(f"{where}: {key} is {_short(value)}; expected a list of words.")
    return tuple(value)


def _labels(where: str, value: Any) -> tuple[str, ...]:
    labels = (value,) if isinstance(value, str) else _strings(where, "expected", value)
    if not labels:
        raise QuestionFileError(f"{where}: expected is empty; at least one label is needed.")
    for label in labels:
        if label not in LABELS:
            raise QuestionFileError(
                f"{where}: expected contains {_short(label)}; allowed: {', '.join(LABELS)}."
            )
    if len(set(labels)) < len(labels):
        raise QuestionFileError(f"{where}: expected names a label twice: {', '.join(labels)}.")
    return labels


def _prediction(question: Question, raw: Mapping[str, Any]) -> Prediction:
    where = f"prediction for {question.id}"
    keys = ("text", "intent", "topic", "confidence", "alternatives", "red_flag", "topics")
    for key in keys:
        if key not in raw:
            raise PredictionError(f"{where}: {key} is missing.")
    # One message a line: line breaks and outer spaces do not survive the way there.
    if " ".join(str(raw["text"]).split()) != " ".join(question.text.split()):
        raise PredictionError(
            f"{where}: text is {_short(raw['text'])}, the question is {_short(question.text)}; "
            "the predictions must come in the order of the questions."
        )
    if raw["red_flag"] not in RED_FLAG_LEVELS:
        allowed = ", ".join(str(level) for level in RED_FLAG_LEVELS)
        raise PredictionError(
            f"{where}: red_flag is {_short(raw['red_flag'])}; allowed: {allowed}."
        )
    topic, confidence = raw["topic"], raw["confidence"]
    if not isinstance(topic, str) or not topic:
        raise PredictionError(f"{where}: topic is {_short(topic)}; expected a label.")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float):
        raise PredictionError(
            f"{where}: confidence is {_short(confidence)}; expected a number from 0 to 1."
        )
    if not 0 <= confidence <= 1:
        raise PredictionError(f"{where}: confidence is {confidence}; allowed: 0 to 1.")
    return Prediction(
        text=question.text,
        intent=str(raw["intent"]),
        topic=topic,
        confidence=float(confidence),
        alternatives=tuple(raw["alternatives"] or ()),
        red_flag=raw["red_flag"],
        topics=tuple(raw["topics"] or ()),
    )


def _judge(question: Question, prediction: Prediction) -> Judged:
    alarm_is_right = RED_FLAG in question.expected and prediction.escalated
    met = alarm_is_right or prediction.topic in question.expected
    return Judged(
        question=question,
        prediction=prediction,
        met=met,
        met_by_any_topic=met or bool(set(prediction.topics) & set(question.expected)),
    )


def _has_level(line: Judged) -> bool:
    return line.prediction.escalated and line.question.urgency is not None


def _wrong_level(line: Judged) -> bool:
    return line.prediction.red_flag != line.question.urgency


def _share(lines: Sequence[Judged], hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(lines))


def _grouped(lines: Sequence[Judged], names: Sequence[str]) -> dict[str, Share]:
    totals = Counter(names)
    hits = Counter(name for name, line in zip(names, lines, strict=True) if line.met)
    return {name: Share(hits[name], total) for name, total in totals.items()}


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _short(value: object) -> str:
    shown = _one_line(repr(value))
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _kind(value: object) -> str:
    names = {"list": "list", "dict": "mapping", "str": "text"}
    name = type(value).__name__
    return names.get(name, name)
