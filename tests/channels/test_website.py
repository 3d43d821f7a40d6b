"""The website's channel, from a chat window's side, with the servers as they are started."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import datetime

import httpx
import protocol_document
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from protocol_document import CODES
from scenario_chat import hold_as_record, read
from scenario_servers import Server, Servers
from socketio.exceptions import ConnectionError as Refused
from websocket import WebSocketBadStatusException, create_connection
from window import PATH, READY, Window, new_id

from assistant.channels.tokens import Tokens
from assistant.channels.wording import words
from assistant.project import ROOT
from assistant.website import PAGES
from clinic import facts

NewWindow = Callable[[], Window]


def code(ack: dict[str, object]) -> object:
    """The error's code; its sentence must be there."""
    assert ack["ok"] is False, ack
    error = ack["error"]
    assert isinstance(error, dict)
    assert error["message"]
    return error["code"]


# Coming in.


def test_a_new_window_gets_a_conversation(window: Window) -> None:
    session = window.sessions[0]
    assert session["resumed"] is False
    assert session["clinic"]["phone"] == facts.load().phone
    assert session["limits"] == {"text": 2000, "per_minute": 20}
    assert len(session["conversation"]) == 8
    assert session["conversation"] not in session["token"]
    assert datetime.fromisoformat(session["expires_at"]).tzinfo is not None


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_both_transports(new_window: NewWindow, transport: str) -> None:
    window = new_window().open(transport=transport)
    (answer,) = window.ask("does massage help sciatica?")
    assert answer["seq"] == 2


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", Tokens(("f" * 60,), facts.timedelta(days=1)).issue("chat")[0], 7],
    # The signed one is another each second.
    ids=["none", "short", "three parts", "another key", "a number"],
)
def test_without_a_token_of_ours_a_new_conversation_begins(
    new_window: NewWindow, window: Window, token: object
) -> None:
    stranger = new_window().open({"token": token})
    assert stranger.sessions[0]["resumed"] is False
    assert stranger.sessions[0]["conversation"] != window.sessions[0]["conversation"]


def test_the_id_alone_opens_nothing(
    servers: Servers, new_window: NewWindow, window: Window
) -> None:
    window.ask("hello")
    (row,) = read(
        servers.tracker_database,
        "SELECT id FROM website_conversations ORDER BY active_at DESC, rowid DESC LIMIT 1",
    )
    thief = new_window().open({"token": row["id"], "session_id": row["id"], "last_seq": 0})
    assert thief.sessions[0]["resumed"] is False
    assert thief.call("history", {})["messages"] == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_page_that_is_not_listed(new_window: NewWindow, transport: str) -> None:
    window = new_window()
    with pytest.raises(Refused):
        window.open(origin="https://evil.example", transport=transport)
    assert window.refused == [{"message": "origin_not_allowed"}]
    assert not window.sessions


def test_the_servers_own_page_may_connect(servers: Servers, new_window: NewWindow) -> None:
    new_window().open(origin=servers.rasa_url)


def test_one_address_cannot_take_all_places(new_window: NewWindow) -> None:
    for _ in range(30):
        new_window().open()
    one_too_many = new_window()
    with pytest.raises(Refused):
        one_too_many.open()
    assert one_too_many.refused == [{"message": "too_many_connections"}]


# Saying something.


def test_an_answer(window: Window) -> None:
    sent = window.send("when is massage recommended for sciatica?")
    (answer,) = window.answers(sent)
    assert answer["from"] == "assistant"
    assert answer["source"] == {
        "label": "From our article: When Is Massage Recommended for Sciatica Pain?"
    }
    assert answer["rateable"] is True
    assert [button["title"] for button in answer["buttons"]][-1] == "Book an appointment"
    assert [data["on"] for event, data in window.events if event == "typing"] == [True, False]


def test_an_emergency_is_marked(window: Window) -> None:
    (answer,) = window.ask("since this morning I can't feel anything when I wipe")
    assert answer["kind"] == "emergency"
    assert "source" not in answer


