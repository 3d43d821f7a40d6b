"""Databases of both kinds, and clinics to book at."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres import Cluster

from clinic import environment


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


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of this test alone, once of each kind; the value is the kind."""
    if request.param == "sqlite":
        file = tmp_path / "clinic.sqlite3"
        shutil.copy(request.getfixturevalue("migrated"), file)
        with pointed_at(environment.sqlite(file)):
            yield request.param
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"test_{os.getpid()}"
    cluster.run(f"CREATE DATABASE {name} TEMPLATE template")
    try:
        with pointed_at(_settings(cluster.url(name))):
            yield request.param
    finally:
        cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


def _settings(url: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLINIC_DATABASE_URL", url)
        return environment.database(Path())


@contextlib.contextmanager
def pointed_at(database: dict[str, Any]) -> Iterator[None]:
    """Within it, Django's connections go to this database."""
    from django.db import connections
    from django.utils.connection import ConnectionDoesNotExist

    def use(settings: dict[str, Any]) -> None:
        connections.close_all()
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
