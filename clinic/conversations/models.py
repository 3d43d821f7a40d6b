"""What patients thought of an answer. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock


class Feedback(models.Model):
    """Thumbs up or down on one answer in one conversation.

    ``answer`` is the name of the response (``utter_faq/cost``), ``message_reference`` tells which
    of the conversation's messages it answered, ``reason`` is what the patient added, if anything.
    """

    class Value(models.TextChoices):
        """What the patient pressed."""

        UP = "up"
        DOWN = "down"

    conversation_id = models.CharField(max_length=255, db_index=True)
    message_reference = models.CharField(max_length=255)
    answer = models.CharField(max_length=255, db_index=True)
    value = models.CharField(max_length=4, choices=Value)
    reason = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("conversation_id", "message_reference", "answer"),
                name="feedback_once_for_each_answer",
            ),
            models.CheckConstraint(
                condition=models.Q(value__in=("up", "down")), name="feedback_value_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.answer} {self.value}"
