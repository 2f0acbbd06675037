"""Reads every blob of a store, names what is missing or flipped and whose it is, and repairs it from a second store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from mlops_ext.datasets.references import find_row
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.errors import DamagedBlob, MlopsError, StoreUnavailable
from mlops_ext.governance.upkeep.copies import Copies
from mlops_ext.governance.upkeep.types import Damage, FsckReport
from mlops_ext.models.tables import model_versions, models
from mlops_ext.store.blobs import Source, chunks, digest_and_size
from mlops_ext.store.catalog import Change
from mlops_ext.store.filesystem import temporary_folder
from mlops_ext.store.hashing import algorithm_of, new_hash
from mlops_ext.store.schema import blob_owners, blobs, doomed_blobs
from mlops_ext.workspace import Workspace

__all__ = ["fsck"]

_CHUNK = 1 << 20


def fsck(ws: Workspace, copies: Sequence[Copies] = ()) -> FsckReport:
    """Check every blob against its digest.

    Parameters
    ----------
    copies : sequence of Copies
        Where to take good copies from, the first that has one; each is checked, put at a new place and noted as an
        event.
    """
    with ws.catalog.read() as connection:
        rows = connection.execute(select(blobs).order_by(blobs.c.location)).all()
    damages = []
    for row in rows:
        problem = _problem(ws, row.digest, row.location)
        if problem:
            damages.append(_named(ws, Damage(digest=row.digest, problem=problem, location=row.location)))
    if copies:
        sizes = {row.digest: row.size for row in rows}
        with temporary_folder() as folder:
            damages = [_repaired(ws, copies, each, sizes[each.digest], folder) for each in damages]
    return FsckReport(blobs=len(rows), bytes=sum(row.size for row in rows), damages=tuple(damages))


def _problem(ws: Workspace, digest: str, location: str) -> str:
    hasher = new_hash(algorithm_of(digest))
    try:
        with ws.ledger.store.open(location) as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except StoreUnavailable:
        return "missing"
    return "" if f"{algorithm_of(digest)}:{hasher.hexdigest()}" == digest else "flipped"


def _named(ws: Workspace, damage: Damage) -> Damage:
    """Say whose the blob is, and which part."""
    with ws.catalog.read() as connection:
        query = select(blob_owners.c.owner).where(blob_owners.c.digest == damage.digest)
        owners = sorted(connection.execute(query).scalars())
        said: dict[str, list[str]] = defaultdict(list)
        for owner in owners:
            kind, _, rest = owner.partition(":")
            if kind == "dataset":
                said[owner] += _of_dataset(ws, connection, rest, damage.digest)
            elif kind == "model" and "@" in rest:
                name, files = _of_model(connection, rest, damage.digest)
                said[name] += files
            else:
                said[owner] += []
    parts = tuple(f"{owner}: {part}" for owner, each in said.items() for part in each)
    return damage.model_copy(update={"owners": tuple(said), "parts": parts})


def _of_dataset(ws: Workspace, reader: Any, ref: str, digest: str) -> list[str]:
    version = find_row(reader, ref, deleted=True)
    if version.manifest == digest:
        return ["manifest"]
    try:
        manifest = Manifest.from_bytes(ws.get_blob(version.manifest))
    except MlopsError:
        return ["unknown: its manifest is damaged"]
    found = [
        what
        for what, held in (
            ("base of the manifest", manifest.base),
            ("profile", manifest.profile),
            ("base of the profile", manifest.profile_base),
            ("representation", manifest.representation),
        )
        if held == digest
    ]
    found += [f"dictionary of column {name!r}" for name, file in manifest.dictionaries.items() if file.digest == digest]
    for group in manifest.groups:
        start = 0
        for place, _, rows in group.pieces:
            if manifest.files[place].digest == digest:
                columns = ", ".join(map(repr, group.columns[:8])) + (" …" if len(group.columns) > 8 else "")
                found.append(f"columns {columns}, rows {start} to {start + rows - 1}{_segments(manifest, start, rows)}")
            start += rows
    return found


def _segments(manifest: Manifest, start: int, rows: int) -> str:
    """Name the segments that a run of rows touches."""
    if manifest.cuts is None:
        return ""
    touched, first = [], 0
    for number, size in enumerate(manifest.cuts.rows):
        if first < start + rows and start < first + size:
            touched.append(number)
        first += size
    if not touched:
        return ""
    return f" (segment {touched[0]})" if len(touched) == 1 else f" (segments {touched[0]} to {touched[-1]})"


def _of_model(reader: Any, rest: str, digest: str) -> tuple[str, list[str]]:
    model_id, _, number = rest.partition("@")
    columns = model_versions.c
    query = select(models.c.name, columns.details).join(models, models.c.id == columns.model_id)
    row = reader.execute(query.where(columns.model_id == model_id, columns.version == int(number))).one_or_none()
    if row is None:
        return f"model:{rest}", []
    files = [f"file {each['path']}" for each in row.details.get("files", ()) if each["digest"] == digest]
    return f"model:{row.name}@{number}", files or ["code, notebook or signature"]


def _repaired(ws: Workspace, copies: Sequence[Copies], damage: Damage, size: int, folder: Path) -> Damage:
    """Put a good copy at a new place and let the ledger point there; the old place is left to gc."""
    reasons = []
    for store in copies:
        try:
            good = store.fetch(damage.digest, size, folder)
        except MlopsError as error:
            reasons.append(error.message)
            continue
        first = _first_difference(ws, damage, good)
        _replace(ws, damage, good)
        if isinstance(good, Path) and good.parent == folder:
            good.unlink()
        return damage.model_copy(update={"repaired": True, "first_byte": first, "source": store.shown})
    return damage.model_copy(update={"reason": "; ".join(reasons)})


def _replace(ws: Workspace, damage: Damage, good: Source) -> None:
    digest, size = digest_and_size(good, algorithm_of(damage.digest))
    if digest != damage.digest:
        raise DamagedBlob(f"a copy of blob {damage.digest} changed while it was read", hint="Repeat it")
    location = ws.ledger.store.put(good, digest)

    def move(change: Change) -> None:
        this = (blobs.c.digest == digest) & (blobs.c.location == damage.location)
        if not change.execute(update(blobs).where(this).values(location=location, size=size)).rowcount:
            return  # others have repaired it, or gc has taken it; gc takes what was put, too
        change.execute(insert(doomed_blobs).values(location=damage.location, doomed_at=change.now))
        data = {"digest": digest, "problem": damage.problem, "owners": list(damage.owners)}
        change.event("blob.repaired", "workspace", data)

    ws.catalog.write(move)


def _first_difference(ws: Workspace, damage: Damage, good: Source) -> int | None:
    if damage.problem == "missing":
        return None
    place = 0
    with ws.ledger.store.open(damage.location) as bad:
        for chunk in chunks(good):
            other = bad.read(len(chunk))
            if other != chunk:
                alike = (at for at, (one, two) in enumerate(zip(other, chunk, strict=False)) if one != two)
                return place + next(alike, min(len(other), len(chunk)))
            place += len(chunk)
    return place
