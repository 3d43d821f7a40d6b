"""A person at the clinic takes over a chat: nothing lost, nothing twice, and the tracker knows."""

from __future__ import annotations

import importlib.util
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis_server import Redis
from scenario_chat import read
from scenario_servers import Server, wait_until
from test_killed import address, in_order, restart
from window import Window, new_id

from clinic import clock
from clinic.conversations.store import Sqlite
from clinic.live import chats, reading
from clinic.live.limits import message_id
from clinic.live.models import Chat, Duty, Step

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

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def server(database: Path, echo: Echo) -> Server:
    return echo()


@pytest.fixture
def window(server: Server) -> Iterator[Window]:
    """A window in which something was said."""
    opened = Window(address(server)).open()
    opened.ask("hello")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    running = Redis()
    yield running
    running.stop()


def conversation_in(folder: Path) -> str:
    """The id of the newest conversation."""
    query = "SELECT id FROM website_conversations ORDER BY rowid DESC LIMIT 1"
    return str(read(folder / "conversations.sqlite3", query)[0]["id"])


def join(folder: Path, *windows: Window) -> Chat:
    """Natalie joins the newest conversation, which these windows are told of."""
    chat = chats.join(conversation_in(folder), "natalie", "Natalie Yeo")
    for window in windows:
        handed(window, "joined")
    return chat


def handed(window: Window, state: str) -> None:
    event = ("handoff", {"state": state, "name": "Natalie Yeo"})
    window.until(lambda: event in window.events, state)


def say(chat: Chat, text: str) -> Step:
    return chats.say(chat.pk, "natalie", text, f"key of {text}")


def reads(window: Window, text: str) -> dict[str, Any]:
    """Waits for a message and returns it."""
    found: dict[str, Any] = window.until(
        lambda: next((one for one in window.seen if one["text"] == text), None), text
    )
    return found


def in_tracker(folder: Path) -> list[tuple[str, str]]:
    """Who said what, as Rasa's tracker has it."""
    query = "SELECT data FROM events WHERE type_name IN ('user', 'bot') ORDER BY id"
    events = [json.loads(row["data"]) for row in read(folder / "conversations.sqlite3", query)]
    return [(event["metadata"].get("person") or event["event"], event["text"]) for event in events]


def done(step: Step) -> str:
    """Waits until a step is carried out; how it ended."""
    wait_until(lambda: Step.objects.get(pk=step.pk).done_at is not None, "the step is done")
    return Step.objects.get(pk=step.pk).outcome


def test_joining_talking_and_handing_back(window: Window, tmp_path: Path) -> None:
    chat = join(tmp_path, window)
    window.send("is anyone there")
    step = say(chat, "Hello, this is Natalie.")
    said = reads(window, "Hello, this is Natalie.")
    assert (said["from"], said["name"], said["buttons"]) == ("person", "Natalie Yeo", [])
    window.send("good")
    chats.hand_back(chat.pk, "natalie")
    handed(window, "left")
    reads(window, "wording utter_live_left Natalie Yeo")
    assert window.ask("and you")[0]["text"] == "you said and you"
    assert in_tracker(tmp_path) == [
        ("user", "hello"),
        ("bot", "you said hello"),
        ("user", "is anyone there"),
        ("Natalie Yeo", "Hello, this is Natalie."),
        ("user", "good"),
        ("bot", "wording utter_live_left Natalie Yeo"),
        ("user", "and you"),
        ("bot", "you said and you"),
    ]
    in_order(window)
    assert done(step) == "done"
    assert Step.objects.get(pk=step.pk).text == "", "kept in the conversation alone"
    assert [one["text"] for one in window.seen] == [
        "you said hello",
        "Hello, this is Natalie.",
        "wording utter_live_left Natalie Yeo",
        "you said and you",
    ]


def test_a_french_window_is_told_in_french_that_the_person_has_left(
    server: Server, window: Window, tmp_path: Path
) -> None:
    window.close()
    french = Window(address(server)).open({"token": window.token, "locale": "fr"})
    chat = join(tmp_path, french)
    # No window is open when the person goes, and it may be at another server.
    french.close()
    chats.hand_back(chat.pk, "natalie")
    wait_until(lambda: not Step.objects.filter(done_at=None).exists(), "the end is written")
    french.reopen()
    (said,) = french.until(
        lambda: [one for one in french.seen if "Natalie Yeo a quitté" in one["text"]], "the end"
    )
    assert "je réponds de nouveau" in said["text"]
    french.close()


def test_no_sign_of_writing_while_a_person_is_there(window: Window, tmp_path: Path) -> None:
    chat = join(tmp_path, window)
    before = window.events.count(("typing", {"on": True}))
    window.send("are you writing")
    say(chat, "I am.")
    reads(window, "I am.")
    assert window.events.count(("typing", {"on": True})) == before


