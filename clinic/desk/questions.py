"""The questions inbox: what the assistant could not answer well, sorted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from clinic.audit import log
from clinic.audit.models import Action
from clinic.conversations.models import Message
from clinic.desk import reviewing, undoing
from clinic.desk.topics import topics
from clinic.desk.words import name_of_topic, say
from clinic.people.access import open_to, who
from clinic.people.roles import Right
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import mask
from clinic.questions import exporting, inbox
from clinic.questions.models import (
    FOR_CLINICIAN,
    REASONS,
    Occurrence,
    Question,
    State,
)

#: Messages shown before and after a question.
_AROUND = 3
_OCCURRENCES = 5


@open_to(Right.QUESTIONS)
def questions(request: HttpRequest) -> HttpResponse:
    """Groups of questions in one state, the most asked first."""
    state = request.GET.get("state", State.OPEN)
    state = state if state in State.values else State.OPEN
    reason = request.GET.get("reason", "")
    reason = reason if reason in REASONS else ""
    text = request.GET.get("q", "").strip()[:100]
    typed = request.GET.get("start", "")
    start = int(typed) if typed.isdecimal() and len(typed) < 7 else 0
    groups = inbox.groups(state, reason, start, text)
    if text:
        log.note(who(request), Action.SEARCH, "questions")
    log.note(who(request), Action.LIST, "questions", count=len(groups))
    counts = inbox.counts()
    query = request.GET.copy()
    query["start"] = str(start + inbox.PAGE)
    shown = {
        "groups": groups,
        "state": state,
        "reason": reason,
        "search": text,
        "start": start,
        "more": query.urlencode() if len(groups) == inbox.PAGE else "",
        "tabs": [(value, counts[value]) for value in State.values],
        "reasons": REASONS,
        "topics": topics(),
        "here": request.get_full_path(),
        "for_clinician": state in FOR_CLINICIAN,
        "to_export": _to_export(state),
    }
    return render(request, "desk/questions.html", shown)


def _to_export(state: str) -> int:
    if state in FOR_CLINICIAN:
        return Question.objects.filter(state__in=FOR_CLINICIAN, exported_at=None).count()
    return len(exporting.new())


@open_to(Right.QUESTIONS)
def context(request: HttpRequest, number: int) -> HttpResponse:
    """Where a question was asked: what was said around it, with links to the conversations."""
    question = get_object_or_404(Question, pk=number)
    occurrences = list(question.occurrences.order_by("-at")[:_OCCURRENCES])
    log.note(who(request), Action.VIEW, f"question {question.pk}")
    shown = {
        "question": question,
        "places": [(one, _around(one)) for one in occurrences[:1]],
        "others": occurrences[1:],
    }
    part = request.headers.get("HX-Request")
    return render(request, "desk/question_context.html" if part else "desk/question.html", shown)


def _around(one: Occurrence) -> list[tuple[Message, str, str]]:
    """What was said, the patient's reason for a thumb, both masked."""
    rows = Message.objects.filter(session_id=one.session_id)
    before = list(rows.filter(event_id__lt=one.event_id).order_by("-event_id")[:_AROUND])[::-1]
    after = list(rows.filter(event_id__gte=one.event_id).order_by("event_id")[: _AROUND + 1])
    conversation = one.session.conversation_id
    names = known_names([conversation])[conversation]
    return [
        (message, mask(message.text, names), mask(message.feedback_reason, names))
        for message in [*before, *after]
    ]


@open_to(Right.QUESTIONS)
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Sorts the questions that are ticked."""
    ids = [int(pk) for pk in request.POST.getlist("questions") if pk.isdecimal()]
    found = list(Question.objects.filter(pk__in=ids))
    decisions = _decisions(request, found)
    if not decisions:
        messages.error(request, say("errors.questions"))
    else:
        undo = reviewing.sort_questions(decisions, who(request))
        undoing.tell(request, undo, "sorted", count=len(decisions))
        _warn(request, decisions)
    return undoing.back(request, "questions")


def _warn(request: HttpRequest, decisions: Iterable[int]) -> None:
    """Say which of them will not become examples, because they are some of another topic."""
    decided = Question.objects.filter(pk__in=list(decisions), exported_at=None)
    others = [row.conflict for row in decided if row.conflict]
    if others:
        named = ", ".join(name_of_topic(label) for label in sorted(set(others)))
        messages.warning(request, say("flash.conflicts", count=len(others), topics=named))


def _decisions(request: HttpRequest, found: list[Question]) -> dict[int, tuple[str, str]]:
    """What each of them is to become; empty when the form makes no sense."""
    what, topic = request.POST.get("what", ""), request.POST.get("topic", "")
    if what == "guess":
        guesses: dict[int, Any] = {question.pk: _guessed(question.guess) for question in found}
        return {pk: guess for pk, guess in guesses.items() if guess}
    if what == State.TOPIC:
        return {question.pk: (what, topic) for question in found} if topic in topics() else {}
    if what in State.values:
        return {question.pk: (what, "") for question in found}
    return {}


def _guessed(guess: str) -> tuple[str, str] | None:
    """The state for what the assistant took a question for; None: for nothing."""
    if guess == State.OUT_OF_SCOPE:
        return State.OUT_OF_SCOPE, ""
    return (State.TOPIC, guess) if guess in topics() else None


@open_to(Right.QUESTIONS)
@require_POST
def patch(request: HttpRequest) -> HttpResponse:
    """What was sorted as new examples, to be read before they are copied into ``data/nlu``."""
    return _export(request, exporting.patch, "new-examples.yml")


@open_to(Right.QUESTIONS)
@require_POST
def for_clinician(request: HttpRequest) -> HttpResponse:
    """Missed red flags and false alarms, for whoever keeps ``data/safety``."""
    return _export(request, exporting.for_clinician, "for-the-clinician.yml")


def _export(request: HttpRequest, write: Callable[..., str], name: str) -> HttpResponse:
    mark = bool(request.POST.get("mark"))
    detail = f"{name} marked" if mark else name
    with transaction.atomic():
        log.note(who(request), Action.EXPORT, "questions", detail=detail)
        text = write(mark=mark) or say("flash.nothing_new") + "\n"
    response = HttpResponse(text, content_type="text/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
