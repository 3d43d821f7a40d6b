"""What the load test of the website's channel counts as a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "script"))

from bench_chat import Visitor


@pytest.mark.parametrize(
    ("shown", "newest", "faults"),
    [
        ([2, 4, 5], 5, {}),
        ([2, 5], 5, {"lost": 1}),
        # The last bubble of an answer, which nothing that is shown tells of.
        ([2, 4], 5, {"lost": 1}),
        ([2, 4, 4, 5], 5, {"doubled": 1}),
        # What was typed here and was shown again.
        ([2, 3, 4, 5], 5, {"doubled": 1}),
        ([2, 5, 4], 5, {"out of order": 1}),
    ],
)
def test_each_number_is_shown_or_acknowledged_once_and_in_order(
    shown: list[int], newest: int, faults: dict[str, int]
) -> None:
    visitor = Visitor(0)
    visitor.sent = visitor.answered = {"first": 0.0, "second": 0.0}
    visitor.acknowledged = {"first": 1, "second": 3}
    visitor.shown = shown
    assert +visitor.faults(newest) == faults


def test_an_answer_that_never_came_is_lost() -> None:
    visitor = Visitor(0)
    visitor.sent = {"first": 0.0}
    visitor.acknowledged = {"first": 1}
    assert +visitor.faults(1) == {"lost": 1}
