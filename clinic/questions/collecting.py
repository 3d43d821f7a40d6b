"""Collecting the questions that went wrong.

Needs ``clinic.setup.ready()``. A message is collected when the assistant did not understand it, was
not sure of it, got a thumb down for its answer, or was corrected by staff. Answers to a form's
questions are not, unless staff say so; a click only with a thumb, by the button's title.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import F, Max, Q

from clinic import clock
from clinic.conversations.models import Correction, Message, Position, RatedDown, Session
from clinic.conversations.projection import OVERLAP
from clinic.conversations.redacting import REMOVED
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import scrub
from clinic.questions.models import LOW, REASONS, UNDECIDED, Occurrence, Question, State

LONGEST = 500

_NAME = "questions"
# Messages of one transaction: others who write wait for a moment only.
_AT_ONCE = 200
_NOT_WORDS = re.compile(r"[\W_]+")
_UNSURE = Q(understood=False) | Q(confidence__lt=LOW)

#: Why messages are collected, by their event.
Reasons = Mapping[int, set[str]]


def key_of(text: str) -> str:
    """A text by which the same question is known again: without case, signs and accents' forms."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORDS.sub(" ", folded).strip()[:LONGEST]


def collect() -> int:
    """Collect what is new; the number of messages. Call again at once while it is not 0.

    What there was before is not looked at again, and while nothing is new nothing is written.
    """
    position = Position.objects.filter(name=_NAME).first() or Position(name=_NAME)
    begin = position.last_event_id
    newest = Message.objects.aggregate(last=Max("event_id"))["last"] or 0
    words = Message.objects.filter(author=Message.Author.PATIENT, form="", payload="")
    rows = words.exclude(text__in=("", REMOVED)).filter(_UNSURE).order_by("event_id")
    rows = rows.values_list("event_id", "understood", "confidence")
    late = rows.filter(event_id__gt=begin - OVERLAP, event_id__lte=begin)
    new = list(rows.filter(event_id__gt=begin)[:_AT_ONCE])
    rated = dict(RatedDown.objects.values_list("event_id", "token")[:_AT_ONCE])
    reasons: dict[int, set[str]] = defaultdict(set)
    for event_id, understood, confidence in (*late, *new):
        if not understood:
            reasons[event_id].add("not_understood")
        if confidence is not None and confidence < LOW:
            reasons[event_id].add("low_confidence")
    asked = _asked_before(rated)
    down = {event_id for event_id in asked if _is_rated_down(event_id)}
    # In a form it is what the form asked for: a name, a contact, a wish.
    questions = Message.objects.filter(pk__in=down, form="")
    for event_id in questions.values_list("event_id", flat=True):
        reasons[event_id].add("thumbs_down")
    taken = _take(_not_noted(reasons))
    _take_thumbs_back(asked - down)
    if rated:
        # One that was turned again since has another token, and stays.
        RatedDown.objects.filter(event_id__in=rated, token__in=rated.values()).delete()
    last = new[-1][0] if len(new) == _AT_ONCE else newest
    if taken or len(new) == _AT_ONCE or not 0 <= last - begin <= OVERLAP:
        position.last_event_id, position.read_at = last, clock.now()
        position.save()
    return taken


def follow_correction(event_id: int) -> None:
    """Bring the inbox in line with what staff say of a message, or say no more.

    Call it in the transaction of the correction. What was decided in the inbox stays, unless a
    red flag was missed.
    """
    if Correction.objects.filter(event_id=event_id).exists():
        _take({event_id: {"marked_wrong"}})
    question = Question.objects.select_for_update().filter(occurrences__event_id=event_id).first()
    if question is None:
        return
    places = question.occurrences.values("event_id")
    said = list(Correction.objects.filter(event_id__in=places).order_by("at", "pk"))
    missed = [one for one in said if one.kind == Correction.Kind.MISSED_RED_FLAG]
    question.marked_wrong = bool(said)
    if missed or question.state == State.OPEN or question.decided_event is not None:
        _decide(question, (missed or said or [None])[-1])
    if question.state == State.OPEN and not any(getattr(question, name) for name in REASONS):
        question.delete()
    else:
        question.save()


def forget_unasked() -> None:
    """Delete what nobody has decided about and what is in no conversation any more."""
    Question.objects.filter(state__in=UNDECIDED, occurrences=None).delete()


def forget_asked(event_ids: Iterable[int]) -> None:
    """Forget that these messages asked something: their words are to be kept nowhere.

    A question that others have asked in the same words stays.
    """
    places = Occurrence.objects.filter(event_id__in=list(event_ids))
    for question in Question.objects.filter(occurrences__in=places).distinct():
        gone, _ = places.filter(question=question).delete()
        if question.occurrences.exists():
            Question.objects.filter(pk=question.pk).update(count=F("count") - gone)
            continue
        question.delete()


def _asked_before(answers: Iterable[int]) -> set[int]:
    """The messages that were answered with these."""
    found = set()
    for answer in Message.objects.filter(event_id__in=list(answers)):
        asked = Message.objects.filter(
            session=answer.session_id,
            author=Message.Author.PATIENT,
            event_id__lt=answer.event_id,
        )
        before = asked.order_by("-event_id").values_list("event_id", flat=True).first()
        if before is not None:
            found.add(before)
    return found


