"""``python -m clinic retention``: delete conversations whose days are over, as every night."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from clinic import clock, facts
from clinic.audit import log as audit
from clinic.audit.commands import NotedCommand
from clinic.audit.models import Action
from clinic.privacy import retention


class Command(NotedCommand):
    """Deletes; with ``--dry-run`` only says what would be deleted."""

    help = "Delete conversations older than privacy.keep_conversations_days of clinic.yml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Only look, or see what was done."""
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
        parser.add_argument("--log", action="store_true", help="show what the last nights deleted")

    def handle(
        self, *_: Any, dry_run: bool = False, log: bool = False, who: str = "", **__: Any
    ) -> None:
        """Numbers only: no conversation is named."""
        if log:
            audit.note(who, Action.LIST, "receipts", detail="nights")
            for run in retention.last_runs():
                self._tell(f"{self._local(run.at)} {run.who}: deleted", run, run.deleted)
        elif dry_run:
            due = retention.due(clock.now())
            audit.note(who, Action.RETENTION, detail="dry run", count=len(due.delete))
            self.stdout.write(
                f"Would be deleted: {len(due.delete)} with nothing said since "
                f"{self._local(due.older_than)}. Kept: {len(due.held)} held as a health record, "
                f"{len(due.for_appointment)} for an appointment since then."
            )
        else:
            done = retention.run(clock.now(), who)
            self._tell("Deleted", done, done.deleted)

    def _tell(self, what: str, run: Any, deleted: int) -> None:
        self.stdout.write(
            f"{what}: {deleted} with nothing said since {self._local(run.older_than)}. Kept: "
            f"{run.held} held as a health record, {run.for_appointment} for an appointment since "
            f"then, {run.talking} being talked in. Failed: {run.failed}."
        )

    def _local(self, moment: Any) -> str:
        return f"{moment.astimezone(facts.current().zone):%Y-%m-%d %H:%M}"
