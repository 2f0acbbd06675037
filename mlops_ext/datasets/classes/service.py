"""What can be done with classes of columns: set, show, and note that restricted values were read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from mlops_ext.datasets.classes.tables import column_classes
from mlops_ext.datasets.classes.types import (
    ClassedColumn,
    Classify,
    ColumnClass,
    ColumnClasses,
    ReadDataset,
    ShowClasses,
)
from mlops_ext.datasets.service import Reader, require, resolve
from mlops_ext.datasets.tables import dataset_versions
from mlops_ext.datasets.types import DatasetVersion
from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.operations import operation
from mlops_ext.records import now
from mlops_ext.refs import Ref
from mlops_ext.store.schema import blob_owners, event_refs, events
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change

__all__ = ["classes", "classify", "hidden_columns", "note_download", "read", "tighten"]

_WHILE = 10
"""Minutes in which downloads of one version by one person are one event."""

Patterns = Mapping[ColumnClass, tuple[str, ...]]


@operation("datasets.classes", "GET /datasets/{dataset}/classes")
def classes(ws: Workspace, request: ShowClasses) -> ColumnClasses:
    """List the columns of a dataset whose values are hidden, and why."""
    name = Ref.parse(request.dataset, "dataset").name
    with ws.catalog.read() as connection:
        require(connection, name)
        return _classes(connection, name, ws.settings.datasets.classes)


@operation("datasets.classify", "POST /datasets/{dataset}/classes", writes=True)
def classify(ws: Workspace, request: Classify) -> ColumnClasses:
    """Set the classes of columns, in all versions: their values are hidden, and reads of restricted ones are events.

    A class that a pattern in mlops.toml gives can be made stricter, not taken back.
    """
    name = Ref.parse(request.dataset, "dataset").name
    return ws.catalog.write(lambda change: _classify(change, name, request, ws.settings.datasets.classes))


@operation("datasets.read", "POST /datasets/{dataset}/reads", writes=True)
def read(ws: Workspace, request: ReadDataset) -> DatasetVersion:
    """Note that columns of a version are read; without a restricted one among them, nothing is noted."""
    with ws.catalog.read() as connection:
        version = resolve(connection, request.dataset)
        held = _classes(connection, version.name, ws.settings.datasets.classes)
    names = set(request.columns or (column.name for column in version.schema_))
    restricted = [each.column for each in held.columns if each.kind == "restricted" and each.column in names]
    if restricted:
        subject = f"dataset:{version.ref}"
        data = {"columns": restricted, "how": request.how}
        ws.catalog.write(lambda change: change.event("dataset.read", subject, data))
    return version


def note_download(ws: Workspace, digest: str) -> None:
    """Note that a file is given out in which a version keeps restricted columns.

    A version has many files: one event stands for all that somebody takes within ten minutes.
    """
    with ws.catalog.read() as connection:
        owners = select(blob_owners.c.owner).where(
            blob_owners.c.digest == digest, blob_owners.c.owner.startswith("dataset:")
        )
        for owner in connection.execute(owners).scalars():
            version = resolve(connection, owner.removeprefix("dataset:"))
            held = _classes(connection, version.name, ws.settings.datasets.classes)
            names = {column.name for column in version.schema_}
            restricted = [name for name, kind in held.hidden.items() if kind == "restricted" and name in names]
            if restricted and digest not in (version.manifest, version.representation):
                break
        else:
            return
        is_noted = _has_read(connection, ws.actor.name, owner, now() - timedelta(minutes=_WHILE))
    if not is_noted:
        data = {"columns": restricted, "how": "download"}
        ws.catalog.write(lambda change: change.event("dataset.read", owner, data))


def _has_read(reader: Reader, actor: str, subject: str, since: datetime) -> bool:
    query = (
        select(events.c.seq)
        .join(event_refs, event_refs.c.seq == events.c.seq)
        .where(event_refs.c.ref == subject, event_refs.c.role == "subject", events.c.action == "dataset.read")
        .where(events.c.actor == actor, events.c.time >= since)
    )
    return reader.execute(query.limit(1)).first() is not None


def hidden_columns(ws: Workspace, dataset: str) -> dict[str, str]:
    """Give the class of each column of a dataset whose values are hidden."""
    return ws.call(classes, ShowClasses(dataset=dataset)).hidden


def tighten(change: Change, name: str, classes: Mapping[str, str]) -> dict[str, str]:
    """Let classes hold that columns have elsewhere, where they are stricter than those set here; give these."""
    mine = column_classes.c.dataset == name
    held = {row.column: row._mapping["class"] for row in change.execute(select(column_classes).where(mine))}
    known = _columns(change, name)
    stricter = {
        column: kind
        for column, kind in classes.items()
        if column in known and held.get(column) not in (kind, "restricted")
    }
    if stricter:
        change.execute(delete(column_classes).where(mine, column_classes.c.column.in_(stricter)))
        common = {"dataset": name, "set_at": change.now, "set_by": change.actor}
        rows = [{**common, "column": column, "class": kind} for column, kind in stricter.items()]
        change.execute(insert(column_classes), rows)
    return stricter


def _classify(change: Change, name: str, request: Classify, patterns: Patterns) -> ColumnClasses:
    require(change, name)
    known = _columns(change, name)
    for column in request.classes:
        if column not in known:
            raise InvalidValue(f"no column {column!r} in {name}", hint=did_you_mean(column, known))
    mine = column_classes.c.dataset == name
    before = {row.column: row._mapping["class"] for row in change.execute(select(column_classes).where(mine))}
    changed = {column: kind for column, kind in request.classes.items() if before.get(column, "open") != kind}
    if not changed:
        return _classes(change, name, patterns)
    change.execute(delete(column_classes).where(mine, column_classes.c.column.in_(changed)))
    rows = [
        {"dataset": name, "column": column, "class": kind, "set_at": change.now, "set_by": change.actor}
        for column, kind in changed.items()
        if kind != "open"
    ]
    if rows:
        change.execute(insert(column_classes), rows)
    was = {column: before.get(column, "open") for column in changed}
    change.event("dataset.classified", f"dataset:{name}", {"classes": changed, "was": was})
    return _classes(change, name, patterns)


def _classes(reader: Reader, name: str, patterns: Patterns) -> ColumnClasses:
    """Join what users set and what patterns say; of two classes the stricter holds."""
    set_by: dict[str, tuple[str, str]] = {}
    for row in reader.execute(select(column_classes).where(column_classes.c.dataset == name)):
        set_by[row.column] = (row._mapping["class"], row.set_by)
    found: list[dict[str, Any]] = []
    for column in _columns(reader, name):
        kind, origin = set_by.get(column, ("", ""))
        pattern_kind, pattern = _by_pattern(name, column, patterns)
        if pattern_kind and kind != "restricted":
            kind, origin = (pattern_kind, f"mlops.toml: {pattern}") if pattern_kind != kind else (kind, origin)
        if kind:
            found.append({"column": column, "kind": kind, "origin": origin})
    return ColumnClasses(dataset=name, columns=tuple(ClassedColumn(**each) for each in found))


def _by_pattern(name: str, column: str, patterns: Patterns) -> tuple[str, str]:
    """Find the strictest class whose pattern fits `column` or `dataset/column`, whatever the case."""
    texts = (column.lower(), f"{name}/{column}".lower())
    for kind in ("restricted", "pii"):
        for pattern in patterns.get(kind, ()):
            if any(fnmatchcase(text, pattern.lower()) for text in texts):
                return kind, pattern
    return "", ""


def _columns(reader: Reader, name: str) -> list[str]:
    """Name every column that any version has, the latest version's first."""
    query = select(dataset_versions.c.columns).where(dataset_versions.c.name == name)
    found: dict[str, None] = {}
    for columns in reader.execute(query.order_by(dataset_versions.c.version.desc())).scalars():
        found.update(dict.fromkeys(each["name"] for each in columns))
    return list(found)
