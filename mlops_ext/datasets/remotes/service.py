"""What can be done with versions that travel: show what goes, plan a pull, take it in, note what was sent."""

from __future__ import annotations

from sqlalchemy import select

from mlops_ext.datasets.classes.service import classes
from mlops_ext.datasets.classes.types import ShowClasses
from mlops_ext.datasets.expectations.service import last_check
from mlops_ext.datasets.expectations.types import Expectations
from mlops_ext.datasets.references import find_row, find_thing, version_records
from mlops_ext.datasets.remotes.receiving import check_entry, standing, take_in
from mlops_ext.datasets.remotes.types import (
    DatasetEntry,
    DatasetRecord,
    NotePush,
    PullDataset,
    PullPlan,
    VersionRecord,
)
from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.datasets.tables import dataset_tags
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import InvalidValue, StoreUnavailable
from mlops_ext.operations import operation
from mlops_ext.refs import check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE
from mlops_ext.store.hashing import algorithm_of
from mlops_ext.store.schema import blobs
from mlops_ext.store.search import batches, present
from mlops_ext.workspace import Workspace

__all__ = ["entry", "note_push", "plan_pull", "receive"]


@operation("datasets.entry", "GET /datasets/{dataset}/entry")
def entry(ws: Workspace, request: ShowDataset) -> DatasetEntry:
    """Show what a remote keeps of a version: what is said of it, and every piece with its size."""
    with ws.catalog.read() as connection:
        (version,) = version_records(connection, [find_row(connection, request.dataset)])
        thing = find_thing(connection, version.name)
        check = last_check(connection, version.name, version.version) if version.checked else None
        whole = select(dataset_tags).where(dataset_tags.c.name == version.name, dataset_tags.c.version == WHOLE)
        tags = {row.key: row.value for row in connection.execute(whole)}
    dataset = DatasetRecord(
        description=thing.description,
        tags=tags,
        expectations=Expectations.model_validate(thing.expectations),
        classes={each.column: each.kind for each in ws.call(classes, ShowClasses(dataset=version.name)).columns},
    )
    shared = {name: getattr(version, name) for name in VersionRecord.model_fields if hasattr(version, name)}
    return DatasetEntry(
        name=version.name,
        version=version.version,
        digest=version.digest,
        blobs=_sizes(ws, version),
        record=VersionRecord(**shared, check=check, dataset=dataset),
    )


@operation("datasets.plan_pull", "POST /datasets/{name}/planned-pulls")
def plan_pull(ws: Workspace, request: PullDataset) -> PullPlan:
    """Say what pulling versions would do, and which of their pieces are missing here; changes nothing."""
    name = _checked(ws, request)
    with ws.catalog.read() as connection:
        states = standing(connection, name, request.entries)
        wanted = {
            digest: size
            for each in request.entries
            if states[each.version] != "known"
            for digest, size in each.blobs.items()
        }
        held = present(connection.execute, blobs.c.digest, wanted)
    return PullPlan(states=states, missing={digest: size for digest, size in wanted.items() if digest not in held})


@operation("datasets.receive", "POST /datasets/{name}/pulls", writes=True)
def receive(ws: Workspace, request: PullDataset) -> PullPlan:
    """Take in versions whose pieces have been fetched: they keep their numbers, digests and dates.

    Versions that are here already stay as they are; only classes of columns that are stricter there hold here too.
    """
    name = _checked(ws, request)
    with ws.catalog.read() as connection:
        states = standing(connection, name, request.entries)
    coming = [each for each in request.entries if states[each.version] != "known"]
    manifests = {each.version: check_entry(ws, each) for each in coming}
    return ws.catalog.write(lambda change: take_in(change, name, request, manifests))


@operation("datasets.note_push", "POST /datasets/{name}/pushes", writes=True)
def note_push(ws: Workspace, request: NotePush) -> DatasetVersion:
    """Note that versions were sent to a remote, by whom and where to."""

    def note(change: Change) -> DatasetVersion:
        rows = [find_row(change, f"{request.name}@{number}", deleted=True) for number in request.versions]
        made = version_records(change, rows)
        subject = f"dataset:{made[0].ref}" if len(made) == 1 else f"dataset:{request.name}"
        data = {
            "to": request.remote,
            "under": request.under,
            "versions": [{"version": each.version, "digest": each.digest} for each in made],
            "pieces": request.pieces,
            "bytes": request.bytes,
        }
        change.event("dataset.pushed", subject, {key: value for key, value in data.items() if value != ""})
        return made[-1]

    return ws.catalog.write(note)


def _checked(ws: Workspace, request: PullDataset) -> str:
    """Refuse what this workspace could not hold, or what is more than one dataset's."""
    name = check_name(request.name)
    if len({each.name for each in request.entries}) > 1:
        raise InvalidValue("entries of several datasets", hint="Pull one dataset after the other")
    if len({each.version for each in request.entries}) < len(request.entries):
        raise InvalidValue("two entries have one number", hint="Name each version once")
    for each in request.entries:
        if algorithm_of(each.digest) != ws.algorithm:
            raise InvalidValue(
                f"{each.ref} of {request.remote} has a digest of {algorithm_of(each.digest)}, and this workspace is of "
                f"{ws.algorithm}",
                hint=f"Pull it into a workspace made by: mlops init --hash {algorithm_of(each.digest)}",
            )
    return name


def _sizes(ws: Workspace, version: DatasetVersion) -> dict[str, int]:
    """Give every blob of a version with its size."""
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest), to_load=True)
    wanted = list(all_blobs(version.manifest, manifest))
    found: dict[str, int] = {}
    with ws.catalog.read() as connection:
        for some in batches(wanted):
            query = select(blobs.c.digest, blobs.c.size).where(blobs.c.digest.in_(some))
            found.update((row.digest, row.size) for row in connection.execute(query))
    lost = next((each for each in wanted if each not in found), None)
    if lost is not None:
        raise StoreUnavailable(f"blob {lost} of {version.ref} is gone", hint="Find out more: mlops fsck")
    return {digest: found[digest] for digest in wanted}
