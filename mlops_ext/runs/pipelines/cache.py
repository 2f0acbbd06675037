"""The step cache: what a step gave serves again while code, parameters, inputs and environment are as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.models import service as registry
from mlops_ext.models.provenance.surroundings import environment_lock
from mlops_ext.models.types import ShowVersion
from mlops_ext.refs import Number, Ref
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.references import references_of, subject
from mlops_ext.runs.pipelines.tables import step_results
from mlops_ext.runs.pipelines.types import StepPlan
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["Result", "find_result", "keep_result", "key_of", "observed_reads", "pins_of"]

_CANDIDATES = 20


@dataclass(frozen=True)
class Result:
    """What a step gave: the run that made it, and its outputs as full references."""

    run: str
    outputs: tuple[str, ...]


def key_of(ws: Workspace, plan: StepPlan) -> str:
    """Give the digest of what decides a step's result apart from what it reads."""
    lock = environment_lock()
    about = {
        "code": plan.code,
        "parameters": plan.parameters,
        "kernel": plan.kernel,
        "python": lock.python,
        "packages": lock.packages,
    }
    return digest_of(canonical_json(about), ws.algorithm)


def find_result(ws: Workspace, key: str, pins: Mapping[str, int]) -> Result | None:
    """Find a result whose inputs are what the step would read now, and whose outputs are still there.

    Parameters
    ----------
    pins : mapping of str to int
        The versions that the steps before have made.
    """
    newest = select(step_results).where(step_results.c.key == key).order_by(step_results.c.created_at.desc())
    with ws.catalog.read() as connection:
        rows = connection.execute(newest.limit(_CANDIDATES)).all()
    for row in rows:
        same = all(_digest(ws, _pinned(name, pins)) == digest for name, digest in row.inputs.items())
        if same and all(_digest(ws, ref) for ref in row.outputs):
            return Result(row.run, tuple(row.outputs))
    return None


def keep_result(ws: Workspace, pipeline: str, plan: StepPlan, key: str, run: str) -> None:
    """Keep what a step gave, once; inputs that its code names by number stay as they are and need no look."""
    same = (step_results.c.key == key) & (step_results.c.run == run)
    with ws.catalog.read() as connection:
        if connection.execute(select(step_results.c.run).where(same)).first() is not None:
            return
    found = ws.call(tracking.show, ShowRun(run=run))
    fixed = references_of(read_notebook(ws.get_blob(plan.source), plan.notebook), plan.parameters).fixed
    read = [ref for ref in map(Ref.parse, found.inputs) if ref.kind in ("dataset", "model")]
    inputs = {subject(ref): _digest(ws, f"{ref.kind}:{ref}") for ref in read if subject(ref) not in fixed}
    about = {"pipeline": pipeline, "step": plan.name, "inputs": inputs, "outputs": list(found.outputs)}

    def write(change: Change) -> None:
        if change.execute(select(step_results.c.run).where(same)).first() is None:
            change.execute(insert(step_results).values(key=key, run=run, created_at=change.now, **about))

    ws.catalog.measure(write, serial=True)


def observed_reads(ws: Workspace, pipeline: str) -> dict[str, tuple[str, ...]]:
    """Give what each step of a pipeline was last seen to read."""
    newest = select(step_results).where(step_results.c.pipeline == pipeline).order_by(step_results.c.created_at)
    with ws.catalog.read() as connection:
        return {row.step: tuple(row.inputs) for row in connection.execute(newest).all()}


def _pinned(name: str, pins: Mapping[str, int]) -> str:
    kind, _, bare = name.partition(":")
    key = bare if kind == "dataset" else name
    return f"{name}@{pins[key]}" if key in pins else name


def _digest(ws: Workspace, text: str) -> str:
    """Give the digest of a version; empty when it is not, or no longer, there."""
    ref = Ref.parse(text)
    try:
        if ref.kind == "dataset":
            return ws.call(datasets.show, ShowDataset(dataset=str(ref))).digest
        if ref.kind == "model":
            return ws.call(registry.version, ShowVersion(model=str(ref))).digest
    except NotFound:
        return ""
    return text


def pins_of(outputs: Iterable[str]) -> dict[str, int]:
    """Turn outputs into pins: the version that a bare name gives to whoever comes after."""
    pins: dict[str, int] = {}
    for ref in map(Ref.parse, outputs):
        if isinstance(ref.selector, Number) and ref.kind in ("dataset", "model"):
            key = ref.name if ref.kind == "dataset" else f"model:{ref.name}"
            pins[key] = max(pins.get(key, 0), ref.selector.number)
    return pins