def test_a_danger_sign_is_answered_at_once_and_the_desk_sees_it(
    window: Window, tmp_path: Path
) -> None:
    chat = join(tmp_path, window)
    (alarm,) = window.ask("now I am numb")
    assert (alarm["from"], alarm["kind"]) == ("assistant", "emergency")
    wait_until(lambda: Chat.objects.get(pk=chat.pk).alarm == "emergency", "the desk sees it")
    seen_at = Chat.objects.get(pk=chat.pk).alarm_at
    window.send("thank you")
    say(chat, "Please go now.")
    reads(window, "Please go now.")
    assert ("bot", "you said thank you") not in in_tracker(tmp_path)
    assert Chat.objects.get(pk=chat.pk).alarm_at == seen_at


def test_the_assistant_answers_again_when_no_person_can_be_heard(
    database: Path, server: Server, window: Window, tmp_path: Path
) -> None:
    join(tmp_path, window)
    window.send("are you there")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE live_duty RENAME TO live_away")
    wait_until(lambda: "cannot be read" in server.log.read_text("utf-8"), "it is noticed")
    assert window.ask("hello?")[0]["text"] == "you said hello?"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE live_away RENAME TO live_duty")
    say(Chat.objects.get(), "I am back.")
    reads(window, "I am back.")


def test_the_assistant_answers_while_a_person_is_waited_for(window: Window, tmp_path: Path) -> None:
    chat = chats.ask(conversation_in(tmp_path))
    # The server looks four times a second.
    wait_until(
        lambda: window.ask("numb?") and Chat.objects.get(pk=chat.pk).alarm, "the desk sees it"
    )
    assert window.sessions[-1]["assistant"]["kind"] == "assistant"


def test_a_window_that_is_opened_again_knows_who_speaks(
    server: Server, window: Window, tmp_path: Path
) -> None:
    chat = join(tmp_path, window)
    say(chat, "Hello")
    reads(window, "Hello")
    reloaded = Window(address(server)).open({"token": window.token})
    assert reloaded.sessions[0]["assistant"] == {"name": "Natalie Yeo", "kind": "person"}
    (past,) = reloaded.until(
        lambda: [data for event, data in reloaded.events if event == "history"], "history"
    )
    assert [one["text"] for one in past["messages"]] == ["hello", "you said hello", "Hello"]
    say(chat, "Still there?")
    for one in (window, reloaded):
        reads(one, "Still there?")
        in_order(one)
    reloaded.close()


@pytest.mark.parametrize("words", ["die before", "die after"])
def test_a_server_that_dies_over_a_message_to_a_person(
    server: Server, window: Window, tmp_path: Path, words: str
) -> None:
    chat = join(tmp_path, window)
    message = {"id": new_id(), "text": f"please {words}"}
    window.client.emit("message", message)
    server.process.wait(20)
    restart(server)
    window.reopen()
    # Nothing was acknowledged, so the window sends it again.
    assert window.call("message", message)["repeated"]
    say(chat, "I read it.")
    reads(window, "I read it.")
    window.send("one more")
    say(chat, "That too.")
    reads(window, "That too.")
    assert in_tracker(tmp_path)[2:] == [
        ("user", f"please {words}"),
        ("Natalie Yeo", "I read it."),
        ("user", "one more"),
        ("Natalie Yeo", "That too."),
    ]
    in_order(window)
    theirs = [one["text"] for one in window.seen if one["from"] != "patient"]
    assert theirs[1:] == ["I read it.", "That too."]


def test_a_server_that_dies_over_a_reply(server: Server, window: Window, tmp_path: Path) -> None:
    """The tracker has it, the window not yet."""
    chat = join(tmp_path, window)
    first, second = say(chat, "please die after"), say(chat, "second")
    server.process.wait(20)
    restart(server)
    window.reopen()
    reads(window, "second")
    assert (done(first), done(second)) == ("done", "done")
    assert [one["text"] for one in window.seen][1:] == ["please die after", "second"]
    assert [text for _, text in in_tracker(tmp_path)][2:] == ["please die after", "second"]


def test_a_reply_to_a_message_that_was_being_answered_is_no_answer(
    server: Server, window: Window, tmp_path: Path
) -> None:
    """Joined while the assistant worked on an answer, and the server died over it."""
    window.send("please die after")
    server.process.wait(20)
    chat = chats.join(conversation_in(tmp_path), "natalie", "Natalie Yeo")
    say(chat, "Hello")
    restart(server)
    window.reopen()
    reads(window, "Hello")
    reads(window, "you said please die after")
    assert [one["text"] for one in window.seen].count("Hello") == 1


def test_what_is_said_while_the_server_is_away_is_delivered_later(
    server: Server, window: Window, tmp_path: Path
) -> None:
    chat = join(tmp_path, window)
    server.stop(signal.SIGTERM)
    say(chat, "one")
    say(chat, "two")
    restart(server)
    window.reopen()
    reads(window, "two")
    assert [one["text"] for one in window.seen][1:] == ["one", "two"]


def test_starting_again_ends_the_live_chat(window: Window, tmp_path: Path) -> None:
    chat = join(tmp_path, window)
    window.call("restart", {})
    wait_until(lambda: Chat.objects.get(pk=chat.pk).state == "closed", "it is closed")
    window.until(lambda: len(window.sessions) == 2, "another session")
    assert window.sessions[-1]["assistant"]["kind"] == "assistant"
    assert window.ask("hello again")[0]["text"] == "you said hello again"


