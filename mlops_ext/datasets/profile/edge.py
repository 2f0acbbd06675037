"""Profiles from a notebook."""

from __future__ import annotations

from mlops_ext.datasets.profile import service
from mlops_ext.datasets.profile.types import Profile, ShowProfile
from mlops_ext.datasets.types import DatasetVersion
from mlops_ext.workspace import Workspace

__all__ = ["profile"]


def profile(ref: str | DatasetVersion, *, quick: bool = False, workspace: Workspace | None = None) -> Profile:
    """Show what each column of a version holds, and what it seems to be.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.
    quick : bool
        Only what the snapshot noted; distinct values of a large version are not counted then.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Profile
        Shows itself; `.columns`, `.column(name)`.

    Raises
    ------
    NotFound
        No such dataset or version.

    Examples
    --------
    >>> profile("flights@3").column("dep_delay").quantiles[50]  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    return ws.call(service.profile, ShowProfile(dataset=ref if isinstance(ref, str) else ref.ref, quick=quick))
