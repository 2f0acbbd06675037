"""Versions from elsewhere become versions here, in one transaction: which ones may, and under which rule of numbers.

A number means one content for ever. Where it is free here, the version takes it; where it has the same content, what is
here stays; where it has another, nothing is taken in, since a version never changes its number silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.datasets.classes.service import tighten
from mlops_ext.datasets.expectations.rules import check_rules
from mlops_ext.datasets.expectations.service import last_check
from mlops_ext.datasets.references import Reader
from mlops_ext.datasets.remotes.types import DatasetEntry, DatasetRecord, PullDataset, PullPlan, State
from mlops_ext.datasets.service import check_key, store_version
from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.datasets.tables import dataset_checks, dataset_tags, dataset_versions, datasets
from mlops_ext.datasets.types import DatasetVersion
from mlops_ext.errors import Conflict, DamagedBlob
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, check_number_of_tags, check_tags, check_text
from mlops_ext.store.search import batches
from mlops_ext.workspace import Workspace

__all__ = ["check_entry", "standing", "take_in"]


def standing(reader: Reader, name: str, entries: Sequence[DatasetEntry]) -> dict[int, State]:
    """Tell of each version what it would be here.

    Raises
    ------
    Conflict
        A number is taken by other content, or what is here is deleted.
    """
    state = reader.execute(select(datasets.c.state).where(datasets.c.name == name)).scalar_one_or_none()
    if state == "deleted":
        raise Conflict(f"the dataset {name!r} is deleted", hint=f"Bring it back: mlops datasets restore {name}")
    rows: dict[int, Row[Any]] = {}
    for some in batches(each.version for each in entries):
        columns = dataset_versions.c
        query = select(dataset_versions).where(columns.name == name, columns.version.in_(some))
        rows.update((row.version, row) for row in reader.execute(query))
    return {each.version: _standing(name, each, rows.get(each.version)) for each in entries}


def _standing(name: str, entry: DatasetEntry, row: Row[Any] | None) -> State:
    if row is None:
        return "new"
    here = f"{name}@{entry.version}"
    if (row.digest, row.representation, tuple(row.primary_key)) != entry.content:
        raise Conflict(
            f"{here} has the content {row.digest[:19]}… here and {entry.digest[:19]}… on the remote: two versions have "
            "one number",
            hint=f"Numbers never change: pull it under another name, with --as {name[:40]}-theirs",
        )
    if row.removed_at is not None:
        return "restored"
    if row.state == "deleted":
        raise Conflict(f"{here} is deleted", hint=f"Bring it back: mlops datasets restore {here}")
    return "known"


def check_entry(ws: Workspace, entry: DatasetEntry) -> Manifest:
    """Refuse an entry that says something else than the manifest that it names.

    Raises
    ------
    DamagedBlob
        They contradict each other.
    InvalidValue
        A text, a tag or a rule is none that could be kept here.
    """
    record = entry.record
    manifest = Manifest.from_bytes(ws.get_blob(record.manifest))
    told = (entry.digest, record.representation, record.rows, set(entry.blobs))
    held = (manifest.digest, manifest.representation, manifest.rows, set(all_blobs(record.manifest, manifest)))
    if told != held:
        raise DamagedBlob(
            f"the entry of {entry.ref} and its manifest contradict each other", hint="Push it again from where it is"
        )
    check_key(record.primary_key, manifest)
    for text, tags in ((record.description, record.tags), (record.dataset.description, record.dataset.tags)):
        check_text("description", text)
        check_tags(tags)
        check_number_of_tags(tags)
    check_rules(record.dataset.expectations)
    return manifest


def take_in(change: Change, name: str, request: PullDataset, manifests: Mapping[int, Manifest]) -> PullPlan:
    """Write the rows of what is not here yet, and one event; nothing when there is nothing new."""
    states = standing(change, name, request.entries)
    entries = sorted(request.entries, key=lambda each: each.version)
    # What others removed since the manifests were read is for the next pull to restore.
    coming = [each for each in entries if states[each.version] != "known" and each.version in manifests]
    thing = change.execute(select(datasets).where(datasets.c.name == name)).one_or_none()
    for each in coming:
        made = _version(name, each, manifests[each.version])
        if states[each.version] == "new":
            store_version(change, made, is_new=thing is None and each is coming[0])
        else:
            _restore(change, made)
        change.name_blobs(f"dataset:{made.ref}", all_blobs(made.manifest, manifests[each.version]))
    last = entries[-1].record.dataset
    if coming:
        _settle(change, name, thing, last)
        _store_checks(change, name, coming)
    strict = {column: kind for each in entries for column, kind in each.record.dataset.classes.items()}
    classed = tighten(change, name, strict)
    if coming or classed:
        _tell(change, name, request, coming, classed)
    return PullPlan(states=states, missing={})


def _version(name: str, entry: DatasetEntry, manifest: Manifest) -> DatasetVersion:
    record = entry.record
    return DatasetVersion(
        name=name,
        version=entry.version,
        digest=manifest.digest,
        representation=manifest.representation,
        manifest=record.manifest,
        kind=manifest.kind,
        rows=manifest.rows,
        bytes=manifest.bytes,
        schema=manifest.schema_,
        description=record.description,
        tags=record.tags,
        primary_key=record.primary_key,
        by_reference=manifest.by_reference,
        origin=record.origin,
        run=record.run,
        created_at=record.created_at,
        created_by=record.created_by,
    )


def _restore(change: Change, made: DatasetVersion) -> None:
    """Give a version that gc had emptied its bytes again; what was said of it here stays."""
    columns = dataset_versions.c
    this = (columns.name == made.name) & (columns.version == made.version)
    values = {"state": "active", "removed_at": None, "manifest": made.manifest, "bytes": made.bytes}
    change.execute(update(dataset_versions).where(this).values(values))
    thing = (datasets.c.name == made.name) & (datasets.c.latest < made.version)
    change.execute(update(datasets).where(thing).values(latest=made.version))


def _settle(change: Change, name: str, former: Row[Any] | None, told: DatasetRecord) -> None:
    """Let what is said of the dataset as a whole stay as it was here; a dataset that is new here takes it over."""
    this = datasets.c.name == name
    if former is not None:
        change.execute(update(datasets).where(this).values(description=former.description))
        return
    expectations = told.expectations.model_dump(mode="json")
    change.execute(update(datasets).where(this).values(description=told.description, expectations=expectations))
    if told.tags:
        rows = [{"name": name, "version": WHOLE, "key": key, "value": value} for key, value in told.tags.items()]
        change.execute(insert(dataset_tags), rows)


def _store_checks(change: Change, name: str, coming: Sequence[DatasetEntry]) -> None:
    """Keep what a check found, where the dataset is held to the same here."""
    held = change.execute(select(datasets.c.expectations).where(datasets.c.name == name)).scalar_one()
    for each in coming:
        check, told = each.record.check, each.record.dataset.expectations.model_dump(mode="json")
        if check is None or told != held or last_check(change, name, each.version) is not None:
            continue
        key = {"name": name, "version": each.version}
        noted = {"result": check.model_dump(mode="json"), "checked_at": change.now, "checked_by": change.actor}
        change.execute(insert(dataset_checks).values(**key, **noted))
        this = (dataset_versions.c.name == name) & (dataset_versions.c.version == each.version)
        state = "passed" if check.passed else "failed"
        change.execute(update(dataset_versions).where(this).values(checked=state))


def _tell(
    change: Change, name: str, request: PullDataset, coming: Sequence[DatasetEntry], classed: Mapping[str, str]
) -> None:
    refs = [f"dataset:{name}@{each.version}" for each in coming]
    versions = [{"version": each.version, "digest": each.digest, "rows": each.record.rows} for each in coming]
    there = request.entries[0].name
    data = {
        "from": request.remote,
        "name_there": there if there != name else "",
        "versions": versions,
        "classes": dict(classed),
    }
    subject = refs[0] if len(refs) == 1 else f"dataset:{name}"
    told = {key: value for key, value in data.items() if value not in ("", {})}
    change.event("dataset.pulled", subject, {**told, "inputs": [], "outputs": refs})
