"""Sessions counted day by day: never older than the sessions themselves."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from fabricated import START, Events, Talk, question

from clinic.conversations import counting
from clinic.conversations.feedback import save_feedback
from clinic.conversations.models import DayCount
from clinic.conversations.projection import Tail, forget
from clinic.conversations.rechecks import read_again

# That of START.
DAY = date(2026, 11, 1)
A_DAY = 86400.0


def numbers(day: date) -> tuple[int, int, dict[str, int]]:
    """Of one day: sessions, thumbs down, and topics."""
    counts = counting.of_days(day, day)[day]
    return counts["sessions"]["all"], counts["sessions"]["down"], dict(counts["topics"])


def test_a_day_is_counted_anew_when_one_of_its_sessions_is_new_other_or_gone(
    database: Path, events: Events, tail: Tail
) -> None:
    assert numbers(DAY) == (0, 0, {})
    events.write("a", question("cost"))
    events.write("b", question("cost"))
    tail.step()
    assert numbers(DAY) == (2, 0, {"faq/cost": 2})
    save_feedback(conversation_id="a", answer="utter_faq/cost", value="down", message_reference="")
    read_again("a")
    tail.step()
    assert numbers(DAY) == (2, 1, {"faq/cost": 2})
    # The same session goes on on the next day, and is counted there.
    talk = Talk(START + A_DAY).patient("where are you", "faq/location", 0.9)
    events.write("b", talk.assistant("About location.", "utter_faq/location").listen())
    tail.step()
    assert numbers(DAY) == (1, 1, {"faq/cost": 1})
    assert numbers(DAY + timedelta(days=1)) == (1, 0, {"faq/cost": 1, "faq/location": 1})
    forget(["a"])
    assert numbers(DAY) == (0, 0, {})


def test_what_was_counted_is_kept(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.write("a", question("cost"))
    tail.step()
    week = (DAY, DAY + timedelta(days=6))
    first = counting.of_days(*week)
    events.write("b", question("cost", at=START + A_DAY))
    tail.step()
    counted: list[date] = []
    count = counting._count

    def noted(day: date) -> counting.Counts:
        counted.append(day)
        return count(day)

    monkeypatch.setattr(counting, "_count", noted)
    second = counting.of_days(*week)
    # Only the day with something new.
    assert counted == [DAY + timedelta(days=1)]
    assert {day for day in second if second[day] != first[day]} == set(counted)
    assert counting.of_days(*week) == second
    assert len(counted) == 1


def test_what_changes_while_a_day_is_counted_is_not_lost(
    database: Path, events: Events, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = counting._count

    def interrupted(day: date) -> counting.Counts:
        counts = count(day)
        events.write("a", question("cost"))
        tail.step()
        return counts

    tail.step()
    with monkeypatch.context() as patch:
        patch.setattr(counting, "_count", interrupted)
        assert numbers(DAY) == (0, 0, {})
    assert DayCount.objects.get(day=DAY).counts is None
    assert numbers(DAY) == (1, 0, {"faq/cost": 1})
