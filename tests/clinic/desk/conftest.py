"""A desk with an empty database, and people to sit at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashing that takes no time."""
    from django.test import override_settings

    hasher = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[hasher]):
        yield


@pytest.fixture
def everyone(database: Path) -> dict[str, Any]:
    """One person of each role, by role."""
    from desk_people import person

    from clinic.people.roles import Role

    return {role.value: person(role.value.replace("_", "-"), role) for role in Role}
