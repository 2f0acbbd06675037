"""What can be done with pipelines: start, list, show, draw, cancel and resume them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from mlops_ext.errors import Conflict
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import check_name
from mlops_ext.runs.pipelines.definition import pipelines_of, read_pipeline
from mlops_ext.runs.pipelines.graph import Graph, edges_of, graph_of, order_of
from mlops_ext.runs.pipelines.planning import given_to, plan_step, replanned
from mlops_ext.runs.pipelines.states import DONE, find_run, record_of, steps_of
from mlops_ext.runs.pipelines.tables import pipeline_runs, pipeline_steps
from mlops_ext.runs.pipelines.types import (
    Edge,
    ListPipelineRuns,
    ListPipelines,
    PipelineRun,
    PipelineSummary,
    ShowPipeline,
    ShowPipelineRun,
    StartPipeline,
    StepPlan,
)
from mlops_ext.runs.queue import cancelling
from mlops_ext.runs.reuse import observed_reads
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["Prepared", "cancel", "draw", "enter", "list_", "ordered", "prepare", "resume", "runs", "show", "start"]


@dataclass(frozen=True)
class Prepared:
    """All that was read and checked before the transaction."""

    request: StartPipeline
    id: str
    steps: tuple[StepPlan, ...]
    edges: tuple[Edge, ...]


@operation("pipelines.run", "POST /pipeline-runs", command="pipeline start", writes=True)
def start(ws: Workspace, request: StartPipeline) -> PipelineRun:
    """Start a pipeline; workers run its steps as jobs, those that wait for nothing at the same time."""
    prepared = prepare(ws, request)
    return ws.catalog.write(lambda change: enter(change, prepared))


@operation("pipelines.list", "GET /pipelines", command="pipeline list")
def list_(ws: Workspace, request: ListPipelines) -> Page[PipelineSummary]:  # noqa: ARG001 - a file holds few
    """List the pipelines that mlops.toml declares, each with its newest run."""
    made = []
    with ws.catalog.read() as connection:
        for name, settings in sorted(pipelines_of(ws).items()):
            newest = select(pipeline_runs).where(pipeline_runs.c.pipeline == name).order_by(pipeline_runs.c.id.desc())
            row = connection.execute(newest.limit(1)).one_or_none()
            last, status = (row.id, row.status) if row else ("", "")
            made.append(PipelineSummary(name=name, steps=tuple(settings.steps), last=last, status=status))
    return Page(items=tuple(made))


@operation("pipelines.runs", "GET /pipeline-runs", command="pipeline runs")
def runs(ws: Workspace, request: ListPipelineRuns) -> Page[PipelineRun]:
    """List runs of pipelines, newest first."""
    query = select(pipeline_runs)
    for name in ("pipeline", "status"):
        if getattr(request, name):
            query = query.where(pipeline_runs.c[name] == getattr(request, name))
    with ws.catalog.read() as connection:
        order = (pipeline_runs.c.id,)
        return paged(
            connection,
            query,
            order,
            request.limit,
            request.cursor,
            lambda row: record_of(connection, row),
            descending=True,
        )


@operation("pipelines.show", "GET /pipeline-runs/{run}", command="pipeline show")
def show(ws: Workspace, request: ShowPipelineRun) -> PipelineRun:
    """Show one run of a pipeline, step by step."""
    with ws.catalog.read() as connection:
        return record_of(connection, find_run(connection, request.run))


@operation("pipelines.graph", "GET /pipelines/{pipeline}/graph", command="pipeline graph")
def draw(ws: Workspace, request: ShowPipeline) -> Graph:
    """Draw a pipeline of mlops.toml: which step waits for which, for the sake of which data; with its newest states."""
    settings = read_pipeline(ws, request.pipeline)
    plans = [plan_step(ws, name, step) for name, step in settings.steps.items()]
    steps, edges = ordered(ws, request.pipeline, plans)
    with ws.catalog.read() as connection:
        newest = select(pipeline_runs.c.id).where(pipeline_runs.c.pipeline == request.pipeline)
        last = connection.execute(newest.order_by(pipeline_runs.c.id.desc()).limit(1)).scalar()
        states = {step.plan.name: step.status for step in steps_of(connection, last)} if last else {}
    return graph_of(request.pipeline, steps, edges, states)


@operation("pipelines.cancel", "POST /pipeline-runs/{run}/cancellation", command="pipeline cancel", writes=True)
def cancel(ws: Workspace, request: ShowPipelineRun) -> PipelineRun:
    """Cancel a run: what waits is not started, what runs is ended."""

    def write(change: Change) -> PipelineRun:
        row = find_run(change, request.run)
        if row.status == "cancelled":
            return record_of(change, row)
        if row.status != "running":
            raise Conflict(f"the pipeline's run {row.id} has ended already: {row.status}")
        under_way = [step.job for step in steps_of(change, row.id) if step.status in ("queued", "running")]
        ids = [each.id for each in cancelling.ask(change, under_way)]
        ended = {"status": "cancelled", "ended_at": change.now}
        change.execute(update(pipeline_runs).where(pipeline_runs.c.id == row.id).values(**ended, error="cancelled"))
        change.event("pipeline.cancelled", f"pipeline:{row.id}", {"pipeline": row.pipeline, "jobs": ids})
        return record_of(change, find_run(change, row.id))

    return ws.catalog.write(write)


@operation("pipelines.resume", "POST /pipeline-runs/{run}/resumption", command="pipeline resume", writes=True)
def resume(ws: Workspace, request: ShowPipelineRun) -> PipelineRun:
    """Go on with a run that failed or was cancelled: what succeeded stays, the others are what their files are now."""
    with ws.catalog.read() as connection:
        row = find_run(connection, request.run)
        again = [step for step in steps_of(connection, row.id) if step.status not in DONE]
    if row.status in ("running", "succeeded"):
        raise Conflict(f"the pipeline's run {row.id} {'goes on' if row.status == 'running' else 'has succeeded'}")
    plans = {step.plan.name: replanned(ws, step.plan) for step in again}

    def write(change: Change) -> PipelineRun:
        if find_run(change, row.id).status != row.status:
            raise Conflict(f"the pipeline's run {row.id} was resumed meanwhile", hint="Look at it")
        for name, plan in plans.items():
            this = (pipeline_steps.c.pipeline_run == row.id) & (pipeline_steps.c.name == name)
            fresh = {"plan": plan.model_dump(mode="json"), "job": "", "key": "", "error": ""}
            change.execute(update(pipeline_steps).where(this).values(**fresh))
        values = {"status": "running", "error": "", "ended_at": None}
        change.execute(update(pipeline_runs).where(pipeline_runs.c.id == row.id).values(**values))
        change.name_blobs(f"pipeline:{row.id}", [plan.source for plan in plans.values()])
        change.event("pipeline.resumed", f"pipeline:{row.id}", {"pipeline": row.pipeline, "steps": sorted(plans)})
        return record_of(change, find_run(change, row.id))

    return ws.catalog.write(write)


def prepare(ws: Workspace, request: StartPipeline) -> Prepared:
    """Read and check all of a pipeline: what runs is what is there now.

    Raises
    ------
    InvalidValue, NotFound
        A key, a notebook, a function, a reference or a parameter is wrong, or steps wait for each other.
    """
    name, given = check_name(request.pipeline), dict(request.parameters)
    plans = list(request.steps)
    if not plans:
        settings = read_pipeline(ws, name)
        plans = [plan_step(ws, step, each) for step, each in settings.steps.items()]
        given = {**settings.parameters, **given}
    steps, edges = ordered(ws, name, [_with_shared(plan, request) for plan in plans])
    return Prepared(request, new_id(), given_to(ws, steps, given), edges)


def _with_shared(plan: StepPlan, request: StartPipeline) -> StepPlan:
    """Give a step what its pipeline was started with, beside its own."""
    shared = {
        name: tuple(dict.fromkeys((*getattr(plan, name), *getattr(request, name)))) for name in ("tags", "secrets")
    }
    return plan.model_copy(update={**shared, "memory": plan.memory or request.memory})


def ordered(ws: Workspace, pipeline: str, plans: list[StepPlan]) -> tuple[tuple[StepPlan, ...], tuple[Edge, ...]]:
    """Give the steps in their order and the edges, with what earlier runs were seen to read."""
    declared = edges_of(plans)
    steps = order_of(plans, declared)
    later = {step.name: steps[number + 1 :] for number, step in enumerate(steps)}
    # What was seen once may be out of date: it may add an edge, never turn one round.
    seen = {
        name: [ref for ref in refs if not any(ref in other.writes for other in later.get(name, ()))]
        for name, refs in observed_reads(ws, pipeline).items()
    }
    return steps, edges_of(steps, seen)


def enter(change: Change, prepared: Prepared) -> PipelineRun:
    """Write the run, its steps and its event, inside a transaction."""
    request, run = prepared.request, prepared.id
    about = {"id": run, "pipeline": request.pipeline, "cache": request.cache, "trigger": request.trigger}
    made = {"status": "running", "error": "", "created_at": change.now, "created_by": change.actor}
    change.execute(insert(pipeline_runs).values(**about, **made))
    waits: dict[str, list[str]] = {step.name: [] for step in prepared.steps}
    for edge in prepared.edges:
        waits[edge.after].append(edge.before)
    for number, step in enumerate(prepared.steps):
        row = {"pipeline_run": run, "name": step.name, "number": number, "plan": step.model_dump(mode="json")}
        rest = {"after": waits[step.name], "key": "", "job": "", "reused": "", "error": ""}
        change.execute(insert(pipeline_steps).values(**row, **rest))
    change.name_blobs(f"pipeline:{run}", [step.source for step in prepared.steps])
    data = {"pipeline": request.pipeline, "cache": request.cache, "trigger": request.trigger}
    told = [
        {"name": s.name, "source": s.source, "parameters": s.parameters, "after": waits[s.name]} for s in prepared.steps
    ]
    change.event("pipeline.started", f"pipeline:{run}", {**data, "steps": told})
    return record_of(change, find_run(change, run))
