"""Proof that something was deleted, without what it was. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock
from clinic.references import LENGTH


class DeletionReceipt(models.Model):
    """One deletion: when, by whom, and how many rows.

    ``conversation_digest`` is a keyed hash of the conversation's id, which can be a phone number:
    it answers "was this one deleted?" and gives nothing away.
    """

    reference = models.CharField(max_length=LENGTH, unique=True)
    conversation_digest = models.CharField(max_length=64, db_index=True)
    who = models.CharField(max_length=150)
    requests_anonymised = models.PositiveIntegerField()
    messages_deleted = models.PositiveIntegerField()
    feedback_deleted = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.reference
