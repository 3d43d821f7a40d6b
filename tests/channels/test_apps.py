"""Messaging apps: what arrives is answered once and in order, whatever happens meanwhile."""

from __future__ import annotations

import importlib.util
import json
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from apps import PROVIDERS
from postgres import Cluster
from providers.provider import Provider
from scenario_chat import read
from scenario_servers import Server, wait_until
from window import READY, Window

from clinic.outbox.models import LateMessage

# Databases of the clinic come from the tests of what it keeps.
_spec = importlib.util.spec_from_file_location(
    "clinic_fixtures", Path(__file__).parents[1] / "clinic" / "conftest.py"
)
assert _spec
assert _spec.loader
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
migrated, database = _fixtures.migrated, _fixtures.database

Echo = Callable[..., Server]
NOTICE = "automated assistant"


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """Each provider in turn."""
    made = PROVIDERS[request.param]()
    yield made
    made.close()
    assert not made.broken, made.broken


def started(provider: Provider, echo: Echo, **settings: str) -> Server:
    """A server that has the provider's channel on."""
    server = echo(**provider.settings(), **settings)
    provider.server = server.url.removesuffix(READY)
    server.url = f"{provider.server}/webhooks/{provider.name}/"
    server.wait()
    return server


def restart(provider: Provider, server: Server) -> None:
    """Kills the server and starts it again."""
    server.stop(signal.SIGKILL)
    server.start()
    server.wait()


def settled(folder: Path) -> None:
    """Returns when everything that was sent is noted as sent."""
    query = (
        "SELECT 1 FROM app_senders s JOIN website_conversations c ON c.id = s.conversation"
        " WHERE c.last_seq > s.sent"
    )
    wait_until(lambda: not read(folder / "conversations.sqlite3", query), "all is sent")


def handled(folder: Path) -> Counter[str]:
    """How often each message stands in the tracker."""
    rows = read(folder / "conversations.sqlite3", "SELECT data FROM events WHERE type_name='user'")
    return Counter(json.loads(row["data"])["text"] for row in rows)


def texts(provider: Provider, sender: str) -> list[str]:
    return [message.text for message in provider.seen(sender) if NOTICE not in message.text]


def test_a_message_is_answered(provider: Provider, echo: Echo) -> None:
    """The notice comes once, with the first answer."""
    started(provider, echo)
    first = provider.say("700", "hello", count=2)
    assert NOTICE in first[0].text
    assert first[1].text.startswith("you said hello")
    (second,) = provider.say("700", "more")
    assert second.text.startswith("you said more")
    assert len(provider.seen("700")) == 3


def test_an_alarm_stands_before_the_notice(provider: Provider, echo: Echo) -> None:
    started(provider, echo)
    first, second = provider.say("700", "numb", count=2)
    assert "you said numb" in first.text
    assert NOTICE in second.text


def test_a_button_is_pressed(provider: Provider, echo: Echo) -> None:
    """What comes back is a token; the option is kept here."""
    started(provider, echo)
    shown = provider.say("700", "hello", count=2)[1]
    (token,) = [token for title, token in shown.buttons.items() if title == "Again"]
    assert "hello" not in token
    assert provider.click("700", "Again")[0].text.startswith("you said /again hello")


