"""``python -m clinic first-administrator``: a link for whoever sets up the staff desk."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic import clock
from clinic.desk.words import say
from clinic.people import invitations
from clinic.people.managing import link


class Command(BaseCommand):
    """Prints a link that works once."""

    help = "Print a one-time link for the first administrator of the staff desk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--anew``: although there is one already, who lost password and phone."""
        parser.add_argument("--anew", action="store_true", help="although there is one already")

    def handle(self, *_: Any, anew: bool = False, **__: Any) -> None:
        """Raises CommandError when there is an administrator."""
        there = invitations.administrators().first()
        if there and not anew:
            raise CommandError(say("command.there_is_one", login=there.username))
        secret = invitations.invite_administrator(clock.now(), anew=anew)
        hours = int(invitations.VALID.total_seconds() // 3600)
        self.stdout.write(say("command.link", link=link(secret), hours=hours))
