"""Too much to do, or a database that cannot be used: the patient is told, and nothing is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from scenario_servers import Server, locked, wait_until
from socketio.exceptions import ConnectionError as Refused
from test_killed import address, handled
from websocket import create_connection
from window import PATH, Window, new_id

from clinic import facts


def test_too_many_wait(echo: Callable[..., Server], tmp_path: Path) -> None:
    """A message is refused with the time to wait; those accepted before are answered."""
    url = address(echo(CLINIC_CHAT_WAITING="2"))
    waiting = [Window(url).open() for _ in range(2)]
    sent = [window.send("hold on") for window in waiting]
    late = Window(url).open()
    message = {"id": new_id(), "text": "hello"}
    refused = late.call("message", message)["error"]
    assert refused["code"] == "server_busy"
    assert refused["retry_after"] > 0
    assert facts.load().phone in refused["message"]
    (tmp_path / "go").touch()
    for window, message_id in zip(waiting, sent, strict=True):
        assert window.answers(message_id)
    wait_until(lambda: late.call("message", message)["ok"], "there is a place")
    assert late.answers(message["id"])


def test_the_database_is_locked(echo: Callable[..., Server], tmp_path: Path) -> None:
    """A new message is refused; an answer under way is late, is told to be, and comes."""
    window = Window(address(echo())).open()
    sent = window.send("hold on")
    wait_until((tmp_path / "holding").exists, "it is being answered")
    message = {"id": new_id(), "text": "hello"}
    with locked(tmp_path / "conversations.sqlite3"):
        assert window.call("message", message)["error"]["code"] == "server_busy"
        (tmp_path / "go").touch()
        late = window.until(
            lambda: [data for event, data in window.events if event == "error"], "an error"
        )
        assert late[0]["code"] == "no_answer"
        assert late[0]["in_reply_to"] == sent
        assert window.seen == []
    assert window.answers(sent)[0]["text"] == "you said hold on"
    assert window.call("message", message)["ok"]
    assert window.answers(message["id"])
    assert handled(tmp_path) == {"hold on": 1, "hello": 1}


def test_a_window_that_goes_is_no_error(echo: Callable[..., Server]) -> None:
    server = echo()
    for transport in ("websocket", "polling"):
        window = Window(address(server)).open(transport=transport)
        window.ask("hello")
        window.close()
    gone = Window(address(server)).open()
    # As the system ends it, at once for both sides.
    gone.client.eio.ws.sock.shutdown(socket.SHUT_RDWR)
    gone.until(lambda: not gone.client.connected, "the end of the connection")
    Window(address(server)).open().close()
    assert "ERROR" not in server.log.read_text(encoding="utf-8")


def test_when_all_places_are_taken_the_next_is_told_so(echo: Callable[..., Server]) -> None:
    url = address(echo(CLINIC_CHAT_CONNECTIONS="2"))
    inside = [Window(url, f"198.51.100.{place}").open() for place in (1, 2)]
    late = Window(url, "198.51.100.3")
    with pytest.raises(Refused):
        late.open()
    assert late.refused == [{"message": "too_many_connections"}]
    inside[0].close()

    def comes_in() -> bool:
        with suppress(Refused):
            late.open()
        return bool(late.sessions)

    wait_until(comes_in, "there is a place")
    assert late.ask("hello")
    for window in (late, inside[1]):
        window.close()


def test_a_window_that_goes_while_it_is_let_in_leaves_its_place(
    echo: Callable[..., Server], tmp_path: Path
) -> None:
    """The database keeps it waiting; however many go meanwhile, others find room."""
    url = address(echo(CLINIC_CHAT_CONNECTIONS_PER_ADDRESS="3"))
    window = Window(url).open()
    window.ask("hello")
    place = f"{url.replace('http', 'ws', 1)}/{PATH}/?EIO=4&transport=websocket"
    # In another language, which is written down before it is let in.
    wishes = json.dumps({"token": window.token, "locale": "fr"})
    with locked(tmp_path / "conversations.sqlite3"):
        for _ in range(2):
            hasty = create_connection(place, header=[f"X-Forwarded-For: {window.address}"])
            hasty.recv()
            hasty.send(f"40{wishes}")
            window.call("typing", {"on": False})
            hasty.close()
        # The server answers one event after the other: by now it has seen them go.
        for _ in range(20):
            window.call("typing", {"on": False})

    wait_until(lambda: _is_room(url), "there is a place", 30)
    window.close()


def test_a_window_that_says_goodbye_while_it_is_let_in_leaves_its_place(
    echo: Callable[..., Server], tmp_path: Path
) -> None:
    """Without a connection that stays open the server hears of it in another request."""
    url = address(echo(CLINIC_CHAT_CONNECTIONS_PER_ADDRESS="3"))
    window = Window(url).open()
    window.ask("hello")
    wishes = json.dumps({"token": window.token, "locale": "fr"})
    with (
        httpx.Client(
            base_url=f"{url}/{PATH}/",
            params={"EIO": "4", "transport": "polling"},
            headers={"X-Forwarded-For": window.address},
            timeout=30,
            trust_env=False,
        ) as http,
        ThreadPoolExecutor() as others,
    ):
        sids = [json.loads(http.get("").text[1:])["sid"] for _ in range(2)]
        with locked(tmp_path / "conversations.sqlite3"):
            for sid in sids:
                others.submit(http.post, "", params={"sid": sid}, content=f"40{wishes}")
            wait_until(lambda: not _is_room(url), "both are being let in")
            for sid in sids:
                assert http.post("", params={"sid": sid}, content="1").status_code == 200

    wait_until(lambda: _is_room(url), "there is a place", 30)
    window.close()


def _is_room(url: str) -> bool:
    with suppress(Refused):
        Window(url).open().close()
        return True
    return False
