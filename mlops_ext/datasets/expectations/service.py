"""What can be done with expectations: propose, set, show, and note what a check found."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from mlops_ext.datasets.expectations.proposal import proposed
from mlops_ext.datasets.expectations.rules import check_rules
from mlops_ext.datasets.expectations.types import (
    CheckedDataset,
    Expect,
    Expectations,
    NoteCheck,
    Propose,
    ShowExpectations,
)
from mlops_ext.datasets.profile.service import profile
from mlops_ext.datasets.profile.types import ShowProfile
from mlops_ext.datasets.references import Reader, find_thing, resolve
from mlops_ext.datasets.tables import dataset_checks, dataset_versions, datasets
from mlops_ext.operations import operation
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["expect", "expectations", "expectations_of", "last_check", "note_check", "propose"]


@operation("datasets.propose", "GET /datasets/{dataset}/proposed-expectations")
def propose(ws: Workspace, request: Propose) -> Expectations:
    """Propose expectations that a version meets: types, missing values, keys, ends and small sets of values."""
    return proposed(profile(ws, ShowProfile(dataset=request.dataset)))


@operation("datasets.expectations", "GET /datasets/{dataset}/expectations")
def expectations(ws: Workspace, request: ShowExpectations) -> Expectations:
    """Show what the versions of a dataset are held to."""
    with ws.catalog.read() as connection:
        return expectations_of(connection, Ref.parse(request.dataset, "dataset").name)


@operation("datasets.expect", "PUT /datasets/{dataset}/expectations", writes=True)
def expect(ws: Workspace, request: Expect) -> Expectations:
    """Hold the versions of a dataset to expectations from now on; the earlier ones go."""
    name = Ref.parse(request.dataset, "dataset").name

    def put(change: Change) -> Expectations:
        held = expectations_of(change, name)
        if held == request.expectations:
            return held
        check_rules(request.expectations, [column.name for column in resolve(change, name).schema_])
        made = request.expectations.model_dump(mode="json")
        change.execute(update(datasets).where(datasets.c.name == name).values(expectations=made))
        # What was checked before was checked against other expectations.
        change.execute(update(dataset_versions).where(dataset_versions.c.name == name).values(checked=""))
        data = {"expectations": made, "former": held.model_dump(mode="json")}
        change.event("dataset.expected", f"dataset:{name}", data)
        return request.expectations

    return ws.catalog.write(put)


@operation("datasets.note_check", "PUT /datasets/{dataset}/check", writes=True)
def note_check(ws: Workspace, request: NoteCheck) -> CheckedDataset:
    """Mark a version with what its check found; the version stays whatever it says."""

    def note(change: Change) -> CheckedDataset:
        version = resolve(change, request.dataset)
        if last_check(change, version.name, version.version) == request.result and version.checked:
            return request.result
        state = "passed" if request.result.passed else "failed"
        key = {"name": version.name, "version": version.version}
        table, rows = dataset_checks.c, dataset_versions.c
        mine = (table.name == version.name) & (table.version == version.version)
        change.execute(delete(dataset_checks).where(mine))
        result = request.result.model_dump(mode="json")
        noted = {**key, "result": result, "checked_at": change.now, "checked_by": change.actor}
        change.execute(insert(dataset_checks).values(noted))
        this = (rows.name == version.name) & (rows.version == version.version)
        change.execute(update(dataset_versions).where(this).values(checked=state))
        failures = [{"column": each.column, "rule": each.rule, "count": each.count} for each in request.result.failures]
        data = {"passed": request.result.passed, "rules": request.result.rules, "failures": failures}
        change.event("dataset.checked", f"dataset:{version.ref}", data)
        return request.result

    return ws.catalog.write(note)


def expectations_of(reader: Reader, name: str) -> Expectations:
    """Give what the versions of a dataset are held to."""
    return Expectations.model_validate(find_thing(reader, name).expectations)


def last_check(reader: Reader, name: str, version: int) -> CheckedDataset | None:
    """Give what the newest check of a version found."""
    table = dataset_checks.c
    query = select(table.result).where(table.name == name, table.version == version)
    found = reader.execute(query).scalar_one_or_none()
    return None if found is None else CheckedDataset.model_validate(found)
