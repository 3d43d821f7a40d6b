"""The running servers, and a chat with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scenario_chat import Chat, give_back_times
from scenario_logs import said_in_logs
from scenario_servers import Servers, current_model, servers_in


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A Rasa server and an action server, started once for all tests."""
    pair = servers_in(tmp_path_factory.mktemp("servers"), current_model())
    pair.start()
    yield pair
    pair.stop()
    assert not said_in_logs(pair), "patients' words are in a log"


@pytest.fixture
def new_chat(servers: Servers) -> Callable[[], Chat]:
    """Opens another conversation."""
    return lambda: Chat(servers)


@pytest.fixture
def chat(servers: Servers) -> Iterator[Chat]:
    """A new conversation with running servers. Its times are free again for the next one."""
    for server in (servers.rasa, servers.actions):
        assert server.runs(), f"{server.name} is gone. Its log:\n{server.tail()}"
    opened = Chat(servers)
    yield opened
    give_back_times(opened)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Shows the end of both servers' logs below a test that failed."""
    outcome = yield
    report = outcome.get_result()
    pair = getattr(item, "funcargs", {}).get("servers")
    if report.failed and isinstance(pair, Servers):
        for server in (pair.rasa, pair.actions):
            report.sections.append((f"end of the log of {server.name}", server.tail(25)))