def test_what_is_deleted_does_not_come_back(window: Window, tmp_path: Path) -> None:
    chat = join(tmp_path, window)
    assert window.call("delete", {})["ok"]
    assert done(say(chat, "Are you still there?")) == "gone"
    assert in_tracker(tmp_path) == []
    assert [one["text"] for one in window.seen] == ["you said hello"]


def news(folder: Path) -> Step:
    """The clinic confirms an appointment that was asked for in the newest conversation."""
    card = {"type": "booking", "reference": "ABC234", "ics": "BEGIN:VCALENDAR"}
    buttons = [{"title": "Leave a message", "payload": "/leave_message"}]
    attached = {"card": card, "buttons": buttons}
    return chats.tell(conversation_in(folder), "change-1", "It is confirmed.", attached)


def is_read(folder: Path, step: Step) -> bool:
    """As the clinic's worker sees it."""
    store = Sqlite(folder / "conversations.sqlite3")
    conversation = step.chat.conversation_id
    found = store.is_read(conversation, message_id(conversation, step.key, 0))
    store.close()
    return found


def test_a_decision_is_told_once_with_its_card_and_is_known_to_be_read(
    window: Window, tmp_path: Path
) -> None:
    step = news(tmp_path)
    assert news(tmp_path).pk == step.pk
    said = reads(window, "It is confirmed.")
    assert (said["from"], said["card"]["reference"]) == ("assistant", "ABC234")
    assert done(step) == "done"
    step.refresh_from_db()
    assert (step.text, step.attached) == ("", "")
    assert not is_read(tmp_path, step)
    window.call("received", {"seq": said["seq"]})
    assert is_read(tmp_path, step)
    # It is part of the conversation: its buttons work, and the assistant knows it was said.
    assert window.answers(window.press("Leave a message"))
    assert in_tracker(tmp_path)[2] == ("bot", "It is confirmed.")
    in_order(window)


def test_a_decision_waits_for_a_window_that_is_closed(window: Window, tmp_path: Path) -> None:
    window.close()
    step = news(tmp_path)
    assert done(step) == "done"
    assert not is_read(tmp_path, step)
    window.reopen()
    said = reads(window, "It is confirmed.")
    window.call("received", {"seq": said["seq"]})
    assert is_read(tmp_path, step)


def test_a_server_that_dies_over_a_decision_tells_it_once(
    server: Server, window: Window, tmp_path: Path
) -> None:
    step = chats.tell(conversation_in(tmp_path), "change-1", "please die after", {"buttons": []})
    server.process.wait(20)
    restart(server)
    window.reopen()
    reads(window, "please die after")
    assert done(step) == "done"
    assert [one["text"] for one in window.seen].count("please die after") == 1
    assert [text for _, text in in_tracker(tmp_path)].count("please die after") == 1


def test_a_decision_about_what_was_not_asked_for_in_a_window_goes_nowhere(window: Window) -> None:
    step = chats.tell("a-terminal", "change-1", "It is confirmed.", {"buttons": []})
    assert done(step) == "gone"


def test_each_side_sees_the_other_type(window: Window, tmp_path: Path) -> None:
    chat = join(tmp_path, window)
    writes, stops = ("typing", {"on": True}), ("typing", {"on": False})
    before = window.events.count(writes)
    chats.stay(chat.pk, "natalie", typing=True)
    window.until(lambda: window.events.count(writes) == before + 1, "the person types")
    ended = window.events.count(stops)
    say(chat, "Hello")
    reads(window, "Hello")
    window.until(lambda: window.events.count(stops) > ended, "the person has stopped")
    window.call("typing", {"on": True})
    assert reading.patient_types(Chat.objects.get(), clock.now())
    window.call("typing", {"on": False})
    assert not reading.patient_types(Chat.objects.get(), clock.now())


def test_two_servers(database: Path, echo: Echo, redis: Redis, tmp_path: Path) -> None:
    one, two = (echo(CLINIC_REDIS_URL=redis.url) for _ in range(2))
    here = Window(address(one)).open()
    here.ask("hello")
    there = Window(address(two)).open({"token": here.token, "last_seq": 0})
    chat = join(tmp_path, here, there)
    for number in range(5):
        say(chat, f"reply {number}")
    for window in (here, there):
        reads(window, "reply 4")
        in_order(window)
        assert [m["text"] for m in window.seen if m["from"] == "person"] == [
            f"reply {number}" for number in range(5)
        ]
        assert [e for e, _ in window.events].count("handoff") == 1
        window.close()


def test_the_rasa_servers_tables_are_those_of_the_clinic() -> None:
    from assistant.live import store

    for table, model in ((store.chats, Chat), (store.steps, Step), (store.duties, Duty)):
        assert table.name == model._meta.db_table
        assert set(table.columns.keys()) <= {field.column for field in model._meta.fields}
