"""The questions inbox. All moments are kept in UTC; people are named by their user name."""

from __future__ import annotations

from django.db import models

from clinic.conversations.models import Session


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
    at all. ``guess`` and
    ``confidence`` are what it was taken for last. ``group`` and ``group_name``, the most typical
    question of the group, come from ``python -m assistant questions``, as do ``taught_as``, the
    intent or topic it is an example of already, and ``now_as`` with ``now_confidence``, what
    the model that was trained last takes it for.
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
    group = models.PositiveIntegerField(null=True)
    group_name = models.CharField(max_length=500, blank=True)
    taught_as = models.CharField(max_length=255, blank=True)
    now_as = models.CharField(max_length=255, blank=True)
    now_confidence = models.FloatField(null=True)
    now_model = models.CharField(max_length=255, blank=True)

    class Meta:
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
    def conflict(self) -> str:
        """The other topic that it is an example of already; "" when there is none."""
        return self.taught_as if self.wanted and self.taught_as != self.wanted else ""

    @property
    def understood_now(self) -> bool:
        """The model that was trained last takes it for what staff say it is."""
        return bool(self.wanted) and self.now_as == self.wanted


class Occurrence(models.Model):
    """Where a question was asked: the message ``event_id`` of a session."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="occurrences")
    session = models.ForeignKey(Session, on_delete=models.CASCADE)
    event_id = models.BigIntegerField(unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"occurrence {self.event_id}"
