"""How far a pipeline's run is: read from its rows, the jobs of its steps and their tracked runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from mlops_ext.errors import NotFound
from mlops_ext.runs.pipelines.tables import pipeline_runs, pipeline_steps
from mlops_ext.runs.pipelines.types import PipelineRun, StepPlan, StepState
from mlops_ext.runs.queue.leases import ENDED
from mlops_ext.runs.tables import jobs
from mlops_ext.store.catalog import Change
from mlops_ext.tracking.tables import run_links

__all__ = ["DONE", "Step", "find_run", "record_of", "steps_of"]

DONE = ("succeeded", "reused")
"""The states after which the steps that wait may begin."""


@dataclass(frozen=True)
class Step:
    """A step's row with the state that follows from its job."""

    plan: StepPlan
    after: tuple[str, ...]
    key: str
    job: str
    run: str
    status: str
    error: str
    seconds: float | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in (*DONE, *ENDED)


def find_run(connection: Connection | Change, run: str) -> Row[Any]:
    """Give the row of a pipeline's run.

    Raises
    ------
    NotFound
        There is none.
    """
    plain = run.removeprefix("pipeline:")
    row = connection.execute(select(pipeline_runs).where(pipeline_runs.c.id == plain)).one_or_none()
    if row is None:
        raise NotFound(f"no run {plain!r} of a pipeline", hint="List them: mlops pipeline runs")
    return row


def steps_of(connection: Connection | Change, run: str) -> tuple[Step, ...]:
    """Give the steps of a run in their order."""
    columns = (jobs.c.status, jobs.c.run, jobs.c.error.label("fault"), jobs.c.started_at, jobs.c.ended_at)
    joined = select(pipeline_steps, *columns).outerjoin(jobs, jobs.c.id == pipeline_steps.c.job)
    rows = connection.execute(joined.where(pipeline_steps.c.pipeline_run == run).order_by(pipeline_steps.c.number))
    return tuple(_step(row) for row in rows.all())


def record_of(connection: Connection | Change, row: Row[Any]) -> PipelineRun:
    """Make the record of a run with its steps."""
    steps = steps_of(connection, row.id)
    links = _links(connection, [step.run for step in steps if step.run])
    return PipelineRun(
        id=row.id,
        pipeline=row.pipeline,
        status=row.status,
        error=row.error,
        trigger=row.trigger,
        cache=row.cache,
        steps=tuple(_state(step, links, ended=row.status != "running") for step in steps),
        created_at=row.created_at,
        created_by=row.created_by,
        ended_at=row.ended_at,
    )


def _step(row: Row[Any]) -> Step:
    status = "reused" if row.reused else row.status or ("rejected" if row.error else "waiting")
    seconds = (row.ended_at - row.started_at).total_seconds() if row.started_at and row.ended_at else None
    return Step(
        plan=StepPlan.model_validate(row.plan),
        after=tuple(row.after),
        key=row.key,
        job=row.job,
        run=row.reused or row.run or "",
        status=status,
        error=row.error or row.fault or "",
        seconds=seconds,
    )


def _state(step: Step, links: dict[tuple[str, str], list[str]], *, ended: bool) -> StepState:
    return StepState(
        name=step.plan.name,
        status="skipped" if ended and step.status == "waiting" else step.status,
        job=step.job,
        run=step.run,
        inputs=tuple(links.get((step.run, "input"), ())),
        outputs=tuple(links.get((step.run, "output"), ())),
        seconds=step.seconds,
        error=step.error,
        after=step.after,
    )


def _links(connection: Connection | Change, runs: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    if runs:
        asked = select(run_links).where(run_links.c.run.in_(runs)).order_by(run_links.c.run, run_links.c.number)
        for row in connection.execute(asked).all():
            found.setdefault((row.run, row.direction), []).append(row.ref)
    return found
