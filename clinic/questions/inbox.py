"""The inbox as staff see it, and what they decide.

Needs ``clinic.setup.ready()``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Case, Count, Max, Q, QuerySet, Sum, When

from clinic import clock
from clinic.questions.models import REASONS, Question, State
from clinic.text import BadInput, required

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
    found = questions(state, reason, text)
    # Put together by the database: there can be tens of thousands.
    keys = list(
        found.order_by()
        .values("group", alone=Case(When(group=None, then="pk")))
        .annotate(asked=Sum("count"), newest=Max("last_at"), last=Max("pk"))
        .order_by("-asked", "-newest", "-last")
        .values_list("group", "alone", "asked")[start : start + PAGE]
    )
    numbers, alone = ([key[place] for key in keys if key[place] is not None] for place in (0, 1))
    together: dict[tuple[int | None, int | None], list[Question]] = {}
    for question in found.filter(Q(group__in=numbers) | Q(pk__in=alone)):
        key = (question.group, question.pk if question.group is None else None)
        together.setdefault(key, []).append(question)
    typical = dict(Question.objects.filter(pk__in=numbers).values_list("pk", "text"))
    return [
        Group(
            # The most typical one may have been erased since.
            typical.get(group, rows[0].text),
            sorted(rows, key=lambda row: -row.count),
            asked,
        )
        for group, single, asked in keys
        if (rows := together.get((group, single)))
    ]


def counts() -> dict[str, int]:
    """How many questions are in each state."""
    found = dict(Question.objects.order_by().values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in State.values}


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
            decided_event=None,
            exported_at=None,
        )
