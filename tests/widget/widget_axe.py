"""axe-core: what of WCAG 2.2 AA a program can find."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from widget_node import axe
from widget_visitor import Visitor

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
axe_source = lru_cache(axe)


def violations(visitor: Visitor) -> list[Any]:
    """What axe finds on the page: rule, and where."""
    visitor.page.evaluate(axe_source())
    found: dict[str, Any] = visitor.page.evaluate(
        "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS
    )
    assert found["passes"], "axe did not run"
    return [
        (rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found["violations"]
    ]
