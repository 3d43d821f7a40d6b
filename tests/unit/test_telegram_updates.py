"""How Telegram's updates are read, and how answers look there."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.channels.apps.app import BadBody, Choice, Kind, Outgoing, Received, Update
from assistant.channels.telegram import LONGEST, SECRET, TOKEN, Telegram, _after_choice

SECRETS = {TOKEN: "4242:" + "invented-token-" * 3, SECRET: "invented-secret-" * 3}
AUTHOR = {"id": 700, "is_bot": False, "language_code": "fr-CA"}
PRIVATE = {"id": 700, "type": "private"}
TICK = "✓ "


@pytest.fixture(scope="module")
def telegram() -> Telegram:
    return Telegram(SECRETS, "http://127.0.0.1:9", httpx.AsyncClient(trust_env=False))


def read(telegram: Telegram, body: Any) -> list[Update]:
    return telegram.updates(Received("", {}, json.dumps(body).encode()))


def message(**content: Any) -> dict[str, Any]:
    known = {"message_id": 5, "date": 1790000000, "chat": PRIVATE, "from": AUTHOR}
    return {"update_id": 9, "message": {**known, **content}}


@pytest.mark.parametrize(
    ("content", "kind", "text", "link"),
    [
        ({"text": "hello"}, Kind.TEXT, "hello", ""),
        ({"text": "/start"}, Kind.START, "", ""),
        ({"text": "/start abc_DEF-123"}, Kind.START, "", "abc_DEF-123"),
        ({"text": "/start@clinic_bot abc"}, Kind.START, "", "abc"),
        ({"text": "/startled"}, Kind.TEXT, "/startled", ""),
        ({"photo": [{}], "caption": "is this bad?"}, Kind.MEDIA, "is this bad?", ""),
        ({"voice": {}}, Kind.MEDIA, "", ""),
        ({"text": "hi", "chat": {"id": -1, "type": "supergroup"}}, Kind.GROUP, "", ""),
    ],
)
def test_messages(
    telegram: Telegram, content: dict[str, Any], kind: Kind, text: str, link: str
) -> None:
    (update,) = read(telegram, message(**content))
    assert (update.kind, update.text, update.link) == (kind, text, link)


@pytest.mark.parametrize(
    "body",
    [
        {"update_id": 9},
        {"update_id": 9, "message_reaction": {"chat": PRIVATE}},
        {"update_id": 9, "channel_post": {"chat": {"id": -5}, "text": "hello"}},
        message(new_chat_members=[AUTHOR]),
        message(text="hello", **{"from": {"id": 1, "is_bot": True}}),
        {"update_id": 9, "callback_query": {"id": "1", "from": AUTHOR, "game_short_name": "x"}},
    ],
)
def test_what_does_not_matter(telegram: Telegram, body: dict[str, Any]) -> None:
    assert read(telegram, body) == []


def test_a_patient_blocks_the_bot(telegram: Telegram) -> None:
    change = {"chat": PRIVATE, "from": AUTHOR, "new_chat_member": {"status": "kicked"}}
    (update,) = read(telegram, {"update_id": 9, "my_chat_member": change})
    assert (update.kind, update.sender) == (Kind.STOPPED, "700")


def test_one_message_changed_twice_is_one_update(telegram: Telegram) -> None:
    changed = message(text="hello")["message"]
    first, second = (
        read(telegram, {"update_id": number, "edited_message": changed})[0] for number in (1, 2)
    )
    assert first.kind == Kind.EDITED
    assert first.id == second.id


KEYS = ["message", "chat", "id", "type", "from", "text", "data", "photo", "caption", "reply_markup"]
KEYS += ["inline_keyboard", "is_bot", "message_id", "status", "callback_data", "language_code"]
KEYS += ["new_chat_member", "edited_message", "callback_query", "my_chat_member"]
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(body=st.dictionaries(st.sampled_from(["update_id", "message", "callback_query"]), _json))
def test_any_body_is_read_or_refused(telegram: Telegram, body: dict[str, Any]) -> None:
    """Whatever it holds, it is some updates, none, or a bad body."""
    for whole in (body, {**body, "update_id": 9}):
        try:
            read(telegram, whole)
        except BadBody:
            continue


@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(telegram: Telegram, body: bytes) -> None:
    try:
        telegram.updates(Received("", {}, body))
    except BadBody:
        return


@given(
    text=st.text(min_size=1, max_size=3 * LONGEST).filter(str.strip),
    titles=st.lists(st.text(min_size=1, max_size=60), max_size=9),
)
def test_limits_are_kept(telegram: Telegram, text: str, titles: list[str]) -> None:
    """No part is too long or empty, every button is there once, below the last part."""
    choices = tuple(Choice(title, f"{place}") for place, title in enumerate(titles))
    *first, last = (call.body for call in telegram.render(Outgoing(text, choices)))
    for body in (*first, last):
        assert 0 < len(body["text"]) <= LONGEST
    assert not any("reply_markup" in body for body in first)
    rows = last.get("reply_markup", {}).get("inline_keyboard", [])
    shown = [button["callback_data"] for row in rows for button in row]
    assert shown == [choice.token for choice in choices]


def test_a_chosen_button_stays_and_its_rivals_go() -> None:
    rows = [
        [{"text": "Yes", "callback_data": "0a1b2c3d-0000.0"}],
        [{"text": "No", "callback_data": "0a1b2c3d-0000.1"}],
        [{"text": "👍", "callback_data": "0a1b2c3d-0000.u"}, {"text": 5}, "x"],
        [{"text": "👎", "callback_data": "0a1b2c3d-0000.d"}],
        "not a row",
    ]
    after = [[b["text"] for b in row] for row in _after_choice(rows, "0a1b2c3d-0000.1")]
    assert after == [[f"{TICK}No"], ["👍", "👎"]]
    after = [[b["text"] for b in row] for row in _after_choice(rows, "0a1b2c3d-0000.u")]
    assert after == [["Yes", "No"], [f"{TICK}👍"]]


@pytest.mark.parametrize(
    ("setting", "value"), [(TOKEN, "no token"), (SECRET, "short"), (SECRET, "ü" * 40)]
)
def test_settings_that_cannot_be_used(setting: str, value: str) -> None:
    """The sentence names the setting and keeps the secret."""
    said = Telegram.problem({**SECRETS, setting: value})
    assert said
    assert setting in said
    assert value not in said
