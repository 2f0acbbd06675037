"""Classes from a notebook, and the note that each door makes when it gives out restricted values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mlops_ext.datasets.classes import service
from mlops_ext.datasets.classes.types import Classify, ColumnClasses, ReadDataset
from mlops_ext.datasets.types import DatasetVersion
from mlops_ext.workspace import Workspace

__all__ = ["classify", "note_read"]


def classify(
    dataset: str,
    classes: Mapping[str, Literal["pii", "restricted", "open"]],
    *,
    workspace: Workspace | None = None,
) -> ColumnClasses:
    """Set the classes of columns, in all versions of a dataset.

    Parameters
    ----------
    dataset : str
        Its name.
    classes : mapping of str to str
        `pii`: the values are hidden in profiles, diffs and reports. `restricted`: so are they, and each read is an
        event. `open`: neither.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    ColumnClasses
        All that hold now, those by patterns in mlops.toml included.

    Raises
    ------
    NotFound
        No such dataset.
    InvalidValue
        No version has such a column, or there is no such class.

    Examples
    --------
    >>> classify("flights", {"tailnum": "restricted"})  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    return ws.call(service.classify, Classify(dataset=dataset, classes=dict(classes)))


def note_read(ws: Workspace, version: DatasetVersion, columns: Sequence[str] | None, how: str) -> None:
    """Make the read of a restricted column an event; others leave no trace and cost one look-up.

    Parameters
    ----------
    columns : sequence of str, optional
        As they are stored; all when left out.
    how : str
        The door: load, scan, export.
    """
    hidden = service.hidden_columns(ws, version.name)
    names = [column.name for column in version.schema_] if columns is None else columns
    restricted = tuple(name for name in names if hidden.get(name) == "restricted")
    if restricted:
        ws.call(service.read, ReadDataset(dataset=version.ref, columns=restricted, how=how))