def test_a_repeat_is_answered_once(window: Window) -> None:
    message_id = new_id()
    first = window.call("message", {"id": message_id, "text": "does it hurt"})
    again = window.call("message", {"id": message_id, "text": "does it hurt"})
    assert (again["seq"], again["repeated"]) == (first["seq"], True)
    window.ask("thanks")
    assert len([m for m in window.seen if m["in_reply_to"] == message_id]) == 1


def test_answers_come_in_the_order_of_the_messages(window: Window) -> None:
    sent = [window.send(text) for text in ("hello", "what does it cost", "does it hurt", "bye")]
    for message_id in sent:
        window.answers(message_id)
    order = list(dict.fromkeys(message["in_reply_to"] for message in window.seen))
    assert order == sent
    numbers = [message["seq"] for message in window.seen]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": new_id(), "text": "x" * 2001}, "too_long"),
        ({"id": new_id(), "text": " \n "}, "bad_message"),
        ({"id": new_id()}, "bad_message"),
        ({"text": "hello"}, "bad_message"),
        ({"id": "1", "text": "hello"}, "bad_message"),
        ({"id": new_id(), "text": ["hello"]}, "bad_message"),
        ({"id": new_id(), "payload": {"a": 1}}, "bad_message"),
        ("hello", "bad_message"),
        (None, "bad_message"),
        ({"id": new_id(), "payload": "/restart", "title": "x"}, "unknown_button"),
    ],
)
def test_a_message_that_is_refused(window: Window, data: object, expected: str) -> None:
    assert code(window.call("message", data)) == expected
    assert window.call("history", {})["messages"] == []


def test_the_longest_message_in_the_widest_letters(window: Window) -> None:
    """2,000 characters of four bytes each fit into a frame."""
    sent = window.send("\U0001f469" * 2000)
    assert window.answers(sent)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_frame_too_large_is_refused_and_ends_the_connection(
    new_window: NewWindow, transport: str
) -> None:
    window = new_window().open(transport=transport)
    window.client.emit("message", {"id": new_id(), "text": "x" * 70_000})
    window.until(lambda: not window.client.connected, "the end of the connection")
    window.until(lambda: any(event == "error" for event, _ in window.events), "the reason")
    assert [data["code"] for event, data in window.events if event == "error"] == ["too_large"]


def test_a_frame_is_measured_in_bytes(servers: Servers, window: Window) -> None:
    """20,000 characters of four bytes each."""
    url = f"{servers.rasa_url.replace('http', 'ws')}/{PATH}/?EIO=4&transport=websocket"
    header = {"X-Forwarded-For": window.address}
    with closing(create_connection(url, header=header)) as line:
        line.send("40")
        text = "\U0001f469" * 20_000
        event = json.dumps(["message", {"id": new_id(), "text": text}], ensure_ascii=False)
        line.send(f"421{event}")
        # What is heard at the end is empty.
        heard = list(iter(line.recv, ""))
    assert "too_large" in heard[-1], heard


def test_connections_that_say_nothing_are_counted(servers: Servers, window: Window) -> None:
    """Thirty chat windows may come from one address, and ten connections that are none yet."""
    url = f"{servers.rasa_url.replace('http', 'ws')}/{PATH}/?EIO=4&transport=websocket"
    header = {"X-Forwarded-For": window.address}
    silent = []

    def come_in() -> None:
        for _ in range(60):
            silent.append(create_connection(url, header=header))

    try:
        with pytest.raises(WebSocketBadStatusException):
            come_in()
        assert len(silent) == 39
        assert window.ask("hello"), "who is there stays"
    finally:
        for connection in silent:
            connection.close()


