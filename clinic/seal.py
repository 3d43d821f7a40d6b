"""How patients' addresses in messaging apps are kept: hashed to be found, encrypted to be used.

A phone number or the number of a chat stands in no log, no conversation's id and no backup in the
clear. Both keys are derived from the key of the chats (``CLINIC_CHAT_KEY``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

# Bytes of a signature in an address that patients are sent.
_SIGNATURE = 16


class Seal:
    """Hashes, encrypts and signs. The first key does; what the others did is still understood."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_derived(key, "names") for key in keys]
        self._signing = [_derived(key, "links") for key in keys]
        codes = [base64.urlsafe_b64encode(_derived(key, "addresses")) for key in keys]
        self._box = MultiFernet([Fernet(code) for code in codes])

    def names(self, app: str, address: str) -> list[str]:
        """What an address, or the id of an update, is called here, by each of the keys."""
        # JSON can hold half an emoji, which is no text that can be coded.
        text = f"{app}\n{address}".encode("utf-8", "surrogatepass")
        return [_text(hmac.digest(key, text, hashlib.sha256)) for key in self._keys]

    def close(self, address: str) -> str:
        """Encrypts an address."""
        return self._box.encrypt(address.encode()).decode("ascii")

    def open(self, sealed: str) -> str | None:
        """Decrypts an address; None when its key is gone."""
        try:
            return self._box.decrypt(sealed).decode()
        except InvalidToken:
            return None

    def ticket(self, message_id: str, seconds: float) -> str:
        """A message's id, signed for so many seconds from now, for use in an address."""
        body = UUID(message_id).bytes + int(time.time() + seconds).to_bytes(5, "big")
        return _text(body + self._sign(self._signing[0], body))

    def read_ticket(self, ticket: str) -> str | None:
        """The message's id; None for what is no ticket of ours or has expired."""
        try:
            whole = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        except ValueError:
            return None
        body, signature = whole[:-_SIGNATURE], whole[-_SIGNATURE:]
        if len(body) != 21 or int.from_bytes(body[16:], "big") < time.time():
            return None
        known = (self._sign(key, body) for key in self._signing)
        return str(UUID(bytes=body[:16])) if any(map(_same(signature), known)) else None

    @staticmethod
    def _sign(key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, body, hashlib.sha256)[:_SIGNATURE]


def _same(signature: bytes) -> Callable[[bytes], bool]:
    return lambda other: hmac.compare_digest(signature, other)


def _derived(key: str, use: str) -> bytes:
    return hmac.digest(key.encode(), f"clinic apps {use}".encode(), hashlib.sha256)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")
