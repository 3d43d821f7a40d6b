"""Days and times that are told and not asked for: in a story, as somebody's duty, as an obstacle.

"It flared up Wednesday night and Thursday I could barely sit, anything Saturday?" asks for the
Saturday. What may be meant either way is asked about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from clinic.booking.when.items import ENDS, ITEMS, Piece


@dataclass(eq=False)
class _Part:
    """The pieces of a clause, and what ended the one before it."""

    led_by: Piece | None
    pieces: list[Piece] = field(default_factory=list)

    @property
    def days(self) -> list[Piece]:
        return [p for p in self.pieces if p.kind == "D" and not p.past]

    @property
    def items(self) -> list[Piece]:
        return [p for p in self.pieces if p.kind in ITEMS and not p.past]

    @property
    def text(self) -> str:
        return " ".join(p.text for p in self.pieces)

    @property
    def words(self) -> str:
        """Without its days and times, "_" in their place."""
        return " ".join("_" if p.kind in ITEMS else p.text for p in self.pieces)

    def says(self, name: str) -> bool:
        return bool(_patterns()[name].search(self.words))

    @property
    def asks(self) -> bool:
        return self.says("asks") or any(p.kind == "ANY" for p in self.pieces)

    @property
    def bare(self) -> bool:
        return bool(self.days) and not re.search(r"[a-z]", self.words)

    @property
    def so(self) -> bool:
        """Follows from what is said before: "so Tuesday"."""
        return self.led_by is not None and self.led_by.text in ("so", "therefore")

    @property
    def is_story(self) -> bool:
        """ "Thursday I could barely sit"; also "I missed my appointment on Tuesday"."""
        if any(p.kind == "ANY" for p in self.pieces):
            return False
        # "my appointment" in what is over asks for none
        rest, over = _patterns()["over"].subn("_", self.words)
        return bool(over or self.says("past")) and not _patterns()["asks"].search(rest)

    @property
    def is_duty(self) -> bool:
        """ "My husband has the car on Tuesdays", "I see my physio on Mondays"."""
        return self.says("duty") and not self.asks and not self.says("enables")


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    lists: dict[str, list[str]] = yaml.safe_load(
        Path(__file__).with_name("told.yml").read_text(encoding="utf-8")
    )
    return {
        name: re.compile(rf"(?<![\w'])(?:{'|'.join(words)})(?![\w'])")
        for name, words in lists.items()
    }


def without_stories(found: list[Piece]) -> tuple[list[Piece], bool]:
    """Takes out the days and times that are told.

    The second value: whether what stays is to be asked about.
    """
    parts = _parts(found)
    told = [part for part in parts if part.items and part.is_story]
    wished = [part for part in parts if part.items and part not in told]
    # "I saw Thursday was open, 2 pm?": the day is not told for certain.
    asked = bool(told) and bool(wished) and not any(part.days for part in wished)
    for at, part in enumerate(parts):
        if part not in wished or not part.days or part.bare:
            continue
        others = [other for other in wished if other is not part and other.days]
        if part.is_duty:
            others = [other for other in others if other.bare or other.asks or other.so]
        elif _is_prevented(parts, at):
            others = [other for other in others if parts.index(other) > at]
        else:
            continue
        if others:
            told.append(part)
            wished.remove(part)
        else:
            asked = True
    told.extend(part for at, part in enumerate(parts) if _is_reason(parts, at))
    gone = {id(piece) for part in told for piece in part.pieces}
    return [piece for piece in found if id(piece) not in gone], asked


def _is_prevented(parts: list[_Part], at: int) -> bool:
    """ "I'd come Thursday but it's my birthday"."""
    part = parts[at]
    after = parts[at + 1] if at + 1 < len(parts) else None
    if after is None or after.led_by is None or after.items or after.asks:
        return False
    if after.led_by.kind != "BUT" or after.says("no_obstacle"):
        return False
    return part.says("would") or after.says("obstacle")


def _is_reason(parts: list[_Part], at: int) -> bool:
    """ "My daughter's recital", after "Thursday is no good"."""
    part, before = parts[at], parts[at - 1]
    refused = any(p.kind in ("NOT", "NO_GOOD", "BUSY") for p in before.pieces) and before.days
    if not at or not refused or part.items or part.asks:
        return False
    return part.led_by is not None and part.led_by.kind != "BUT" and part.says("reason")


def _parts(found: list[Piece]) -> list[_Part]:
    """Clauses: between commas, full stops, "but", and "and" or a dash before a new sentence."""
    parts = [_Part(None)]
    for at, piece in enumerate(found):
        begins = piece.kind in ("AND", "DASH") and _patterns()["begins"].match(
            " ".join(p.text for p in found[at + 1 : at + 4])
        )
        if piece.kind in ENDS or begins:
            parts.append(_Part(piece))
        else:
            parts[-1].pieces.append(piece)
    return [part for part in parts if part.pieces]
