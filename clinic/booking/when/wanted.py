"""What is wanted and what is left out: not, except, "doesn't work", "any day but"."""

from __future__ import annotations

from dataclasses import dataclass, field

from clinic.booking.when.items import ENDS, ITEMS, JOINS, Piece


@dataclass
class Group:
    """The pieces between two commas, and the word that led to them."""

    before: str
    pieces: list[Piece] = field(default_factory=list)
    negative: list[Piece] = field(default_factory=list)
    by: str = ""
    #: Begins a sentence of its own.
    sentence: bool = False
    #: Follows from what is said before: "so Tuesday".
    so: bool = False
    #: Says why: "because Monday is a holiday".
    why: bool = False

    @property
    def items(self) -> list[Piece]:
        return [p for p in self.pieces if p.kind in ITEMS]

    @property
    def bare(self) -> bool:
        return bool(self.items) and all(p.kind in (*ITEMS, "OR", "AND") for p in self.pieces)


def groups_of(found: list[Piece]) -> list[Group]:
    """The pieces between commas, full stops and "but"."""
    groups = [Group("")]
    for piece in found:
        if piece.kind in ENDS:
            join = JOINS[piece.kind]
            if groups[-1].pieces:
                groups.append(Group(join, sentence=piece.kind == "STOP"))
            elif join == "but":
                groups[-1].before = join
            groups[-1].so |= piece.text in ("so", "therefore")
            groups[-1].why |= piece.kind == "BECAUSE"
        else:
            groups[-1].pieces.append(piece)
    return [group for group in groups if group.pieces]


def set_polarity(groups: list[Group], *, anything: bool) -> bool:
    """Marks in each group what is left out; whether that is clear.

    ``anything``: any time was said to do, so "but" leaves something out of it.
    """
    clear = True
    for at, group in enumerate(groups):
        kinds = [p.kind for p in group.pieces]
        _mark(group, groups, at)
        if group.negative or not group.bare or not at:
            if group.before == "but" and group.bare and at and not group.negative:
                clear &= _but(group, groups[at - 1], anything=anything)
            continue
        previous = groups[at - 1]
        same = {p.kind for p in group.items} <= {p.kind for p in previous.negative}
        left_out = previous.negative and previous.by in ("NOT", "EXCEPT")
        if group.before == "comma" and left_out and same:
            if (
                previous.by == "EXCEPT"
                or "OR" in kinds
                or "AND" in kinds
                or all(p.days and p.days[0].kind == "weekdays" for p in group.items)
                or (at + 1 < len(groups) and groups[at + 1].bare)
            ):
                group.negative, group.by = group.items, previous.by
            elif not group.sentence:
                # "Not Monday, Tuesday": a list, or a correction?
                clear = False
        elif group.before == "but":
            clear &= _but(group, previous, anything=anything)
    return clear


def _but(group: Group, previous: Group, *, anything: bool) -> bool:
    """ "Any weekday but Friday" leaves the Friday out; whether that is clear."""
    wide = [
        p
        for p in previous.items
        if p not in previous.negative
        and (p.wide or (p.kind == "D" and p.days[0].kind in ("weekdays", "period", "open")))
    ]
    if not (anything or wide) or not all(p.kind == "D" for p in group.items):
        return True
    if all(p.days[0].kind == "open" for p in group.items):
        # "After December 10 but before the 15th"
        group.before = ""
        return True
    days = [p for p in wide if p.kind == "D"]
    if days and not all(any(_shares(p, day) for day in days) for p in group.items):
        # "Tuesdays usually, but this week Wednesday" leaves nothing out.
        return False
    group.negative, group.by = group.items, "EXCEPT"
    return True


def _shares(one: Piece, other: Piece) -> bool:
    return any(a.dates & b.dates for a in one.days for b in other.days)