def test_who_goes_leaves_no_request_open(servers: Servers, window: Window) -> None:
    """By long polling: a request waits for news, and would for most of a minute."""
    address = f"{servers.rasa_url}/{PATH}/"
    options = {"EIO": "4", "transport": "polling"}
    headers = {"X-Forwarded-For": window.address}
    with (
        httpx.Client(params=options, headers=headers, timeout=10, trust_env=False) as client,
        ThreadPoolExecutor() as meanwhile,
    ):
        opened = client.get(address).text
        client.params = client.params.set("sid", json.loads(opened.removeprefix("0"))["sid"])
        client.post(address, content="40")
        while "session" not in client.get(address).text:
            pass
        waiting = meanwhile.submit(client.get, address)
        client.post(address, content="1")
        assert waiting.result().status_code in (200, 400)


def test_connections_are_counted_in_all_as_well(echo: Callable[..., Server]) -> None:
    """A hundred more than chat windows may be open, wherever they come from."""
    server = echo(CLINIC_CHAT_CONNECTIONS="1")
    url = (
        f"{server.url.removesuffix(READY).replace('http', 'ws')}/{PATH}/?EIO=4&transport=websocket"
    )
    with ExitStack() as silent, suppress(WebSocketBadStatusException):
        for number in itertools.count(1):
            line = create_connection(url, header={"X-Forwarded-For": f"198.51.100.{number}"})
            silent.enter_context(closing(line))
    assert number == 102


def test_too_many_messages(window: Window) -> None:
    acks = [window.call("message", {"id": new_id(), "text": "hello"}) for _ in range(21)]
    assert [ack["ok"] for ack in acks] == [True] * 20 + [False]
    assert code(acks[-1]) == "too_fast"
    assert 0 < acks[-1]["error"]["retry_after"] <= 60


def test_too_many_messages_from_one_address(new_window: NewWindow) -> None:
    """Other conversations are no way around it."""
    refused = None
    for _ in range(5):
        window = new_window().open()
        for _ in range(20):
            ack = window.call("message", {"id": new_id(), "text": "hello"})
            if not ack["ok"]:
                refused = refused or code(ack)
    assert refused == "too_fast"


def test_errors_in_french(new_window: NewWindow) -> None:
    window = new_window().open({"locale": "fr"})
    ack = window.call("message", {"id": new_id(), "text": "x" * 2001})
    assert ack["error"]["message"].startswith("Votre message dépasse 2000")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    event=st.sampled_from(["received", "history", "feedback", "typing", "message"]),
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.dictionaries(
                st.sampled_from(["id", "payload", "seq", "before", "limit", "value", "message_id"]),
                inner,
            )
            | st.lists(inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
def test_whatever_is_sent_is_acknowledged(window: Window, event: str, data: object) -> None:
    ack = window.call(event, data)
    assert ack["ok"] or code(ack) in ("bad_message", "too_fast", "unknown_button", "too_long")


# Buttons.


def test_a_button_that_was_shown(new_window: NewWindow, window: Window) -> None:
    window.ask("hello")
    window.ask("what does it cost")
    other = new_window().open({"token": window.token, "last_seq": window.last_seq})
    pressed = window.press("Book an appointment")
    assert window.answers(pressed)
    other.until(lambda: other.seen, "the other window's copy")
    assert other.seen[0]["text"] == "Book an appointment"
    assert other.seen[0]["from"] == "patient"


def test_a_button_of_somebody_else(new_window: NewWindow, window: Window) -> None:
    window.ask("what does it cost")
    stranger = new_window().open()
    ack = stranger.call("message", {"id": new_id(), "payload": "/book_appointment", "title": "x"})
    assert code(ack) == "unknown_button"


def test_a_typed_command_is_words(window: Window, servers: Servers) -> None:
    answers = window.ask("/confirm_delete")
    assert answers
    assert window.call("history", {})["messages"][0]["text"] == "/confirm_delete"


# Going and coming back.


def test_a_window_that_comes_back_gets_what_it_missed(
    new_window: NewWindow, window: Window
) -> None:
    window.ask("hello")
    before = window.last_seq
    asked = window.send("what does it cost")
    window.close()
    other = new_window().open({"token": window.token, "last_seq": before})
    other.answers(asked)
    other.call("typing", {"on": False})
    numbers = [message["seq"] for message in other.seen]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))
    assert other.seen[0]["id"] == asked
    assert other.sessions[0]["resumed"] is True
    assert other.sessions[0]["conversation"] == window.sessions[0]["conversation"]


