"""``python -m clinic projection``: whether what staff read agrees with what was said."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic import facts
from clinic.conversations import projection
from clinic.conversations.store import StoreMissing, open_store

_EVERY = 10.0  # seconds between two lines of how far it is


class Command(BaseCommand):
    """Shows how far reading is by default."""

    help = (
        "status: how far reading along is. reconcile: compare everything that staff read with the "
        "assistant's own record. rebuild: make it again from that record; reviews, tags and notes "
        "stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do."""
        parser.add_argument(
            "what", nargs="?", choices=("status", "reconcile", "rebuild"), default="status"
        )

    def handle(self, *_: Any, what: str, **__: Any) -> None:
        """Raises CommandError when something differs, or there is nothing to read."""
        store = open_store()
        try:
            {"status": self._status, "reconcile": self._reconcile, "rebuild": self._rebuild}[what](
                store
            )
        except StoreMissing:
            raise CommandError("nobody has talked to the assistant yet: nothing to read.") from None
        finally:
            store.close()

    def _status(self, store: Any) -> None:
        now = projection.status(store)
        zone = facts.current().zone
        read = f"{now.read_at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if now.read_at else "never"
        self.stdout.write(
            f"{now.sessions} sessions with {now.messages} messages. Read up to event "
            f"{now.last_event_id}, {now.behind} behind. Something new was last read: {read}."
        )

    def _reconcile(self, store: Any) -> None:
        found = projection.reconcile(store)
        self._tell(found)
        if not found.equal:
            raise CommandError(
                "what staff read differs from what was said. While patients are writing, try once "
                "more; otherwise: python -m clinic projection rebuild."
            )

    def _rebuild(self, store: Any) -> None:
        begin = said = time.monotonic()

        def tell(found: projection.Differences) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said > _EVERY:
                said = now
                self.stdout.write(f"{found.events} events read, {now - begin:.0f} s.")

        self._tell(projection.rebuild(store, tell))

    def _tell(self, found: projection.Differences) -> None:
        self.stdout.write(
            f"{found.events} events of {found.conversations} conversations. Missing: "
            f"{found.missing}. Other: {found.other}. Too many: {found.too_many}."
        )
