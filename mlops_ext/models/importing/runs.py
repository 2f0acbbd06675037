"""Runs of MLflow on their way: opened, logged in pieces, ended, then compared with what the source says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any, TypeVar

from mlops_ext.errors import DamagedBlob, InvalidValue, StoreUnavailable
from mlops_ext.models.importing import service
from mlops_ext.models.importing.artifacts import brought
from mlops_ext.models.importing.ledger import Ledger, fitting
from mlops_ext.models.importing.mlflow import moment
from mlops_ext.models.importing.types import Brought, EndImportedRun, OpenImportedRun
from mlops_ext.tracking import entries
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Artifact, LogRun, MetricPoint, Run, RunDataset, RunStatus, ShowRun

__all__ = ["STATUS", "import_runs"]

T = TypeVar("T")

STATUS: Mapping[str, RunStatus] = {
    "FINISHED": "succeeded", "FAILED": "failed", "KILLED": "cancelled", "RUNNING": "lost", "SCHEDULED": "lost",
}  # fmt: skip
_OPEN = ("RUNNING", "SCHEDULED")
_PARENT = "mlflow.parentRunId"
_STATE = "mlflow.status"
_POINTS = 5000
_FILES = 50


def import_runs(ledger: Ledger, experiments: Sequence[Any], runs: Mapping[str, Sequence[Any]]) -> None:
    """Bring over the runs of all experiments; a run comes after the one around it."""
    names: dict[str, str] = {}
    logged: dict[str, list[Any]] = {}
    for each in experiments:
        names[each.experiment_id] = _name(ledger, each, names)
        _count(ledger, [run.info.run_id for run in runs[each.experiment_id]])
        deleted = ledger.store.deleted_runs(each.experiment_id)
        if deleted:
            ledger.notes.append(f"{deleted} deleted runs of experiment {each.name!r} stay where they are")
        for model in ledger.store.logged_models(each.experiment_id):
            logged.setdefault(model.source_run_id or "", []).append(model)
    for model in logged.pop("", ()):
        ledger.count("logged_model")
        ledger.leave(
            "logged_model", f"logged model {model.model_id}", "no run made it; register it in MLflow to keep it"
        )
    found = [run for some in runs.values() for run in some]
    for run in _parents_first(found):
        _import_run(ledger, names[run.info.experiment_id], run, logged.get(run.info.run_id, []))
        ledger.step()


def _count(ledger: Ledger, runs: Sequence[str]) -> None:
    """Count one experiment, which is here when all of its runs are; one without runs makes none."""
    known = all(ledger.held("run", run) for run in runs)
    new = not known and not ledger.dry_run
    ledger.count("experiment", new=int(new), known=int(known and bool(runs)), out=int(not runs))


def _name(ledger: Ledger, experiment: Any, names: Mapping[str, str]) -> str:
    name = fitting(experiment.name)
    name = "default" if experiment.experiment_id == "0" and name == "Default" else name
    if name in names.values():
        name = f"{name[:200]}-{experiment.experiment_id}"
    if name != experiment.name:
        ledger.renamed.append(Brought(there=f"experiment {experiment.name}", here=f"experiment {name}"))
    kept = {key: value for key, value in (experiment.tags or {}).items() if not key.startswith("mlflow.experiment")}
    if kept:
        ledger.notes.append(f"experiment {name!r} loses its tags, an experiment has none here: {json.dumps(kept)}")
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
    known = _is_known(ledger, run)
    ledger.count("run", known=int(known))
    if known or ledger.dry_run:
        return
    try:
        _bring(ledger, experiment, run, models)
    except (DamagedBlob, StoreUnavailable) as trouble:
        ledger.leave("run", f"run {run.info.run_id}", f"{trouble.message}; the next import goes on with it")
    else:
        ledger.new["run"] += 1


def _is_known(ledger: Ledger, run: Any) -> bool:
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
    _files(ledger, opened, run, models)
    measured = ledger.ws.call(tracking.log, LogRun(run=opened.id)).metrics
    if measured != points:
        ledger.differences.append(f"run {run.info.run_id} has {points} metric points there and {measured} here")
    _end(ledger, opened, run)
    _compare(ledger, opened, run)


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
        for some in _pieces(_points(ledger, opened, run, key), _POINTS):
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


def _files(ledger: Ledger, opened: Run, run: Any, models: Sequence[Any]) -> None:
    """Bring over the artifacts of a run and of the models that it logged, which lie below `models/ID`."""
    folders = [(run.info.artifact_uri, "")]
    for model in models:
        status = str(getattr(model.status, "value", model.status))
        info = {
            "model_id": model.model_id,
            "name": model.name,
            "model_type": model.model_type,
            "status": status,
            "created": model.creation_timestamp,
            "tags": dict(model.tags or {}),
            "params": dict(model.params or {}),
            "metrics": [[each.key, str(each.value), each.step, each.timestamp] for each in model.metrics or ()],
        }
        data = json.dumps(info, ensure_ascii=False, indent=1, sort_keys=True).encode()
        about = Artifact(path=f"models/{model.model_id}.json", digest=ledger.ws.put_blob(data), size=len(data))
        ledger.ws.call(tracking.log, LogRun(run=opened.id, artifacts=(about,)))
        ledger.count("logged_model", new=1)
        folders.append((model.artifact_location, f"models/{model.model_id}/"))
    held = {each.path: each.size for each in opened.artifacts}
    for folder, prefix in folders:
        files = ledger.store.files(folder)
        ledger.count("artifact", len(files))
        missing = [each for each in files if each.size is None or held.get(prefix + each.path) != each.size]
        ledger.known["artifact"] += len(files) - len(missing)
        for some in _pieces(brought(ledger, folder, missing, prefix), _FILES):
            _keep(ledger, opened, some)


def _keep(ledger: Ledger, opened: Run, some: Sequence[Artifact]) -> None:
    kept = []
    for each in some:
        try:
            entries.check(LogRun(run=opened.id, artifacts=(each,)))
        except InvalidValue as refusal:
            ledger.leave("artifact", f"artifact {each.path!r} of run {opened.id}", refusal.message)
        else:
            kept.append(each)
    ledger.ws.call(tracking.log, LogRun(run=opened.id, artifacts=tuple(kept)))
    ledger.new["artifact"] += len(kept)


def _end(ledger: Ledger, opened: Run, run: Any) -> None:
    status, unknown = STATUS.get(run.info.status, "lost"), run.info.status not in STATUS
    if unknown or run.info.status in _OPEN:
        ledger.notes.append(
            f"run {run.info.run_id} is {run.info.status} in MLflow and counts as lost until it ends there"
        )
    error = f"{run.info.status} in MLflow when it was imported" if status == "lost" else ""
    ended = moment(run.info.end_time)
    ids = {"run": opened.id, "source": ledger.store.name, "source_id": run.info.run_id}
    ledger.ws.call(service.end_run, EndImportedRun(**ids, status=status, error=error, ended_at=ended))


def _compare(ledger: Ledger, opened: Run, run: Any) -> None:
    """Compare a run that came over with what the source says now."""
    here = ledger.ws.call(tracking.show, ShowRun(run=opened.id))
    there = ledger.store.run(run.info.run_id)
    pairs = {
        "parameters": (len(there.data.params), len(here.parameters)),
        "metrics": (len(there.data.metrics), len(here.metrics)),
    }
    for kind, (asked, got) in pairs.items():
        if asked != got:
            ledger.differences.append(f"run {run.info.run_id} has {asked} {kind} there and {got} here")
    for key, value in there.data.metrics.items():
        if key in here.metrics and str(here.metrics[key] + 0.0) != str(value + 0.0):
            ledger.differences.append(
                f"metric {key!r} of run {run.info.run_id} is {value} there, {here.metrics[key]} here"
            )


def _pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
