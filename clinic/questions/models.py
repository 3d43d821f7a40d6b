"""The questions inbox. All moments are kept in UTC; people are named by their user name."""

from __future__ import annotations

from django.db import models

from clinic.conversations.models import Session
from clinic.conversations.reading import NOTHING_GUESSED
from clinic.questions import taught

#: Below this the assistant was not sure, although it answered.
LOW = 0.4
#: In place of a level, when there is no danger sign.
NO_LEVEL = "none"


class State(models.TextChoices):
    """What staff made of a question.

    ``topic``: it belongs to a topic there is. ``needs_answer``: the clinic should have an answer
    to it. ``missed_red_flag`` and ``false_alarm`` are for whoever keeps ``data/safety``, not for
    the training.
    """

    OPEN = "open"
    MISSED_RED_FLAG = "missed_red_flag"
    FALSE_ALARM = "false_alarm"
    TOPIC = "topic"
    OUT_OF_SCOPE = "out_of_scope"
    NEEDS_ANSWER = "needs_answer"
    DISCARDED = "discarded"


#: Nobody's work is lost when these go with the last conversation they were asked in.
UNDECIDED = (State.OPEN, State.DISCARDED)
#: What becomes an example for the training, and what goes to whoever keeps the danger signs.
FOR_TRAINING = (State.TOPIC, State.OUT_OF_SCOPE)
FOR_CLINICIAN = (State.MISSED_RED_FLAG, State.FALSE_ALARM)
#: Why a question is here: its flags.
REASONS = ("not_understood", "low_confidence", "thumbs_down", "marked_wrong")


class Question(models.Model):
    """A wording, however often it was written, without what tells who a patient is.

    ``key`` is the text without case and signs. Four flags say why it is here. ``decided_event`` is
    the message beside which staff said what it is; None when that was said in the inbox, or not
    at all. ``guess`` and ``confidence`` are what it was taken for last. ``group``, the primary key
    of the most typical question of its group, comes from ``python -m assistant questions``, as do
    ``now_as`` with ``now_confidence``, what the model takes it for that was trained last, at
    ``now_model`` in seconds since 1970. ``now_level`` is what the table of danger signs makes of it
    now: a level, "none", or empty when that was not asked.
    """

    key = models.CharField(max_length=500, unique=True)
    text = models.CharField(max_length=500)
    count = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    not_understood = models.BooleanField(default=False)
    low_confidence = models.BooleanField(default=False)
    thumbs_down = models.BooleanField(default=False)
    marked_wrong = models.BooleanField(default=False)
    guess = models.CharField(max_length=255, blank=True)
    confidence = models.FloatField(null=True)
    state = models.CharField(max_length=15, choices=State, default=State.OPEN, db_index=True)
    topic = models.CharField(max_length=255, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_event = models.BigIntegerField(null=True)
    exported_at = models.DateTimeField(null=True)
    group = models.BigIntegerField(null=True)
    now_as = models.CharField(max_length=255, blank=True)
    now_confidence = models.FloatField(null=True)
    now_model = models.CharField(max_length=255, blank=True)
    now_level = models.CharField(max_length=9, blank=True)

    class Meta:
        indexes = (
            # All that groups are counted from. PostgreSQL adds no primary key by itself.
            models.Index(
                fields=["state", "group", "count", "last_at", *REASONS, "id"],
                name="questions_to_group",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(state=State.TOPIC) | ~models.Q(topic=""),
                name="question_names_the_topic",
            ),
        )

    def __str__(self) -> str:
        return f"question {self.pk}"

    @property
    def wanted(self) -> str:
        """The intent or topic it belongs to as far as staff have said; "" otherwise."""
        return str(State.OUT_OF_SCOPE) if self.state == State.OUT_OF_SCOPE else self.topic

    @property
    def taught_as(self) -> str:
        """The intent or topic that it is an example of already; "" when it is none."""
        return taught.label_of(self.text)

    @property
    def conflict(self) -> str:
        """The other topic that it is an example of already; "" when there is none."""
        return self.taught_as if self.wanted and self.taught_as != self.wanted else ""

    @property
    def understood_now(self) -> bool:
        """The assistant as it is now makes of it what staff say it is.

        Where they have not said that, something, and something else if that was wrong; by a model
        that was trained after the question was asked.
        """
        if self.state == State.MISSED_RED_FLAG:
            return self.now_level not in ("", NO_LEVEL)
        if self.state == State.FALSE_ALARM:
            return self.now_level == NO_LEVEL
        if self.wanted:
            return self.now_as == self.wanted
        return (
            (self.now_confidence or 0) >= LOW
            and self.now_as not in (NOTHING_GUESSED | {State.OUT_OF_SCOPE})
            and not ((self.thumbs_down or self.marked_wrong) and self.now_as == self.guess)
            and int(self.now_model or 0) > self.last_at.timestamp()
        )


class Meaning(models.Model):
    """The vector a question is compared by: 768 bytes that no list has to read past."""

    question = models.OneToOneField(Question, on_delete=models.CASCADE, primary_key=True)
    vector = models.BinaryField()

    def __str__(self) -> str:
        return f"meaning of question {self.pk}"


class Occurrence(models.Model):
    """Where a question was asked: the message ``event_id`` of a session."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="occurrences")
    session = models.ForeignKey(Session, on_delete=models.CASCADE)
    event_id = models.BigIntegerField(unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"occurrence {self.event_id}"
