"""The graph of a pipeline: which step waits for which, as a tree, as Mermaid, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, ClassVar

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.records import Record
from mlops_ext.runs.pipelines.types import Edge, Node, StepPlan

__all__ = ["Graph", "edges_of", "graph_of", "order_of"]

_COLOURS = {"succeeded": "#c8e6c9", "reused": "#e0f2f1", "failed": "#ffcdd2", "running": "#fff9c4"}


class Graph(Record):
    """The steps of a pipeline and what each waits for."""

    tables: ClassVar[tuple[str, ...]] = ("nodes", "edges")
    pipeline: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def mermaid(self) -> str:
        """The graph as Mermaid has it; JupyterLab, GitHub and GitLab draw it."""
        ids = {node.name: f"s{number}" for number, node in enumerate(self.nodes)}
        lines = ["graph LR"]
        for node in self.nodes:
            lines.append(f'  {ids[node.name]}["{_plain(node.name)}"]')
            if node.status in _COLOURS:
                lines.append(f"  style {ids[node.name]} fill:{_COLOURS[node.status]},color:#000")
        for edge in self.edges:
            through = f'|"{_plain(", ".join(edge.through))}"|' if edge.through else ""
            lines.append(f"  {ids[edge.before]} -->{through} {ids[edge.after]}")
        return "\n".join(lines) + "\n"

    def __rich__(self) -> Any:
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(self.pipeline, style="bold"))
        below: dict[str, list[Edge]] = {node.name: [] for node in self.nodes}
        for edge in self.edges:
            below[edge.before].append(edge)
        shown: set[str] = set()

        def grow(branch: Any, name: str, through: tuple[str, ...]) -> None:
            node = next(each for each in self.nodes if each.name == name)
            text = Text(name, style="bold")
            text.append(f"  {node.notebook or node.function}", style="dim")
            text.append(f"  {node.status}" if node.status else "", style="cyan")
            text.append(f"  ← {', '.join(through)}" if through else "", style="green")
            text.append("  (see above)" if name in shown and below[name] else "", style="dim")
            twig = branch.add(text)
            if name not in shown:
                shown.add(name)
                for edge in below[name]:
                    grow(twig, edge.after, edge.through)

        waiting = {edge.after for edge in self.edges}
        for node in self.nodes:
            if node.name not in waiting:
                grow(tree, node.name, ())
        return tree

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/vnd.mermaid": self.mermaid, "text/plain": self.mermaid}


def edges_of(steps: Sequence[StepPlan], observed: Mapping[str, Sequence[str]] | None = None) -> tuple[Edge, ...]:
    """Draw the edges: whoever reads waits for all who write, and for what it names in `after`.

    Parameters
    ----------
    observed : mapping, optional
        What steps were seen to read beyond what their code says.

    Raises
    ------
    NotFound
        `after` names no step.
    """
    names = [step.name for step in steps]
    found: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        for before in step.after:
            if before not in names:
                raise NotFound.of("step", before, names)
            found.setdefault((before, step.name), [])
        read = dict.fromkeys([*step.reads, *(observed or {}).get(step.name, ())])
        for ref in read:
            for writer in steps:
                if ref in writer.writes and writer.name != step.name:
                    found.setdefault((writer.name, step.name), []).append(ref)
    return tuple(Edge(before=before, after=after, through=tuple(refs)) for (before, after), refs in found.items())


def order_of(steps: Sequence[StepPlan], edges: Sequence[Edge]) -> tuple[StepPlan, ...]:
    """Give the steps so that each comes after what it waits for.

    Raises
    ------
    InvalidValue
        They wait for each other in a circle, which is named.
    """
    waits: dict[str, set[str]] = {step.name: set() for step in steps}
    for edge in edges:
        waits[edge.after].add(edge.before)
    try:
        order = list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        through = {(edge.before, edge.after): ", ".join(edge.through) or "after" for edge in edges}
        why = "; ".join(f"{b} waits for {a} ({through[a, b]})" for a, b in pairwise(circle))
        raise InvalidValue(
            f"the steps wait for each other: {why}", hint="Let one of them write another name"
        ) from error
    return tuple(sorted(steps, key=lambda step: order.index(step.name)))


def graph_of(pipeline: str, steps: Sequence[StepPlan], edges: Sequence[Edge], states: Mapping[str, str]) -> Graph:
    """Make the record of a graph, with the steps' states where a run is shown."""
    nodes = tuple(
        Node(
            name=step.name,
            notebook="" if step.function else step.notebook,
            function=step.function,
            reads=step.reads,
            writes=step.writes,
            status=states.get(step.name, ""),
        )
        for step in steps
    )
    return Graph(pipeline=pipeline, nodes=nodes, edges=tuple(edges))


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("<", "‹").replace(">", "›")
