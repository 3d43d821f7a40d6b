"""Appointment requests and the history of their states. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock
from clinic.references import LENGTH


class Status(models.TextChoices):
    """Where a request stands. Only a person at the clinic makes it ``confirmed``."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ContactKind(models.TextChoices):
    """How a patient can be reached."""

    PHONE = "phone"
    EMAIL = "email"


class AppointmentRequest(models.Model):
    """What a patient asked for, in the patient's words.

    ``patient_contact`` is normalised (E.164 or an address), ``patient_contact_typed`` is what the
    patient wrote. After an erasure the personal columns are empty and ``erased_at`` is set.
    """

    reference = models.CharField(max_length=LENGTH, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    conversation_id = models.CharField(max_length=255, db_index=True, blank=True)
    patient_name = models.CharField(max_length=200, blank=True)
    patient_contact_kind = models.CharField(max_length=5, choices=ContactKind, blank=True)
    patient_contact = models.CharField(max_length=320, blank=True)
    patient_contact_typed = models.CharField(max_length=500, blank=True)
    preferred_time = models.TextField(blank=True)
    note = models.TextField(blank=True)
    service = models.TextField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="request_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=False)
                | models.Q(patient_contact_kind__in=ContactKind.values)
                & ~models.Q(patient_contact="")
                & ~models.Q(patient_name=""),
                name="request_can_be_answered",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reference} ({self.status})"


class StatusChange(models.Model):
    """One step of a request: into which state, when, and by whom.

    ``who`` is ``patient``, ``assistant`` or the login of someone at the clinic.
    """

    request = models.ForeignKey(
        AppointmentRequest, on_delete=models.CASCADE, related_name="status_changes"
    )
    status = models.CharField(max_length=10, choices=Status)
    who = models.CharField(max_length=150)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.status} by {self.who}"
