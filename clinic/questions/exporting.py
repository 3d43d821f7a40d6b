"""What staff decided, for whoever keeps the assistant.

Examples for ``data/nlu``, missed red flags and false alarms for ``data/safety``, and conversations
to test with.

Needs ``clinic.setup.ready()``. Nothing goes into the training by itself: somebody reads what is
written here first. No text tells who a patient is (:func:`clinic.privacy.masking.scrub`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from clinic import clock
from clinic.conversations.models import Correction, Message, Session
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import scrub
from clinic.questions.models import FOR_CLINICIAN, FOR_TRAINING, Question, State
from clinic.text import fold

_RULES = Path(__file__).resolve().parents[2] / "data" / "rules"
_Kind = Correction.Kind
# After these everything goes another way: what the patient said next was said to the wrong answer.
_ALARMS = (_Kind.MISSED_RED_FLAG, _Kind.FALSE_ALARM)


class _Block(str):
    """Written over several lines."""


class _Dumper(yaml.SafeDumper):
    """Writes as the files of ``data/nlu`` are written."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand where their key stands, as there."""
        super().increase_indent(flow, indentless)


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


@dataclass(frozen=True)
class New:
    """What has been decided and not exported yet.

    ``examples`` are by intent or topic. ``conflicts`` are those that cannot become examples, each
    with the others it is an example of already, or was decided to be in other signs or case.
    """

    examples: dict[str, list[Question]]
    conflicts: list[tuple[Question, list[str]]]

    def __len__(self) -> int:
        return sum(len(some) for some in self.examples.values())


def new() -> New:
    """Compared with ``data/nlu`` as it is now, and with each other; each example once."""
    rows = list(Question.objects.filter(state__in=FOR_TRAINING, exported_at=None).order_by("pk"))
    wanted: dict[str, dict[str, Question]] = defaultdict(dict)
    for row in rows:
        wanted[fold(row.text)].setdefault(row.wanted, row)
    examples: dict[str, list[Question]] = defaultdict(list)
    conflicts = []
    for words in wanted.values():
        for label, row in words.items():
            taught_as = row.taught_as
            others = [taught_as] if taught_as else list(words)
            if others != [label]:
                conflicts.append((row, [other for other in others if other != label]))
            elif not taught_as:
                examples[label].append(row)
    return New(examples, conflicts)


def patch(*, mark: bool = False) -> str:
    """New examples for ``data/nlu``, in YAML, by intent or topic; "" when there are none.

    Left out: what is an example already, and what is one of another topic, which is named in a
    comment. ``mark`` notes that the rest has been exported now.
    """
    found = new()
    if not found.examples and not found.conflicts:
        return ""
    entries = [
        {
            "intent": label,
            "examples": _Block("".join(f"- {_example(row.text)}\n" for row in rows)),
        }
        for label, rows in sorted(found.examples.items())
    ]
    if mark:
        taken = [row.pk for rows in found.examples.values() for row in rows]
        Question.objects.filter(pk__in=taken).update(exported_at=clock.now())
    notes = [
        f"# Left out, an example of {' and '.join(others)} already and wanted as {row.wanted}: "
        f"{_example(row.text)}\n"
        for row, others in found.conflicts
    ]
    return "".join(notes) + _dump({"version": "3.1", "nlu": entries})


def for_clinician(*, mark: bool = False) -> str:
    """Missed red flags and false alarms, in YAML, for ``data/safety``; "" when there are none.

    Each with how often it was asked and what the triage made of it the last time. ``mark`` notes
    that they have been handed on now.
    """
    rows = list(Question.objects.filter(state__in=FOR_CLINICIAN, exported_at=None).order_by("pk"))
    if not rows:
        return ""
    lists: dict[str, list[dict[str, Any]]] = {
        str(state): [_for_clinician(row) for row in rows if row.state == state]
        for state in FOR_CLINICIAN
    }
    if mark:
        Question.objects.filter(pk__in=[row.pk for row in rows]).update(exported_at=clock.now())
    return _FOR_CLINICIAN + _dump({name: some for name, some in lists.items() if some})


_FOR_CLINICIAN = (
    "# For the clinician who keeps data/safety. These are no examples for the training.\n"
)


def _for_clinician(question: Question) -> dict[str, Any]:
    places = question.occurrences.order_by("-at").values("event_id")[:1]
    message = Message.objects.filter(event_id__in=places).first()
    found = {
        "text": question.text,
        "asked": question.count,
        "level": message.triage_level if message else "",
        "signs": message.triage.get("signs", []) if message else [],
    }
    return {name: value for name, value in found.items() if value}


def conversation(session: Session) -> str:
    """A session as a conversation to test with, in the form of ``tests/scenarios``.

    What staff corrected is expected to be right. It ends where a correction sends the
    conversation another way.
    """
    names = known_names([session.conversation_id])[session.conversation_id]
    corrections = {each.event_id: each for each in session.corrections.all()}
    steps: list[dict[str, Any]] = []
    asked: Message | None = None
    said: list[str] = []

    def answered() -> bool:
        """Adds what is expected of the answer; whether the conversation goes on as it did."""
        correction = corrections.get(asked.event_id) if asked else None
        expected: dict[str, Any] = {"response": list(said)}
        if asked and correction:
            expected = _right_answer(correction, said, in_form=bool(asked.form))
        if correction or said:
            steps.append({"assistant": expected})
        said.clear()
        return not (correction and (correction.kind in _ALARMS or "form" in expected))

    for message in session.message_set.order_by("event_id"):
        if message.author == Message.Author.PATIENT:
            if not answered():
                break
            asked = message
            text = scrub(message.text, names)
            steps.append({"click" if message.payload else "patient": text})
        elif message.author == Message.Author.ASSISTANT and message.response:
            said.append(message.response)
    else:
        answered()
    name = f"conversation_{session.pk}"
    return _dump({"scenario": "What a patient asked.", "cases": {name: steps}})


def _right_answer(correction: Correction, said: list[str], *, in_form: bool) -> dict[str, Any]:
    """What the answer to a corrected message should have been, as a scenario expects it.

    Where only the wrong answer is known: not that one.
    """
    if correction.kind in _ALARMS:
        return {"alarm": correction.kind == _Kind.MISSED_RED_FLAG}
    label = correction.right_topic or str(State.OUT_OF_SCOPE)
    if label.startswith("faq/"):
        return {"response": f"utter_{label}"}
    action = "" if in_form else _rules().get(label, "")
    if action.startswith("utter_"):
        return {"response": action}
    return {"form": action} if action.endswith("_form") else {"not_response": list(said)}


@lru_cache(maxsize=1)
def _rules() -> dict[str, str]:
    """What is done about an intent when no form runs, by the assistant's rules.

    Left out is what is done about several: it says nothing about which one was meant.
    """
    found: dict[str, str] = {}
    for file in sorted(_RULES.glob("*.yml")):
        for rule in yaml.safe_load(file.read_text(encoding="utf-8"))["rules"]:
            first, *rest = rule["steps"]
            if "intent" in first:
                found[first["intent"]] = rest[0]["action"]
    often = Counter(found.values())
    return {intent: action for intent, action in found.items() if often[action] == 1}


def _example(text: str) -> str:
    """On one line, without the brackets that mark entities in examples."""
    return " ".join(text.translate(str.maketrans("", "", "[]{}")).split()).lstrip("-# ")


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
