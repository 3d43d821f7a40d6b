"""``python -m clinic outbox``: what has not arrived, trying it again, or doing it by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from clinic import facts
from clinic.audit import log
from clinic.audit.commands import NotedCommand
from clinic.audit.models import Action
from clinic.outbox import queue
from clinic.outbox.models import Item
from clinic.text import BadInput


class Command(NotedCommand):
    """Lists by default; ``retry`` tries one or all again, ``done`` notes one as done by hand."""

    help = (
        "Show what has not been delivered; retry NUMBER or retry all tries it again; done NUMBER "
        "notes that you called the patient or entered it yourself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which delivery."""
        super().add_arguments(parser)
        parser.add_argument("what", nargs="?", choices=("list", "retry", "done"), default="list")
        parser.add_argument("which", nargs="?", help="a number of the list, or all")

    def handle(self, *_: Any, what: str, which: str | None, who: str, **__: Any) -> None:
        """Raises CommandError when that cannot be retried."""
        if what == "list":
            log.note(who, Action.LIST, "deliveries")
            self._list()
            return
        try:
            with transaction.atomic():
                done = _do(what, which, who)
        except BadInput as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(done)

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


def _do(what: str, which: str | None, who: str) -> str:
    """Does it, notes it, and gives what to say."""
    if what == "retry" and which == "all":
        count = queue.retry_all(who)
        log.note(who, Action.CHANGE, "deliveries", detail="retry", count=count)
        return f"{count} will be tried again now."
    if which is None or not which.isdecimal():
        raise CommandError(
            f'"{which or ""}" is no delivery. Allowed: a number of the list, or all with retry.'
        )
    if what == "done":
        queue.done_by_hand(int(which), who)
        log.note(who, Action.CHANGE, f"delivery {int(which)}", detail="by hand")
        return "Noted as done."
    queue.retry(int(which), who)
    log.note(who, Action.CHANGE, f"delivery {int(which)}", detail="retry")
    return "It will be tried again now."


def _tries(item: Item) -> str:
    return "1 try" if item.attempts == 1 else f"{item.attempts} tries"
