"""References that a patient can read out on the phone."""

from __future__ import annotations

import secrets

#: No vowels (no words), and no pair that looks or sounds alike: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
ALPHABET = "34679CDFGHJKMNPQRTWXY"
LENGTH = 6


def new_reference() -> str:
    """Six unguessable characters, one of 86 million."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