def test_a_window_without_a_past_gets_the_history(new_window: NewWindow, window: Window) -> None:
    window.ask("hello")
    window.call("received", {"seq": window.last_seq})
    other = new_window().open({"token": window.token})
    events = other.until(
        lambda: [data for event, data in other.events if event == "history"], "the history"
    )
    assert [message["seq"] for message in events[0]["messages"]] == [1, 2]
    assert events[0]["more"] is False
    assert other.sessions[0]["received"] == window.last_seq
    asked = window.send("what does it cost")
    other.answers(asked)
    assert [message["seq"] for message in other.seen][:2] == [3, 4]


def test_older_messages(window: Window) -> None:
    for text in ("hello", "what does it cost", "thanks"):
        window.ask(text)
    newest = window.call("history", {"limit": 2})
    assert newest["more"] is True
    older = window.call("history", {"before": newest["messages"][0]["seq"], "limit": 50})
    numbers = [message["seq"] for message in older["messages"] + newest["messages"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert older["more"] is False


def test_two_windows_show_one_conversation(new_window: NewWindow, window: Window) -> None:
    window.ask("hello")
    other = new_window().open({"token": window.token, "last_seq": 0})
    asked = other.send("what does it cost")
    answers = window.answers(asked)
    assert other.answers(asked) == answers
    mine = [message for message in window.seen if message["id"] == asked]
    assert [message["text"] for message in mine] == ["what does it cost"]
    # The window in which it was typed shows it already.
    assert [message for message in other.seen if message["id"] == asked] == []


def test_start_again(new_window: NewWindow, window: Window) -> None:
    window.ask("hello")
    old_token = window.token
    other = new_window().open({"token": old_token, "last_seq": window.last_seq})
    assert window.call("restart", {})["ok"]
    for each in (window, other):
        each.until(lambda each=each: len(each.sessions) == 2, "another session")
    assert window.token == other.token
    assert window.sessions[1]["conversation"] != window.sessions[0]["conversation"]
    (answer,) = window.ask("what does it cost")
    assert answer["seq"] == 2
    late = new_window().open({"token": old_token})
    assert late.sessions[0]["resumed"] is False
    assert ("deleted", {}) not in late.events


# Booking, a thumb, a message to the clinic.


def book(window: Window) -> dict[str, object]:
    """Asks for an appointment and sends the request; returns the last message."""
    window.ask("can I book 60 minutes with Natalie on Thursday after 4, I am Priya, 416-555-0173")
    for _ in range(8):
        newest = window.seen[-1]
        titles = [button["title"] for button in newest["buttons"]]
        if "Send request" in titles:
            assert newest["kind"] == "summary"
            return window.answers(window.press("Send request"))[-1]
        window.answers(window.press(titles[0]))
    raise AssertionError(window.seen)


def test_a_booking_has_a_card(window: Window, servers: Servers) -> None:
    card = book(window)["card"]
    assert isinstance(card, dict)
    clinic = facts.load()
    (row,) = read(
        servers.clinic_database,
        "SELECT * FROM booking_appointmentrequest WHERE reference = ?",
        card["reference"],
    )
    starts = datetime.fromisoformat(card["starts"])
    assert starts.strftime("%Y-%m-%d %H:%M") == "2026-11-26 16:00"
    assert (datetime.fromisoformat(card["ends"]) - starts).seconds == 3600
    assert (card["zone"], card["place"]) == (clinic.time_zone, clinic.address)
    assert (card["status"], card["service"]) == ("requested", row["service"])
    assert card["minutes"] == row["minutes"] == 60
    (entry,) = Calendar.from_ical(card["ics"]).walk("VEVENT")
    assert entry["DTSTART"].dt == starts
    assert entry["STATUS"] == "TENTATIVE"
    assert entry["DESCRIPTION"].startswith("massage therapy, 60 minutes, with Natalie Yeo. ")
    assert "Priya" not in card["ics"]


def test_a_thumb(window: Window, servers: Servers) -> None:
    (answer,) = window.ask("does massage help sciatica?")
    thumb = {"message_id": answer["id"], "value": "down", "reason": "I wanted to know how long"}
    before = window.last_seq
    assert window.call("feedback", thumb)["ok"]
    query = "SELECT * FROM conversations_feedback WHERE message_reference = ?"
    (row,) = read(servers.clinic_database, query, answer["id"])
    assert (row["value"], row["reason"]) == ("down", thumb["reason"])
    assert row["answer"] == "utter_faq/how_massage_helps"
    assert window.call("feedback", thumb | {"value": "up", "reason": None})["ok"]
    assert [row["value"] for row in read(servers.clinic_database, query, answer["id"])] == ["up"]
    back = {"message_id": answer["id"], "value": "none"}
    assert window.call("feedback", back)["ok"]
    assert read(servers.clinic_database, query, answer["id"]) == []
    assert window.call("feedback", back)["ok"], "it is what was wanted already"
    assert window.last_seq == before
    assert code(window.call("feedback", thumb | {"message_id": new_id()})) == "bad_message"
    assert code(window.call("feedback", thumb | {"value": "meh"})) == "bad_message"
    assert code(window.call("feedback", thumb | {"reason": "x" * 501})) == "too_long"


def test_nobody_is_there_so_a_message_is_left(window: Window) -> None:
    nobody, question = window.ask("I want to talk to a person")
    assert "Nobody can join this chat right now. The clinic is " in nobody["text"]
    assert "pass on to the clinic" in question["text"]
    for text in ("please call me back about my receipt", "Priya", "416-555-0173"):
        window.ask(text)
    for _ in range(3):
        titles = [button["title"] for button in window.seen[-1]["buttons"]]
        if not titles or "Your message is with the clinic" in window.seen[-1]["text"]:
            break
        window.answers(window.press(titles[0]))
    assert "Your message is with the clinic" in window.seen[-1]["text"]
    # No person has been asked to join.
    assert ("handoff", {"state": "requested"}) not in window.events


# Deleting.


# What stays is its bare name: that nobody may go on with it, and that the clinic's own copy is to
# be looked at again.
STAYS = {"website_conversations", "conversations_recheck"}


def kept(servers: Servers, conversation: str) -> set[str]:
    """All tables of the servers' databases in which the conversation is still named."""
    return {
        table["name"]
        for database in (servers.tracker_database, servers.clinic_database)
        for table in read(database, "SELECT name FROM sqlite_master WHERE type = 'table'")
        for row in read(database, f'SELECT * FROM "{table["name"]}"')  # noqa: S608
        if conversation in map(str, dict(row).values())
    }


def conversation_of(servers: Servers, message_id: str) -> str:
    query = "SELECT conversation FROM website_messages WHERE id = ?"
    (row,) = read(servers.tracker_database, query, message_id)
    return str(row["conversation"])


def test_delete(servers: Servers, new_window: NewWindow, window: Window) -> None:
    card = book(window)["card"]
    assert isinstance(card, dict)
    asked = window.send("does massage help sciatica?")
    (answer,) = window.answers(asked)
    window.call("feedback", {"message_id": answer["id"], "value": "up"})
    conversation = conversation_of(servers, asked)
    assert {"events", "website_messages", "conversations_feedback"} <= kept(servers, conversation)
    old_token = window.token
    other = new_window().open({"token": old_token, "last_seq": window.last_seq})
    assert window.call("delete", {})["ok"]
    for each in (window, other):
        each.until(lambda each=each: len(each.sessions) == 2, "another session")
        assert ("deleted", {}) in each.events
    assert kept(servers, conversation) == STAYS
    query = "SELECT patient_name, patient_contact FROM booking_appointmentrequest WHERE {}"
    (row,) = read(servers.clinic_database, query.format("reference = ?"), card["reference"])
    assert not row["patient_name"]
    assert not row["patient_contact"]
    (first,) = window.ask("what does it cost")
    assert first["seq"] == 2
    late = new_window().open({"token": old_token})
    assert ("deleted", {}) in late.events
    assert late.sessions[0]["resumed"] is False


def test_delete_in_words(servers: Servers, window: Window) -> None:
    asked = window.send("delete my data")
    window.answers(asked)
    conversation = conversation_of(servers, asked)
    window.ask("hello") if not window.seen[-1]["buttons"] else None
    window.press(window.seen[-1]["buttons"][0]["title"])
    window.until(lambda: ("deleted", {}) in window.events, "deleted")
    window.until(lambda: window.seen[-1]["seq"] == 1, "the last words")
    assert len(window.sessions) == 2
    assert kept(servers, conversation) == STAYS


def test_nothing_is_shown_as_deleted_when_it_is_not(servers: Servers, window: Window) -> None:
    asked = window.send("hello")
    window.answers(asked)
    servers.actions.stop()
    try:
        assert code(window.call("delete", {})) == "not_deleted"
    finally:
        servers.actions.start()
        servers.actions.wait()
    assert kept(servers, conversation_of(servers, asked))
    assert window.call("delete", {})["ok"]


def test_a_client_record_is_kept_and_the_patient_reads_so(servers: Servers, window: Window) -> None:
    asked = window.send("hello")
    window.answers(asked)
    hold_as_record(servers.clinic_database, conversation_of(servers, asked))
    answer = window.call("delete", {})
    assert code(answer) == "record_kept"
    assert "health record" in answer["error"]["message"]
    assert kept(servers, conversation_of(servers, asked))
    assert window.ask("what does it cost")


# The page.


def get(servers: Servers, path: str, **headers: str) -> httpx.Response:
    return httpx.get(servers.rasa_url + path, headers=headers, trust_env=False)


def test_the_window_is_served_for_other_sites(servers: Servers) -> None:
    script = get(servers, "/widget/clinic-chat.js")
    assert script.content == (ROOT / "widget" / "dist" / "clinic-chat.js").read_bytes()
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["access-control-allow-origin"] == "*"
    assert script.headers["x-content-type-options"] == "nosniff"
    same = get(servers, "/widget/clinic-chat.js", **{"If-None-Match": script.headers["etag"]})
    assert same.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        *("/widget/", "/site/", "/widget/../pyproject.toml", "/widget/%2e%2e/pyproject.toml"),
        # Rasa's own channels believe whoever calls them.
        *("/webhooks/slack/webhook", "/webhooks/telegram/webhook", "/webhooks/rasa/webhook"),
    ],
)
def test_nothing_else_is_served(servers: Servers, path: str) -> None:
    assert get(servers, path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_its_own_scripts_only(servers: Servers, path: str) -> None:
    page = get(servers, path)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert facts.load().name in page.text


# The documentation.


def test_every_event_and_code_of_the_document_is_one_of_the_servers(window: Window) -> None:
    """What each event has is compared by every window of these tests."""
    assert set(words()["errors"]["en"]) == protocol_document.names(CODES)
    (kinds,) = [row[1] for row in protocol_document.rows("message") if row[0] == "`kind`"]
    assert set(words()["kinds"].values()) == set(re.findall(r"`(\w+)`", kinds))
    book(window)
    (session,) = window.sessions
    assert protocol_document.fields_of(session) == protocol_document.to_window()["session"]
    card = window.seen[-1]["card"]
    assert set(card) == protocol_document.names("card")
    for event, (fields, _) in protocol_document.to_server().items():
        # Whatever it answers: an event that the server does not know has no answer at all.
        assert "ok" in window.call(event, dict.fromkeys(fields))
