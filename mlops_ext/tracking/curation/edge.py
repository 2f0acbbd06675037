"""Keeping runs and experiments in order from a notebook: name, tag, delete, restore."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_ext.tracking.curation import experiments, runs
from mlops_ext.tracking.curation.types import (
    ChangeExperimentState,
    ChangeRunState,
    CreateExperiment,
    DeleteExperimentTag,
    DeleteRunTag,
    RenameExperiment,
    RenameRun,
    RunTags,
    SetExperimentTags,
    SetRunTags,
)
from mlops_ext.tracking.types import Experiment, Run
from mlops_ext.workspace import Workspace

__all__ = [
    "create_experiment",
    "delete_experiment",
    "delete_run",
    "rename_experiment",
    "rename_run",
    "restore_experiment",
    "restore_run",
    "tag_experiment",
    "tag_run",
    "untag_experiment",
    "untag_run",
]


def rename_run(run: str | Run, to: str, *, workspace: Workspace | None = None) -> Run:
    """Give a run another name.

    Parameters
    ----------
    run : str or Run
        Its id, or `run:ID`.
    to : str
        The new name.
    """
    return _in(workspace).call(runs.rename, RenameRun(run=_run(run), to=to))


def tag_run(
    run: str | Run, tags: Mapping[str, str] | None = None, *, workspace: Workspace | None = None, **more: str
) -> RunTags:
    """Set tags of a run, also of one that has ended; the others stay.

    Parameters
    ----------
    run : str or Run
        Its id, or `run:ID`.
    tags : mapping of str to str, optional
        Tags whose keys are no Python names.
    **more : str
        Tags by name.

    Examples
    --------
    >>> mlops.tag_run(run, {"data.owner": "ann"}, team="ops")  # doctest: +SKIP
    """
    return _in(workspace).call(runs.tag, SetRunTags(run=_run(run), tags=_texts(tags, more)))


def untag_run(run: str | Run, key: str, *, workspace: Workspace | None = None) -> RunTags:
    """Take a tag of a run away."""
    return _in(workspace).call(runs.untag, DeleteRunTag(run=_run(run), key=key))


def delete_run(run: str | Run, *, comment: str = "", workspace: Workspace | None = None) -> Run:
    """Delete a run: lists leave it out and it takes no more; `restore_run` brings it back."""
    return _in(workspace).call(runs.delete_, ChangeRunState(run=_run(run), comment=comment))


def restore_run(run: str | Run, *, comment: str = "", workspace: Workspace | None = None) -> Run:
    """Bring a deleted run back."""
    return _in(workspace).call(runs.restore, ChangeRunState(run=_run(run), comment=comment))


def create_experiment(
    experiment: str, tags: Mapping[str, str] | None = None, *, workspace: Workspace | None = None
) -> Experiment:
    """Make an experiment that has no runs yet; the first run of a name makes one too."""
    return _in(workspace).call(experiments.create, CreateExperiment(experiment=experiment, tags=_texts(tags, {})))


def rename_experiment(experiment: str | Experiment, to: str, *, workspace: Workspace | None = None) -> Experiment:
    """Give an experiment another name; its runs stay with it."""
    return _in(workspace).call(experiments.rename, RenameExperiment(experiment=_name(experiment), to=to))


def tag_experiment(
    experiment: str | Experiment,
    tags: Mapping[str, str] | None = None,
    *,
    workspace: Workspace | None = None,
    **more: str,
) -> Experiment:
    """Set tags of an experiment; the others stay."""
    asked = SetExperimentTags(experiment=_name(experiment), tags=_texts(tags, more))
    return _in(workspace).call(experiments.tag, asked)


def untag_experiment(experiment: str | Experiment, key: str, *, workspace: Workspace | None = None) -> Experiment:
    """Take a tag of an experiment away."""
    return _in(workspace).call(experiments.untag, DeleteExperimentTag(experiment=_name(experiment), key=key))


def delete_experiment(
    experiment: str | Experiment, *, comment: str = "", workspace: Workspace | None = None
) -> Experiment:
    """Delete an experiment with its runs; `restore_experiment` brings both back."""
    asked = ChangeExperimentState(experiment=_name(experiment), comment=comment)
    return _in(workspace).call(experiments.delete_, asked)


def restore_experiment(
    experiment: str | Experiment, *, comment: str = "", workspace: Workspace | None = None
) -> Experiment:
    """Bring a deleted experiment back, with the runs that were not deleted by themselves."""
    asked = ChangeExperimentState(experiment=_name(experiment), comment=comment)
    return _in(workspace).call(experiments.restore, asked)


def _in(workspace: Workspace | None) -> Workspace:
    return workspace or Workspace.find()


def _run(run: str | Run) -> str:
    return run if isinstance(run, str) else run.id


def _name(experiment: str | Experiment) -> str:
    return experiment if isinstance(experiment, str) else experiment.name


def _texts(tags: Mapping[str, str] | None, more: Mapping[str, str]) -> dict[str, str]:
    return {key: str(value) for key, value in {**(tags or {}), **more}.items()}
