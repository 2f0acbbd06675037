"""Lineage, drawn from the events alone: what a thing was made of, and what was made of it.

Every event says it in one way: the references in `inputs` went into its subject, and its subject
made those in `outputs`. An environment is a node too, such as `model:delay@production`: each version
that it ever served led to it, but only the one that it serves now is its origin. What events name is
indexed, so that a graph costs what it shows, however long the trail is. A renamed model is one model:
what events call by its former names stands under the name of today.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.governance.names import Names, during
from mlops_ext.governance.types import Lineage, LineageEdge, LineageNode, ShowLineage
from mlops_ext.operations import operation
from mlops_ext.refs import KINDS, Label, Latest, Ref
from mlops_ext.store.schema import event_refs, events, utc_text
from mlops_ext.store.search import batches
from mlops_ext.workspace import Workspace

__all__ = ["show", "walked"]

MAX_ROWS = 50_000
"""Rows of the index that one step reads at most."""
_NEAR = event_refs.alias("near")
_FAR = event_refs.alias("far")


class Trail(NamedTuple):
    """What the graph is drawn from: the events, and who was called what when they were written."""

    connection: Connection
    names: Names


class Edge(NamedTuple):
    """An edge as `LineageEdge` shows it."""

    source: str
    target: str
    relation: str
    seq: int


@operation("governance.lineage", "GET /lineage/{ref}", command="lineage")
def show(ws: Workspace, request: ShowLineage) -> Lineage:
    """Show what a dataset, model, run, report or alert was made of and what was made of it."""
    with ws.catalog.read() as connection:
        return walked(connection, request)


def walked(connection: Connection, request: ShowLineage) -> Lineage:
    """Walk from a thing along its edges, breadth first, as deep and as far as is asked."""
    trail = Trail(connection, Names(connection))
    root = _root(trail, request.ref)
    edges: dict[tuple[str, str], Edge] = {}
    reached = {root}
    cuts = []
    for upward in (True, False):
        if request.direction in ("both", "up" if upward else "down"):
            cut = _walk(trail, root, upward, request, edges, reached)
            cuts += [cut] if cut and cut not in cuts else []
    shown = [edge for edge in edges.values() if {edge.source, edge.target} <= reached]
    ordered = sorted(shown, key=lambda edge: (edge.seq, edge.source, edge.target))
    names = dict.fromkeys([root, *(end for edge in ordered for end in (edge.source, edge.target))])
    made = _made(trail, names)
    return Lineage(
        root=root,
        nodes=tuple(_node(ref, *made.get(ref, ("", ""))) for ref in names),
        edges=tuple(LineageEdge(**edge._asdict()) for edge in ordered),
        cut="; ".join(cuts),
    )


def _walk(
    trail: Trail,
    root: str,
    upward: bool,
    request: ShowLineage,
    edges: dict[tuple[str, str], Edge],
    reached: set[str],
) -> str:
    """Go one way, each node once; say where the graph was cut, if it was."""
    seen, frontier = {root}, [root]
    for _ in range(request.depth):
        found, whole = _steps(trail, frontier, upward)
        frontier = []
        for edge in found:
            end = edge.source if upward else edge.target
            if end not in reached and len(reached) >= request.limit:
                whole = False
                continue
            edges[edge.source, edge.target] = edge
            reached.add(end)
            if end not in seen:
                seen.add(end)
                frontier.append(end)
        if not whole:
            return f"stopped at {request.limit} nodes"
        if not frontier:
            return ""
    return f"followed {request.depth} steps; more may lie beyond"


def _steps(trail: Trail, refs: Collection[str], upward: bool) -> tuple[list[Edge], bool]:
    """Give the edges that lead to some things, or that leave them, and whether these are all.

    What made a thing and then read it is its origin, not made of it: of two edges against each other the first counts.
    """
    rows = list(_rows(trail, refs, upward))
    ends = {edge.source if upward else edge.target for edge, _ in rows}
    nearer, farther = (ends, refs) if upward else (refs, ends)
    against: dict[tuple[str, str], tuple[int, bool]] = {}
    for edge, later in _rows(trail, nearer, True, among=farther):
        pair = (edge.target, edge.source)
        against[pair] = min(against.get(pair, (edge.seq, later)), (edge.seq, later))
    chosen: dict[tuple[str, str], Edge] = {}
    for edge, later in sorted(rows, key=lambda row: (row[0].seq, row[1])):
        pair = (edge.source, edge.target)
        first = chosen.get(pair)
        if first is None and against.get(pair, (edge.seq, True)) < (edge.seq, later):
            continue
        if first is None or edge.relation == "deployed":
            chosen[pair] = edge
    found = _in_force(chosen.values()) if upward else list(chosen.values())
    return found, len(rows) < MAX_ROWS


def _rows(
    trail: Trail, refs: Collection[str], upward: bool, among: Collection[str] | None = None
) -> Iterator[tuple[Edge, bool]]:
    """Read edges from the index, each with whether its event says it as an output, which counts after the inputs."""
    left, names = MAX_ROWS, trail.names
    wanted, allowed = set(refs), None if among is None else set(among)
    for batch in batches(names.written(refs)):
        for others in [None] if among is None else batches(names.written(among)):
            query = _query(upward).where(_NEAR.c.ref.in_(batch))
            if others is not None:
                query = query.where(_FAR.c.ref.in_(others))
            rows: Sequence[Any] = trail.connection.execute(query.limit(left)).all()
            left -= len(rows)
            for seq, near_then, role, far_then in rows:
                near, far = names.current(near_then, seq), names.current(far_then, seq)
                if near not in wanted or near == far or (allowed is not None and far not in allowed):
                    continue
                source, target = (far, near) if upward else (near, far)
                output = role == ("output" if upward else "subject")
                if _is_thing(source) and _is_thing(target):
                    yield Edge(source, target, _relation(source, target, output), seq), output
            if left <= 0:
                return


def _query(upward: bool) -> Select[tuple[int, str, str, str]]:
    """Join what an event names: upward its inputs and who made it, downward its outputs and what it went into."""
    near, far = _NEAR.c, _FAR.c
    as_subject, otherwise = ("input", "output") if upward else ("output", "input")
    return (
        select(near.seq, near.ref, near.role, far.ref)
        .join(_FAR, far.seq == near.seq)
        .where(
            or_(
                and_(near.role == "subject", far.role == as_subject),
                and_(near.role == otherwise, far.role == "subject"),
            )
        )
        .order_by(near.seq)
    )


def _relation(source: str, target: str, output: bool) -> str:
    from_kind, to_kind = _kind(source), _kind(target)
    if output:
        return "deployed" if to_kind == "deployment" else "made"
    if to_kind == "job" or (from_kind == "alert" and to_kind == "run"):
        return "triggered"
    if from_kind in ("run", "job", "report", "monitor"):
        return "part of" if (from_kind, to_kind) == ("run", "run") else "made"
    return "used by"


def _in_force(edges: Iterable[Edge]) -> list[Edge]:
    """Of the versions that an environment served, keep the one that it serves now."""
    kept: list[Edge] = []
    newest: dict[str, Edge] = {}
    for edge in edges:
        if edge.relation != "deployed":
            kept.append(edge)
        elif edge.target not in newest or newest[edge.target].seq < edge.seq:
            newest[edge.target] = edge
    return [*kept, *newest.values()]


def _root(trail: Trail, text: str) -> str:
    """Find the node that a reference means; of a bare name, the newest version."""
    ref = Ref.parse(text)
    kinds = [ref.kind] if ref.kind else ["model", "dataset"]
    for kind in kinds:
        bare = isinstance(ref.selector, Latest)
        found = _newest(trail, f"{kind}:{ref.name}") if bare else ""
        found = found or _standing(trail, f"{kind}:{ref.name}" if bare else f"{kind}:{ref}")
        if found:
            return found
    if isinstance(ref.selector, Label) and not ref.kind:
        raise InvalidValue(f"{text!r} is in no event", hint=f"Write the version, such as model:{ref.name}@1")
    known = select(event_refs.c.ref).where(_begins(f"{kinds[0]}:")).distinct().limit(1000)
    hint = did_you_mean(f"{kinds[0]}:{ref}", trail.connection.execute(known).scalars())
    raise NotFound(f"nothing in the trail goes by {text!r}", hint=hint)


def _standing(trail: Trail, ref: str) -> str:
    """Give today's reference for what the newest event calls so; empty when none does."""
    written = event_refs.c.ref.in_(trail.names.written([ref]))
    newest = select(event_refs.c.ref, event_refs.c.seq).where(written).order_by(event_refs.c.seq.desc()).limit(1)
    row = trail.connection.execute(newest).one_or_none()
    return "" if row is None else trail.names.current(row.ref, row.seq)