def _is_rated_down(event_id: int) -> bool:
    """Whether an answer to this message has a thumb down."""
    message = Message.objects.filter(pk=event_id).first()
    if message is None:
        return False
    rows = Message.objects.filter(session=message.session_id, event_id__gt=event_id)
    asked = rows.filter(author=Message.Author.PATIENT).order_by("event_id")
    if (following := asked.values_list("event_id", flat=True).first()) is not None:
        rows = rows.filter(event_id__lt=following)
    return rows.filter(feedback="down").exists()


def _take_thumbs_back(event_ids: Iterable[int]) -> None:
    """Patients have taken their thumb down back: a question nobody minds any more goes."""
    events = list(event_ids)
    if not events:
        return
    places = Occurrence.objects.filter(event_id__in=events)
    with transaction.atomic():
        same = Question.objects.select_for_update().filter(thumbs_down=True)
        for question in same.filter(pk__in=places.values("question")):
            asked = question.occurrences.values_list("event_id", flat=True)
            if any(_is_rated_down(event_id) for event_id in asked):
                continue
            question.thumbs_down = False
            if question.state == State.OPEN and not any(getattr(question, one) for one in REASONS):
                question.delete()
            else:
                question.save(update_fields=["thumbs_down"])


def _not_noted(reasons: Reasons) -> dict[int, set[str]]:
    """Without what the inbox has already."""
    rows = Occurrence.objects.filter(event_id__in=list(reasons))
    left = dict(reasons)
    for event_id, *flags in rows.values_list(
        "event_id", *(f"question__{name}" for name in REASONS)
    ):
        left[event_id] = reasons[event_id] - {
            name for name, flag in zip(REASONS, flags, strict=True) if flag
        }
    return {event_id: why for event_id, why in left.items() if why}


def _take(reasons: Reasons) -> int:
    """Note messages down with why they are here; the number of those that were not known."""
    if not reasons:
        return 0
    known = Occurrence.objects.filter(event_id__in=list(reasons)).values("event_id")
    new = Message.objects.filter(event_id__in=list(reasons)).exclude(event_id__in=known)
    messages = list(new.select_related("session").order_by("event_id"))
    names = known_names({each.session.conversation_id for each in messages})
    # Before the transaction: others who write wait for it.
    asked: dict[str, list[tuple[Message, str]]] = defaultdict(list)
    for message in messages:
        text = scrub(_words(message), names[message.session.conversation_id])[:LONGEST].strip()
        if key := key_of(text):
            asked[key].append((message, text))
    with transaction.atomic():
        taken = _store(asked)
        _flag(reasons)
    return taken


def _words(message: Message) -> str:
    """What was asked; of a click whose button has no title any more, the topic."""
    if not message.payload or message.text != message.payload:
        return message.text
    topic = (message.topics or [message.intent])[0]
    return topic.removeprefix("faq/").replace("_", " ").capitalize()


def _store(asked: Mapping[str, list[tuple[Message, str]]]) -> int:
    """Store messages by their question's key, each once; how many."""
    # Some may have been erased, or noted down by somebody else, by now.
    every = [message for some in asked.values() for message, _ in some]
    wanted = {message.session_id for message in every}
    rows = Session.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    alive = set(rows.values_list("pk", flat=True))
    known = Occurrence.objects.filter(event_id__in=[message.pk for message in every])
    there = set(known.values_list("event_id", flat=True))
    asked = {
        key: left
        for key, some in asked.items()
        if (left := [one for one in some if one[0].session_id in alive and one[0].pk not in there])
    }
    Question.objects.bulk_create(
        [
            Question(key=key, text=some[0][1], first_at=some[0][0].at, last_at=some[0][0].at)
            for key, some in asked.items()
        ],
        ignore_conflicts=True,
    )
    same = Question.objects.select_for_update().filter(key__in=list(asked)).order_by("pk")
    questions = {question.key: question for question in same}
    occurrences = []
    for key, some in asked.items():
        question = questions[key]
        for message, text in some:
            occurrences.append(
                Occurrence(
                    question=question,
                    session_id=message.session_id,
                    event_id=message.pk,
                    at=message.at,
                )
            )
            question.count += 1
            if message.at >= question.last_at:
                question.last_at, question.text = message.at, text
                question.guess, question.confidence = message.guess, message.confidence
    Occurrence.objects.bulk_create(occurrences)
    Question.objects.bulk_update(
        questions.values(), ("count", "last_at", "text", "guess", "confidence"), batch_size=100
    )
    return len(occurrences)


def _flag(reasons: Reasons) -> None:
    """Note on the questions why they are here."""
    question_of = dict(
        Occurrence.objects.filter(event_id__in=list(reasons)).values_list("event_id", "question_id")
    )
    why: dict[str, set[int]] = defaultdict(set)
    for event_id, names in reasons.items():
        for name in names:
            if event_id in question_of:
                why[name].add(question_of[event_id])
    for name, questions in why.items():
        Question.objects.filter(pk__in=questions, **{name: False}).update(**{name: True})


def _decide(question: Question, correction: Correction | None) -> None:
    """As a correction says, or open without one. A new decision has not been exported yet."""
    before = (question.state, question.topic)
    # What a correction can say are states of questions, by the same names.
    question.state = State(correction.kind) if correction else State.OPEN
    question.topic = correction.right_topic if correction else ""
    question.decided_by = correction.by if correction else ""
    question.decided_at = correction.at if correction else None
    question.decided_event = correction.event_id if correction else None
    if (question.state, question.topic) != before:
        question.exported_at = None
