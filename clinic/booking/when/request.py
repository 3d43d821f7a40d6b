"""Everything a text says about when, joined from its pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import dropwhile, takewhile

from clinic.booking.when.around import (
    following_what,
    moved,
    of_the_month_named,
    ranges,
    with_operators,
    with_whole_dates,
    without_complaints,
    without_history,
)
from clinic.booking.when.bare_numbers import neighbour, with_numbers
from clinic.booking.when.clauses import Clause, clauses_of, stream_of
from clinic.booking.when.grammar import pieces
from clinic.booking.when.items import DAY, ENDS, ITEMS, OPERATORS, Piece, part
from clinic.booking.when.patterns import Now
from clinic.booking.when.text import word_set
from clinic.booking.when.told import without_stories
from clinic.booking.when.wanted import (
    elsewhere,
    free_time_of_exception,
    groups_of,
    set_polarity,
    without_reasons,
)


@dataclass
class Request:
    """Everything a text says about when: clauses wanted, clauses left out."""

    wanted: list[Clause] = field(default_factory=list)
    left_out: list[Clause] = field(default_factory=list)
    anything: bool = False
    past: bool = False
    unclear: bool = False
    #: Short, with a word nobody knows: it may be a time that was not understood.
    doubtful: bool = False
    #: It refers to something said or booked before.
    context: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing in the text is a time."""
        return not (
            self.wanted
            or self.left_out
            or self.anything
            or self.past
            or self.unclear
            or self.context
        )


def requests(row: str, now: Now) -> list[Request]:
    """The ways of reading a canonical text; nearly always one."""
    found = []
    for variant in with_numbers(pieces(row, now), now):
        found.append(_request(variant, now))
        if (other := _request(variant, now, exception_takes_time=False)) is not None:
            found.append(other)
    return [request for request in found if request is not None]


def _request(found: list[Piece], now: Now, *, exception_takes_time: bool = True) -> Request | None:
    """The request in the pieces.

    "Weekdays except Friday after 5" leaves out Fridays after 5, or wants the other weekdays after
    5: ``exception_takes_time`` False gives the second reading, None where it is no other.
    """
    found, told = without_stories(found)
    result = Request(doubtful=told or _doubtful(found))
    found, told = without_complaints(found)
    result.doubtful |= told or _something_is_bad(found)
    found = _drop_words(following_what(moved(found), now), result)
    found = of_the_month_named(found, now)
    found = ranges(with_whole_dates(found, now), now)
    found, result.past = without_history(with_operators(found, now))
    result.doubtful |= _left_over(found)
    groups = groups_of(found)
    clear = set_polarity(groups, anything=result.anything)
    without_reasons(groups)
    result.doubtful |= any(
        piece.kind in ("NOT", "EXCEPT", "BUSY", "NO_GOOD")
        and not group.negative
        # "Rather than the one I have"
        and not piece.text.endswith(("than", "instead of"))
        for at, group in enumerate(groups)
        for piece in group.pieces
        if not (piece.kind == "NO_GOOD" and at and groups[at - 1].negative)
    )
    result.doubtful |= any(p.kind == "NONE_OF" for group in groups for p in group.pieces)
    result.unclear |= not clear or any(piece.kind == "UNCLEAR" for piece in found)
    if not exception_takes_time and not free_time_of_exception(groups):
        return None
    wanted: list[tuple[Piece, str]] = []
    for group in groups:
        wanted.extend(stream_of([p for p in group.pieces if p not in group.negative], group.before))
        kept = (*group.negative, *(p for p in group.pieces if p.kind in ("OR", "AND")))
        clauses = clauses_of(stream_of([p for p in group.pieces if p in kept], ""))
        for clause in clauses:
            if clause.first == "T" and clause.days and not elsewhere(groups):
                # "Not in the morning on Tuesday" is about Tuesday.
                result.wanted.append(Clause(days=clause.days, first="D", last="D"))
        result.left_out.extend(clauses)
    result.wanted.extend(clauses_of(wanted))
    result.unclear |= any(clause.unclear for clause in (*result.wanted, *result.left_out))
    # "An interview Monday at 11. Could I come at 9?": on the Monday, or any day?
    busy = any(_on_a_day_at(group.negative) for group in groups if group.by == "BUSY")
    result.doubtful |= busy and not any(clause.days for clause in result.wanted)
    if result.wanted or result.left_out or result.anything:
        result.past = False
    return result


