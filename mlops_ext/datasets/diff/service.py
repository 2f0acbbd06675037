"""What can be done with two versions: tell what changed."""

from __future__ import annotations

from mlops_ext.datasets.classes.service import hidden_columns
from mlops_ext.datasets.diff.types import DatasetDiff, DiffDatasets
from mlops_ext.datasets.profile.service import noted
from mlops_ext.datasets.service import show
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import MissingExtra
from mlops_ext.operations import operation
from mlops_ext.workspace import Workspace

__all__ = ["diff"]


@operation("datasets.diff", "GET /datasets/{before}/diff/{after}")
def diff(ws: Workspace, request: DiffDatasets) -> DatasetDiff:
    """Show what changed from one version to another: columns, rows by key, cells, distributions.

    Rows are one by the given key, else by the primary key, else by a column that looks like one in both versions, else
    by two or three columns that tell the compared rows apart together; without any, a changed row counts as removed and
    added. Rows that both versions hold in equal segments are not read. Values count by their bits: -0.0 is not 0.0, a
    NaN equals the same NaN, and a null is neither.
    """
    versions = [show(ws, ShowDataset(dataset=each)) for each in (request.before, request.after)]
    hidden = {name for version in versions for name in hidden_columns(ws, version.name)}
    try:
        from mlops_ext.datasets.diff.compare import compare
        from mlops_ext.datasets.loading.versions import open_version
    except ModuleNotFoundError as error:
        raise MissingExtra.of(str(error.name), "data") from error
    before, after = (open_version(ws, version.ref) for version in versions)
    profiles = noted(ws, versions[0]), noted(ws, versions[1])
    return compare(before, after, profiles, key=request.key, sample=request.sample, hidden=hidden)
