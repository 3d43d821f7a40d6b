"""Runs the parts of a model one after the other.

Rasa has dask plan the order and walk through the graph for each message and each prediction; the
order never changes, and the walking took a fifteenth of a message's time.
"""

from __future__ import annotations

from functools import lru_cache
from graphlib import TopologicalSorter
from typing import Any

from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner


class InOrderRunner(DaskGraphRunner):
    """Rasa's runner, whose nodes are called in a plain loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Creates the nodes. Arguments are those of Rasa's runner."""
        super().__init__(*args, **kwargs)
        self._in_order = lru_cache(maxsize=None)(self._in_order_uncached)

    def run(
        self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        """Runs what the targets need and returns their outputs by name.

        ``inputs`` are given to nodes under names that are no nodes. Raises what a node raises.
        """
        wanted = tuple(targets or self._graph_schema.target_names)
        done = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, node, needs in self._in_order(wanted):
            # A node says itself which input is missing.
            done[name] = node(*(done.get(need, need) for need in needs))
        return {name: done[name][1] for name in wanted}

    def _in_order_uncached(
        self, targets: tuple[str, ...]
    ) -> list[tuple[str, GraphNode, tuple[str, ...]]]:
        nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
        needs = {name: tuple(node.needs.values()) for name, node in nodes.items()}
        order = TopologicalSorter(needs).static_order()
        # what is given as an input is no node
        return [(n, self._instantiated_nodes[n], needs[n]) for n in order if n in nodes]
