"""Commands whose looks and deeds stand in the audit log."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinic.audit import log

#: In place of a network address.
COMMAND_LINE = "command line"


class NotedCommand(BaseCommand):
    """Has ``--who``; what is noted while it runs comes from the command line."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who uses it."""
        parser.add_argument("--who", default=getpass.getuser(), help="your name, which is noted")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Runs the command."""
        token = log.coming_from.set(COMMAND_LINE)
        try:
            done: str | None = super().execute(*args, **options)
            return done
        finally:
            log.coming_from.reset(token)
