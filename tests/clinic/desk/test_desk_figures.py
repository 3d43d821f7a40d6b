"""5,000 conversations at the desk: what ``script/bench --desk`` measures with 100,000.

By the time that this process computes, since others may be busy; the limits are those of the
100,000, which is far more than 5,000 take.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_people import browser, person
from fabricated import INSERT, Events, many

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "script"))

import bench_desk  # noqa: E402

CONVERSATIONS = 5000


@pytest.fixture
def full(database: Path, tmp_path: Path) -> Iterator[tuple[Any, float]]:
    """The clinic's database with all of them, and the seconds it took to read them."""
    from clinic.conversations import projection
    from clinic.conversations.store import Sqlite

    events = Events(tmp_path / "conversations.sqlite3")
    with events.connection as connection:
        connection.executemany(INSERT, ((who, *event) for who, event in many(CONVERSATIONS)))
    store = Sqlite(events.file)
    yield computing(lambda: projection.rebuild(store))
    store.close()


def computing(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def test_lists_searches_and_the_rebuild_take_no_time(full: tuple[Any, float]) -> None:
    from clinic.conversations.models import Session
    from clinic.people.roles import Role

    found, seconds = full
    assert Session.objects.count() == found.conversations == CONVERSATIONS
    assert seconds < bench_desk.REBUILD * found.events / 3_000_000
    bench_desk.prepare()
    desk = browser(person("rui", *Role))

    def get(query: dict[str, str]) -> Any:
        answer = desk.get("/conversations/", query)
        assert answer.status_code == 200
        return answer

    get({})
    wanted = dict(bench_desk.FILTERS) | {
        f"search: {name}": {"text": text} for name, text in bench_desk.TEXTS.items()
    }
    slow = {}
    for name, query in wanted.items():
        limit = bench_desk.SEARCH if "text" in query else bench_desk.LIST
        _, computed = bench_desk.percentile(bench_desk.walk(get, query, 3))
        if computed * 1000 > limit:
            slow[name] = computed
    assert not slow
    for name in bench_desk.DEEP:
        query = bench_desk.FILTERS[name]
        place = bench_desk.deep(query)
        for way in ("older", "newer"):
            _, took = computing(lambda on=query | {way: place}: get(on))
            assert took * 1000 < bench_desk.LIST, (name, way)
