"""Using what the clinic keeps from another process, such as the action server.

from clinic import setup
setup.ready()
from clinic.booking.requests import create_request   # models need ready() first
request = await setup.call(create_request, conversation_id=..., ...)
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def ready(*, migrate: bool = False) -> None:
    """Set up Django once; further calls cost nothing.

    ``migrate`` also brings the database's tables up to date; processes that do so at the same time
    wait for each other. Raises ``clinic.environment.EnvironmentProblem`` for a wrong setting.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    with _lock:
        import django
        from django.apps import apps

        if not apps.ready:
            django.setup()
        if migrate:
            _migrate()


def _migrate() -> None:
    # On a thread of its own: Django refuses database access where an event loop runs.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(_migrate_locked).result()


def _migrate_locked() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    try:
        with open(settings.VAR / "migrate.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        connections.close_all()


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database away from the event loop and give its result.

    Django refuses database access on a thread that runs an event loop, and a busy database would
    stop every other conversation. Exceptions of ``function`` pass through.
    """
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="clinic-database")
    work = functools.partial(_with_fresh_connection, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_pool, work)


def _with_fresh_connection(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    from django.db import close_old_connections

    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