def _newest(trail: Trail, name: str) -> str:
    found: dict[int, str] = {}
    for former in trail.names.written([name]):
        query = select(event_refs.c.ref, func.max(event_refs.c.seq)).where(_begins(f"{former}@"))
        for ref, seq in trail.connection.execute(query.group_by(event_refs.c.ref)):
            number = ref[len(former) + 1 :]
            if number.isdecimal():
                found.setdefault(int(number), trail.names.current(ref, seq))
    return found[max(found)] if found else ""


def _begins(prefix: str) -> ColumnElement[bool]:
    """Select what begins alike; by code point, so that the index serves it."""
    following = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return and_(event_refs.c.ref >= prefix, event_refs.c.ref < following)


def _made(trail: Trail, refs: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give when and by whom things were made: by the first event on each."""
    refs, made = list(refs), dict[str, tuple[str, str]]()
    query = select(events.c.subject, events.c.time, events.c.actor)
    for batch in batches(ref for ref in refs if not trail.names.touches(ref)):
        first = select(func.min(events.c.seq)).where(events.c.subject.in_(batch)).group_by(events.c.subject)
        rows = trail.connection.execute(query.where(events.c.seq.in_(first)))
        made.update({row.subject: (utc_text(row.time), row.actor) for row in rows})
    for ref in filter(trail.names.touches, refs):
        then = during(trail.names.spans(ref), ref.partition("@")[2], events.c.subject, events.c.seq)
        row = trail.connection.execute(query.where(then).order_by(events.c.seq).limit(1)).one_or_none()
        if row is not None:
            made[ref] = (utc_text(row.time), row.actor)
    return made


def _is_thing(ref: str) -> bool:
    return ref.partition(":")[0] in KINDS


def _kind(ref: str) -> str:
    kind, _, label = ref.partition(":")
    return "deployment" if kind == "model" and not label.rpartition("@")[2].isdecimal() else kind


def _node(ref: str, at: str, by: str) -> LineageNode:
    kind = _kind(ref)
    return LineageNode(id=ref, kind=kind, label=_short(kind, ref.partition(":")[2]), at=at, by=by)


def _short(kind: str, label: str) -> str:
    """Shorten an id of 32 hex digits to what tells it apart: its end, since it begins with the time."""
    return f"{kind} …{label[-6:]}" if len(label) == 32 and "@" not in label else label
