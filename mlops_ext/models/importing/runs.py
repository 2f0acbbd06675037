"""Runs of MLflow on their way: opened, logged in pieces, ended, then compared with what the source says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from mlops_ext.errors import Conflict, DamagedBlob, InvalidValue, StoreUnavailable
from mlops_ext.models.importing import service
from mlops_ext.models.importing.artifacts import bring_files, pieces
from mlops_ext.models.importing.ledger import Ledger, fitting
from mlops_ext.models.importing.mlflow import moment
from mlops_ext.models.importing.types import Brought, EndImportedRun, EnterExperiment, OpenImportedRun
from mlops_ext.models.importing.verifying import compare_run, verify_run
from mlops_ext.operations import every
from mlops_ext.store.curation import check_tags
from mlops_ext.tracking import entries
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import (
    Experiment,
    ListExperiments,
    LogRun,
    MetricPoint,
    Run,
    RunDataset,
    RunStatus,
    ShowRun,
)

__all__ = ["STATUS", "import_runs", "is_known", "models_of"]

STATUS: Mapping[str, RunStatus] = {
    "FINISHED": "succeeded", "FAILED": "failed", "KILLED": "cancelled", "RUNNING": "lost", "SCHEDULED": "lost",
}  # fmt: skip
_OPEN = ("RUNNING", "SCHEDULED")
_PARENT = "mlflow.parentRunId"
_STATE = "mlflow.status"
_POINTS = 5000


def models_of(ledger: Ledger, experiments: Sequence[Any], versions: Sequence[Any]) -> dict[str, list[Any]]:
    """List the logged models by the run that made them; those of no run and no version stay where they are."""
    logged: dict[str, list[Any]] = {}
    for each in experiments:
        for model in ledger.store.logged_models(each.experiment_id):
            ledger.logged[model.model_id] = model
            logged.setdefault(model.source_run_id or "", []).append(model)
    registered = {version.source for version in versions}
    for model in logged.pop("", ()):
        if f"models:/{model.model_id}" in registered:  # its files come over with the version
            continue
        ledger.count("logged_model")
        why = "no run made it and no version holds it; register it in MLflow to keep it"
        ledger.leave("logged_model", f"logged model {model.model_id}", why)
    return logged


def import_runs(
    ledger: Ledger,
    experiments: Sequence[Any],
    runs: Mapping[str, Sequence[Any]],
    logged: Mapping[str, Sequence[Any]],
) -> None:
    """Bring over the runs of all experiments, one after the run around it; then the experiments themselves."""
    names: dict[str, str] = {}
    listed = every(ledger.ws, tracking.experiments_, ListExperiments(state="any", limit=1000))
    here = {each.id: each for each in listed}
    ledger.binned = {each.experiment_id for each in experiments if each.lifecycle_stage == "deleted"}
    for each in experiments:
        names[each.experiment_id] = _name(ledger, each, names, here)
    for run in _parents_first([run for some in runs.values() for run in some]):
        _import_run(ledger, names[run.info.experiment_id], run, logged.get(run.info.run_id, []))
    for each in experiments:
        _import_experiment(ledger, names[each.experiment_id], each, runs[each.experiment_id])


def _import_experiment(ledger: Ledger, name: str, experiment: Any, runs: Sequence[Any]) -> None:
    """Take an experiment over once all of its runs are here; until then the next import does."""
    known = bool(ledger.held("experiment", experiment.experiment_id))
    ledger.count("experiment", known=int(known))
    if known or ledger.dry_run:
        return
    missing = sum(1 for run in runs if not ledger.held("run", run.info.run_id))
    if missing:
        ledger.leave("experiment", f"experiment {name!r}", f"{missing} of its runs did not come over")
        return
    tags = {key: value for key, value in (experiment.tags or {}).items() if _tag_fits(ledger, name, key, value)}
    entered = ledger.ws.call(
        service.enter_experiment,
        EnterExperiment(
            experiment=name,
            source=ledger.store.name,
            source_id=experiment.experiment_id,
            tags=tags,
            deleted=experiment.lifecycle_stage == "deleted",
        ),
    )
    ledger.remember("experiment", experiment.experiment_id, f"experiment:{entered.id}")
    ledger.new["experiment"] += 1


def _tag_fits(ledger: Ledger, experiment: str, key: str, value: str) -> bool:
    try:
        check_tags({key: value})
    except InvalidValue as refusal:
        ledger.leave("tag", f"tag {key!r} of experiment {experiment!r}", refusal.message)
        return False
    return True


def _name(ledger: Ledger, experiment: Any, names: Mapping[str, str], here: Mapping[str, Experiment]) -> str:
    """Give the name of an experiment here: the one it has by now, else the nearest to its own that is free."""
    held = here.get(ledger.held("experiment", experiment.experiment_id).removeprefix("experiment:"))
    name = held.name if held else fitting(experiment.name)
    name = "default" if experiment.experiment_id == "0" and name == "Default" else name
    binned = {each.name for each in here.values() if each.state == "deleted"}
    if not held and (name in names.values() or name in binned):
        name = f"{name[:200]}-{experiment.experiment_id}"
    if name != experiment.name:
        ledger.renamed.append(Brought(there=f"experiment {experiment.name}", here=f"experiment {name}"))
    elif not held and any(each.name == name for each in here.values()):
        ledger.notes.append(f"an experiment {name!r} is here already; what comes over joins it")
    return name


def _parents_first(runs: Sequence[Any]) -> Iterator[Any]:
    waiting = {run.info.run_id: run for run in runs}
    for first in runs:
        line, run = [], waiting.get(first.info.run_id)
        while run is not None:
            line.append(waiting.pop(run.info.run_id))
            run = waiting.get(run.data.tags.get(_PARENT, ""))
        yield from reversed(line)


def _import_run(ledger: Ledger, experiment: str, run: Any, models: Sequence[Any]) -> None:
    """Bring one run over, unless it is here and has not gone on since."""
    known = is_known(ledger, run)
    ledger.count("run", known=int(known))
    if known or ledger.dry_run:
        if known and not ledger.dry_run:
            verify_run(ledger, ledger.held("run", run.info.run_id), run, models)
        return
    try:
        _bring(ledger, experiment, run, models)
    except (Conflict, DamagedBlob, StoreUnavailable) as trouble:
        ledger.leave("run", f"run {run.info.run_id}", f"{trouble.message}; the next import goes on with it")
    else:
        ledger.new["run"] += 1
        ledger.remember("run", run.info.run_id, ledger.held("open", run.info.run_id))
    ledger.step()


def is_known(ledger: Ledger, run: Any) -> bool:
    """Tell whether a run came over, and did not go on there since."""
    here = ledger.held("run", run.info.run_id)
    if not here or run.info.status in _OPEN:
        return bool(here)
    return ledger.ws.call(tracking.show, ShowRun(run=here)).tags.get(_STATE) not in _OPEN


def _bring(ledger: Ledger, experiment: str, run: Any, models: Sequence[Any]) -> None:
    opened = ledger.ws.call(
        service.open_run,
        OpenImportedRun(
            source=ledger.store.name,
            source_id=run.info.run_id,
            experiment=experiment,
            name=run.info.run_name or "",
            parent=ledger.held("open", run.data.tags.get(_PARENT, "")).removeprefix("run:"),
            git_commit=run.data.tags.get("mlflow.source.git.commit", "")[:64],
            started_at=moment(run.info.start_time) or datetime(1970, 1, 1, tzinfo=timezone.utc),
        ),
    )
    ledger.remember("open", run.info.run_id, opened.ref)
    if opened.id != run.info.run_id:
        ledger.renamed.append(Brought(there=f"run {run.info.run_id}", here=opened.ref))
    points = _log(ledger, opened, run)
    bring_files(ledger, opened, run, models)
    measured = ledger.ws.call(tracking.log, LogRun(run=opened.id)).metrics
    if measured != points:
        ledger.differences.append(f"run {run.info.run_id} has {points} metric points there and {measured} here")
    _end(ledger, opened, run)
    compare_run(ledger, opened.id, ledger.store.run(run.info.run_id))


def _log(ledger: Ledger, opened: Run, run: Any) -> int:
    """Log all but the files; what cannot be kept here is left out by name. Gives the number of different points."""
    tags = dict(run.data.tags) | (
        {_STATE: run.info.status} if run.info.status in _OPEN or _STATE in opened.tags else {}
    )
    tags.setdefault("mlflow.user", run.info.user_id or "")
    tags = {key: value for key, value in tags.items() if value or key != "mlflow.user"}
    parameters = {key: json.dumps(value, ensure_ascii=False) for key, value in run.data.params.items()}
    kept = LogRun(
        run=opened.id,
        parameters=_keepable(ledger, opened, "parameter", parameters),
        tags=_keepable(ledger, opened, "tag", tags),
        datasets=tuple(_datasets(ledger, opened, run)),
    )
    ledger.ws.call(tracking.log, kept)
    ledger.count("parameter", len(parameters), new=len(kept.parameters))
    ledger.count("tag", len(tags), new=len(kept.tags))
    places: set[Any] = set()
    for key in sorted(run.data.metrics):
        ledger.count("metric", new=1)
        for some in pieces(_points(ledger, opened, run, key), _POINTS):
            ledger.ws.call(tracking.log, LogRun(run=opened.id, metrics=tuple(some)))
            places.update((each.key, each.step, each.at, str(each.value + 0.0)) for each in some)
    ledger.count("point", len(places), new=len(places))
    return len(places)


def _points(ledger: Ledger, opened: Run, run: Any, key: str) -> Iterator[MetricPoint]:
    for each in ledger.store.history(run.info.run_id, key):
        point = MetricPoint(key=key, value=each.value, step=each.step, at=moment(each.timestamp) or opened.started_at)
        try:
            entries.check(LogRun(run=opened.id, metrics=(point,)))
        except InvalidValue as refusal:
            ledger.leave("point", f"metric {key!r} of run {run.info.run_id}", refusal.message)
            return
        yield point


def _keepable(ledger: Ledger, opened: Run, kind: str, pairs: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in pairs.items():
        one = {"parameters": {key: value}} if kind == "parameter" else {"tags": {key: value}}
        try:
            entries.check(LogRun.model_validate({"run": opened.id, **one}))
        except InvalidValue as refusal:
            ledger.leave(kind, f"{kind} {key!r} of run {opened.id}", refusal.message)
        else:
            kept[key] = value
    return kept


def _datasets(ledger: Ledger, opened: Run, run: Any) -> Iterator[RunDataset]:
    for each in getattr(run.inputs, "dataset_inputs", None) or ():
        said, tags = each.dataset, {tag.key: tag.value for tag in each.tags}
        dataset = RunDataset(
            name=said.name,
            digest=said.digest,
            context=tags.get("mlflow.data.context", ""),
            source_type=said.source_type or "",
            source=said.source or "",
            columns=said.schema or "",
            profile=said.profile or "",
        )
        try:
            entries.check(LogRun(run=opened.id, datasets=(dataset,)))
        except InvalidValue as refusal:
            ledger.count("dataset")
            ledger.leave("dataset", f"dataset {said.name!r} of run {run.info.run_id}", refusal.message)
        else:
            ledger.count("dataset", new=1)
            yield dataset


def _end(ledger: Ledger, opened: Run, run: Any) -> None:
    status, unknown = STATUS.get(run.info.status, "lost"), run.info.status not in STATUS
    if unknown or run.info.status in _OPEN:
        ledger.notes.append(
            f"run {run.info.run_id} is {run.info.status} in MLflow and counts as lost until it ends there"
        )
    error = f"{run.info.status} in MLflow when it was imported" if status == "lost" else ""
    ended = moment(run.info.end_time)
    ids = {"run": opened.id, "source": ledger.store.name, "source_id": run.info.run_id}
    deleted = run.info.lifecycle_stage == "deleted" and run.info.experiment_id not in ledger.binned
    asked = EndImportedRun(**ids, status=status, error=error, ended_at=ended, deleted=deleted)
    ledger.ws.call(service.end_run, asked)
