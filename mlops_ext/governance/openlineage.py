"""Lineage as OpenLineage run events: what ran, with what went in and what came out, for any backend of that standard.

A tracked run or a queued job is a run; so is every other step that an event of the trail tells of, such
as a promotion, under an id made from that event's hash. Datasets, models, reports and alerts are datasets.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mlops_ext._version import __version__
from mlops_ext.governance.lineage import walked
from mlops_ext.governance.types import Lineage, LineageEdge, OpenLineageEvents, ShowLineage
from mlops_ext.operations import operation
from mlops_ext.store import trail
from mlops_ext.store.schema import event_data, events, store_info, utc_text
from mlops_ext.store.search import batches
from mlops_ext.workspace import Workspace

__all__ = ["export"]

PRODUCER = f"urn:mlops-ext:{__version__}"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_ENDS = {"succeeded": "COMPLETE", "failed": "FAIL", "cancelled": "ABORT", "lost": "ABORT", "": "START"}
_RUNNING = ("run:", "job:")


@operation("governance.openlineage", "GET /lineage/{ref}/openlineage", command="openlineage")
def export(ws: Workspace, request: ShowLineage) -> OpenLineageEvents:
    """Give the lineage of a thing as OpenLineage run events, in the order in which they happened."""
    with ws.catalog.read() as connection:
        graph = walked(connection, request)
        namespace = f"mlops-ext:{connection.execute(select(store_info.c.workspace)).scalar_one()}"
        told = [*_runs(connection, graph, namespace), *_steps(connection, graph, namespace)]
    return OpenLineageEvents(events=tuple(sorted(told, key=lambda each: str(each["eventTime"]))), cut=graph.cut)


def _runs(connection: Connection, graph: Lineage, namespace: str) -> Iterable[dict[str, Any]]:
    """Tell of tracked runs and queued jobs."""
    inputs, outputs, parents = defaultdict(list), defaultdict(list), {}
    names = [node.id for node in graph.nodes if node.id.startswith(_RUNNING)]
    for edge in graph.edges:
        between = (edge.source.startswith(_RUNNING), edge.target.startswith(_RUNNING))
        if all(between):
            parents[edge.target] = edge.source
        elif between[1]:
            inputs[edge.target].append(edge.source)
        elif between[0]:
            outputs[edge.source].append(edge.target)
    known = _known(connection, names)
    for name in names:
        time, job, end = known.get(name, ("", "", ""))
        if not time:
            continue
        yield _event(
            namespace,
            time,
            end,
            _uuid(name),
            job,
            inputs[name],
            outputs[name],
            parent=(_uuid(parents[name]), known[parents[name]][1]) if parents.get(name) in known else None,
        )


def _steps(connection: Connection, graph: Lineage, namespace: str) -> Iterable[dict[str, Any]]:
    """Tell of what happened outside a run, or was only registered in one: one run for each event."""
    steps: dict[int, list[LineageEdge]] = defaultdict(list)
    for edge in graph.edges:
        if not edge.source.startswith(_RUNNING) and not edge.target.startswith(_RUNNING):
            steps[edge.seq].append(edge)
    for batch in batches(map(str, steps)):
        columns = (events.c.seq, events.c.time, events.c.action, events.c.hash)
        for row in connection.execute(select(*columns).where(events.c.seq.in_([int(each) for each in batch]))):
            ends = steps[row.seq]
            yield _event(
                namespace,
                utc_text(row.time),
                "COMPLETE",
                str(uuid.uuid5(uuid.NAMESPACE_URL, row.hash)),
                row.action,
                [edge.source for edge in ends],
                [edge.target for edge in ends],
            )


def _known(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Give, for runs and jobs, the time of the last event on each, its name, and how it ended."""
    known: dict[str, tuple[str, str, str]] = {}
    for batch in batches(names):
        joined = select(events.c.subject, events.c.time, event_data.c.data).join(
            event_data, event_data.c.seq == events.c.seq, isouter=True
        )
        for row in connection.execute(joined.where(events.c.subject.in_(batch)).order_by(events.c.seq)):
            data, former = trail.decoded(row.data), known.get(row.subject, ("", "", "START"))
            name = str(data.get("experiment") or data.get("notebook") or former[1]) or row.subject.partition(":")[0]
            end = _ENDS.get(str(data.get("status", "")), "OTHER") if data.get("status") else former[2]
            known[row.subject] = (utc_text(row.time), name, end)
    return known


def _event(
    namespace: str,
    time: str | datetime,
    kind: str,
    run: str,
    job: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    parent: tuple[str, str] | None = None,
) -> dict[str, Any]:
    facets = {} if parent is None else {"parent": _parent(namespace, *parent)}
    return {
        "eventType": kind,
        "eventTime": time,
        "producer": PRODUCER,
        "schemaURL": _SCHEMA,
        "run": {"runId": run, "facets": facets},
        "job": {"namespace": namespace, "name": job, "facets": {}},
        "inputs": [_dataset(namespace, ref) for ref in dict.fromkeys(inputs)],
        "outputs": [_dataset(namespace, ref) for ref in dict.fromkeys(outputs)],
    }


def _dataset(namespace: str, ref: str) -> dict[str, Any]:
    name, _, version = ref.rpartition("@")
    if not name or not version.isdecimal():
        return {"namespace": namespace, "name": ref, "facets": {}}
    facet = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)
    return {"namespace": namespace, "name": name, "facets": {"version": facet}}


def _parent(namespace: str, run: str, job: str) -> dict[str, Any]:
    return _facet("1-0-1/ParentRunFacet", run={"runId": run}, job={"namespace": namespace, "name": job})


def _facet(schema: str, **content: Any) -> dict[str, Any]:
    name = schema.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{schema}.json#/$defs/{name}", **content}


def _uuid(ref: str) -> str:
    """Give the id of a run as a UUID, which it is when we made it."""
    text = ref.partition(":")[2]
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, ref))
