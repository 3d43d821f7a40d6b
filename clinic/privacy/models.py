"""Proof of what was deleted and why, without what it was. All moments are kept in UTC."""

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


class RedactionReceipt(models.Model):
    """Words were taken out of a conversation: when, by whom, and how much was changed.

    ``whole`` messages, or some words; ``events`` of Rasa's and ``messages`` of the website were
    changed. ``conversation_digest`` is that of :class:`DeletionReceipt`.
    """

    reference = models.CharField(max_length=LENGTH, unique=True)
    conversation_digest = models.CharField(max_length=64, db_index=True)
    who = models.CharField(max_length=150)
    whole = models.BooleanField()
    events = models.PositiveIntegerField()
    messages = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.reference


class DeletionRequest(models.Model):
    """A patient wants a conversation deleted that is held as part of a client's health record.

    Nothing of it was deleted, and the patient was told so. ``settled_at`` is when the privacy
    officer has dealt with it. It goes with the conversation once that is deleted.
    """

    conversation_id = models.CharField(max_length=255, unique=True)
    at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return f"deletion request {self.pk}"


class RetentionRun(models.Model):
    """One night's deletion of what is older than the days of ``clinic.yml``.

    ``older_than`` is the moment before which the last message was. ``held`` were kept as part of a
    client's health record, ``for_appointment`` because of an appointment since then, ``talking``
    because somebody had just come back, ``failed`` because the database did not allow it. They
    are looked at again the next night.
    """

    at = models.DateTimeField(default=clock.now, db_index=True)
    who = models.CharField(max_length=150)
    older_than = models.DateTimeField()
    deleted = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    for_appointment = models.PositiveIntegerField(default=0)
    talking = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"retention {self.pk}"