def _mark(group: Group, groups: list[Group], at: int) -> None:
    turned = ""
    for place, piece in enumerate(group.pieces):
        before = [p for p in group.pieces[:place] if p.kind in ITEMS]
        after = [p for p in group.pieces[place + 1 :] if p.kind in ITEMS]
        if piece.kind == "NO_GOOD":
            if before:
                group.negative.extend(p for p in before if p not in group.negative)
                for earlier in reversed(groups[:at]):
                    if not (earlier.bare and group.before == "comma"):
                        break
                    earlier.negative = earlier.items
            elif after:
                turned = "NOT"
            else:
                _negate_previous(groups, at)
            group.by = "NO_GOOD"
        elif piece.text == "no" and _of_a_word(group, place):
            # "No classes on Monday": what there is none of is not a day.
            piece.kind = "NONE_OF"
        elif piece.kind in ("NOT", "EXCEPT", "BUSY"):
            if after:
                turned = group.by = piece.kind
            elif before and piece.kind != "EXCEPT":
                group.negative.extend(p for p in before if p not in group.negative)
                group.by = piece.kind
        elif piece.kind == "GOOD":
            # "Not Monday rather Tuesday"
            if turned and before and group.negative:
                turned = ""
        elif piece.kind in ITEMS and turned:
            group.negative.append(piece)


def _of_a_word(group: Group, place: int) -> bool:
    """Whether a word that is no day and no time follows."""
    following = next((p for p in group.pieces[place + 1 :] if p.kind != "FILL"), None)
    return following is not None and following.kind == "WORD"


def _negate_previous(groups: list[Group], at: int) -> None:
    if at and groups[at - 1].bare and groups[at].before == "comma":
        groups[at - 1].negative = groups[at - 1].items


def without_reasons(groups: list[Group]) -> None:
    """Takes out the days and times that say why another one is asked for.

    "I'm at the dentist Thursday at 9, so could it be Thursday from 11?", "Tuesday, because Monday
    is a holiday". A stretch of days the other day is in stays: "I'm off next week, so Tuesday".
    """
    for at, group in enumerate(groups):
        if group.why and any(_wanted(other) for other in groups if not other.why):
            group.pieces = [p for p in group.pieces if p not in _wanted(group)]
        told = groups[at - 1]
        if not at or not group.so or any(p.kind == "GOOD" for p in told.pieces):
            continue
        refused = [p for p in group.negative if p.kind == "D"]
        # "Monday my mother arrives, so not Monday"
        told.pieces = [
            p
            for p in told.pieces
            if p not in _wanted(told)
            or p.kind != "D"
            or p.days[0].kind in ("period", "open")
            or not any(_shares(p, other) for other in refused)
        ]
        wanted = _wanted(group)
        days = [p for p in wanted if p.kind == "D"]
        reasons = [p for p in _wanted(told) if p.kind == "D"]
        held = any(_holds(reason, day) for reason in reasons for day in days)
        gone = reasons if days and not held else []
        if gone:
            # "Class until 3 on Monday, so Tuesday": the hour is Monday's. "After that" is not.
            hours = [p for p in _wanted(told) if p.kind == "T"]
            own = any(p.kind == "T" for p in wanted)
            gone = [*gone, *(p for p in hours if own or _is_point(p) or _is_until(p))]
        elif any(p.kind == "T" for p in wanted):
            gone = [p for p in _wanted(told) if p.kind == "T" and _is_point(p)]
        told.pieces = [p for p in told.pieces if p not in gone]


def _wanted(group: Group) -> list[Piece]:
    return [p for p in group.items if p not in group.negative]


def _is_point(piece: Piece) -> bool:
    return all(s.shape == "at" for times in piece.times for s in times.stretches)


def _is_until(piece: Piece) -> bool:
    return all(s.shape == "before" for times in piece.times for s in times.stretches)


def _holds(stretch: Piece, day: Piece) -> bool:
    """Whether the day may be one of a stretch of days.

    "I'm back on the 20th, so any day from the 22nd" has a stretch of its own.
    """
    return any(
        a.kind in ("period", "open") and b.kind != "open" and a.dates & b.dates
        for a in stretch.days
        for b in day.days
    )


def elsewhere(groups: list[Group]) -> bool:
    """Whether something is wanted besides what this group leaves out."""
    return any(piece not in group.negative for group in groups for piece in group.items)


def free_time_of_exception(groups: list[Group]) -> bool:
    """Takes a time at the end out of an exception; whether there was one to take."""
    timed = [p for g in groups for p in g.items if p.kind == "T" and p not in g.negative]
    if timed or not elsewhere(groups):
        return False
    for group in groups:
        kinds = [p.kind for p in group.negative]
        if group.by == "EXCEPT" and kinds[-1:] == ["T"] and "D" in kinds:
            group.negative = [p for p in group.negative if p.kind == "D"]
            return True
    return False
