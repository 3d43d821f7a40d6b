"""What is still to be delivered, and who was sent where. All moments are kept in UTC."""

from __future__ import annotations

from django.db import models

from clinic import clock
from clinic.booking.models import AppointmentRequest, StatusChange, WaitingOffer
from clinic.live.models import Step


class State(models.TextChoices):
    """How far one delivery is.

    ``failed``: tried, and will be tried again. ``stuck``: given up, someone must look. ``dropped``:
    not needed any more, because a later change of the same request took its place or the patient's
    data was deleted.
    """

    WAITING = "waiting"
    FAILED = "failed"
    SENT = "sent"
    STUCK = "stuck"
    DROPPED = "dropped"


#: Still to be tried.
OPEN = (State.WAITING, State.FAILED)


def _about(**there: bool) -> models.Q:
    """The fields that say what an item is about: these are there, the others are not."""
    names = ("request", "change", "offer", "step", "late")
    return models.Q(**{f"{name}__isnull": name not in there for name in names})


class LateMessage(models.Model):
    """Something said in a messaging app did not reach the patient.

    ``failed``: it is late and tried again; ``stuck``: it was given up, refused, or the patient has
    blocked the assistant, so someone must look. The Rasa server writes these rows
    (``assistant/channels/apps/late.py``); ``reason`` is one of ``late`` in ``wording.yml``.
    ``settled_at`` is when someone has seen to it; the row goes when that cannot be undone any more.
    """

    conversation_id = models.CharField(max_length=255)
    app = models.CharField(max_length=20)
    state = models.CharField(
        max_length=7, choices=[(State.FAILED, "failed"), (State.STUCK, "stuck")]
    )
    reason = models.CharField(max_length=20)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("conversation_id", "app"), name="late_once_per_app"),
            models.CheckConstraint(
                condition=models.Q(state__in=(State.FAILED, State.STUCK)), name="late_state_known"
            ),
        )

    def __str__(self) -> str:
        return f"message in {self.app} ({self.state})"


class Item(models.Model):
    """One part of one change of a request, or of one freed time, to be brought to one place.

    About a request: ``request`` and ``change``. About a time that became free, for someone on the
    waiting list: ``offer``. About a patient who waits for a person in the chat: ``step``. About
    what did not arrive in a messaging app: ``late``. Holds
    nothing personal: what is sent is made of these when it is sent.
    ``reason`` and ``code`` say why the last try failed. Whoever tries holds a lease: ``leased_by``
    is made anew for each try, and until ``leased_until`` nobody else tries. ``waiting_since`` is
    when it was noted down or last retried by someone at the clinic. ``done_by`` is who at the
    clinic did it by hand instead: called the patient, or entered it themselves.
    """

    request = models.ForeignKey(
        AppointmentRequest, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    change = models.ForeignKey(
        StatusChange, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    offer = models.ForeignKey(
        WaitingOffer, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    step = models.ForeignKey(Step, on_delete=models.CASCADE, null=True, related_name="deliveries")
    # The Rasa server deletes those rows, and knows nothing of these.
    late = models.ForeignKey(
        LateMessage,
        on_delete=models.CASCADE,
        null=True,
        related_name="deliveries",
        db_constraint=False,
    )
    part = models.CharField(max_length=7)
    sequence = models.PositiveIntegerField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    waiting_since = models.DateTimeField()
    leased_by = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    external_id = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    retried_by = models.CharField(max_length=150, blank=True)
    done_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("state", "due_at"), name="item_state_due"),)
        constraints = (
            models.UniqueConstraint(fields=("change", "part"), name="item_once_per_change"),
            models.UniqueConstraint(fields=("offer", "part"), name="item_once_per_offer"),
            models.UniqueConstraint(fields=("step", "part"), name="item_once_per_step"),
            models.UniqueConstraint(fields=("late", "part"), name="item_once_per_late"),
            models.CheckConstraint(
                condition=_about(request=True, change=True)
                | _about(offer=True)
                | _about(step=True)
                | _about(late=True),
                name="item_about_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="item_state_known"
            ),
        )

    def __str__(self) -> str:
        abouts = {"offer": self.offer_id, "change": self.change_id, "step": self.step_id}
        abouts["late message"] = self.late_id
        what = next(f"{name} {key}" for name, key in abouts.items() if key)
        return f"{self.part} of {what} ({self.state})"


class LinkGiven(models.Model):
    """A patient was sent to the clinic's own booking program.

    ``address`` is without the patient's name and contact, even if those were filled in.
    """

    conversation_id = models.CharField(max_length=255, db_index=True)
    request = models.ForeignKey(
        AppointmentRequest,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="links_given",
    )
    program = models.CharField(max_length=20)
    address = models.CharField(max_length=2000)
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.program} at {self.at:%Y-%m-%d %H:%M}"
