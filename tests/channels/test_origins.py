"""Which pages may open a chat."""

from __future__ import annotations

import pytest

from assistant.channels.origins import allowed

LISTED = ("https://www.clinic.example.com",)


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("https://www.clinic.example.com", "chat.clinic.example.com", True),
        (None, "chat.clinic.example.com", True),
        ("http://127.0.0.1:5005", "127.0.0.1:5005", True),
        ("http://localhost:8000", "127.0.0.1:5005", True),
        ("http://[::1]:5005", "[::1]:5005", True),
        ("http://192.0.2.7:5005", "192.0.2.7:5005", True),
        ("http://www.clinic.example.com", "chat.clinic.example.com", False),
        ("https://www.clinic.example.com:8443", "chat.clinic.example.com", False),
        ("https://evil.example", "chat.clinic.example.com", False),
        ("https://www.clinic.example.com.evil.example", "127.0.0.1:5005", False),
        # A page on the patient's own computer, and a name that was made to point here.
        ("http://localhost:8000", "chat.clinic.example.com", False),
        ("http://evil.example:5005", "evil.example:5005", False),
        ("http://127.0.0.1.evil.example", "127.0.0.1", False),
        ("http://127.0.0.1:5005,https://evil.example", "127.0.0.1:5005", False),
        ("http://127.0.0.1:5005/", "127.0.0.1:5005", False),
        ("http://127.0.0.1:x", "127.0.0.1:5005", False),
        ("null", "127.0.0.1:5005", False),
        ("", "127.0.0.1:5005", False),
        ("file://", "127.0.0.1:5005", False),
        ("http://[", "127.0.0.1:5005", False),
        ("http://127.0.0.1:5005", "[", False),
    ],
)
def test_origin(origin: str | None, host: str, expected: bool) -> None:
    assert allowed(origin, host, LISTED) is expected
