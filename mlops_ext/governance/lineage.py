"""Lineage, drawn from the events alone: what a thing was made of, and what was made of it.

Every event says it in one way: the references in `inputs` went into its subject, and its subject
made those in `outputs`. An environment is a node too, such as `model:delay@production`: each version
that it ever served led to it, but only the one that it serves now is its origin.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, String, select, type_coerce

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.governance.types import Lineage, LineageEdge, LineageNode, ShowLineage
from mlops_ext.operations import operation
from mlops_ext.refs import KINDS, Label, Latest, Ref
from mlops_ext.store import trail
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace

__all__ = ["Graph", "draw", "show"]

_SINGLE = {"trigger": "", "run": "run", "job": "job", "report": "report", "parent": "run"}
"""Keys of an event's data that name one origin, and the kind that a bare id there has."""

_DEPLOYING = ("model.promoted", "model.rolled_back")


class Edge(NamedTuple):
    """An edge as `LineageEdge` shows it; plain, since a trail has many more than are shown."""

    source: str
    target: str
    relation: str
    seq: int


@dataclass
class Graph:
    """All nodes and edges that the trail tells of; of a node, when and by whom it was made."""

    nodes: dict[str, tuple[str, str]] = field(default_factory=dict)
    into: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))
    out_of: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def add_node(self, ref: str, at: str = "", by: str = "") -> None:
        """Enter a thing; the first event on it says when and by whom it was made."""
        known = self.nodes.get(ref)
        if known is None or (at and not known[0]):
            self.nodes[ref] = (at, by)

    def add_edge(self, edge: Edge) -> None:
        """Enter an edge once, and none against it: what made a thing and then read it is its origin.

        A deployment's edge is renewed by each promotion, so that the newest counts.
        """
        pair = (edge.source, edge.target)
        if edge.source == edge.target or pair[::-1] in self._seen:
            return
        if pair in self._seen and edge.relation != "deployed":
            return
        if pair in self._seen:
            self.into[edge.target] = [each for each in self.into[edge.target] if each.source != edge.source]
            self.out_of[edge.source] = [each for each in self.out_of[edge.source] if each.target != edge.target]
        self._seen.add(pair)
        self.into[edge.target].append(edge)
        self.out_of[edge.source].append(edge)

    def origins(self, ref: str) -> list[Edge]:
        """Give the edges that lead to a thing; to an environment, only the one in force."""
        found = self.into.get(ref, [])
        deployed = [edge for edge in found if edge.relation == "deployed"]
        return found if not deployed else [max(deployed, key=lambda edge: edge.seq)]

    def consequences(self, ref: str) -> list[Edge]:
        """Give the edges that leave a thing."""
        return self.out_of.get(ref, [])


@operation("governance.lineage", "GET /lineage/{ref}", command="lineage")
def show(ws: Workspace, request: ShowLineage) -> Lineage:
    """Show what a dataset, model, run, report or alert was made of and what was made of it."""
    with ws.catalog.read() as connection:
        graph = draw(_told(connection))
    root = _root(graph, request.ref)
    edges: dict[tuple[str, str], Edge] = {}
    if request.direction in ("up", "both"):
        edges |= _walk(root, request.depth, graph.origins, lambda edge: edge.source)
    if request.direction in ("down", "both"):
        edges |= _walk(root, request.depth, graph.consequences, lambda edge: edge.target)
    shown = dict.fromkeys([root, *(end for edge in edges.values() for end in (edge.source, edge.target))])
    return Lineage(
        root=root,
        nodes=tuple(_node(ref, *graph.nodes[ref]) for ref in shown),
        edges=tuple(
            LineageEdge(**edge._asdict())
            for edge in sorted(edges.values(), key=lambda edge: (edge.seq, edge.source, edge.target))
        ),
    )


def draw(told: Iterable[tuple[Any, Mapping[str, Any]]]) -> Graph:
    """Draw the graph of all events.

    Parameters
    ----------
    told : iterable of (row, data)
        Events in their order, with seq, time, actor, action and subject, and their data.
    """
    graph = Graph()
    for row, data in told:
        for edge in _edges(row.seq, row.action, row.subject, data):
            graph.add_node(edge.source)
            graph.add_node(edge.target)
            graph.add_edge(edge)
        if row.subject.partition(":")[0] in KINDS:
            graph.add_node(row.subject, row.time, row.actor)
    return graph