#: Lengths of an appointment; "a 60 on Friday" leaves no time out.
_LENGTHS = ("45", "60", "75", "90")
_NEGATIONS = re.compile(r"not|never|nobody|cannot|\w+n't")
#: After these the word may be anything: "with Natalie", "my recital".
_NAMING = ("with", "for", "see", "by", "my", "dr", "the", "your")


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Words that may stand in a text without changing what is meant."""
    return word_set("talk") | word_set("chatter") | word_set("story") | word_set("moves")


def _unknown(found: list[Piece], at: int) -> bool:
    piece = found[at]
    return (
        piece.kind == "WORD"
        and re.fullmatch(r"[a-z]+(?:'s)?", piece.text) is not None
        and not {piece.text, piece.text.removesuffix("'s")} & _known()
        # "lookin", "hopin"
        and not (piece.text.endswith("in") and f"{piece.text}g" in _known())
        and not (at and found[at - 1].text in _NAMING)
    )


def _doubtful(found: list[Piece]) -> bool:
    """Whether a word is left over that may change the days and times beside it.

    A restriction nobody understood must not be dropped in silence: an unknown word in a short text
    or right beside a day or time, a figure, or a negation that was joined to nothing.
    """
    telling = [p for p in found if p.kind not in ("FILL", "COMMA", "STOP")]
    unknown = [at for at in range(len(found)) if _unknown(found, at)]
    if unknown and len(telling) <= 4:
        return True
    if any(_beside_item(found, at) for at in unknown):
        return True
    for group in _split(found):
        if _tells(group):
            return True
        if not any(p.kind in ITEMS for p in group):
            if any(re.fullmatch(r"\d+(?:st|nd|rd|th)", p.text) for p in group):
                # "The 3rd, 4th, 5th were what I had in mind": a day that was not taken
                return any(p.kind in ITEMS for p in found)
            if len(group) <= 2 and any(p.text in word_set("left_over") for p in group):
                # "Not this week, later"
                return any(p.kind in ITEMS for p in found)
            continue
        for piece in group:
            if piece.kind != "WORD":
                continue
            if re.search(r"\d", piece.text) and piece.text not in _LENGTHS:
                return True
            if _NEGATIONS.fullmatch(piece.text) or piece.text in word_set("left_over"):
                return True
    return False


def _tells(group: list[Piece]) -> bool:
    """Whether a day or time is among many words of which none asks for anything."""
    words = [p.text for p in group if p.kind == "WORD"]
    return (
        len(words) >= 4
        and any(p.kind in ITEMS and not p.past for p in group)
        and not any(p.kind in ("GOOD", "NOT_BEFORE", "NOT_AFTER", "SINCE", "ANY") for p in group)
        and not set(words) & word_set("asking")
    )


def _beside_item(found: list[Piece], at: int) -> bool:
    """Whether a day or a time is right beside it: "sans Monday", "Mondays nah"."""
    # "8 am or ater": an alternative that is not known
    before = neighbour(found, at, -1, ("FILL", "ISH", "OR"))
    after = neighbour(found, at, 1, ("FILL", "ISH", "DASH", "NOT", "EXCEPT", *OPERATORS))
    return any(piece is not None and piece.kind in ITEMS for piece in (before, after))


def _split(found: list[Piece]) -> list[list[Piece]]:
    """The pieces between commas, full stops and "but"."""
    groups: list[list[Piece]] = [[]]
    for piece in found:
        if piece.kind in ENDS:
            groups.append([])
        else:
            groups[-1].append(piece)
    return groups


#: What stands for the day or the time itself before "is no good".
_THE_TIME = {
    "that",
    "that's",
    "thats",
    "it",
    "it's",
    "its",
    "this",
    "which",
    "they",
    "one",
    "ones",
} | {"day", "days", "time", "times", "slot", "slots", "week", "rest"}


def _something_is_bad(found: list[Piece]) -> bool:
    """Whether something that is neither a day nor a time is said to be bad or out.

    "Tuesday at 12, the traffic is bad" does not refuse the Tuesday, and "Tuesday my husband is
    out" may.
    """
    subject: list[str] = []
    for piece in found:
        if piece.kind == "NO_GOOD" and re.match(r"is|are|'s", piece.text):
            if subject and not _THE_TIME & set(subject):
                return True
        elif piece.kind in (*ITEMS, *ENDS):
            subject = []
        elif piece.kind == "WORD":
            subject.append(piece.text)
    return False


def _left_over(found: list[Piece]) -> bool:
    """Whether "before" or "after" was joined to nothing, and no clock time says it.

    "8 am on Thursday before I leave", "before the school run, so 8"
    """
    for at, piece in enumerate(found):
        if piece.kind != "LEFT_OVER":
            continue
        before = takewhile(lambda p: p.kind not in ENDS, reversed(found[:at]))
        after_so = dropwhile(lambda p: p.text != "so", found[at:])
        if not any(p.kind == "T" and p.times[0].anchors for p in (*before, *after_so)):
            return True
    return False


def _when_told(found: list[Piece], at: int) -> bool:
    """Whether "before I leave" ends a part of the sentence: no day is said for it."""
    before, after = neighbour(found, at, -1), neighbour(found, at, 1)
    ends = after is None or after.kind in ENDS
    return before is not None and before.kind == "BEFORE" and ends


def _on_a_day_at(left_out: list[Piece]) -> bool:
    """Whether a clock time of one day is left out."""
    kinds = {piece.kind for piece in left_out}
    return kinds >= {"D", "T"} and any(t.anchors for p in left_out for t in p.times)


def _drop_words(found: list[Piece], result: Request) -> list[Piece]:
    kept: list[Piece] = []
    for at, piece in enumerate(found):
        if piece.kind == "ANY" and re.match(r"any ?time", piece.text):
            beside = (neighbour(found, at, -1), neighbour(found, at, 1))
            if any(p is not None and p.kind == "D" for p in beside):
                # "Any time Saturday" keeps another time off the Saturday.
                piece = Piece("T", piece.text, times=(part(0, DAY, "any"),))
        if piece.kind == "CONTEXT":
            result.context = True
        elif piece.kind == "UNCLEAR" or (
            # "I leave on the 10th" says when not, and not when.
            (
                piece.kind == "TRIP"
                and any(p.kind == "D" for p in found)
                and not _when_told(found, at)
            )
            or (piece.kind == "HEDGE" and any(p.kind in ITEMS for p in found))
        ):
            result.unclear = True
        elif piece.kind == "ANY":
            result.anything = True
        if piece.kind not in ("FILL", "ISH", "ONLY"):
            kept.append(piece)
    return kept
