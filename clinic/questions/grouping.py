"""Having the questions grouped by meaning.

That needs the assistant's model of meaning, which this process does not load: another one does it
(``python -m assistant questions``) and writes what it finds here.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from clinic.environment import ROOT
from clinic.questions.models import Question, State

#: Seconds between two groupings while no question is new.
_EVERY = 3600
_AT_ONCE = 100
_WRITTEN = (
    *("group", "group_name", "meaning"),
    *("now_as", "now_confidence", "now_model", "now_level"),
)

_running: list[subprocess.Popen[bytes]] = []


_last_start: float | None = None


@dataclass(frozen=True)
class Understood:
    """What a model makes of a question."""

    label: str
    confidence: float
    model: str


def start() -> None:
    """Start the grouping in a process of its own, unless it runs or there is nothing to do.

    There is when a question is in no group yet, and every hour: a model may have been trained.
    """
    global _last_start
    _running[:] = [each for each in _running if each.poll() is None]
    questions = to_group()
    if _running or not questions.exists():
        return
    now = time.monotonic()
    lately = _last_start is not None and now - _last_start < _EVERY
    if lately and not questions.filter(group=None).exists():
        return
    _last_start = now
    command = [sys.executable, "-m", "assistant", "questions"]
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _running.append(process)
    # The system keeps a process that has ended until somebody has waited for it.
    threading.Thread(target=process.wait, name="grouping questions", daemon=True).start()


def to_group() -> QuerySet[Question]:
    """The questions to be grouped, the newest first."""
    return Question.objects.exclude(state=State.DISCARDED).order_by("-last_at")


def write(
    groups: Sequence[Sequence[int]],
    understood: Mapping[int, Understood],
    meanings: Mapping[int, bytes],
    levels: Mapping[int, str],
) -> None:
    """Keep groups, each the ids of its questions with the most typical one first, and the rest.

    What has been deleted meanwhile is left out, and what was not compared is in no group any more.
    """
    compared = {key for group in groups for key in group}
    rows = Question.objects.in_bulk()
    before = {key: [getattr(row, name) for name in _WRITTEN] for key, row in rows.items()}
    for key in rows.keys() - compared:
        rows[key].group, rows[key].group_name = None, ""
    for number, group in enumerate(groups, 1):
        there = [rows[key] for key in group if key in rows]
        for question in there:
            question.group, question.group_name = number, there[0].text
    for key, question in rows.items():
        question.now_level = levels.get(key, "")
        question.meaning = meanings.get(key, question.meaning)
        made = understood.get(key)
        if made:
            question.now_as, question.now_confidence = made.label, made.confidence
            question.now_model = made.model
    changed = [
        row for key, row in rows.items() if before[key] != [getattr(row, name) for name in _WRITTEN]
    ]
    # A few at a time: the assistant and the desk write to the same database.
    for begin in range(0, len(changed), _AT_ONCE):
        Question.objects.bulk_update(changed[begin : begin + _AT_ONCE], _WRITTEN)
