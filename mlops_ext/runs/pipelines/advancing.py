"""Advancing: what waits and may begin becomes a job or is reused; what has ended ends the run. Anybody may do it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from mlops_ext.errors import MlopsError
from mlops_ext.runs import reuse
from mlops_ext.runs.pipelines.states import DONE, Step, find_run, record_of, steps_of
from mlops_ext.runs.pipelines.tables import pipeline_runs, pipeline_steps
from mlops_ext.runs.pipelines.types import PipelineRun
from mlops_ext.runs.queue import submission
from mlops_ext.runs.types import SubmitJob
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["advance", "advance_all"]


def advance_all(ws: Workspace) -> int:
    """Advance every run of a pipeline that is under way; give how many steps began or were reused."""
    with ws.catalog.read() as connection:
        ids = connection.execute(select(pipeline_runs.c.id).where(pipeline_runs.c.status == "running")).scalars().all()
    return sum(advance(ws, run) for run in ids)


def advance(ws: Workspace, run: str) -> int:
    """Begin the steps of a run that wait for nothing more; end it when nothing is left to wait for.

    Returns
    -------
    int
        How many steps began or were reused.
    """
    changed = 0
    while True:
        with ws.catalog.read() as connection:
            row = find_run(connection, run)
            steps = steps_of(connection, run)
            told = record_of(connection, row)
        if row.status != "running":
            return changed
        _keep_results(ws, told, steps)
        by_name = {step.plan.name: step for step in steps}
        ready = [s for s in steps if s.status == "waiting" and all(by_name[n].status in DONE for n in s.after)]
        begun = [_begin(ws, told, steps, step) for step in ready]
        changed += sum(begun)
        if not any(begun):
            break
    active = any(not step.ended and step.status != "waiting" for step in steps)
    if not active and not ready:
        _end(ws, told)
    return changed


def _begin(ws: Workspace, told: PipelineRun, steps: Sequence[Step], step: Step) -> bool:
    """Begin one step: reuse what it gave before, queue its job, or note why that cannot be."""
    pins = reuse.pins_of(_made_before(told, steps, step))
    key = reuse.key_of(ws, step.plan.code, step.plan.parameters, step.plan.kernel)
    if told.cache and step.plan.cache:
        found = reuse.find_result(ws, key, pins)
        if found is not None:
            return _settle(ws, told, step, {"reused": found.run, "key": key}, "pipeline.step_reused")
    plan = step.plan
    request = SubmitJob(
        notebook=plan.notebook,
        source=plan.source,
        parameters=plan.parameters,
        experiment=told.pipeline,
        kernel=plan.kernel,
        timeout_seconds=plan.timeout_seconds,
        max_attempts=plan.max_attempts,
        memory=plan.memory,
        tags=plan.tags,
        secrets=plan.secrets,
        trigger=told.ref,
        pins=pins,
    )
    try:
        prepared = submission.prepare(ws, request)
    except MlopsError as error:
        return _settle(ws, told, step, {"error": str(error), "key": key}, "pipeline.step_rejected")

    def write(change: Change) -> bool:
        if not _waits(change, told, step):
            return False
        _put(change, told, step, {"job": prepared.id, "key": key})
        submission.enter(change, prepared)
        return True

    return ws.catalog.write(write)


def _made_before(told: PipelineRun, steps: Sequence[Step], step: Step) -> list[str]:
    """Give what the steps have made that this one waits for, directly or not."""
    by_name = {each.plan.name: each for each in steps}
    outputs = {state.name: state.outputs for state in told.steps}
    before, look = set[str](), list(step.after)
    while look:
        name = look.pop()
        if name not in before:
            before.add(name)
            look.extend(by_name[name].after)
    return [ref for name in before for ref in outputs[name]]


def _settle(ws: Workspace, told: PipelineRun, step: Step, values: dict[str, str], action: str) -> bool:
    """Note what became of a step that is not run."""

    def write(change: Change) -> bool:
        if not _waits(change, told, step):
            return False
        _put(change, told, step, values)
        data = {"pipeline": told.pipeline, "step": step.plan.name, **values}
        inputs = [f"run:{values['reused']}"] if "reused" in values else []
        change.event(action, told.ref, {**data, "inputs": inputs})
        return True

    return ws.catalog.write(write)


def _end(ws: Workspace, told: PipelineRun) -> None:
    def write(change: Change) -> None:
        row = find_run(change, told.id)
        steps = steps_of(change, told.id)
        if row.status != "running" or any(step.status in ("queued", "running") for step in steps):
            return
        faulty = [step for step in steps if step.status not in (*DONE, "waiting")]
        status = "failed" if faulty else "succeeded"
        error = "; ".join(f"{step.plan.name} {step.status}: {step.error}".rstrip(": ") for step in faulty)
        values = {"status": status, "error": error, "ended_at": change.now}
        change.execute(update(pipeline_runs).where(pipeline_runs.c.id == told.id).values(**values))
        outputs = [f"run:{step.run}" for step in steps if step.run]
        data = {"pipeline": told.pipeline, "status": status, "error": error, "inputs": [], "outputs": outputs}
        change.event("pipeline.finished", told.ref, data)

    ws.catalog.write(write)


def _keep_results(ws: Workspace, told: PipelineRun, steps: Sequence[Step]) -> None:
    for step in steps:
        if step.status == "succeeded" and step.run and step.key:
            plan = step.plan
            source = ws.get_blob(plan.source)
            reuse.keep_result(ws, step.key, step.run, source, plan.parameters, told.pipeline, plan.name)


def _waits(change: Change, told: PipelineRun, step: Step) -> bool:
    """Tell whether a step still waits. Writers pass one by one, so the look is safe."""
    if find_run(change, told.id).status != "running":
        return False
    return any(each.plan.name == step.plan.name and each.status == "waiting" for each in steps_of(change, told.id))


def _put(change: Change, told: PipelineRun, step: Step, values: dict[str, str]) -> None:
    this = (pipeline_steps.c.pipeline_run == told.id) & (pipeline_steps.c.name == step.plan.name)
    change.execute(update(pipeline_steps).where(this).values(**values))
