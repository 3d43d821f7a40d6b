"""Reading the phrase tables and judging an understanding by them.

``python -m tests.clinic.when.phrases`` prints for each table how many phrases are right, asked
about (or nothing found) and silently wrong, at its first run and now. The first run is the honest
figure: it was made before the rules had seen the table, and what it showed was then put right.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from clinic.booking.when import Understanding, understand
from clinic.opening import OpeningHours

HERE = Path(__file__).parent
#: Written after the rules, each before the rules had seen it.
UNTUNED = ["phrases_untuned.yml", *(f"phrases_untuned_{n}.yml" for n in range(2, 26))]
HOURS = "Mo-Sa 08:00-20:00; PH off"
Verdict = Literal["right", "safe", "wrong"]


@dataclass(frozen=True)
class Phrase:
    """One line of a table: a text and what it means at a moment."""

    text: str
    now: datetime
    status: str
    want: tuple[str, ...]
    reason: str
    hours: OpeningHours

    @property
    def id(self) -> str:
        return f"{self.text} @ {self.now:%a %d %b}"

    def understood(self) -> Understanding:
        return understand(self.text, self.now, self.hours)


@lru_cache(maxsize=16)
def _hours(spec: str) -> OpeningHours:
    return OpeningHours(spec, "America/Toronto", "ON")


@lru_cache(maxsize=16)
def load(name: str) -> tuple[Phrase, ...]:
    """All phrases of a table."""
    table: dict[str, Any] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    clocks = {
        key: value if isinstance(value, datetime) else datetime.fromisoformat(value)
        for key, value in table["clocks"].items()
    }
    return tuple(
        Phrase(
            text=str(line["text"]),
            now=clocks[line.get("clock", "sunday")],
            status=line.get("status", "understood"),
            want=tuple(line.get("want", ())),
            reason=line.get("reason", ""),
            hours=_hours(line.get("hours", HOURS)),
        )
        for line in table["phrases"]
    )


def spelled(window: tuple[datetime, datetime]) -> str:
    """A window as the tables write it: "2026-11-24 12-17"."""
    start, end = window
    return f"{start.date().isoformat()} {_clock(start)}-{_clock(end, last=True)}"


def _clock(at: datetime, *, last: bool = False) -> str:
    hour = 24 if last and (at.hour, at.minute) == (0, 0) else at.hour
    return f"{hour}:{at.minute:02d}" if at.minute else str(hour)


def _expected(phrase: Phrase) -> tuple[list[str], bool]:
    wanted: list[str] = []
    more = False
    for entry in phrase.want:
        if entry == "...":
            more = True
        elif " " in entry:
            wanted.append(entry)
        else:
            day = date.fromisoformat(entry)
            start = datetime.combine(day, datetime.min.time(), phrase.hours.zone)
            spans = phrase.hours.on(day)
            wanted.extend(
                spelled((start + timedelta(minutes=s.start), start + timedelta(minutes=s.end)))
                for s in spans
            )
    return wanted, more


def judge(phrase: Phrase, found: Understanding) -> Verdict:
    """Right; a safe miss (asked, or nothing found); or silently wrong (other times, or none at all
    where the patient is told that there are none)."""
    wanted, more = _expected(phrase)
    got = [spelled(window) for window in found.windows]
    same = got[: len(wanted)] == wanted if more else got == wanted
    as_expected = found.status == phrase.status and phrase.reason in ("", found.reason)
    if as_expected and (phrase.status != "understood" or same):
        return "right"
    if found.status in ("ambiguous", "none") or not got:
        return "safe"
    return "wrong"


def first_run(name: str) -> dict[str, int] | None:
    """The verdicts when the rules saw the table for the first time; None for the tuned one."""
    table: dict[str, Any] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    found: dict[str, int] | None = table.get("first_run")
    return found


def verdicts(name: str) -> Counter[Verdict]:
    """The verdicts now."""
    return Counter(judge(phrase, phrase.understood()) for phrase in load(name))


def _line(name: str, when: str, counted: dict[str, int]) -> str:
    total = sum(counted.values())
    shares = "  ".join(
        f"{counted.get(kind, 0):5d} ({100 * counted.get(kind, 0) / total:4.1f} %)"
        for kind in ("right", "safe", "wrong")
    )
    return f"{name:24s} {when:9s} {total:7d}  {shares}"


def main() -> None:
    """Print the figures of every table."""
    print(f"{'table':24s} {'':9s} phrases  {'right':>14s}  {'asked, none':>14s}  {'wrong':>14s}")
    totals: dict[str, Counter[str]] = {"first run": Counter(), "now": Counter()}
    for name in ("phrases_tuned.yml", *UNTUNED):
        now = dict(verdicts(name))
        first = first_run(name)
        if first:
            print(_line(name, "first run", first))
            totals["first run"].update(first)
            totals["now"].update(now)
        print(_line(name, "now", {str(kind): count for kind, count in now.items()}))
    for when, counted in totals.items():
        print(_line("all untuned", when, dict(counted)))


if __name__ == "__main__":
    main()
