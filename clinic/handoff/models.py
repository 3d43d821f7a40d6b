"""Messages for a person at the clinic. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock
from clinic.references import LENGTH


class PatientMessage(models.Model):
    """What a patient wants a person to read, and how to answer.

    ``answered_at`` is when somebody had dealt with it; of one that was answered before an update it
    is not known.
    """

    class Status(models.TextChoices):
        """Whether someone has dealt with it."""

        NEW = "new"
        ANSWERED = "answered"

    class ContactKind(models.TextChoices):
        """How the patient can be reached."""

        PHONE = "phone"
        EMAIL = "email"

    reference = models.CharField(max_length=LENGTH, unique=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.NEW)
    conversation_id = models.CharField(max_length=255, db_index=True)
    patient_name = models.CharField(max_length=200, blank=True)
    patient_contact_kind = models.CharField(max_length=5, choices=ContactKind)
    patient_contact = models.CharField(max_length=320)
    patient_contact_typed = models.CharField(max_length=500)
    text = models.TextField()
    idempotency_key = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)
    answered_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=("new", "answered")), name="message_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(patient_contact_kind__in=("phone", "email"))
                & ~models.Q(patient_contact=""),
                name="message_can_be_answered",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reference} ({self.status})"
