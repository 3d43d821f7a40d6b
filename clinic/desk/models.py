"""What people at the desk keep for themselves: filters by name, and what can still be undone."""

from __future__ import annotations

from django.db import models

from clinic import clock


class SavedFilter(models.Model):
    """A list of conversations by name. ``query`` is the part of the address after "?"."""

    by = models.CharField(max_length=150, db_index=True)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("name",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("by", "name"), name="saved_filter_once_by_name"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.by}"


class Undo(models.Model):
    """How to take back something that was done: by whoever did it, once, for a day.

    ``kind`` is a function of :mod:`clinic.desk.reviewing`, ``data`` what it needs: ids and names,
    never a patient's words.
    """

    by = models.CharField(max_length=150)
    kind = models.CharField(max_length=30)
    data = models.JSONField()
    at = models.DateTimeField(default=clock.now, db_index=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"
