"""Notebooks as checks: all are run, several at once, and what each did is gathered."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.records import now
from mlops_ext.runs.attempts.attempt import handed_down
from mlops_ext.runs.ci.artifacts import keep_artifacts
from mlops_ext.runs.ci.baseline import Commits, baseline_of, commits_of
from mlops_ext.runs.ci.expectations import judged, parse
from mlops_ext.runs.ci.lock import is_skipped, project_notebooks
from mlops_ext.runs.ci.types import Baseline, CheckedNotebook, CiResult, MetricRow
from mlops_ext.runs.edge import queue, run_job
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.notebooks.files import read_notebook, shown
from mlops_ext.runs.notebooks.parameters import parameters_of
from mlops_ext.runs.notebooks.secrecy import mask_text
from mlops_ext.runs.result import exit_code, result_of
from mlops_ext.runs.types import RunFault
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["CiOptions", "check_notebooks", "found_notebooks"]

_REFUSED = 6
Told = Callable[[CheckedNotebook], None]


@dataclass(frozen=True)
class CiOptions:
    """How notebooks are checked.

    Attributes
    ----------
    parameters : mapping
        Each goes to every notebook that declares it.
    expect : sequence of str
        Such as `auc>=0.8`.
    jobs : int
        How many run at once; 0 for as many as there are cores.
    compare : str
        Branch, tag or commit of the baseline; empty for none.
    artifacts : Path
        Folder for executed notebooks and figures; None for none.
    settings : mapping
        As `mlops.run` takes them: timeout, cell_timeout, kernel, locked, experiment.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    expect: Sequence[str] = ()
    jobs: int = 0
    compare: str = ""
    artifacts: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def found_notebooks(patterns: Sequence[str], folder: Path) -> list[Path]:
    """Find the notebooks that paths, folders and patterns name, each once, sorted.

    Raises
    ------
    NotFound
        A pattern names none.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        whole = folder / pattern
        if whole.is_dir():
            paths = list(project_notebooks(whole))
        else:
            paths = [whole] if whole.is_file() else _matching(pattern, folder)
        paths = [path for path in paths if path.suffix == ".ipynb" and ".ipynb_checkpoints" not in path.parts]
        if not paths:
            raise NotFound(f"no notebook fits {pattern!r} in {folder}", hint="Quote the pattern for the shell")
        found |= dict.fromkeys(path.resolve() for path in paths)
    return list(found)


def _matching(pattern: str, folder: Path) -> list[Path]:
    """Give what fits a pattern, without the folders of outputs and environments that only its wildcards name."""
    if Path(pattern).is_absolute():
        return []
    named = set(Path(pattern).parts)
    found = [path.relative_to(folder) for path in sorted(folder.glob(pattern))]
    return [folder / path for path in found if not any(is_skipped(each) for each in set(path.parts[:-1]) - named)]


def check_notebooks(
    ws: Workspace, notebooks: Sequence[Path], options: CiOptions, on_end: Told | None = None
) -> CiResult:
    """Run notebooks and judge them; each runs whatever became of the others.

    Raises
    ------
    InvalidValue
        An expectation or the baseline's name is wrong, or no notebook declares a parameter; nothing was started.
    """
    expected = [parse(each) for each in options.expect]
    commits = commits_of(options.compare, ws.root) if options.compare else None
    _refuse_unknown(notebooks, options.parameters)
    began = time.monotonic()

    def check(path: Path) -> CheckedNotebook:
        done = _checked(ws, path, options, commits, parents)
        if on_end is not None:
            on_end(done)
        return done

    at_once = options.jobs or os.cpu_count() or 1
    with Parents.kept(handed_down()) as parents, ThreadPoolExecutor(at_once, thread_name_prefix="mlops-ci") as pool:
        checked = tuple(pool.map(check, notebooks))
    expectations = judged(expected, checked)
    codes = {each.exit_code for each in checked} - {0}
    code = (codes.pop() if len(codes) == 1 else 1) if codes else 0
    if not code and not all(each.passed for each in expectations):
        code = _REFUSED
    return CiResult(
        passed=code == 0,
        exit_code=code,
        notebooks=checked,
        expectations=expectations,
        seconds=time.monotonic() - began,
    )


def _refuse_unknown(notebooks: Sequence[Path], parameters: Mapping[str, Any]) -> None:
    known: set[str] = set()
    for path in notebooks:
        try:
            known |= {each.name for each in parameters_of(read_notebook(path.read_bytes(), path.name), path.name)}
        except InvalidValue:
            # It is told as this notebook's own end.
            continue
    for name in parameters:
        if name not in known:
            raise InvalidValue(
                f"no notebook declares the parameter {name!r}", hint=f"Known: {', '.join(sorted(known))}"
            )


def _checked(
    ws: Workspace, path: Path, options: CiOptions, commits: Commits | None, parents: Parents | None
) -> CheckedNotebook:
    """Run one notebook and gather what it did; what cannot be started is its end as well."""
    began, started, name = time.monotonic(), now(), shown(path, ws.root)
    # Before it runs, else the newest run of this commit would be the run itself.
    baseline = baseline_of(ws, commits, name) if commits else None
    try:
        notebook = read_notebook(path.read_bytes(), path.name)
        declared = {each.name for each in parameters_of(notebook, path.name)}
        given = {key: value for key, value in options.parameters.items() if key in declared}
        job = run_job(queue(path, None, given, workspace=ws, **options.settings), given, workspace=ws, parents=parents)
    except MlopsError as error:
        fault = RunFault(cell=0, type=error.code, message=mask_text(str(error), {}))
        return CheckedNotebook(
            notebook=name,
            status="rejected",
            exit_code=error.exit_code,
            error=fault,
            started=_iso(started),
            seconds=time.monotonic() - began,
        )
    told = result_of(ws, job)
    return CheckedNotebook(
        notebook=name,
        status=told.status,
        exit_code=exit_code(told.status),
        error=told.error,
        cells=told.cells,
        sources=tuple(mask_text(cell.source, given) for cell in notebook.code),
        parameters=_effective(ws, told.run) or told.parameters,
        metrics=_metrics(ws, told.metrics, baseline),
        figures=keep_artifacts(ws, options.artifacts, name, told) if options.artifacts else (),
        output=told.output,
        job=told.job,
        run=told.run,
        baseline=baseline,
        started=_iso(started),
        seconds=time.monotonic() - began,
    )


def _effective(ws: Workspace, run: str) -> dict[str, Any]:
    if not run:
        return {}
    return {name: json.loads(text) for name, text in ws.call(tracking.show, ShowRun(run=run)).parameters.items()}


def _metrics(ws: Workspace, after: Mapping[str, float], baseline: Baseline | None) -> tuple[MetricRow, ...]:
    before: Mapping[str, float] = {}
    if baseline is not None and baseline.run:
        before = ws.call(tracking.show, ShowRun(run=baseline.run)).metrics
    rows = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        difference = None if old is None or new is None else new - old
        rows.append(MetricRow(name=name, before=old, after=new, difference=difference))
    return tuple(rows)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
