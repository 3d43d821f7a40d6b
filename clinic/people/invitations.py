"""Links that work once: inviting somebody, and letting somebody begin anew."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac
from django_otp import devices_for_user

from clinic.audit import log
from clinic.audit.models import Action
from clinic.people.models import Invitation, Person
from clinic.people.roles import Role
from clinic.text import clean

#: How long a link works.
VALID = timedelta(hours=72)

#: Who makes a link that is printed in a terminal. No login has a space, so nobody is called so.
FIRST = "command line"
ANEW = "command line, anew"

_LOGIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")


def invite(
    made_by: str,
    now: datetime,
    *,
    roles: set[Role],
    name: str = "",
    person: Person | None = None,
) -> str:
    """Make a link's secret part, shown once and kept only as a hash.

    ``person``: for them to set password and second factor anew, instead of for somebody new.
    Earlier links for the same person stop working.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        if person is not None:
            Invitation.objects.filter(person=person, used_at=None).update(until=now)
        made = Invitation.objects.create(
            digest=_digest(secret),
            name=clean(name)[:150],
            roles=sorted(roles),
            person=person,
            made_by=made_by,
            made_at=now,
            until=now + VALID,
        )
        about = f"person {person.username}" if person else f"invitation {made.pk}"
        log.note(made_by, Action.INVITED, about)
    return secret


def invite_administrator(now: datetime, *, anew: bool = False) -> str:
    """Make the secret part of a link for whoever sets up the staff desk.

    It works as long as nobody is administrator; with ``anew`` although somebody is, who lost
    password and phone. Earlier links of this kind stop working.
    """
    with transaction.atomic():
        Invitation.objects.filter(made_by__in=(FIRST, ANEW), used_at=None, until__gt=now).update(
            until=now
        )
        # All roles: as long as nobody else is there, they have everything to do.
        return invite(ANEW if anew else FIRST, now, roles=set(Role))


def administrators() -> QuerySet[Person]:
    """Those who can let others in."""
    return Person.objects.filter(is_active=True, groups__name=Role.ADMINISTRATOR)


def working(now: datetime) -> QuerySet[Invitation]:
    """The links that can still be used."""
    found = Invitation.objects.filter(used_at=None, until__gt=now)
    # Whoever finds the first link in an old terminal gets nowhere once the desk is in use.
    return found.exclude(made_by=FIRST) if administrators().exists() else found


def find(secret: str, now: datetime) -> Invitation | None:
    """The invitation of a link that still works."""
    return working(now).filter(digest=_digest(secret)).first()


def take_back(invitation: Invitation, now: datetime) -> None:
    """The link stops working."""
    Invitation.objects.filter(pk=invitation.pk, used_at=None).update(until=now)


def give_back(invitation: Invitation, now: datetime) -> bool:
    """Undo of :func:`take_back`: it works for as long as it would have; False when that is over."""
    until = invitation.made_at + VALID
    person = invitation.person
    if until <= now or (person is not None and not person.is_active):
        return False
    unused = Invitation.objects.filter(pk=invitation.pk, used_at=None, until__lte=now)
    return bool(unused.update(until=until))


def accept(
    secret: str, now: datetime, *, username: str, name: str, password: str
) -> Person | dict[str, list[str]]:
    """Use a link: the person who may log in from now on, or what is wrong, by field.

    For somebody who is there already, login and name stay as they are. What is wrong is a key of
    ``clinic/desk/wording.yml`` or a sentence of Django's about the password. Under ``link``: it
    does not work (any more).
    """
    with transaction.atomic():
        invitation = working(now).select_for_update().filter(digest=_digest(secret)).first()
        if invitation is None:
            return {"link": ["errors.link"]}
        person = invitation.person
        wrong: dict[str, list[str]] = {}
        if person is None:
            username = username.strip().casefold()
            person = Person(username=username, name=clean(name)[:150], joined_at=now)
            if not 2 <= len(username) <= 40 or not set(username) <= _LOGIN_CHARACTERS:
                wrong["username"] = ["errors.username"]
            elif Person.objects.filter(username=username).exists():
                wrong["username"] = ["errors.username_taken"]
            if not person.name:
                wrong["name"] = ["errors.name"]
        try:
            validate_password(password, person)
        except ValidationError as problem:
            wrong["password"] = problem.messages
        if wrong:
            return wrong
        person.set_password(password)
        try:
            with transaction.atomic():
                person.save()
        except IntegrityError:
            return {"username": ["errors.username_taken"]}
        if invitation.person is None:
            person.groups.set(Group.objects.filter(name__in=invitation.roles))
        else:
            # Password and second factor were lost: whoever has them now gets nowhere.
            for device in devices_for_user(person, confirmed=None):
                device.delete()
        invitation.person, invitation.used_at = person, now
        invitation.save(update_fields=["person", "used_at"])
        joined = Action.PASSWORD_SET if invitation.roles == [] else Action.JOINED
        log.note(person.username, joined, f"person {person.username}")
    return person


def _digest(secret: str) -> str:
    return str(salted_hmac("clinic.people.invitation", secret, algorithm="sha256").hexdigest())
