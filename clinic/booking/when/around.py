"""What the words around a day or a time make of it: after, until, from one to another, since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from clinic.booking.when.almanac import add, monday, month_days, on_or_after, span
from clinic.booking.when.bare_numbers import neighbour
from clinic.booking.when.days import every
from clinic.booking.when.grammar import later_readings
from clinic.booking.when.items import DAY, ENDS, ITEMS, OPERATORS, Days, Piece, Stretch, Times
from clinic.booking.when.patterns import Now
from clinic.booking.when.text import MONTHS, WEEKDAYS, word_set


def moved(found: list[Piece]) -> list[Piece]:
    """Of "move Tuesday to Thursday" only the Thursday is wanted."""
    if not any(piece.kind == "WORD" and piece.text in word_set("moves") for piece in found):
        return found
    for at in range(len(found) - 1, 0, -1):
        after = neighbour(found, at, 1)
        joins = found[at].kind in ("DASH", "FILL") and found[at].text in ("to", "for")
        if joins and after is not None and after.kind in ITEMS:
            # "Keep Thursday but move it to 4" is on the Thursday
            keeps = after.kind == "T" and any(p.text in ("keep", "stay", "still") for p in found)
            gone = ("T", *OPERATORS) if keeps else (*ITEMS, *OPERATORS)
            return [p for p in found[:at] if p.kind not in gone] + found[at + 1 :]
    return [Piece("UNCLEAR", p.text) if p.kind == "T" and " to " in p.text else p for p in found]


def following_what(found: list[Piece], now: Now) -> list[Piece]:
    """ "The week after" what was said before; alone it is not clear what it follows."""
    result: list[Piece] = []
    for piece in found:
        if piece.follows is None:
            result.append(piece)
            continue
        unit, number = piece.follows
        if unit in ("before", "after"):
            kinds = ("T",) if "time" in piece.text and piece.text.endswith(unit) else ITEMS
            known = next((p for p in reversed(result) if p.kind in kinds), None)
            if known is not None and known.kind == "D":
                known = _clock_time_with(result, known) or known
            if known is None:
                result.append(Piece("UNCLEAR", piece.text))
            elif known.kind == "T":
                # "I finish at 3, any time after that"
                result[result.index(known)] = _apply(unit.upper(), known, now)
            else:
                result.remove(known)
                result.append(_apply(unit.upper(), replace(known, text=piece.text), now))
            continue
        before = next((p for p in reversed(result) if p.kind == "D" and p.days), None)
        days = before and [_days_after(unit, number, reading, now) for reading in before.days]
        if before is not None and days and all(days):
            result.append(replace(piece, days=tuple(d for d in days if d), follows=None))
        else:
            result.append(Piece("UNCLEAR", piece.text))
    return result


def _clock_time_with(found: list[Piece], day: Piece) -> Piece | None:
    """The clock time that "after that" is about where a day was said last.

    "I finish at 3 Thursday, so after that" is later than 3, and so is "I finish at 3, so Thursday
    after that".
    """
    at = found.index(day)
    # "Class ends at 3 Monday and Wednesday, so after that"
    beside = neighbour(found, at, -1, ("FILL", "ISH", "AND", "OR", "D"))
    named = [p for p in found[:at] if p.kind == "T" and any(t.anchors for t in p.times)]
    return named[-1] if named and (beside is named[-1] or at == len(found) - 1) else None


def _days_after(unit: str, number: int, days: Days, now: Now) -> Days | None:
    if not days.dates:
        return None
    start = next_day(days, now)
    assert start is not None
    last = start if days.kind in ("weekday", "weekdays") else max(days.dates)
    if unit in WEEKDAYS:
        return Days(frozenset([on_or_after(add(last, 1), WEEKDAYS.index(unit))]), "date")
    if unit == "day":
        return Days(frozenset([add(last, number)]), "date")
    if unit == "week" and days.kind in ("date", "weekday", "weekdays"):
        return Days(frozenset([add(last, 7 * number)]), "date")
    first = add(monday(last), 7 * number)
    if unit == "weekend":
        return Days(span(add(first, 5), add(first, 6)), "period")
    if unit == "month":
        return Days(month_days(last.year, last.month + number), "period")
    return Days(span(first, add(first, 6)), "period")


def next_day(days: Days, now: Now) -> date | None:
    """The first day meant, from today on; the last one where all are past."""
    coming = [day for day in days.dates if day >= now.today]
    return min(coming) if coming else max(days.dates, default=None)


def of_the_month_named(found: list[Piece], now: Now) -> list[Piece]:
    """ "December 24 in the morning or the 29th": the 29th of December, also in November."""
    result: list[Piece] = []
    named: date | None = None
    for piece in found:
        if piece.kind == "D" and piece.number and named:
            same = [
                days
                for days in later_readings(piece, now)
                if (min(days.dates).year, min(days.dates).month) == (named.year, named.month)
            ]
            piece = replace(piece, days=tuple(same)) if same else piece
        elif piece.kind == "D" and set(piece.text.split()) & set(MONTHS) and not piece.past:
            dates = piece.days[0].dates if len(piece.days) == 1 else frozenset()
            named = min(dates) if len(dates) == 1 else named
        result.append(piece)
    return result


def with_whole_dates(found: list[Piece], now: Now) -> list[Piece]:
    """ "Monday the 7th" as one day, so that "from" and "to" mean all of it."""
    result: list[Piece] = []
    for piece in found:
        before = result[-1] if result else None
        day = before is not None and _whole_date(before, piece, now)
        if day:
            result[-1] = day
        else:
            result.append(piece)
    return result


def _whole_date(one: Piece, two: Piece, now: Now) -> Piece | None:
    if one.kind != "D" or two.kind != "D" or not one.days or not two.days:
        return None
    kinds = (one.days[0].kind, two.days[0].kind)
    if kinds not in (("weekday", "date"), ("date", "weekday")):
        return None
    dated, named = (two, one) if kinds[1] == "date" else (one, two)
    met = [d for d in dated.days if d.dates & named.days[0].dates]
    if not met:
        return None
    return replace(dated, text=f"{one.text} {two.text}", days=tuple(met), number=0)


def _time_range(first: Piece, last: Piece) -> Piece | None:
    """ "From opening till noon", "noon to closing"."""
    one, two = first.times[0], last.times[0]
    starts = 0 if one.edge == "first" else min((s.start for s in one.stretches), default=-1)
    if two.edge in ("last", "last_hour"):
        ends = DAY
    else:
        points = all(s.shape == "at" for s in two.stretches)
        ends = max((s.start if points else s.end for s in two.stretches), default=-1)
    if not 0 <= starts < ends or len(first.times) > 1 or len(last.times) > 1:
        return None
    times = Times((Stretch(starts, ends, "between"),), ((starts, "start"), (ends, "end")))
    return Piece("T", f"{first.text} - {last.text}", times=(times,))


def ranges(found: list[Piece], now: Now) -> list[Piece]:
    """Two days with "to" between them joined into a stretch of days."""
    result: list[Piece] = []
    at = 0
    while at < len(found):
        piece = found[at]
        join = found[at + 1] if at + 1 < len(found) else None
        other = found[at + 2] if at + 2 < len(found) else None
        between = bool(result) and result[-1].kind == "BETWEEN"
        if (
            piece.kind == "D"
            and join is not None
            and other is not None
            and other.kind == "D"
            and (join.kind in ("DASH", "UNTIL") or (between and join.kind == "AND"))
        ):
            days = _range(piece, other, now)
            if days is not None:
                if result and result[-1].kind in ("BETWEEN", "FROM"):
                    result.pop()
                result.append(Piece("D", f"{piece.text} - {other.text}", days=days))
                at += 3
                continue
        if (
            piece.kind == "T"
            and join is not None
            and other is not None
            and other.kind == "T"
            and join.kind in ("DASH", "UNTIL")
            and (both := _time_range(piece, other)) is not None
        ):
            if result and result[-1].kind in ("BETWEEN", "FROM"):
                result.pop()
            result.append(both)
            at += 3
            continue
        result.append(piece)
        at += 1
    return result


def _range(first: Piece, last: Piece, now: Now) -> tuple[Days, ...] | None:
    one, two = first.days[0], last.days[0]
    if one.kind in ("weekday", "weekdays") and two.kind in ("weekday", "weekdays"):
        low, high = (min(days.dates).weekday() for days in (one, two))
        if (low, high) == (0, 4) or "weekdays" in (one.kind, two.kind):
            numbers = [(low + n) % 7 for n in range((high - low) % 7 + 1)]
            return (every(tuple(numbers), now),)
    begin, end = next_day(one, now), next_day(two, now)
    if begin is None or end is None:
        return None
    if two.kind == "weekday":
        end = on_or_after(begin, end.weekday())
    elif two.dates and two.kind == "period":
        end = max(two.dates)
    if last.number and end < begin:
        later = [min(d.dates) for d in later_readings(last, now) if min(d.dates) >= begin]
        end = later[0] if later else end
    if end < begin:
        return None
    return (Days(span(begin, end), "period"),)


def with_operators(found: list[Piece], now: Now) -> list[Piece]:
    """Days and times as the words before or after them make them: after 5, until the 10th."""
    result: list[Piece] = []
    operator: Piece | None = None
    for at, piece in enumerate(found):
        if piece.kind in ("BEFORE", "AFTER") and _event(found[at + 1 : at + 7]):
            # "Before my trip on Friday": before Friday, or on Friday before something?
            result.append(Piece("UNCLEAR", piece.text))
            continue
        if piece.kind == "SINCE" and operator is not None and operator.kind in ("BEFORE", "AFTER"):
            # "Before my due date, January 15"
            result.append(Piece("LEFT_OVER", operator.text))
        if piece.kind in OPERATORS:
            if operator is not None and (piece.kind == "AROUND" or operator.kind == "SINCE"):
                # "Since before Christmas" is told all the same.
                continue
            operator = piece
            continue
        if piece.kind == "BETWEEN":
            # No range came of it: "between the holidays and the 10th".
            result.append(Piece("UNCLEAR" if any(p.kind in ITEMS for p in found) else "WORD"))
            continue
        if operator is not None and piece.kind in ITEMS:
            if operator.kind == "SINCE":
                piece = replace(piece, past=True, marks={"since"})
            else:
                piece = _apply(operator.kind, piece, now)
        elif piece.kind in ("ONWARD", "OR_EARLIER"):
            kind = "FROM" if piece.kind == "ONWARD" else "UNTIL"
            if result and result[-1].kind in ITEMS:
                result[-1] = _apply(kind, result[-1], now)
            else:
                operator = Piece(kind)
            continue
        elif operator is not None and operator.kind == "SINCE" and piece.kind not in ENDS:
            # "It started hurting on Monday": the day may come a few words later.
            result.append(piece)
            continue
        elif operator is not None and operator.kind not in ("AROUND", "SINCE"):
            # "After the one on Friday": what it is after or before is not known.
            result.append(Piece("LEFT_OVER", operator.text))
        operator = None
        result.append(piece)
    if operator is not None and operator.kind not in ("AROUND", "SINCE"):
        result.append(Piece("LEFT_OVER", operator.text))
    return result


def _event(following: list[Piece]) -> bool:
    """Whether unknown words lead to a day: "my trip on Friday", "I drop them off on Monday"."""
    for at, piece in enumerate(following):
        if piece.kind == "D":
            return at > 0
        if piece.kind not in ("WORD", "GOOD"):
            return False
    return False


def _apply(operator: str, piece: Piece, now: Now) -> Piece:
    kind = {"NOT_BEFORE": "FROM", "NOT_AFTER": "UNTIL"}.get(operator, operator)
    if piece.kind == "D":
        days = tuple(_days_from(kind, reading, now) for reading in piece.days)
        return replace(piece, days=days, number=0)
    return replace(piece, times=tuple(_times_from(kind, reading) for reading in piece.times))


def _days_from(kind: str, days: Days, now: Now) -> Days:
    if not days.dates:
        return days
    if days.kind in ("weekday", "weekdays"):
        nearest = next_day(days, now)
        assert nearest is not None
        low = high = nearest
    else:
        low, high = min(days.dates), max(days.dates)
    everything = now.past_and_future
    if kind == "AROUND":
        if days.kind != "date":
            return days
        return Days(span(add(low, -1), add(high, 1)), "period")
    tests = {
        "AFTER": lambda day: day > high,
        "FROM": lambda day: day >= low,
        "BEFORE": lambda day: now.today <= day < low,
        "UNTIL": lambda day: now.today <= day <= high,
    }
    return Days(frozenset(day for day in everything if tests[kind](day)), "open")


def _times_from(kind: str, times: Times) -> Times:
    if times.edge or kind == "AROUND" or not times.stretches:
        return times
    low = min(stretch.start for stretch in times.stretches)
    high = max(stretch.end for stretch in times.stretches)
    if all(stretch.shape == "at" for stretch in times.stretches):
        high = low
    if kind == "AFTER":
        return Times((Stretch(high, DAY, "after"),), ((high, "start"),))
    if kind == "FROM":
        return Times((Stretch(low, DAY, "after"),), ((low, "start"),))
    if kind == "BEFORE":
        return Times((Stretch(0, low, "before"),), ((low, "end"),))
    return Times((Stretch(0, high, "before"),), ((high, "end"),))


def without_complaints(found: list[Piece]) -> tuple[list[Piece], bool]:
    """Takes out when it hurts: "the pain is worse at night", "my back is bad today".

    The second value: whether a day or a time was taken out that is seldom told, such as "Monday at
    3", so that it is to be asked about.
    """
    kept: list[Piece] = []
    part: list[Piece] = []
    asked = False
    for piece in [*found, None]:
        if piece is not None and piece.kind not in ENDS:
            part.append(piece)
            continue
        words = {word for p in part if p.kind not in ITEMS for word in p.text.split()}
        words |= {word.removesuffix("'s") for word in words}
        if words & word_set("complaint") and not words & word_set("asking"):
            told = [p for p in part if p.kind in (*ITEMS, "UNCLEAR") and not p.past]
            # "It hurts since Monday" says itself that it is told.
            since = any(p.kind == "SINCE" for p in part)
            asked |= not since and any(not _often_told(p) for p in told)
            part = [p for p in part if p not in told]
        kept.extend(part)
        part = []
        if piece is not None:
            kept.append(piece)
    return kept, asked


def _often_told(piece: Piece) -> bool:
    if piece.kind == "UNCLEAR":
        return True
    if piece.kind == "T":
        return not any(times.anchors for times in piece.times)
    return any(word in ("today", "tonight", "this", "every", "all") for word in piece.text.split())


def without_history(found: list[Piece]) -> tuple[list[Piece], bool]:
    """Takes out what is past: "it hurts since Monday", "I fell yesterday".

    The second value: whether something past was asked for, and not told in a story.
    """
    kept: list[Piece] = []
    dropped = False
    for piece in found:
        if piece.past:
            dropped = True
        elif not (dropped and piece.kind == "T"):
            kept.append(piece)
            dropped = dropped and piece.kind not in (*ENDS, "OR", "AND", "D")
    words = [piece.text for piece in found if piece.kind == "WORD"]
    story = len(words) > 1 or any(word in word_set("story") for word in words)
    # "Yesterday would have been good"
    story = story and "wouldve" not in words
    told = [piece for piece in found if piece.past and "since" not in piece.marks]
    return kept, bool(told) and not story
