"""Reuse: what a step or a job gave serves again while code, parameters, inputs and environment are as they were."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.models import service as registry
from mlops_ext.models.provenance.surroundings import environment_lock
from mlops_ext.models.types import ShowVersion
from mlops_ext.refs import Number, Ref
from mlops_ext.runs.notebooks.files import Notebook, read_notebook, shown
from mlops_ext.runs.notebooks.references import references_of, subject
from mlops_ext.runs.pipelines.tables import step_results
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = [
    "Result",
    "code_digest",
    "find_result",
    "helpers_of",
    "keep_result",
    "key_of",
    "key_of_job",
    "observed_reads",
    "pins_of",
]

_CANDIDATES = 20


@dataclass(frozen=True)
class Result:
    """What a step or a job gave: the run that made it, and its outputs as full references."""

    run: str
    outputs: tuple[str, ...]


def key_of(
    ws: Workspace, code: str, parameters: Mapping[str, Any], kernel: str, place: Mapping[str, Any] | None = None
) -> str:
    """Give the digest of what decides a result apart from what is read.

    Parameters
    ----------
    code : str
        As `code_digest` gives it.
    parameters : mapping
        Without the values of secrets.
    place : mapping, optional
        Where it works, when that is not the notebook's own folder.
    """
    lock = environment_lock()
    about = {
        "code": code,
        "parameters": parameters,
        "kernel": kernel,
        "python": lock.python,
        "packages": lock.packages,
    }
    return digest_of(canonical_json(about | ({"place": place} if place else {})), ws.algorithm)


def key_of_job(ws: Workspace, notebook: str, source: str, parameters: Mapping[str, Any], options: Any) -> str:
    """Give the key of a job that is submitted or run.

    Parameters
    ----------
    notebook, source : str
        Path as it is shown, and the blob.
    options : SubmitJob or Job
        Its kernel and folder.
    """
    code = code_digest(ws, read_notebook(ws.get_blob(source), notebook), (ws.root / notebook).parent)
    place = {name: value for name in ("folder", "isolated") if (value := getattr(options, name))}
    return key_of(ws, code, parameters, options.kernel, place)


def find_result(ws: Workspace, key: str, pins: Mapping[str, int]) -> Result | None:
    """Find a result whose inputs are what would be read now, and whose outputs are still there.

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


def keep_result(
    ws: Workspace, key: str, run: str, notebook: bytes, parameters: Mapping[str, Any], pipeline: str, step: str
) -> None:
    """Keep what a step gave, or a job, which belongs to no pipeline, once.

    Inputs that its code names by number stay as they are and need no look.
    """
    same = (step_results.c.key == key) & (step_results.c.run == run)
    with ws.catalog.read() as connection:
        if connection.execute(select(step_results.c.run).where(same)).first() is not None:
            return
    found = ws.call(tracking.show, ShowRun(run=run))
    fixed = references_of(read_notebook(notebook, step), parameters).fixed
    read = [ref for ref in map(Ref.parse, found.inputs) if ref.kind in ("dataset", "model")]
    inputs = {subject(ref): _digest(ws, f"{ref.kind}:{ref}") for ref in read if subject(ref) not in fixed}
    about = {"pipeline": pipeline, "step": step, "inputs": inputs, "outputs": list(found.outputs)}

    def write(change: Change) -> None:
        if change.execute(select(step_results.c.run).where(same)).first() is None:
            change.execute(insert(step_results).values(key=key, run=run, created_at=change.now, **about))

    ws.catalog.measure(write, serial=True)


def observed_reads(ws: Workspace, pipeline: str) -> dict[str, tuple[str, ...]]:
    """Give what each step of a pipeline was last seen to read."""
    newest = select(step_results).where(step_results.c.pipeline == pipeline).order_by(step_results.c.created_at)
    with ws.catalog.read() as connection:
        return {row.step: tuple(row.inputs) for row in connection.execute(newest).all()}


def code_digest(ws: Workspace, notebook: Notebook, folder: Path) -> str:
    """Digest what decides what a notebook does: its code cells, and the modules beside it that they import."""
    sources = [cell.source for cell in notebook.code]
    helpers = {
        shown(file, ws.root): digest_of(file.read_bytes(), ws.algorithm) for file in helpers_of(notebook, folder)
    }
    return digest_of(canonical_json({"cells": sources, "helpers": helpers}), ws.algorithm)


def helpers_of(notebook: Notebook, folder: Path) -> list[Path]:
    """Find the modules beside a notebook that its cells import."""
    modules = sorted(set(_imported([cell.source for cell in notebook.code])))
    return [file for module in modules for file in _files(folder, module)]


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


def _imported(sources: Sequence[str]) -> Iterator[str]:
    for source in sources:
        try:
            module = ast.parse("\n".join("" if line.lstrip()[:1] in "%!?" else line for line in source.splitlines()))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                yield from (each.name.partition(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _files(folder: Path, module: str) -> list[Path]:
    file = folder / f"{module}.py"
    return [file] if file.is_file() else sorted((folder / module).rglob("*.py"))
