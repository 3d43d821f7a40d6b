"""The inbox as staff see it, and what they decide.

Needs ``clinic.setup.ready()``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from clinic import clock
from clinic.questions.models import Question, State
from clinic.text import BadInput, required

REASONS = ("not_understood", "low_confidence", "thumbs_down", "marked_wrong")
#: Groups on one page.
PAGE = 50


@dataclass(frozen=True)
class Group:
    """Questions of one meaning: the most asked first, ``count`` how often all of them were."""

    name: str
    questions: list[Question]
    count: int


def questions(state: str = State.OPEN, reason: str = "", text: str = "") -> QuerySet[Question]:
    """The questions in a state, the newest first.

    Only those here for a reason, or with a text in them, if one is given.

    Raises ``clinic.text.BadInput`` for a state or reason that there is not.
    """
    if state not in State.values:
        raise BadInput(f"state is not known. Allowed: {', '.join(State.values)}.")
    found = Question.objects.filter(state=state)
    if reason:
        if reason not in REASONS:
            raise BadInput(f"reason is not known. Allowed: {', '.join(REASONS)}.")
        found = found.filter(**{reason: True})
    if text:
        found = found.filter(text__icontains=text)
    return found.order_by("-last_at", "-pk")


def groups(
    state: str = State.OPEN, reason: str = "", start: int = 0, text: str = ""
) -> list[Group]:
    """A page of groups, the most asked first. What is not grouped yet stands alone."""
    together: dict[object, list[Question]] = {}
    for question in questions(state, reason, text):
        key = question.group if question.group is not None else (question.pk,)
        together.setdefault(key, []).append(question)
    found = [
        Group(
            rows[0].group_name or rows[0].text,
            sorted(rows, key=lambda row: -row.count),
            sum(row.count for row in rows),
        )
        for rows in together.values()
    ]
    found.sort(key=lambda group: -group.count)
    return found[start : start + PAGE]


def counts() -> dict[str, int]:
    """How many questions are in each state."""
    states = list(Question.objects.values_list("state", flat=True))
    return {state: states.count(state) for state in State.values}


def decide(questions: Iterable[int], state: str, who: str, topic: str = "") -> int:
    """Put questions into a state; how many changed. ``open`` takes a decision back.

    ``topic`` is an intent or ``faq/<topic>``, for the state ``topic`` only. Raises
    ``clinic.text.BadInput``.
    """
    who = required("who", who, 150)
    if state not in State.values:
        raise BadInput(f"state is not known. Allowed: {', '.join(State.values)}.")
    topic = required("topic", topic, 255) if state == State.TOPIC else ""
    with transaction.atomic():
        rows = Question.objects.filter(pk__in=list(questions))
        return rows.exclude(state=state, topic=topic).update(
            state=state,
            topic=topic,
            decided_by="" if state == State.OPEN else who,
            decided_at=None if state == State.OPEN else clock.now(),
            exported_at=None,
        )
