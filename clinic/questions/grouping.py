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
from clinic.questions.models import Meaning, Question, State

#: Seconds between two groupings while no question is new.
_EVERY = 3600
_AT_ONCE = 100

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


def stop() -> None:
    """End the grouping that runs. It may be at it for minutes, and the next one begins it anew."""
    for process in _running:
        process.terminate()


def to_group() -> QuerySet[Question]:
    """The questions to be grouped, the newest first."""
    return Question.objects.exclude(state=State.DISCARDED).order_by("-last_at")


def meanings() -> dict[int, bytes]:
    """The vectors that are known, by the ids of their questions."""
    return {key: bytes(vector) for key, vector in Meaning.objects.values_list("pk", "vector")}


def write(
    groups: Sequence[Sequence[int]],
    understood: Mapping[int, Understood],
    meanings: Mapping[int, bytes],
    levels: Mapping[int, str],
) -> None:
    """Keep groups, each the ids of its questions with the most typical one first, and the rest.

    ``meanings`` are those that were not known. What has been deleted meanwhile is left out, and
    what was not compared is in no group any more.
    """
    rows = Question.objects.in_bulk()
    typical = {key: group[0] for group in groups for key in group}
    _write_changed(rows, {key: {"group": typical.get(key)} for key in rows})
    _write_changed(rows, {key: {"now_level": levels.get(key, "")} for key in rows})
    _write_changed(
        rows,
        {
            key: {
                "now_as": made.label,
                "now_confidence": made.confidence,
                "now_model": made.model,
            }
            for key, made in understood.items()
        },
    )
    new = [Meaning(pk=key, vector=vector) for key, vector in meanings.items() if key in rows]
    Meaning.objects.bulk_create(new, batch_size=_AT_ONCE, ignore_conflicts=True)


def _write_changed(
    rows: Mapping[int, Question], wanted: Mapping[int, Mapping[str, object]]
) -> None:
    """Write what is not so yet, the same columns of each row, and no others.

    A new question changes little: the inbox is not written anew for it.
    """
    changed = []
    names: tuple[str, ...] = ()
    for key, values in wanted.items():
        row = rows.get(key)
        if row is None or all(getattr(row, name) == value for name, value in values.items()):
            continue
        for name, value in values.items():
            setattr(row, name, value)
        names = tuple(values)
        changed.append(row)
    # A few at a time: the assistant and the desk write to the same database.
    for begin in range(0, len(changed), _AT_ONCE):
        Question.objects.bulk_update(changed[begin : begin + _AT_ONCE], names)
