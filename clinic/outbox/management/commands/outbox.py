"""``python -m clinic outbox``: what has not arrived, trying it again, or doing it by hand."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic import facts
from clinic.outbox import queue
from clinic.outbox.models import Item
from clinic.text import BadInput


class Command(BaseCommand):
    """Lists by default; ``retry`` tries one or all again, ``done`` notes one as done by hand."""

    help = (
        "Show what has not been delivered; retry NUMBER or retry all tries it again; done NUMBER "
        "notes that you called the patient or entered it yourself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which delivery."""
        parser.add_argument("what", nargs="?", choices=("list", "retry", "done"), default="list")
        parser.add_argument("which", nargs="?", help="a number of the list, or all")
        parser.add_argument("--who", default=getpass.getuser(), help="your name, which is noted")

    def handle(self, *_: Any, what: str, which: str | None, who: str, **__: Any) -> None:
        """Raises CommandError when that cannot be retried."""
        if what == "list":
            self._list()
            return
        try:
            if what == "done" and which is not None and which.isdecimal():
                queue.done_by_hand(int(which), who)
                self.stdout.write("Noted as done.")
            elif what == "retry" and which == "all":
                count = queue.retry_all(who)
                self.stdout.write(f"{count} will be tried again now.")
            elif what == "retry" and which is not None and which.isdecimal():
                queue.retry(int(which), who)
                self.stdout.write("It will be tried again now.")
            else:
                raise CommandError(
                    f'"{which or ""}" is no delivery. Allowed: a number of the list, or all '
                    "with retry."
                )
        except BadInput as problem:
            raise CommandError(str(problem)) from None

    def _list(self) -> None:
        items = list(queue.open_or_stuck())
        if not items:
            self.stdout.write("Everything has been delivered.")
            return
        states = queue.wording()["states"]
        for item in items:
            about = item.request or (item.offer and item.offer.entry)
            since = item.waiting_since.astimezone(facts.current().zone)
            self.stdout.write(
                f"{item.pk}  {about.reference if about else '-'}  since {since:%Y-%m-%d %H:%M}, "
                f"{_tries(item)}: {states[item.state]}"
            )
            self.stdout.write(f"    {queue.in_words(item) or queue.wording()['parts'][item.part]}")


def _tries(item: Item) -> str:
    return "1 try" if item.attempts == 1 else f"{item.attempts} tries"
