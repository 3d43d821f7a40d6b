"""Whatever stands in a signed request, a channel makes updates of it or says that it is no good."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
import sqlalchemy as sa  # type: ignore[import-untyped]
from apps import PROVIDERS
from hypothesis import given
from hypothesis import settings as patience
from hypothesis import strategies as st
from providers.provider import Provider
from scenario_chat import read
from scenario_servers import Server, wait_until
from test_apps import started

from assistant.channels import mailbox
from assistant.channels.apps import settings
from assistant.channels.apps.app import App, BadBody, Kind, Received, Update, client
from assistant.channels.apps.catalogue import APPS
from assistant.channels.apps.outgoing import button_of
from clinic.seal import Seal

ANY_TEXT = st.text(max_size=20) | st.sampled_from(["\ud83d", "\0", "1" * 5000, "edit", "image"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(ANY_TEXT, part, max_size=3),
    max_leaves=8,
)
ENGINE = sa.create_engine("sqlite://")
mailbox.tables.create_all(ENGINE)
SEAL = Seal(["a key of the tests"])
Pair = tuple[App, list[bytes]]


@pytest.fixture(scope="module", params=sorted(PROVIDERS))
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """An app's channel, and genuine bodies of its provider's."""
    provider = PROVIDERS[request.param]()
    with mock.patch.dict(os.environ, provider.settings()):
        kind = next(app for app in APPS if app.name == request.param)
        found = settings.read(kind)
    assert found is not None
    yield kind(found.secrets, found.address, client()), bodies(provider)
    provider.close()


def bodies(provider: Provider) -> list[bytes]:
    unread = [request for request, _ in provider.unread("700")]
    genuine = [provider.text("700", "hello"), *unread, *provider.ignored(), *provider.examples()]
    return [body for _, body in genuine]


def check(app: App, body: bytes) -> None:
    """What comes out can be stored."""
    try:
        updates = app.updates(Received("https://example.com", {}, body))
    except BadBody:
        return
    for update in updates:
        assert isinstance(update, Update)
        assert isinstance(update.kind, Kind)
        assert update.id
        SEAL.names(app.name, update.sender)
        SEAL.names(app.name, f"update {update.id}")
        SEAL.close(update.sender)
        with ENGINE.connect() as connection:
            assert button_of(connection, "conversation", update.token) is None
        mailbox.clean(update.text).encode()


@patience(deadline=None)
@given(body=st.binary(max_size=300))
def test_any_bytes(pair: Pair, body: bytes) -> None:
    check(pair[0], body)


@patience(deadline=None)
@given(body=ANY_JSON)
def test_any_json(pair: Pair, body: Any) -> None:
    check(pair[0], json.dumps(body).encode())


@patience(deadline=None)
@given(data=st.data())
def test_a_genuine_body_with_one_part_changed(pair: Pair, data: st.DataObject) -> None:
    """In every place anything may stand, or nothing."""
    app, genuine = pair
    original = data.draw(st.sampled_from(genuine))
    try:
        body = json.loads(original)
    except ValueError:
        # No JSON: bytes are changed instead.
        start = data.draw(st.integers(0, len(original)))
        check(app, original[:start] + data.draw(st.binary(max_size=20)) + original[start + 1 :])
        return
    check(app, original)
    path = data.draw(st.sampled_from(list(paths(body))))
    check(app, json.dumps(changed(body, path, data.draw(ANY_JSON))).encode())


def test_secrets_are_compared_in_constant_time(pair: Pair) -> None:
    """Each of them, whatever was sent: a comparison that ends early tells how much was right."""
    app, genuine = pair
    sent = dict.fromkeys(HEADERS, "0" * 64)
    right = mock.Mock(return_value=True)
    with (
        mock.patch("assistant.channels.apps.app.hmac.compare_digest", right),
        mock.patch("twilio.request_validator.compare", right),
    ):
        assert app.verify(Received("https://example.com", sent, genuine[0]))
    assert right.called


def test_half_an_emoji_anywhere(pair: Pair) -> None:
    """It is no text that can be coded, and JSON can hold it."""
    app, genuine = pair
    for original in genuine:
        try:
            body = json.loads(original)
        except ValueError:
            continue
        for path in paths(body):
            check(app, json.dumps(changed(body, path, "\ud83d")).encode())


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value."""
    yield above
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(part, (*above, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else in one place."""
    if not path:
        return new
    whole = copy.deepcopy(value)
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return whole


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_any_signed_body_at_a_server(
    name: str, echo: Callable[..., Server], tmp_path: Path
) -> None:
    """Its answer is never a 500, and what comes of it is taken, whatever it is."""
    provider = PROVIDERS[name]()
    started(provider, echo, CLINIC_CHAT_MESSAGES_PER_MINUTE="10000")
    genuine = bodies(provider)

    @patience(deadline=None, max_examples=MANY)
    @given(data=st.data())
    def deliver(data: st.DataObject) -> None:
        body = data.draw(st.binary(max_size=300) | ANY_JSON.map(coded) | altered(genuine))
        assert provider.deliver(provider.sealed(body)) in (200, 400, 403)

    @patience(deadline=None, max_examples=MANY)
    @given(
        headers=st.dictionaries(st.sampled_from(HEADERS), ANY_LINE, max_size=3),
        query=st.dictionaries(st.sampled_from(QUERY), ANY_LINE, max_size=3),
    )
    def knock(headers: dict[str, str], query: dict[str, str]) -> None:
        assert provider.deliver((headers, b"{}")) in (400, 403)
        url = f"{provider.server}/webhooks/{name}/webhook"
        assert httpx.get(url, params=query, trust_env=False).status_code in (200, 403)

    deliver()
    knock()
    waits = "SELECT 1 FROM app_updates WHERE content != ''"
    kept = tmp_path / "conversations.sqlite3"
    wait_until(lambda: not read(kept, waits), "all of it is taken")
    provider.close()


# A whole server answers each of these.
MANY = 60
ANY_LINE = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
).map(str.strip)
HEADERS = [
    *("x-hub-signature-256", "x-telegram-bot-api-secret-token", "x-twilio-signature"),
    *("content-type", "x-forwarded-for"),
]
QUERY = ["hub.mode", "hub.verify_token", "hub.challenge", "other"]


def coded(value: Any) -> bytes:
    return json.dumps(value).encode()


def altered(genuine: list[bytes]) -> st.SearchStrategy[bytes]:
    """Genuine bodies with something else in one place."""

    @st.composite
    def one(draw: st.DrawFn) -> bytes:
        original = draw(st.sampled_from(genuine))
        try:
            body = json.loads(original)
        except ValueError:
            start = draw(st.integers(0, len(original)))
            return original[:start] + draw(st.binary(max_size=20)) + original[start + 1 :]
        path = draw(st.sampled_from(list(paths(body))))
        return coded(changed(body, path, draw(ANY_JSON)))

    return one()