def test_only_buttons_that_were_shown(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """Neither a payload that is typed, nor another patient's button."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    assert provider.say("700", "/restart")[0].text.startswith("you said restart")
    token = provider.seen("700")[1].buttons["Again"]
    assert provider.deliver(provider.press("701", token)) == 200
    assert any("write" in each.text for each in provider.until("701", 1))
    assert "/again hello" not in handled(tmp_path)


def test_the_same_update_five_times(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """In parallel, and once more after a restart."""
    server = started(provider, echo)
    request = provider.text("700", "hello")
    status: list[int] = []
    calls = [
        threading.Thread(target=lambda: status.append(provider.deliver(request))) for _ in range(5)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert status == [200] * 5
    provider.until("700", 2)
    settled(tmp_path)
    restart(provider, server)
    assert provider.deliver(request) == 200
    provider.say("700", "the end")
    assert handled(tmp_path) == {"hello": 1, "the end": 1}
    assert [text[:12] for text in texts(provider, "700")] == ["you said hel", "you said the"]


def test_in_order_and_side_by_side(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """One conversation that takes long keeps no other waiting."""
    started(provider, echo)
    for words in ("hold on", "second", "third"):
        assert provider.deliver(provider.text("700", words)) == 200
    assert provider.say("701", "hello", count=2)[1].text.startswith("you said hello")
    assert provider.seen("700") == []
    (tmp_path / "go").touch()
    provider.until("700", 4)
    said = [text.splitlines()[0] for text in texts(provider, "700")]
    assert said == ["you said hold on", "you said second", "you said third"]


@pytest.mark.parametrize("words", ["die before", "die after"])
def test_killed_while_answering(provider: Provider, echo: Echo, tmp_path: Path, words: str) -> None:
    """Whether the turn was in the tracker already or not."""
    server = started(provider, echo)
    request = provider.text("700", f"please {words}")
    with suppress(httpx.TransportError):
        provider.deliver(request)
    assert server.process is not None
    server.process.wait(20)
    server.start()
    server.wait()
    provider.insist(request)
    provider.until("700", 2)
    provider.say("700", "the end")
    assert [text.splitlines()[0] for text in texts(provider, "700")] == [
        f"you said please {words}",
        "you said the end",
    ]
    assert handled(tmp_path) == {f"please {words}": 1, "the end": 1}


def test_killed_right_after_the_acknowledgement(
    provider: Provider, echo: Echo, tmp_path: Path
) -> None:
    server = started(provider, echo)
    for number in range(5):
        assert provider.deliver(provider.text("700", f"message {number}")) == 200
        restart(provider, server)
    # The call under way when the server died may be made again.
    wanted = {f"you said message {number}" for number in range(5)}
    provider.wait(
        lambda: {text.splitlines()[0] for text in texts(provider, "700")} == wanted,
        "all answers",
    )
    assert set(handled(tmp_path).values()) == {1}


def test_killed_while_sending(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """The one call under way is made again, those before it are not."""
    server = started(provider, echo)
    provider.say("700", "hello", count=2)
    settled(tmp_path)
    server_died = threading.Event()

    def die() -> None:
        provider.before_answer = None
        server.stop(signal.SIGKILL)
        server_died.set()

    provider.before_answer = die
    assert provider.deliver(provider.text("700", "second")) == 200
    assert server_died.wait(20)
    server.start()
    server.wait()
    provider.until("700", 4)
    provider.say("700", "third")
    said = [text.splitlines()[0] for text in texts(provider, "700")]
    assert said == ["you said hello", "you said second", "you said second", "you said third"]
    assert set(handled(tmp_path).values()) == {1}


def test_forged_requests_are_refused(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """And logged without a word of them."""
    server = started(provider, echo)
    for what, headers, body in provider.forged():
        assert provider.deliver((headers, body)) in (400, 401, 403), what
    headers, body = provider.text("7004105550", "hello")
    assert provider.deliver((headers, body + b" " * provider.too_long)) == 413
    provider.say("7014105551", "the end", count=2)
    assert handled(tmp_path) == {"the end": 1}
    assert provider.seen("7004105550") == []
    log = server.tail()
    assert "it is too long" in log
    assert "refused" in log
    assert "numb" not in log
    assert "7004105550" not in log


def test_what_cannot_be_stored_is_sent_again(
    provider: Provider, echo: Echo, tmp_path: Path
) -> None:
    """The provider gets no 200 for what is not on the disk."""
    started(provider, echo)
    request = provider.text("700", "hello")
    with sqlite3.connect(tmp_path / "conversations.sqlite3", timeout=20) as kept:
        kept.execute(
            "CREATE TRIGGER full BEFORE INSERT ON app_updates"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    assert provider.deliver(request) == 503
    with sqlite3.connect(tmp_path / "conversations.sqlite3", timeout=20) as kept:
        kept.execute("DROP TRIGGER full")
    assert provider.deliver(request) == 200
    provider.until("700", 2)
    assert handled(tmp_path) == {"hello": 1}


def test_a_provider_that_fails(provider: Provider, echo: Echo) -> None:
    """It is tried again, in order."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    provider.failing = [(503, {}, b"out of order"), (502, {}, b"")]
    assert provider.deliver(provider.text("700", "second")) == 200
    assert provider.deliver(provider.text("700", "third")) == 200
    provider.until("700", 4)
    said = [text.splitlines()[0] for text in texts(provider, "700")]
    assert said == ["you said hello", "you said second", "you said third"]


def test_what_was_late_is_sent_after_a_restart(provider: Provider, echo: Echo) -> None:
    server = started(provider, echo)
    provider.failing = [(503, {}, b"out of order")] * 3
    assert provider.deliver(provider.text("700", "hello")) == 200
    provider.wait(lambda: len(provider.failing) < 3, "the first try")
    restart(provider, server)
    provider.failing = []
    provider.until("700", 2)
    assert texts(provider, "700")[0].startswith("you said hello")


def test_too_much_is_refused_in_words(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """A message that is too long, and too many of them."""
    started(provider, echo, CLINIC_CHAT_MESSAGES_PER_MINUTE="2")
    (long,) = [each for each in provider.say("700", "x" * 2001, count=2) if NOTICE not in each.text]
    assert "2000" in long.text
    provider.say("700", "hello")
    (fast,) = provider.say("700", "and more")
    assert "Please wait" in fast.text
    assert provider.deliver(provider.text("700", "and more")) == 200
    provider.say("701", "the end", count=2)
    assert handled(tmp_path) == {"hello": 1, "the end": 1}


def test_addresses_are_not_readable(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """Neither in the database nor in the log."""
    server = started(provider, echo)
    provider.say("7004242", "hello", count=2)
    provider.say("7004242", "fail")
    server.stop()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("*") if file.is_file())
    assert b"7004242" not in kept


def test_deleting_takes_the_address_along(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """The patient reads that it is done, and can write again."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    (last,) = provider.say("700", "erase me")
    assert "gone" in last.text
    database = tmp_path / "conversations.sqlite3"
    wait_until(lambda: read(database, "SELECT * FROM app_senders") == [], "the address is gone")
    assert read(database, "SELECT * FROM website_messages") == []
    assert NOTICE in provider.say("700", "hello", count=2)[0].text


def test_deleting_takes_the_address_along_from_whoever_cannot_be_reached(
    provider: Provider, echo: Echo, tmp_path: Path
) -> None:
    """The last words are sent to nobody then, and nothing is kept until they are."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    provider.blocked.add("700")
    assert provider.deliver(provider.text("700", "erase me")) == 200
    kept = tmp_path / "conversations.sqlite3"
    wait_until(lambda: read(kept, "SELECT * FROM app_senders") == [], "the address is gone")
    assert read(kept, "SELECT * FROM website_messages") == []


def test_going_on_from_the_website(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """One conversation; the link works once; answers go where the question was written."""
    server = started(provider, echo)
    window = Window(provider.server).open()
    window.ask("hello")
    link = window.call("link", {"app": provider.name})
    assert provider.deliver(provider.follow("700", link["url"])) == 200
    assert "website" in texts_after(provider, "700", 2)[-1]
    assert provider.say("700", "from the app")[0].text.startswith("you said from the app")
    assert window.ask("from the window")[0]["text"] == "you said from the window"
    seen = [message["text"] for message in window.seen]
    assert "you said from the app" in seen
    provider.say("700", "the end")
    assert not any("window" in text for text in texts(provider, "700"))
    senders = read(tmp_path / "conversations.sqlite3", "SELECT DISTINCT sender_id FROM events")
    assert len(senders) == 1
    assert provider.deliver(provider.follow("701", link["url"])) == 200
    assert "afresh" in texts_after(provider, "701", 2)[-1]
    window.close()
    assert server.runs()


def texts_after(provider: Provider, sender: str, count: int) -> list[str]:
    provider.until(sender, count)
    return texts(provider, sender)


def test_a_patient_who_blocks_the_assistant(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """Nothing is sent any more, until they write again."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    provider.blocked.add("700")
    assert provider.deliver(provider.text("700", "second")) == 200
    query = "SELECT 1 FROM app_senders WHERE state = 'stopped'"
    wait_until(lambda: bool(read(tmp_path / "conversations.sqlite3", query)), "it is noticed")
    provider.blocked.clear()
    assert provider.say("700", "third")[0].text.startswith("you said third")


def test_what_cannot_be_read(provider: Provider, echo: Echo, tmp_path: Path) -> None:
    """What cannot be read is answered in words, once each."""
    started(provider, echo)
    for request, words in provider.unread("700"):
        before = len(provider.seen("700"))
        assert provider.deliver(request) == 200
        provider.wait(
            lambda before=before, words=words: any(
                words in each.text for each in provider.seen("700")[before:]
            ),
            words,
        )
        assert provider.deliver(request) == 200
    provider.say("700", "the end")
    assert handled(tmp_path) == {"the end": 1}
    for request in provider.ignored():
        assert provider.deliver(request) == 200


def test_on_postgresql(echo: Echo) -> None:
    """Delivered five times, killed, pressed, reported lost and deleted: with the other database."""
    whatsapp, cluster = PROVIDERS["whatsapp"](), Cluster()
    try:
        cluster.run("CREATE DATABASE chat")
        url = cluster.url("chat")
        server = started(whatsapp, echo, CLINIC_DATABASE_URL=url)
        engine = sa.create_engine(url)

        def column(query: str) -> list[Any]:
            with engine.connect() as connection:
                return list(connection.execute(sa.text(query)).scalars())

        request = whatsapp.text("700", "hello")
        calls = [threading.Thread(target=whatsapp.deliver, args=(request,)) for _ in range(5)]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        reached = "SELECT count(*) FROM website_messages WHERE reached"
        whatsapp.until("700", 2)
        assert whatsapp.click("700", "Again")[0].text.startswith("you said /again hello")
        wait_until(lambda: column(reached) == [2], "both answers count as read")
        dying = whatsapp.text("700", "please die after")
        with suppress(httpx.TransportError):
            whatsapp.deliver(dying)
        assert server.process is not None
        server.process.wait(20)
        server.start()
        server.wait()
        for again in (request, dying, dying):
            whatsapp.insist(again)
        whatsapp.until("700", 4)
        users = column("SELECT data FROM events WHERE type_name = 'user'")
        heard = Counter(json.loads(data)["text"] for data in users)
        assert heard == {"hello": 1, "/again hello": 1, "please die after": 1}
        wait_until(lambda: column(reached) == [3], "all answers count as read")
        whatsapp.blocked.add("700")
        assert whatsapp.deliver(whatsapp.text("700", "more")) == 200
        states = "SELECT state FROM app_senders"
        wait_until(lambda: column(states) == ["stopped"], "its loss is told")
        assert column(reached) == [3]
        whatsapp.blocked.clear()
        whatsapp.say("700", "erase me")
        wait_until(lambda: column(states) == [], "the address is gone")
        assert column("SELECT name FROM app_taken WHERE conversation <> ''") == []
        engine.dispose()
        server.stop()
    finally:
        cluster.stop()
        whatsapp.close()
    assert not whatsapp.broken, whatsapp.broken


@pytest.mark.usefixtures("database")
def test_the_clinic_sees_what_does_not_arrive(
    database: Path, provider: Provider, echo: Echo
) -> None:
    """A patient who blocked the assistant, and one whose message is late until it arrives."""
    started(provider, echo)
    provider.say("700", "hello", count=2)
    provider.blocked.add("700")
    assert provider.deliver(provider.text("700", "second")) == 200
    wait_until(lambda: LateMessage.objects.filter(state="stuck").exists(), "the desk knows")
    provider.say("701", "hello", count=2)
    provider.failing = [(503, {}, b"")] * 4
    assert provider.deliver(provider.text("701", "second")) == 200
    wait_until(lambda: LateMessage.objects.filter(state="failed").exists(), "the desk knows")
    provider.until("701", 3)
    wait_until(lambda: not LateMessage.objects.filter(state="failed").exists(), "it has arrived")
    assert [row.reason for row in LateMessage.objects.all()] == ["stopped"]