def _edges(seq: int, action: str, subject: str, data: Mapping[str, Any]) -> Iterator[Edge]:
    if subject.partition(":")[0] not in KINDS or action == "model.promotion_refused":
        return
    leading = "deployed" if action in _DEPLOYING else "made"
    for key, kind in _SINGLE.items():
        ref = _ref(data.get(key), kind)
        if ref:
            relation = {"trigger": "triggered", "parent": "part of"}.get(key, "made")
            yield Edge(ref, subject, relation, seq)
    for ref in _refs(data.get("inputs")):
        relation = "triggered" if subject.startswith("job:") else "made" if ref.startswith("run:") else "used by"
        yield Edge(ref, subject, relation, seq)
    for ref in _refs(data.get("outputs")):
        yield Edge(subject, ref, leading, seq)


def _refs(value: Any) -> list[str]:
    found = value if isinstance(value, list) else []
    return [ref for each in found if (ref := _ref(each, ""))]


def _ref(value: Any, kind: str) -> str:
    if not isinstance(value, str) or not value:
        return ""
    if value.partition(":")[0] in KINDS and ":" in value:
        return value
    return f"{kind}:{value}" if kind else ""


def _told(connection: Connection) -> Iterator[tuple[Any, dict[str, Any]]]:
    time = type_coerce(events.c.time, String).label("time")
    columns = (events.c.seq, time, events.c.actor, events.c.action, events.c.subject, event_data.c.data)
    joined = events.join(event_data, event_data.c.seq == events.c.seq, isouter=True)
    query = select(*columns).select_from(joined).order_by(events.c.seq)
    for row in connection.execute(query.execution_options(yield_per=2000)):
        yield row, trail.decoded(row.data)


def _root(graph: Graph, text: str) -> str:
    """Find the node that a reference means; of a bare name, the newest version."""
    ref = Ref.parse(text)
    kinds = [ref.kind] if ref.kind else ["model", "dataset"]
    for kind in kinds:
        exact = f"{kind}:{ref.name}" if isinstance(ref.selector, Latest) else f"{kind}:{ref}"
        if exact in graph.nodes:
            return exact
        if isinstance(ref.selector, Latest):
            newest = _newest(graph, f"{kind}:{ref.name}@")
            if newest:
                return newest
    if isinstance(ref.selector, Label) and not ref.kind:
        raise InvalidValue(f"{text!r} is in no event", hint=f"Write the version, such as model:{ref.name}@1")
    raise NotFound(f"nothing in the trail goes by {text!r}", hint=did_you_mean(f"{kinds[0]}:{ref}", graph.nodes))


def _newest(graph: Graph, prefix: str) -> str:
    numbers = [
        int(node[len(prefix) :]) for node in graph.nodes if node.startswith(prefix) and node[len(prefix) :].isdecimal()
    ]
    return f"{prefix}{max(numbers)}" if numbers else ""


def _walk(root: str, depth: int, follow: Any, end: Any) -> dict[tuple[str, str], Edge]:
    """Go breadth first, at most `depth` steps, each node once."""
    found: dict[tuple[str, str], Edge] = {}
    reached, waiting = {root}, deque([(root, 0)])
    while waiting:
        node, steps = waiting.popleft()
        if steps == depth:
            continue
        for edge in follow(node):
            found[(edge.source, edge.target)] = edge
            following = end(edge)
            if following not in reached:
                reached.add(following)
                waiting.append((following, steps + 1))
    return found


def _node(ref: str, at: str, by: str) -> LineageNode:
    kind, _, label = ref.partition(":")
    if kind == "model" and not label.rpartition("@")[2].isdecimal():
        kind = "deployment"
    return LineageNode(id=ref, kind=kind, label=_short(kind, label), at=at, by=by)


def _short(kind: str, label: str) -> str:
    """Shorten an id of 32 hex digits to what tells it apart: its end, since it begins with the time."""
    return f"{kind} …{label[-6:]}" if len(label) == 32 and "@" not in label else label
