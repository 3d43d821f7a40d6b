"""A real database file for the tests of what the clinic keeps."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and no rows."""
    from django.core.management import call_command
    from django.db import connections

    from clinic.environment import sqlite

    file = tmp_path_factory.mktemp("database") / "clinic.sqlite3"
    with _pointed_at(file, sqlite(file)):
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
    return file


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty database of this test alone; the value is its file."""
    from clinic.environment import sqlite

    file = tmp_path / "clinic.sqlite3"
    shutil.copy(migrated, file)
    with _pointed_at(file, sqlite(file)):
        yield file


class _pointed_at:
    """Within it, Django's connections go to ``file``."""

    def __init__(self, file: Path, settings: dict[str, object]) -> None:
        from django.db import connections

        self.connections = connections
        self.settings = connections.configure_settings({"default": settings})["default"]

    def __enter__(self) -> None:
        self.connections.close_all()
        self.before = self.connections.settings["default"]
        self._use(self.settings)

    def __exit__(self, *_: object) -> None:
        self.connections.close_all()
        self._use(self.before)

    def _use(self, settings: dict[str, object]) -> None:
        from django.utils.connection import ConnectionDoesNotExist

        self.connections.settings["default"] = settings
        # Not every thread has opened it yet.
        with contextlib.suppress(AttributeError, ConnectionDoesNotExist):
            del self.connections["default"]
