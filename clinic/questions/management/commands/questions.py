"""``python -m clinic questions``: what staff sorted in the questions inbox, for ``data/nlu``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from clinic.audit import log
from clinic.audit.commands import NotedCommand
from clinic.audit.models import Action
from clinic.conversations.models import Session
from clinic.questions import exporting, inbox


class Command(NotedCommand):
    """Counts by default."""

    help = (
        "counts: how many questions wait. patch: new examples for data/nlu, to be read before "
        "they are copied there. safety: missed red flags and false alarms, for the clinician who "
        "keeps data/safety. conversation NUMBER: a session as a conversation to test with."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to write."""
        super().add_arguments(parser)
        choices = ("counts", "patch", "safety", "conversation")
        parser.add_argument("what", nargs="?", choices=choices, default="counts")
        parser.add_argument("session", nargs="?", type=int, help="the number of a session")
        parser.add_argument(
            "--mark", action="store_true", help="patch, safety: leave these out the next time"
        )

    def handle(
        self, *_: Any, what: str, session: int | None, who: str, mark: bool = False, **__: Any
    ) -> None:
        """Raises CommandError for a session that there is not."""
        if what == "counts":
            for state, count in inbox.counts().items():
                self.stdout.write(f"{state}: {count}")
        elif what in ("patch", "safety"):
            write = exporting.patch if what == "patch" else exporting.for_clinician
            with transaction.atomic():
                log.note(who, Action.EXPORT, "questions", detail=f"{what} marked" if mark else what)
                text = write(mark=mark)
            self.stdout.write(text or "# Nothing new.\n", ending="")
        else:
            found = Session.objects.filter(pk=session).first()
            if found is None:
                raise CommandError(f'there is no session "{session or ""}".')
            log.note(who, Action.EXPORT, f"conversation {found.pk}", detail="test")
            self.stdout.write(exporting.conversation(found), ending="")
