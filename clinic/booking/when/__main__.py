"""``python -m clinic when``: shows what is understood of phrases about when.

Takes phrases as arguments, or reads them from standard input, one a line, and prints one JSON
object for each: ``text``, ``status``, ``windows`` (each ``start`` and ``end`` in ISO 8601 with
offset) and ``say``; ``reason``, ``readings`` and ``alternatives`` where there are any.
``CLINIC_NOW`` fixes the clock.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from clinic import clock, facts
from clinic.booking.when.understanding import Understanding, understand
from clinic.opening import Interval, OpeningHours

_DAY = timedelta(days=1)


def as_json(text: str, found: Understanding) -> dict[str, Any]:
    """What was understood of ``text``, ready for JSON."""
    result: dict[str, Any] = {
        "text": text,
        "status": found.status,
        "windows": _windows(found.windows),
        "say": found.say,
    }
    if found.reason:
        result["reason"] = found.reason
    if found.readings:
        result["readings"] = [
            {"windows": _windows(reading.windows), "say": reading.say} for reading in found.readings
        ]
    if found.alternatives:
        result["alternatives"] = _windows(found.alternatives)
    return result


def _windows(found: Sequence[Interval]) -> list[dict[str, str]]:
    return [{"start": start.isoformat(), "end": end.isoformat()} for start, end in found]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 2 where a setting cannot be used, said in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m clinic when",
        description="Prints what is understood of each phrase about when; without any, reads them "
        "from standard input, one a line.",
    )
    parser.add_argument("phrase", nargs="*", help='for example "next thursday after 4"')
    parser.add_argument(
        "--hours",
        metavar="HOURS",
        help='opening hours instead of those in clinic.yml, for example "Mo-Sa 08:00-20:00"',
    )
    options = parser.parse_args(argv)
    try:
        known = facts.load()
        hours = OpeningHours(
            known.opening_hours if options.hours is None else options.hours,
            known.time_zone,
            known.province,
        )
        now = clock.now()
    except ValueError as error:
        # ClinicFileError and ClockError are ValueErrors that name the value and an example.
        print(error, file=sys.stderr)
        return 2
    for line in options.phrase or sys.stdin:
        text = line.rstrip("\r\n")
        found = understand(text, now, hours, known.booking.horizon // _DAY, known.booking.notice)
        print(json.dumps(as_json(text, found), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
