"""Who may do what: the one table of roles and rights.

Each role is a Django group of the same name, each right a permission ``people.<right>``; both are
brought in line with this table whenever the database is brought up to date.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What someone does at the clinic. One person can have several."""

    FRONT_DESK = "front_desk"
    REVIEWER = "reviewer"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """A page, or something done on one."""

    TODAY = "today"
    BOOKINGS = "bookings"
    LIVE = "live"
    CONVERSATIONS = "conversations"
    REVIEW = "review"
    EXPORT = "export"
    QUESTIONS = "questions"
    INSIGHTS = "insights"
    PRIVACY = "privacy"
    AUDIT = "audit"
    PEOPLE = "people"


_F, _R, _P, _A = Role.FRONT_DESK, Role.REVIEWER, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR

ALLOWED: dict[Right, frozenset[Role]] = {
    Right.TODAY: frozenset({_F, _R, _P, _A}),
    # Requests with names; a contact is shown on request only, and that is noted.
    Right.BOOKINGS: frozenset({_F}),
    Right.LIVE: frozenset({_F}),
    # Reading conversations, masked, and saying that a red flag has been seen to.
    Right.CONVERSATIONS: frozenset({_F, _R, _P}),
    # Reviewed, tags, notes, "this was wrong".
    Right.REVIEW: frozenset({_R, _P}),
    Right.EXPORT: frozenset({_R, _P}),
    Right.QUESTIONS: frozenset({_R}),
    Right.INSIGHTS: frozenset({_R, _P}),
    # Finding and showing a person's data, copies, erasing, holds, retention.
    Right.PRIVACY: frozenset({_P}),
    Right.AUDIT: frozenset({_P}),
    Right.PEOPLE: frozenset({_A}),
}


def rights_of(roles: set[Role]) -> set[Right]:
    """What somebody with these roles may do."""
    return {right for right, allowed in ALLOWED.items() if allowed & roles}


def bring_in_line(sender: Any, **_: Any) -> None:
    """Listener of ``post_migrate``: groups and their permissions as in the table."""
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType

    from clinic.people.models import Person

    kind = ContentType.objects.get_for_model(Person)
    permissions = {
        right: Permission.objects.get_or_create(
            codename=right.value, content_type=kind, defaults={"name": right.value}
        )[0]
        for right in Right
    }
    for role in Role:
        group, _new = Group.objects.get_or_create(name=role.value)
        group.permissions.set([permissions[right] for right in rights_of({role})])
