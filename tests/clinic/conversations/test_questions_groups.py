"""Groups of the inbox are kept, and name nothing that was taken out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models.query import QuerySet

from clinic.questions import grouping, inbox
from clinic.questions.models import Question

AT = datetime(2026, 11, 23, 14, tzinfo=UTC)
WAS = grouping.Understood("faq/cost", 0.8, "1")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """The rows that are written from now on, once for each of their columns."""
    found: list[tuple[int, str]] = []
    bulk_update = QuerySet.bulk_update

    def noted(self: Any, rows: Sequence[Any], fields: Sequence[str], **more: Any) -> int:
        found.extend((row.pk, name) for row in rows for name in fields)
        return bulk_update(self, rows, fields, **more)

    monkeypatch.setattr(QuerySet, "bulk_update", noted)
    return found


def ask(*texts: str) -> list[int]:
    rows = [
        Question.objects.create(key=text, text=text, count=1, first_at=AT, last_at=AT)
        for text in texts
    ]
    return [row.pk for row in rows]


def test_a_new_question_leaves_the_others_as_they_were(
    any_database: str, written: list[tuple[int, str]]
) -> None:
    """Wherever it comes in their order."""
    old = ask(*(f"question {number}" for number in range(1000)))
    pairs = [old[place : place + 2] for place in range(0, len(old), 2)]
    meanings = dict.fromkeys(old, b"\x00" * 768)
    grouping.write(pairs, dict.fromkeys(old, WAS), meanings, {})
    assert {name for _, name in written} >= {"group", "now_as"}
    written.clear()
    [new] = ask("is there a lift")
    grouping.write([[new], *pairs], {new: WAS}, {new: b"\x01" * 768}, {})
    assert {pk for pk, _ in written} == {new}
    assert grouping.meanings() == {**meanings, new: b"\x01" * 768}
    written.clear()
    # It joins a group: that is all.
    grouping.write([[*pairs[0], new], *pairs[1:]], {}, {}, {})
    assert written == [(new, "group")]


def test_a_wording_that_was_taken_out_names_no_group(
    any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when that is done while the groups are written."""
    typical, other = ask("my aunt is called zebra", "is my aunt welcome")
    grouping.write([[typical, other]], {}, {}, {})
    assert inbox.groups()[0].name == "my aunt is called zebra"
    Question.objects.filter(pk=typical).delete()
    assert [group.name for group in inbox.groups()] == ["is my aunt welcome"]
    again, _ = ask("my aunt is called zebra", "is my cat welcome")
    bulk_update = QuerySet.bulk_update

    def late(self: Any, rows: Sequence[Any], fields: Sequence[str], **more: Any) -> int:
        Question.objects.filter(pk=again).delete()
        return bulk_update(self, rows, fields, **more)

    monkeypatch.setattr(QuerySet, "bulk_update", late)
    cat = Question.objects.get(key="is my cat welcome").pk
    grouping.write([[again, other, cat]], {}, {}, {})
    assert [(group.name, len(group.questions)) for group in inbox.groups()] == [
        ("is my cat welcome", 2)
    ]
