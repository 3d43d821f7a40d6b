"""Having the questions grouped by meaning.

That needs the assistant's model of meaning, which this process does not load: another one does it
(``python -m assistant questions``) and writes what it finds here.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinic.environment import ROOT
from clinic.questions.models import Question, State

#: More than these, the newest, are not compared with each other.
MOST = 2000

_AT_ONCE = 100
_WRITTEN = ("group", "group_name", "taught_as", "now_as", "now_confidence", "now_model")

_running: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Understood:
    """What a model makes of a question, and what the question is an example of already."""

    label: str
    confidence: float
    model: str
    taught_as: str = ""


def start() -> None:
    """Start the grouping in a process of its own, unless there is nothing to group or it runs."""
    _running[:] = [each for each in _running if each.poll() is None]
    if _running or not Question.objects.exists():
        return
    command = [sys.executable, "-m", "assistant", "questions"]
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _running.append(process)
    # The system keeps a process that has ended until somebody has waited for it.
    threading.Thread(target=process.wait, name="grouping questions", daemon=True).start()


def to_group() -> list[Question]:
    """The questions to be grouped and understood anew, the newest first."""
    return list(Question.objects.exclude(state=State.DISCARDED).order_by("-last_at")[:MOST])


def write(groups: Sequence[Sequence[int]], understood: Mapping[int, Understood]) -> None:
    """Keep groups, each the ids of its questions with the most typical one first, and the rest.

    What has been deleted meanwhile is left out, and what was not compared is in no group any more.
    """
    compared = [key for group in groups for key in group]
    rows = Question.objects.in_bulk({*compared, *understood})
    before = {key: [getattr(row, name) for name in _WRITTEN] for key, row in rows.items()}
    for number, group in enumerate(groups, 1):
        there = [rows[key] for key in group if key in rows]
        for question in there:
            question.group, question.group_name = number, there[0].text
    for key, made in understood.items():
        if key in rows:
            rows[key].taught_as = made.taught_as
            rows[key].now_as, rows[key].now_confidence = made.label, made.confidence
            rows[key].now_model = made.model
    others = Question.objects.exclude(pk__in=compared).exclude(group=None)
    others.update(group=None, group_name="")
    changed = [
        row for key, row in rows.items() if before[key] != [getattr(row, name) for name in _WRITTEN]
    ]
    # A few at a time: the assistant and the desk write to the same database.
    for begin in range(0, len(changed), _AT_ONCE):
        Question.objects.bulk_update(changed[begin : begin + _AT_ONCE], _WRITTEN)
