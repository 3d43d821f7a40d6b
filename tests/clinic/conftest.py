"""Real databases of both kinds for the tests of what the clinic keeps."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres import Cluster


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and no rows."""
    from django.core.management import call_command
    from django.db import connections

    from clinic.environment import sqlite

    file = tmp_path_factory.mktemp("database") / "clinic.sqlite3"
    with pointed_at(sqlite(file)):
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
    return file


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty database of this test alone; the value is its file."""
    from clinic.environment import sqlite

    file = tmp_path / "clinic.sqlite3"
    shutil.copy(migrated, file)
    with pointed_at(sqlite(file)):
        yield file


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server with a database ``template`` that has all tables and no rows."""
    cluster = Cluster()
    try:
        cluster.run("CREATE DATABASE template")
        with pointed_at(_settings(cluster.url("template"))):
            from django.core.management import call_command

            call_command("migrate", verbosity=0, interactive=False)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def postgresql(cluster: Cluster) -> Iterator[str]:
    """An empty PostgreSQL database of this test alone; the value is its address."""
    name = f"test_{os.getpid()}"
    cluster.run(f"CREATE DATABASE {name} TEMPLATE template")
    try:
        with pointed_at(_settings(cluster.url(name))):
            yield cluster.url(name)
    finally:
        cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest) -> str:
    """An empty database of this test alone, once of each kind; the value is the kind."""
    request.getfixturevalue("database" if request.param == "sqlite" else "postgresql")
    return str(request.param)


@pytest.fixture
def do(any_database: str, request: pytest.FixtureRequest) -> Any:
    """Runs an operation of the Rasa server's in a transaction of its own."""
    import sqlalchemy as sa
    from django.db import connection

    from assistant.tracker_store import kept_open

    if any_database == "sqlite":
        engine = kept_open(f"sqlite:///{Path(connection.settings_dict['NAME'])}")
    else:
        engine = sa.create_engine(request.getfixturevalue("postgresql"))

    def run(operation: Callable[..., Any], *arguments: Any) -> Any:
        with engine.begin() as opened:
            return operation(opened, *arguments)

    yield run
    engine.dispose()


def _settings(url: str) -> dict[str, Any]:
    from clinic import environment

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLINIC_DATABASE_URL", url)
        return environment.database(Path())


@contextlib.contextmanager
def pointed_at(database: dict[str, Any]) -> Iterator[None]:
    """Within it, Django's connections go to this database."""
    from django.db import connections
    from django.utils.connection import ConnectionDoesNotExist

    from clinic import setup

    def use(settings: dict[str, Any]) -> None:
        connections.close_all()
        # The threads of setup.call keep theirs open for a minute.
        if setup._pool is not None:
            setup._pool.shutdown()
            setup._pool = None
        connections.settings["default"] = settings
        # Not every thread has opened it yet.
        with contextlib.suppress(AttributeError, ConnectionDoesNotExist):
            del connections["default"]

    before = connections.settings["default"]
    use(connections.configure_settings({"default": database})["default"])
    try:
        yield
    finally:
        use(before)
