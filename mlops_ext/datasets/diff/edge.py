"""Diffs from a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_ext.datasets.diff import service
from mlops_ext.datasets.diff.types import DatasetDiff, DiffDatasets
from mlops_ext.datasets.types import DatasetVersion, reference_text
from mlops_ext.workspace import Workspace

__all__ = ["diff"]


def diff(
    before: str | DatasetVersion,
    after: str | DatasetVersion,
    *,
    key: str | Sequence[str] = (),
    sample: int = 20,
    workspace: Workspace | None = None,
) -> DatasetDiff:
    """Tell what changed from one version to another.

    Parameters
    ----------
    before, after : str or DatasetVersion
        References such as `flights@2`, of one dataset or of two.
    key : str or sequence of str
        Columns that tell rows apart; when left out the primary key, else a column that looks like one, else two or
        three that do together.
    sample : int
        How many rows of each kind of change to show; all counts are exact.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    DatasetDiff
        Shows itself; `.added`, `.removed`, `.changed`, `.columns`, `.shifts`, `.sample`.

    Raises
    ------
    NotFound
        No such dataset or version.
    InvalidValue
        A column of the key is not in both versions.

    Examples
    --------
    >>> diff("flights@2", "flights@3", key=["time_hour", "carrier", "flight"])  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    names = (key,) if isinstance(key, str) else tuple(key)
    refs = {"before": reference_text(before), "after": reference_text(after)}
    return ws.call(service.diff, DiffDatasets(**refs, key=names, sample=sample))
