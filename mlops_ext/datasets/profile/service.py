"""What can be done with profiles: show one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_ext.datasets.classes.service import hidden_columns
from mlops_ext.datasets.profile.types import ColumnProfile, Profile, ShowProfile
from mlops_ext.datasets.service import show
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import MissingExtra
from mlops_ext.operations import operation
from mlops_ext.store.filesystem import write_whole
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.datasets.loading.versions import OpenVersion

__all__ = ["masked", "noted", "profile"]


@operation("datasets.profile", "GET /datasets/{dataset}/profile")
def profile(ws: Workspace, request: ShowProfile) -> Profile:
    """Show what each column of a version holds, and what it seems to be.

    Quantiles, histograms and frequent values are the snapshot's; distinct values, ends and moments of large versions
    are counted when they are first asked for, and kept beside the store. Values of classed columns are hidden.
    """
    version = show(ws, ShowDataset(dataset=request.dataset))
    try:
        found = noted(ws, version) if request.quick else _counted(ws, version)
    except ModuleNotFoundError as error:
        raise MissingExtra.of(str(error.name), "data") from error
    return masked(found.model_copy(update={"ref": version.ref}), hidden_columns(ws, version.name))


def noted(ws: Workspace, version: DatasetVersion) -> Profile:
    """Give what the snapshot noted; of a version from before profiles, what a look at all rows finds."""
    from mlops_ext.datasets.profile.sampling import sampled, stored_profile

    found = stored_profile(ws, Manifest.from_bytes(ws.get_blob(version.manifest), to_load=True))
    return found or sampled(_opened(ws, version).read(), version.schema_)


def masked(found: Profile, hidden: dict[str, str]) -> Profile:
    """Hide the values of some columns; counts and signs of personal data stay."""
    columns = (_masked(each, hidden[each.name]) if each.name in hidden else each for each in found.columns)
    return found.model_copy(update={"columns": tuple(columns)})


def _masked(column: ColumnProfile, kind: str) -> ColumnProfile:
    nothing = {"low": "", "middle": "", "high": "", "mean": None, "deviation": None, "problem": ""}
    return column.model_copy(update={**nothing, "quantiles": (), "edges": (), "counts": (), "top": (), "hidden": kind})


def _counted(ws: Workspace, version: DatasetVersion) -> Profile:
    """Count the columns out, once for each content: the result lies in the workspace's cache."""
    from mlops_ext.datasets.profile.counting import counted
    from mlops_ext.datasets.profile.sampling import read_profile, write_profile

    found = noted(ws, version)
    if found.counted:
        return found
    place = ws.home / "cache" / "profiles" / f"{version.digest.replace(':', '-')}.json.gz"
    kept = read_profile(place.read_bytes()) if place.is_file() else None
    if kept is not None:
        return kept
    held = _opened(ws, version)
    made = counted(found, lambda name: held.read([name])[name])
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, write_profile(made))
    return made


def _opened(ws: Workspace, version: DatasetVersion) -> OpenVersion:
    from mlops_ext.datasets.loading.versions import open_version

    return open_version(ws, version.ref)
