"""Tokens open one conversation, for a time, and nothing else does."""

from __future__ import annotations

import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.channels.tokens import Tokens, new_conversation
from clinic.environment import EnvironmentProblem, chat_keys

KEY, OLD, FOREIGN = "k" * 60, "o" * 60, "f" * 60
WEEK = timedelta(days=7)
TOKENS = Tokens((KEY, OLD), WEEK)


def test_a_token_opens_its_conversation_for_a_time() -> None:
    token, expires = TOKENS.issue("chat")
    assert TOKENS.read(token) == "chat"
    assert timedelta(days=6) < expires - datetime.now(UTC) <= WEEK
    expired, _ = Tokens((KEY,), timedelta(seconds=-1)).issue("chat")
    assert TOKENS.read(expired) is None


def test_a_key_being_rotated_out_still_opens_and_does_not_sign() -> None:
    before, _ = Tokens((OLD,), WEEK).issue("chat")
    assert TOKENS.read(before) == "chat"
    after, _ = TOKENS.issue("chat")
    assert Tokens((OLD,), WEEK).read(after) is None
    foreign, _ = Tokens((FOREIGN,), WEEK).issue("chat")
    assert TOKENS.read(foreign) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "chat", "aud": "website-chat"},
        {"aud": "website-chat", "exp": datetime.now(UTC) + WEEK},
        {"sub": "chat", "exp": datetime.now(UTC) + WEEK},
        {"sub": "chat", "aud": "staff-desk", "exp": datetime.now(UTC) + WEEK},
    ],
)
def test_our_key_alone_is_not_enough(claims: dict[str, object]) -> None:
    assert TOKENS.read(jwt.encode(claims, KEY, algorithm="HS256")) is None


def test_an_unsigned_token_opens_nothing() -> None:
    claims = {"sub": "chat", "aud": "website-chat", "exp": datetime.now(UTC) + WEEK}
    assert TOKENS.read(jwt.encode(claims, None, algorithm="none")) is None


@given(st.data())
def test_a_changed_token_opens_nothing(data: st.DataObject) -> None:
    token, _ = TOKENS.issue("chat")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda c: c != token[place]))
    changed = token[:place] + letter + token[place + 1 :]
    # The last character of a signature carries bits that mean nothing.
    assert TOKENS.read(changed) is None or place == len(token) - 1


@given(st.none() | st.integers() | st.text() | st.lists(st.text()))
def test_what_is_no_token_opens_nothing(value: object) -> None:
    assert TOKENS.read(value) is None


def test_another_conversation_cannot_be_written_into_a_token() -> None:
    head, body, signature = TOKENS.issue("mine")[0].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "yours"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert TOKENS.read(f"{head}.{forged}.{signature}") is None


def test_ids_are_long_and_never_the_same() -> None:
    ids = {new_conversation() for _ in range(1000)}
    assert len(ids) == 1000
    assert min(map(len, ids)) >= 43


def test_keys_are_made_once_and_rotated_by_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIC_CHAT_KEY", raising=False)
    monkeypatch.delenv("CLINIC_CHAT_OLD_KEY", raising=False)
    (first,) = chat_keys(tmp_path)
    assert chat_keys(tmp_path) == (first,)
    assert stat.S_IMODE(os.stat(tmp_path / "chat_key").st_mode) == 0o600
    (tmp_path / "chat_key").rename(tmp_path / "chat_key.old")
    second, old = chat_keys(tmp_path)
    assert old == first
    assert second != first


def test_keys_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_CHAT_KEY", KEY)
    monkeypatch.setenv("CLINIC_CHAT_OLD_KEY", OLD)
    assert chat_keys(tmp_path) == (KEY, OLD)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("CLINIC_CHAT_OLD_KEY", "short")
    with pytest.raises(EnvironmentProblem, match=r"CLINIC_CHAT_OLD_KEY has 5 .*at least 50"):
        chat_keys(tmp_path)
