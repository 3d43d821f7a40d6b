"""The audit log. Its rows can be added and read, not changed: the database itself refuses."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models

from clinic import clock


class Action(StrEnum):
    """What was done. Their words for people are in ``clinic/desk/wording.yml``."""

    LOGIN = "login"
    LOGOUT = "logout"
    FAILED_LOGIN = "failed_login"
    FAILED_CODE = "failed_code"
    LOCKED_OUT = "locked_out"
    IDLE = "idle"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    REFUSED = "refused"
    INVITED = "invited"
    JOINED = "joined"
    PASSWORD_SET = "password_set"  # noqa: S105
    FACTOR_SET = "factor_set"
    RECOVERY_CODE = "recovery_code"
    ROLES_CHANGED = "roles_changed"
    PERSON_STOPPED = "person_stopped"
    PERSON_BACK = "person_back"
    VIEW = "view"
    LIST = "list"
    SEARCH = "search"
    EXPORT = "export"
    UNMASK = "unmask"
    CHANGE = "change"
    UNDO = "undo"
    ERASE = "erase"
    DELETION_ASKED = "deletion_asked"
    REDACT = "redact"
    HOLD = "hold"
    RETENTION = "retention"
    LIVE = "live"


class Entry(models.Model):
    """One deed. ``who`` is a login, ``""`` for somebody unknown, or the name given to a command.

    ``about`` names the thing by its kind and number ("conversation 12", "request 7KQ3RD"), never by
    text or by an id that could be a phone number. ``detail`` is a word of this program ("tag",
    "decline"), ``reason`` a key of the list of reasons, ``count`` how many things it was about,
    ``address`` where somebody came from: a network address, or ``command line``.
    """

    at = models.DateTimeField(default=clock.now, db_index=True)
    who = models.CharField(max_length=150, blank=True, db_index=True)
    action = models.CharField(max_length=30)
    about = models.CharField(max_length=80, blank=True, db_index=True)
    detail = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    count = models.PositiveIntegerField(null=True, blank=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.who} {self.action} {self.about}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores a new row. Raises TypeError for one that is stored already."""
        if self.pk is not None:
            raise TypeError("the audit log is only added to")
        super().save(*args, **kwargs)
