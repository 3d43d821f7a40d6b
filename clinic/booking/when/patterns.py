"""The ways of saying a day or a time, as patterns over canonical text, and their common parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from clinic.booking.when import almanac
from clinic.booking.when.almanac import add, span
from clinic.booking.when.items import DAY, Days, Piece, Times, part
from clinic.booking.when.text import MONTHS, WEEKDAYS


@dataclass(frozen=True)
class Now:
    """The clinic's clock: the day and minutes after midnight, of an aware moment in its zone."""

    moment: datetime

    @property
    def today(self) -> date:
        return self.moment.date()

    @property
    def minute(self) -> int:
        return self.moment.hour * 60 + self.moment.minute

    @cached_property
    def past_and_future(self) -> frozenset[date]:
        """Every day that can be meant."""
        return span(add(self.today, -almanac.BACK), add(self.today, almanac.AHEAD))


Build = Callable[[re.Match[str], Now], list[Piece] | None]
PATTERNS: list[tuple[re.Pattern[str], Build]] = []

WD = "|".join(WEEKDAYS)
MO = "|".join(MONTHS)
DOM = r"\d{1,2}(?:st|nd|rd|th)?"
ORD = r"\d{1,2}(?:st|nd|rd|th)"
NAMED = (
    r"(?:christmas|new year'?s?) eve|christmas(?: day)?|boxing day|new year'?s(?: day)?"
    r"|new year day"
    r"|groundhog day|mother'?s day|father'?s day|st patrick'?s(?: day)?"
    r"|valentine'?s(?: day)?|family day|good friday|easter monday|easter(?: sunday)?|victoria day"
    r"|canada day|labou?r day|thanksgiving(?: day)?|halloween|remembrance day"
)
NO_CLOCK = r"(?! (?:am|pm|oclock)\b)"
DATE = (
    rf"(?:(?:on )?(?:the )?(?:iso|dmy)/[\d/]+|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
    rf"|(?:{MO}) (?:the )?{DOM}{NO_CLOCK}(?:(?: ,)? 20\d\d)?"
    rf"|(?:the )?{DOM} (?:of )?(?:{MO})(?:(?: ,)? 20\d\d)?"
    rf"|(?:the )?{ORD} (?:of |in )(?:this|next|the) month"
    rf"|(?:the )?{ORD}|the \d{{1,2}}{NO_CLOCK}"
    rf"|{NAMED})"
)
UNIT = r"(?P<unit>day|week|month|year|fortnight)s?(?:'s?)?"
COUNT = r"(?P<n>\d+|an?|1|(?:a )?couple(?: of)?|(?:a )?few|several)"
CLOCK = (
    r"(?:(?:a )?quarter (?:past|after|to|of|till|until|before) \d{1,2}(?: oclock)?(?: (?:am|pm))?"
    r"|half(?: past)? \d{1,2}(?: (?:am|pm))?"
    r"|(?:5|10|20|25)(?: minutes)? (?:past|after) \d{1,2}(?: (?:am|pm))?"
    r"|(?:5|10|20|25) minutes (?:to|before) \d{1,2}(?: (?:am|pm))?"
    r"|(?:20|25) to \d{1,2}(?: (?:am|pm))?|5 to [1-4](?![\d:])(?: (?:am|pm))?"
    r"|\d{1,2}:\d{2}h?(?: oclock)?(?: (?:am|pm))?|\d{1,2} oclock(?: (?:am|pm))?|\d{1,2} (?:am|pm)"
    r"|12 noon|noon|midnight)"
)


def say_as(pattern: str) -> Callable[[Build], Build]:
    """Registers a way of saying something; the pattern must match whole words."""

    def register(build: Build) -> Build:
        PATTERNS.append((re.compile(rf"(?:{pattern})(?![^ ])"), build))
        return build

    return register


def days_piece(*readings: Days, ask: str = "", past: bool = False) -> list[Piece]:
    return [Piece("D", days=readings, ask=ask, past=past)]


def one_date(day: date) -> Days:
    return Days(frozenset([day]), "date")


def times_piece(*readings: Times) -> list[Piece]:
    return [Piece("T", times=readings)]


def how_many(words: str) -> int:
    """A number of units: "a couple of" is 2, "few" 3."""
    if words.isdigit():
        return int(words)
    if "couple" in words:
        return 2
    return 3 if words.endswith(("few", "several")) else 1


#: The parts of a day.
PARTS = {
    "morning": part(0, 720, "morning"),
    "afternoon": part(720, 17 * 60, "afternoon"),
    "evening": part(17 * 60, DAY, "evening"),
    "night": part(18 * 60, DAY, "night"),
    "early morning": part(0, 600, "early morning"),
    "mid morning": part(9 * 60 + 30, 11 * 60, "between"),
    "late morning": part(600, 720, "late morning"),
    "early afternoon": part(720, 14 * 60, "early afternoon"),
    "mid afternoon": part(14 * 60, 16 * 60, "between"),
    "late afternoon": part(16 * 60, 18 * 60, "late afternoon"),
    "early evening": part(17 * 60, 19 * 60, "early evening"),
    "late evening": part(19 * 60, DAY, "after"),
    "lunchtime": part(720, 14 * 60, "lunchtime"),
}
