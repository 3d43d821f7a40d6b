"""Servers with the website's channel, and chat windows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from echo_servers import echo_server
from scenario_logs import said_in_logs
from scenario_servers import Server, Servers, current_model, servers_in
from window import READY, SETTINGS, Window

# Each test has addresses of its own, so that limits by address do not meet.
_addresses = itertools.count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A Rasa server and an action server, started once for all tests."""
    pair = servers_in(tmp_path_factory.mktemp("channel"), current_model())
    pair.rasa.environment.update(SETTINGS)
    pair.rasa.url = pair.rasa_url + READY
    pair.start()
    yield pair
    pair.stop()
    assert not said_in_logs(pair), "patients' words are in a log"


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that repeat what they are told, all with the same database."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        started.append(echo_server(tmp_path, **settings))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def new_window(servers: Servers) -> Iterator[Callable[[], Window]]:
    """Makes chat windows that are not connected yet, all of one patient."""
    number = next(_addresses)
    opened: list[Window] = []

    def make() -> Window:
        assert servers.rasa.runs(), servers.rasa.tail()
        opened.append(Window(servers.rasa_url, f"198.51.{number // 256}.{number % 256}"))
        return opened[-1]

    yield make
    for window in opened:
        window.close()
        servers.typed.extend(window.typed)


@pytest.fixture
def window(new_window: Callable[[], Window]) -> Window:
    """A connected chat window."""
    return new_window().open()
