"""Those who work at the staff desk. All moments are kept in UTC."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.crypto import salted_hmac

from clinic import clock
from clinic.people.roles import Role


class People(BaseUserManager):
    """Finds people by their login, whatever the case it is typed in."""

    def get_by_natural_key(self, username: str | None) -> Any:
        """Raises Person.DoesNotExist."""
        return self.get(username=(username or "").strip().casefold())


class Person(AbstractBaseUser, PermissionsMixin):
    """Someone with a login. Nobody is deleted, because the audit log names them; they are stopped.

    ``sign_outs`` counts how often all sessions were ended; a session made before is worth nothing.
    ``visited_at`` is the last time they opened Today, ``visited_before`` the visit before that.
    ``codes_to_take`` names the recovery codes that were shown, until they say that they have them.
    ``single_keys`` is whether single letters do something at the desk.
    """

    username = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=150)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=clock.now)
    sign_outs = models.PositiveIntegerField(default=0)
    visited_at = models.DateTimeField(null=True, blank=True)
    visited_before = models.DateTimeField(null=True, blank=True)
    codes_to_take = models.CharField(max_length=16, blank=True, default="")
    single_keys = models.BooleanField(default=True)

    objects = People()

    USERNAME_FIELD = "username"

    class Meta:
        ordering = ("name", "username")
        # The rights of clinic.people.roles are this model's permissions; Django's own are not used.
        default_permissions = ()

    def __str__(self) -> str:
        return self.username

    def roles(self) -> set[Role]:
        """Their roles."""
        return {Role(group.name) for group in self.groups.all() if group.name in set(Role)}

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        return str(
            salted_hmac(
                "clinic.people.session",
                f"{self.password}:{self.sign_outs}",
                secret=secret,
                algorithm="sha256",
            ).hexdigest()
        )


class Invitation(models.Model):
    """A link that works once: for a new person, or to set password and second factor anew.

    Only a keyed hash of what stands in the link is kept. ``person`` is empty for a new one until
    the link is used.
    """

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=150, blank=True)
    roles = models.JSONField(default=list)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, blank=True)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class WrongTries(models.Model):
    """How often a login failed, by keyed hash of the login, the network address, or both."""

    digest = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.count} wrong"
