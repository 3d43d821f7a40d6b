"""Figures of a measurement, each with what it may be at most."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One figure: ``measured`` and ``limit`` in ``unit``; None as the limit: only told.

    ``more`` is what else is to be said of it.
    """

    what: str
    measured: float
    unit: str
    limit: float | None = None
    more: str = ""

    @property
    def within(self) -> bool:
        """Whether it is what it may be."""
        return self.limit is None or self.measured <= self.limit

    def cells(self) -> list[str]:
        """What is measured, the figure, its limit, and the verdict."""
        limit = "" if self.limit is None else f"{self.limit:,.4g} {self.unit}"
        verdict = "" if self.limit is None else "yes" if self.within else "NO"
        measured = f"{self.measured:,.{0 if self.measured >= 100 else 1}f} {self.unit}"
        return [self.what, f"{measured}{f' ({self.more})' if self.more else ''}", limit, verdict]


@dataclass
class Figures:
    """The figures so far."""

    every: list[Figure] = field(default_factory=list)

    def note(self, figure: Figure) -> None:
        """Keep a figure, and print it at once: a measurement may take an hour."""
        self.every.append(figure)
        what, measured, limit, verdict = figure.cells()
        judged = f"; at most {limit}: {verdict}" if limit else ""
        print(f"{what}: {measured}{judged}", flush=True)

    def table(self) -> str:
        """All of them in Markdown."""
        rows = [["figure", "measured", "at most", "reached"], ["---"] * 4]
        rows += [figure.cells() for figure in self.every]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def exit_code(self) -> int:
        """0 when all are what they may be, otherwise 1."""
        return 0 if all(figure.within for figure in self.every) else 1
