"""Collecting the questions that went wrong.

Needs ``clinic.setup.ready()``. A message is collected when the assistant did not understand it, was
not sure of it, got a thumb down for its answer, or was corrected by staff. Clicks and answers
to a form's questions are not, unless staff say so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from clinic import clock
from clinic.conversations.models import Correction, Message, Position
from clinic.conversations.projection import OVERLAP
from clinic.privacy.known_names import known_names
from clinic.privacy.masking import scrub
from clinic.questions.models import UNDECIDED, Occurrence, Question, State

#: Below this the assistant was not sure, although it answered.
LOW = 0.4
LONGEST = 500

_NAME = "questions"
_AT_ONCE = 500
_NOT_WORDS = re.compile(r"[\W_]+")


def key_of(text: str) -> str:
    """A text by which the same question is known again: without case, signs and accents' forms."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORDS.sub(" ", folded).strip()[:LONGEST]


def collect() -> int:
    """Collect what is new; the number of messages. Call again at once while it is not 0."""
    with transaction.atomic():
        Position.objects.get_or_create(name=_NAME)
        position = Position.objects.select_for_update().get(name=_NAME)
        newest = Message.objects.aggregate(last=Max("event_id"))["last"] or 0
        corrections = {each.event_id: each for each in Correction.objects.all()}
        reasons: dict[int, set[str]] = defaultdict(set)
        for event_id in corrections:
            reasons[event_id].add("marked_wrong")
        for event_id in _rated_down():
            reasons[event_id].add("thumbs_down")
        unread = _asked().filter(_UNSURE, event_id__gt=position.last_event_id - OVERLAP)
        unsure = list(unread[:_AT_ONCE])
        for message in unsure:
            if not message.understood:
                reasons[message.event_id].add("not_understood")
            if message.confidence is not None and message.confidence < LOW:
                reasons[message.event_id].add("low_confidence")
        taken = _take(reasons)
        _follow(corrections)
        last = unsure[-1].event_id if len(unsure) == _AT_ONCE else newest
        if last != position.last_event_id:
            position.last_event_id = last
            position.read_at = clock.now()
            position.save()
    return taken


def forget_unasked() -> None:
    """Delete what nobody has decided about and what is in no conversation any more."""
    Question.objects.filter(state__in=UNDECIDED, occurrences=None).delete()


_UNSURE = Q(understood=False) | Q(confidence__lt=LOW)


def _asked() -> QuerySet[Message]:
    """Patients' own words, in order."""
    words = Message.objects.filter(author=Message.Author.PATIENT, form="", payload="")
    return words.exclude(text="").order_by("event_id")


def _rated_down() -> Iterator[int]:
    """The messages whose answers got a thumb down."""
    for answer in Message.objects.filter(feedback="down"):
        asked = Message.objects.filter(
            session=answer.session_id,
            author=Message.Author.PATIENT,
            event_id__lt=answer.event_id,
        )
        before = asked.order_by("-event_id").values_list("event_id", "payload").first()
        if before and not before[1]:
            yield before[0]


def _take(reasons: Mapping[int, set[str]]) -> int:
    """Note messages down with why they are here; the number of those that were not known."""
    known = dict(
        Occurrence.objects.filter(event_id__in=list(reasons)).values_list("event_id", "question_id")
    )
    new = Message.objects.filter(event_id__in=[each for each in reasons if each not in known])
    messages = list(new.select_related("session").order_by("event_id"))
    names = known_names({each.session.conversation_id for each in messages})
    taken = 0
    for message in messages:
        text = scrub(message.text, names[message.session.conversation_id])[:LONGEST].strip()
        key = key_of(text)
        if not key:
            continue
        question, _ = Question.objects.get_or_create(
            key=key, defaults={"text": text, "first_at": message.at, "last_at": message.at}
        )
        Occurrence.objects.create(
            question=question, session=message.session, event_id=message.event_id, at=message.at
        )
        question.count += 1
        if message.at >= question.last_at:
            question.last_at, question.text = message.at, text
            question.guess, question.confidence = message.guess, message.confidence
        question.save()
        known[message.event_id] = question.pk
        taken += 1
    why: dict[str, set[int]] = defaultdict(set)
    for event_id, names_of in reasons.items():
        for name in names_of:
            if event_id in known:
                why[name].add(known[event_id])
    for name, questions in why.items():
        Question.objects.filter(pk__in=questions, **{name: False}).update(**{name: True})
    return taken


def _follow(corrections: Mapping[int, Correction]) -> None:
    """What staff said beside the transcript is decided here as well, unless it already was."""
    open_ones = Occurrence.objects.filter(
        event_id__in=list(corrections), question__state=State.OPEN
    )
    for occurrence in open_ones.select_related("question"):
        correction, question = corrections[occurrence.event_id], occurrence.question
        if correction.kind == Correction.Kind.TOPIC:
            question.state, question.topic = State.TOPIC, correction.right_topic
        elif correction.kind == Correction.Kind.OUT_OF_SCOPE:
            question.state = State.OUT_OF_SCOPE
        else:
            continue
        question.decided_by, question.decided_at = correction.by, correction.at
        question.save()
