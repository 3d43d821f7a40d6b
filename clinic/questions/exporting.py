"""What staff decided, as examples for ``data/nlu`` and as conversations to test with.

Needs ``clinic.setup.ready()``. Nothing goes into the training by itself: somebody reads what is
written here first. No text tells who a patient is (:func:`clinic.privacy.masking.scrub`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import yaml

from clinic import clock
from clinic.conversations.models import Correction, Message, Session
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import scrub
from clinic.questions.models import Question, State

_DECIDED = (State.TOPIC, State.OUT_OF_SCOPE)


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


def patch(*, mark: bool = False) -> str:
    """New examples for ``data/nlu``, in YAML, by intent or topic; "" when there are none.

    Left out: what is an example already, and what is one of another topic, which is named in a
    comment. ``mark`` notes that the rest has been exported now.
    """
    rows = Question.objects.filter(state__in=_DECIDED, exported_at=None).order_by("pk")
    by_label: dict[str, list[Question]] = defaultdict(list)
    conflicts = [row for row in rows if row.conflict]
    for row in rows:
        if not row.taught_as:
            by_label[row.wanted].append(row)
    if not by_label and not conflicts:
        return ""
    entries = [
        {
            "intent": label,
            "examples": _Block("".join(f"- {_example(row.text)}\n" for row in by_label[label])),
        }
        for label in sorted(by_label)
    ]
    if mark:
        taken = [row.pk for some in by_label.values() for row in some]
        Question.objects.filter(pk__in=taken).update(exported_at=clock.now())
    notes = [
        f"# Left out, an example of {row.conflict} already and wanted as {row.wanted}: "
        f"{_example(row.text)}\n"
        for row in conflicts
    ]
    return "".join(notes) + _dump({"version": "3.1", "nlu": entries})


def conversation(session: Session) -> str:
    """A session as a conversation to test with, in the form of ``tests/scenarios``.

    What staff corrected is expected to be right.
    """
    names = known_names([session.conversation_id])[session.conversation_id]
    corrections = {each.event_id: each for each in session.corrections.all()}
    steps: list[dict[str, Any]] = []
    expected: str | None = None
    said: list[str] = []

    def answered() -> None:
        if said or expected:
            steps.append({"assistant": {"response": [expected] if expected else list(said)}})
        said.clear()

    for message in session.message_set.order_by("event_id"):
        if message.author == Message.Author.PATIENT:
            answered()
            text = scrub(message.text, names)
            steps.append({"click" if message.payload else "patient": text})
            expected = _right_answer(corrections.get(message.event_id))
        elif message.author == Message.Author.ASSISTANT and message.response:
            said.append(message.response)
    answered()
    name = f"conversation_{session.pk}"
    return _dump({"scenario": "What a patient asked.", "cases": {name: steps}})


def _right_answer(correction: Correction | None) -> str | None:
    if correction is None:
        return None
    if correction.kind == Correction.Kind.TOPIC and correction.right_topic.startswith("faq/"):
        return f"utter_{correction.right_topic}"
    return "utter_out_of_scope" if correction.kind == Correction.Kind.OUT_OF_SCOPE else None


def _example(text: str) -> str:
    """On one line, without the brackets that mark entities in examples."""
    return " ".join(text.translate(str.maketrans("", "", "[]{}")).split()).lstrip("-# ")


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
