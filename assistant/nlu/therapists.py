"""The therapists' names of ``clinic.yml`` in the word lists of ``data/``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clinic import facts

# In a list: the therapists' names.
THERAPIST = "<therapist>"


def any_name(names: Iterable[str] | None = None) -> str:
    """An expression for people by any of their names; all therapists of the clinic by default."""
    if names is None:
        names = [therapist.name for therapist in facts.current().therapists]
    return "|".join(re.escape(part) for name in names for part in (name, *name.split()))


def naming(pattern: str, names: Iterable[str] | None = None) -> str:
    """A pattern of a list with people in the place of ``<therapist>``."""
    return pattern.replace(THERAPIST, any_name(names)) if THERAPIST in pattern else pattern
