"""The pass of a chat on the website: a signed token that names the conversation and expires.

Whoever shows it may read and write the conversation; its id alone opens nothing.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import jwt

_ALGORITHM = "HS256"
_AUDIENCE = "website-chat"


def new_conversation() -> str:
    """A conversation's id: 256 random bits, as 43 characters of URL-safe base64."""
    return secrets.token_urlsafe(32)


class Tokens:
    """Issues and reads tokens. The first key signs; the others, being rotated out, still open."""

    def __init__(self, keys: Sequence[str], lifetime: timedelta) -> None:
        self._keys = keys
        self._lifetime = lifetime

    def issue(self, conversation: str) -> tuple[str, datetime]:
        """Returns a token and the moment, in UTC, from which it opens nothing any more."""
        expires = datetime.now(UTC).replace(microsecond=0) + self._lifetime
        claims = {"sub": conversation, "aud": _AUDIENCE, "exp": expires}
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM), expires

    def hashed(self, address: str) -> str:
        """The same text for the same network address, from which nobody can tell which it is."""
        key = hmac.digest(self._keys[0].encode(), b"address", "sha256")
        return hmac.digest(key, address.encode(), "sha256").hex()

    def read(self, token: object) -> str | None:
        """Returns the conversation's id, or None for what is no token of ours or has expired."""
        if not isinstance(token, str):
            return None
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    audience=_AUDIENCE,
                    options={"require": ["sub", "aud", "exp"]},
                )
            except jwt.InvalidTokenError:
                continue
            return str(claims["sub"])
        return None
