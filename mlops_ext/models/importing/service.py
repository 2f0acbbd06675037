"""What an import writes: past runs, versions with the numbers they had, descriptions, tags and aliases; each once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import CheckRefused, InvalidValue, NotFound
from mlops_ext.models.curation.subjects import find_subject
from mlops_ext.models.importing.types import (
    EndImportedRun,
    Entered,
    EnteredModel,
    EnterExperiment,
    EnterModel,
    EnterVersion,
    ListImported,
    OpenImportedRun,
)
from mlops_ext.models.lookup.references import find_model, number_row
from mlops_ext.models.lookup.rows import version_record
from mlops_ext.models.promotion.policy import current_policy, refuse_guarded
from mlops_ext.models.registration import Past, checked, content_digest, enter, model_to_register
from mlops_ext.models.tables import aliases, imported, model_tags
from mlops_ext.models.types import ModelVersion
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import check_label, check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import Subject, check_number_of_tags, check_tags, check_text, tags_of
from mlops_ext.store.search import Sort, paged
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.curation import experiments as grouping
from mlops_ext.tracking.curation.types import ShowExperiment
from mlops_ext.tracking.rows import run_id, the_run
from mlops_ext.tracking.tables import experiments, runs
from mlops_ext.tracking.types import Experiment, FinishRun, Run, ShowRun, StartRun
from mlops_ext.workspace import Workspace

__all__ = ["end_run", "enter_experiment", "enter_model", "enter_version", "list_imported", "open_run"]

LEASE_SECONDS = 86400.0
"""An open run whose import was killed counts as lost after so long; the next import opens it again."""


@operation("import.open", "POST /imports/runs", writes=True)
def open_run(ws: Workspace, request: OpenImportedRun) -> Run:
    """Open a run of another tracker to log what it measured; under the id that it has there when that is free."""
    name = check_name(request.experiment)

    def change(under_way: Change) -> str:
        found = _subject(under_way, request.source, "open", request.source_id)
        if found is not None:
            return _opened_again(under_way, found.removeprefix("run:"))
        run = _free_id(under_way, request.source_id)
        asked = StartRun(
            experiment=name,
            name=request.name,
            parent=request.parent,
            git_commit=request.git_commit,
            lease_seconds=LEASE_SECONDS,
        )
        if request.parent:
            the_run(under_way, run_id(request.parent))
        row = tracking.first_row(run, tracking.experiment_id(under_way, name), asked, under_way)
        under_way.execute(insert(runs).values({**row, "started_at": request.started_at}))
        _remember(under_way, request.source, "open", request.source_id, f"run:{run}")
        told = {"experiment": name, "name": request.name, "source": request.source, "source_id": request.source_id}
        under_way.event("run.opened", f"run:{run}", told)
        return run

    return tracking.show(ws, ShowRun(run=ws.catalog.write(change)))


@operation("import.end", "POST /imports/runs/{run}/end", writes=True)
def end_run(ws: Workspace, request: EndImportedRun) -> Run:
    """End a run of another tracker as it ended there; the event holds counts and a digest of what it measured."""
    if request.status == "running":
        raise InvalidValue("an imported run cannot stay 'running'", hint="End it as 'lost'")
    run = run_id(request.run)
    measured = tracking.measured_of(ws, run)

    def change(under_way: Change) -> None:
        row = the_run(under_way, run, lock=True)
        if _subject(under_way, request.source, "open", request.source_id) != f"run:{run}":
            raise NotFound(f"run {run} was not opened by this import", hint="Open it first: import.open")
        if row.status != "running":
            return
        if _subject(under_way, request.source, "run", request.source_id) is None:
            _remember(under_way, request.source, "run", request.source_id, f"run:{run}")
        ended = FinishRun(run=run, status=request.status, error=request.error)
        moment = request.ended_at or row.started_at
        if request.deleted:
            under_way.execute(update(runs).where(runs.c.id == run).values(deleted_at=under_way.now))
        tracking.end_row(under_way, row, ended, moment, tracking.still(under_way, run, measured), "run.imported")

    ws.catalog.write(change)
    return tracking.show(ws, ShowRun(run=run))


@operation("import.experiment", "POST /imports/experiments/{experiment}", writes=True)
def enter_experiment(ws: Workspace, request: EnterExperiment) -> Experiment:
    """Take over an experiment when its runs are here: it is made when it has none, and gets its tags; once."""
    name = check_name(request.experiment)
    check_tags(request.tags)

    def change(under_way: Change) -> str:
        found = _subject(under_way, request.source, "experiment", request.source_id)
        if found is not None:
            known = select(experiments.c.name).where(experiments.c.id == found.removeprefix("experiment:"))
            return str(under_way.execute(known).scalar_one())
        experiment = tracking.experiment_id(under_way, name)
        held = grouping.tags_of(under_way, experiment)
        tags = {key: value for key, value in request.tags.items() if key not in held}
        check_number_of_tags({**held, **tags})
        grouping.put_tags(under_way, experiment, tags)
        if request.deleted:
            mine = experiments.c.id == experiment
            under_way.execute(update(experiments).where(mine).values(deleted_at=under_way.now))
        _remember(under_way, request.source, "experiment", request.source_id, f"experiment:{experiment}")
        told = {"source": request.source, "source_id": request.source_id, "tags": tags, "deleted": request.deleted}
        under_way.event("experiment.imported", f"experiment:{name}", told)
        return name

    return grouping.show(ws, ShowExperiment(experiment=ws.catalog.write(change)))


@operation("import.version", "POST /imports/model-versions", writes=True)
def enter_version(ws: Workspace, request: EnterVersion) -> ModelVersion:
    """Register a version of another registry, with its number there when no version here has had one as high."""
    asked = checked(request.model)
    source_id = f"{request.name or asked.name}@{request.number}"

    def change(under_way: Change) -> ModelVersion:
        model = model_to_register(under_way, asked.name)
        found = _subject(under_way, request.source, "version", source_id)
        if found is not None:
            name, _, held = found.removeprefix("model:").rpartition("@")
            row = number_row(under_way, find_model(under_way, name, deleted=True).id, int(held))
            if row is None:
                raise NotFound(f"{found} is gone", hint="It was imported from there before")
            return version_record(under_way, row)
        highest = 0 if model is None else model.highest
        told = {"source": request.source, "source_id": source_id}
        number = request.number if request.number > highest else highest + 1
        past = Past(number, min(request.created_at, under_way.now), told)
        made = enter(under_way, model, asked, content_digest(asked, under_way.algorithm), None, past)
        _remember(under_way, request.source, "version", source_id, f"model:{made.ref}")
        return made

    return ws.catalog.write(change)


@operation("import.model", "POST /imports/models/{model}", writes=True)
def enter_model(ws: Workspace, request: EnterModel) -> EnteredModel:
    """Take over description, tags and aliases of a model, each once; never an alias that policy guards."""
    there = request.name or request.model

    def change(under_way: Change) -> EnteredModel:
        subject = find_subject(under_way, check_name(request.model))
        model = subject.row
        told: dict[str, Any] = {}
        if _subject(under_way, request.source, "model", there) is None:
            told = _take_texts(under_way, subject, request)
            _remember(under_way, request.source, "model", there, f"model:{model.name}")
            told |= {"source": request.source, "source_id": there}
        pointed, refused = _take_aliases(under_way, model, request, there)
        if told or pointed:
            subject.change(under_way)
            under_way.event("model.imported", f"model:{model.name}", {**told, "aliases": pointed, "refused": refused})
        return EnteredModel(model=model.name, aliases=pointed, refused=refused)

    return ws.catalog.write(change)


@operation("import.list", "GET /imports")
def list_imported(ws: Workspace, request: ListImported) -> Page[Entered]:
    """List what came over from other registries and what it became here, source by source."""
    columns = imported.c
    query = select(imported)
    if request.source:
        query = query.where(columns.source == request.source)
    query = query.where(columns.kind == request.kind if request.kind else columns.kind != "open")
    order = tuple(Sort(each) for each in (columns.source, columns.kind, columns.source_id))
    with ws.catalog.read() as connection:
        return paged(connection, query, order, request.limit, request.cursor, _entered)


def _take_texts(change: Change, subject: Subject, request: EnterModel) -> dict[str, Any]:
    """Take the description when there is none, and the tags that are not set here."""
    held = tags_of(change, subject)
    tags = {key: value for key, value in request.tags.items() if key not in held}
    check_tags(tags)
    check_number_of_tags({**held, **tags})
    if tags:
        rows = [{"model_id": subject.key, "version": 0, "key": key, "value": value} for key, value in tags.items()]
        change.execute(insert(model_tags), rows)
    description = "" if subject.row.description else check_text("description", request.description)
    if description:
        subject.change(change, description=description)
    return {"description": description, "tags": tags}


def _take_aliases(
    change: Change, model: Row[Any], request: EnterModel, there: str
) -> tuple[dict[str, int], dict[str, str]]:
    """Set the aliases that have not come over yet; those that policy guards and those held here stay as they are."""
    columns = aliases.c
    held = {row.alias: row.version for row in change.execute(select(aliases).where(columns.model_id == model.id))}
    environments = current_policy(change).policy.environments
    pointed: dict[str, int] = {}
    refused: dict[str, str] = {}
    for alias, version in sorted(request.aliases.items()):
        source_id = f"{there}@{alias}"
        if _subject(change, request.source, "alias", source_id) is not None or held.get(alias) == version:
            continue
        try:
            refuse_guarded(change, check_label(alias, environments))
            _refuse_held(model.name, alias, held)
        except (CheckRefused, InvalidValue) as refusal:
            refused[alias] = f"{refusal.message}. {refusal.hint}"
            continue
        row = number_row(change, model.id, version)
        if row is None or row.state != "active":
            refused[alias] = f"{model.name}@{version} is not there, or not active"
            continue
        change.execute(insert(aliases).values(model_id=model.id, alias=alias, version=version))
        _remember(change, request.source, "alias", source_id, f"model:{model.name}@{version}")
        pointed[alias] = version
    return pointed, refused


def _refuse_held(model: str, alias: str, held: dict[str, int]) -> None:
    if alias in held:
        raise InvalidValue(
            f"the alias {alias!r} points at {model}@{held[alias]} here",
            hint=f"Move it: mlops alias set {model}@… {alias}",
        )


def _opened_again(change: Change, run: str) -> str:
    """Open a run again whose import was broken off so long ago that it was counted as lost, or that went on there."""
    row = the_run(change, run, lock=True)
    lease = change.now + timedelta(seconds=LEASE_SECONDS)
    if row.status == "lost":
        reopened = {"status": "running", "lease_until": lease, "lease_seconds": LEASE_SECONDS, "ended_at": None}
        change.execute(update(runs).where(runs.c.id == run).values(**reopened, error="", digest=""))
        change.event("run.opened", f"run:{run}", {"again": True})
    return run


def _free_id(change: Change, wanted: str) -> str:
    plain = len(wanted) == 32 and all(each in "0123456789abcdef" for each in wanted)
    taken = plain and change.execute(select(runs.c.id).where(runs.c.id == wanted)).one_or_none() is not None
    return wanted if plain and not taken else new_id()


def _subject(change: Change, source: str, kind: str, source_id: str) -> str | None:
    columns = imported.c
    key = (columns.source == source) & (columns.kind == kind) & (columns.source_id == source_id)
    subject: str | None = change.execute(select(columns.subject).where(key)).scalar_one_or_none()
    return subject


def _remember(change: Change, source: str, kind: str, source_id: str, subject: str) -> None:
    row = {"source": source, "kind": kind, "source_id": source_id, "subject": subject, "imported_at": change.now}
    change.execute(insert(imported).values(row))


def _entered(row: Row[Any]) -> Entered:
    return Entered.model_validate(dict(row._mapping))
