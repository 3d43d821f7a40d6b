"""Appointment requests, held times and the waiting list. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock
from clinic.references import LENGTH


class Status(models.TextChoices):
    """Where a request stands. A person at the clinic makes it ``confirmed``, or the patient who
    accepts a time that such a person has proposed.

    ``held`` is the step before a request is sent: the time is kept while the patient answers. It
    is the first entry in the history of a request that was asked for with a time.
    """

    HELD = "held"
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


class Visit(models.TextChoices):
    """Whether the patient has been treated at this clinic before."""

    NEW = "new"
    RETURNING = "returning"


class AppointmentRequest(models.Model):
    """What a patient asked for, in the patient's words, and the time it is about if there is one.

    ``patient_contact`` is normalised (E.164 or an address), ``patient_contact_typed`` is what the
    patient wrote. ``service``, ``minutes`` and ``therapist`` are names and lengths of clinic.yml.
    ``starts_at`` and ``ends_at`` are both empty while the time is still to be found.
    ``consent_version`` names the wording agreed to at ``consent_at``. After an erasure the personal
    columns are empty and ``erased_at`` is set.
    """

    reference = models.CharField(max_length=LENGTH, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    conversation_id = models.CharField(max_length=255, db_index=True, blank=True)
    patient_name = models.CharField(max_length=200, blank=True)
    patient_contact_kind = models.CharField(max_length=5, choices=ContactKind, blank=True)
    patient_contact = models.CharField(max_length=320, blank=True)
    patient_contact_typed = models.CharField(max_length=500, blank=True)
    new_or_returning = models.CharField(max_length=9, choices=Visit, blank=True)
    for_whom = models.CharField(max_length=200, blank=True)
    preferred_time = models.TextField(blank=True)
    note = models.TextField(blank=True)
    service = models.TextField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    therapist = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True, db_index=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=50, blank=True)
    consent_at = models.DateTimeField(null=True, blank=True)
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
            models.CheckConstraint(
                condition=models.Q(starts_at__isnull=True, ends_at__isnull=True)
                | models.Q(starts_at__isnull=False, ends_at__isnull=False)
                & models.Q(starts_at__lt=models.F("ends_at"))
                & ~models.Q(therapist=""),
                name="request_time_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reference} ({self.status})"


class StatusChange(models.Model):
    """One step of a request: into which state, when, by whom, and which time it was about then.

    ``who`` is ``patient``, ``assistant`` or the login of someone at the clinic. ``reason`` is a key
    of ``reasons`` in ``handoff/wording.yml``, ``refused`` when a proposed time did not suit the
    patient, or empty.
    """

    request = models.ForeignKey(
        AppointmentRequest, on_delete=models.CASCADE, related_name="status_changes"
    )
    status = models.CharField(max_length=10, choices=Status)
    who = models.CharField(max_length=150)
    reason = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(default=clock.now)
    therapist = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.status} by {self.who}"


class Hold(models.Model):
    """A stretch of a therapist's time that nobody else can have.

    Either held for a conversation until ``expires_at``, or taken by ``request`` for good. ``draft``
    tells appointments apart that one conversation asks for. The appointment is from ``starts_at``
    to ``ends_at``; the next one can start at ``free_at``, when the buffer is over.
    """

    therapist = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    free_at = models.DateTimeField()
    conversation_id = models.CharField(max_length=255, blank=True)
    draft = models.CharField(max_length=50, blank=True)
    held_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    request = models.OneToOneField(
        AppointmentRequest, on_delete=models.CASCADE, null=True, blank=True, related_name="hold"
    )

    class Meta:
        indexes = (models.Index(fields=("therapist", "starts_at"), name="hold_therapist_starts"),)
        constraints = (
            models.UniqueConstraint(
                fields=("conversation_id", "draft"),
                condition=models.Q(request__isnull=True),
                name="hold_one_per_draft",
            ),
            models.CheckConstraint(
                condition=models.Q(request__isnull=True, expires_at__isnull=False)
                | models.Q(request__isnull=False, expires_at__isnull=True),
                name="hold_expires_or_taken",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__lt=models.F("ends_at"))
                & models.Q(ends_at__lte=models.F("free_at")),
                name="hold_time_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.therapist} {self.starts_at:%Y-%m-%d %H:%M}"


class Bucket(models.Model):
    """Five minutes of one therapist, counted from 1970 in UTC. Each belongs to one hold only.

    The unique constraint is the lock: whatever the code does, the database refuses the second.
    """

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="buckets")
    therapist = models.CharField(max_length=200)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("therapist", "number"), name="bucket_taken_once"),
        )

    def __str__(self) -> str:
        return f"{self.therapist} {self.number}"


class WaitingEntry(models.Model):
    """A patient who wants to be told when a time frees up.

    ``windows`` is a list of ``[start, end]`` in ISO 8601, UTC; the appointment must fit inside one.
    ``until`` is the last end. ``therapist`` is empty for anyone. The rest is as in a request.
    """

    class State(models.TextChoices):
        """Whether the patient still waits, and why not."""

        WAITING = "waiting"
        BOOKED = "booked"
        LEFT = "left"
        EXPIRED = "expired"

    reference = models.CharField(max_length=LENGTH, unique=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    conversation_id = models.CharField(max_length=255, db_index=True)
    patient_name = models.CharField(max_length=200)
    patient_contact_kind = models.CharField(max_length=5, choices=ContactKind)
    patient_contact = models.CharField(max_length=320)
    patient_contact_typed = models.CharField(max_length=500)
    new_or_returning = models.CharField(max_length=9, choices=Visit, blank=True)
    for_whom = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    service = models.TextField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField()
    therapist = models.CharField(max_length=200, blank=True)
    windows = models.JSONField()
    until = models.DateTimeField(db_index=True)
    consent_version = models.CharField(max_length=50, blank=True)
    consent_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"


class WaitingOffer(models.Model):
    """A time that became free and fits someone who waits.

    The time is not held: who asks first gets it, and the message must say so.
    """

    class State(models.TextChoices):
        """What became of it. ``gone``: over or taken by someone else before it was told."""

        TO_TELL = "to_tell"
        TOLD = "told"
        GONE = "gone"

    entry = models.ForeignKey(WaitingEntry, on_delete=models.CASCADE, related_name="offers")
    state = models.CharField(max_length=7, choices=State, default=State.TO_TELL, db_index=True)
    therapist = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("entry", "therapist", "starts_at"), name="offer_told_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.entry_id} {self.starts_at:%Y-%m-%d %H:%M} ({self.state})"


class WrongPairs(models.Model):
    """How often a reference and a contact that do not belong together were tried.

    ``digest`` is a keyed hash of what is counted (a conversation, a contact, a network address).
    """

    digest = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.count} wrong"
