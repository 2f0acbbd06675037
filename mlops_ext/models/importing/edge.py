"""Importing an MLflow store: experiments with their runs, then models with their versions; each thing once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlops_ext.models.importing.ledger import Ledger, Progress
from mlops_ext.models.importing.mlflow import MlflowStore
from mlops_ext.models.importing.registry import import_models
from mlops_ext.models.importing.runs import import_runs, is_known, models_of
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.importing.types import ImportReport

__all__ = ["import_mlflow"]


def import_mlflow(
    uri: str | Path,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> ImportReport:
    """Bring over what an MLflow store holds: runs, artifacts, models and versions; what is here already stays.

    Parameters
    ----------
    uri : str or Path
        Tracking URI: `http://…`, `sqlite:///…`, or the folder of a file store.
    dry_run : bool
        Only count what would come.
    progress : callable, optional
        Told how many bytes are done, of how many, and how many runs and versions.
    workspace : Workspace, optional
        Where to; the one found from here when left out.

    Returns
    -------
    ImportReport
        Counts of both sides, what has another name or number here, and what was left out or differs, with the
        reason. An import that was broken off goes on when it is called again.

    Raises
    ------
    MissingExtra
        MLflow's client is not installed.
    StoreUnavailable, InvalidValue
        The store cannot be read.

    Examples
    --------
    >>> mlops.import_mlflow("http://localhost:5000", dry_run=True).counts  # doctest: +SKIP
    """
    ws, store = workspace or Workspace.find(), MlflowStore(str(uri))
    experiments = store.experiments()
    runs = {each.experiment_id: store.runs(each.experiment_id) for each in experiments}
    models = store.models()
    versions = {each.name: store.versions(each.name) for each in models}
    ledger = Ledger(ws, store, dry_run=dry_run, progress=progress)
    logged = models_of(ledger, experiments, [each for some in versions.values() for each in some])
    for run in (run for some in runs.values() for run in some):
        if not is_known(ledger, run):
            ledger.expect(
                [run.info.artifact_uri, *(each.artifact_location for each in logged.get(run.info.run_id, ()))]
            )
    for version in (version for some in versions.values() for version in some):
        if not ledger.held("version", f"{version.name}@{version.version}"):
            ledger.expect([store.location(version.name, int(version.version))])
    import_runs(ledger, experiments, runs, logged)
    import_models(ledger, models, versions)
    return ledger.report()
