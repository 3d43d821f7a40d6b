"""``python -m clinic <command>``: Django's management commands that belong here, and ``when``."""

from __future__ import annotations

import os
import sys

#: Each command and what it does. Django has others, which are of no use here or do harm: passwords
#: without a second factor, a database emptied at once.
COMMANDS = {
    "migrate": "bring the database's tables up to date",
    "check": "check the settings, clinic.yml included",
    "deliver": "the worker: bring requests to where they belong, until stopped",
    "desk": "the staff desk in the browser, until stopped",
    "first-administrator": "print a one-time link for whoever sets up the staff desk",
    "outbox": "show what has not been delivered, and try it again",
    "projection": "show how far what staff read is behind; compare it, or make it again",
    "questions": "print what staff sorted, as examples and conversations to test with",
    "requests": "show requests and the waiting list; confirm, decline, move or cancel a request",
    "retention": "delete conversations older than clinic.yml says",
    "when": "show how dates in patients' words are understood",
    "makemigrations": "for developers: write what has changed in the tables",
}

#: The only ones that do without the staff desk's people and pages, to start quickly.
_WITHOUT_DESK = ("deliver", "outbox", "requests", "projection", "retention")


def main(argv: list[str] | None = None) -> int:
    """Run one command; the result is the exit code."""
    argv = sys.argv if argv is None else argv
    command = argv[1] if len(argv) > 1 else "help"
    if command in ("help", "--help", "-h"):
        print(_usage())
        return 0
    if command not in COMMANDS:
        print(
            f'"{command}" is no command of the clinic. Allowed: {", ".join(COMMANDS)}.',
            file=sys.stderr,
        )
        return 1
    if command == "when":
        # Needs no database, so it does not wait for Django.
        import importlib

        when = importlib.import_module("clinic.booking.when.__main__")
        return int(when.main(argv[2:]) or 0)
    from clinic import clock, env_file, facts
    from clinic.environment import EnvironmentProblem

    desk = command not in _WITHOUT_DESK
    os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.desk.settings" if desk else "clinic.settings"
    try:
        # Whoever says where things are kept has said the rest as well: script/server, and tests,
        # which must not meet the database that is in use here.
        if "CLINIC_VAR" not in os.environ:
            env_file.read_env_file()
        if command == "check":
            facts.load()
            clock.now()
        from django.core.management import execute_from_command_line

        execute_from_command_line(["python -m clinic", command.replace("-", "_"), *argv[2:]])
    except (EnvironmentProblem, facts.ClinicFileError, clock.ClockError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _usage() -> str:
    widest = max(map(len, COMMANDS))
    lines = [f"  {name:<{widest}}  {does}" for name, does in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python -m clinic COMMAND [...]",
            "",
            *lines,
            "",
            "python -m clinic COMMAND --help says more about one.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
