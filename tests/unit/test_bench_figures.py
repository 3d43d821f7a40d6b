"""The verdict over what was measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "script"))

from bench_figures import Figure, Figures
from bench_webhooks import as_before


@pytest.mark.parametrize(
    ("measured", "limit", "verdict", "code"),
    [(149.6, 150, "yes", 0), (150, 150, "yes", 0), (150.4, 150, "NO", 1), (9999, None, "", 0)],
)
def test_what_is_more_than_it_may_be_fails(
    measured: float,
    limit: float | None,
    verdict: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = Figures()
    figures.note(Figure("something else", 1, "s", 2))
    figures.note(Figure("a list", measured, "ms", limit, "computing 5 ms"))
    assert figures.exit_code() == code
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(f"a list: {figures.every[1].cells()[1]}")
    assert said.endswith(f"at most 150 ms: {verdict}" if limit else "(computing 5 ms)")
    assert f"| a list | {figures.every[1].cells()[1]} |" in figures.table()
    assert figures.table().splitlines()[-1].endswith(f"| {verdict} |")


@pytest.mark.parametrize(
    ("before", "after", "most"), [(29, 29, 34), (29, 33, 38), (33, 29, 38), (30, 50, 70)]
)
def test_the_website_is_measured_against_itself(before: float, after: float, most: float) -> None:
    """On a noisy computer its own times vary, and so may these; no more."""
    assert as_before(before, after) == most
