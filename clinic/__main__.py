"""``python -m clinic <command>``: Django's management commands, and ``when``.

migrate            bring the database's tables up to date
check              check the settings, clinic.yml included
deliver            the worker: bring requests to where they belong, until stopped
outbox             show what has not been delivered, and try it again
requests           show requests and the waiting list; confirm, decline, move or cancel a request
when               show how dates in patients' words are understood
"""

from __future__ import annotations

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command; the result is the exit code."""
    argv = sys.argv if argv is None else argv
    command = argv[1] if len(argv) > 1 else "help"
    if command == "when":
        # Needs no database, so it does not wait for Django.
        import importlib

        when = importlib.import_module("clinic.booking.when.__main__")
        return int(when.main(argv[2:]) or 0)
    from clinic import clock, facts
    from clinic.environment import EnvironmentProblem

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    try:
        if command == "check":
            facts.load()
            clock.now()
        from django.core.management import execute_from_command_line

        execute_from_command_line(["python -m clinic", *argv[1:]])
    except (EnvironmentProblem, facts.ClinicFileError, clock.ClockError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
